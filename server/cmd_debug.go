package server

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/redcon"
	"go.uber.org/zap"

	"github.com/pubsubd/pubsubd/broker"
)

// hasLeave tells whether the configuration lets the client use a protected
// command.
func (c *client) hasLeave(cmd *command) bool {
	conf := c.s.config()
	if cmd.name == "debug" {
		return c.mayUse(conf.DebugCommand)
	}
	return c.mayUse(conf.ModuleCommand)
}

// notAllowed is the error for a protected command without leave.
func notAllowed(cmd *command) string {
	container, _, _ := strings.Cut(cmd.name, "|")
	return fmt.Sprintf("ERR %s command not allowed. If the enable-%s-command option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.",
		strings.ToUpper(container), container)
}

// cmdDebug is the part of DEBUG that tests of clients use.
func cmdDebug(c *client, argv [][]byte) {
	sub, n := argv[1], len(argv)
	switch {
	case n == 2 && equalFold(sub, "help"):
		c.debugHelp()
	case n == 2 && equalFold(sub, "digest"):
		c.reply = redcon.AppendString(c.reply, strings.Repeat("0", 40)) // of no data
	case n == 3 && equalFold(sub, "error"):
		// It is not counted: nothing has gone wrong.
		c.reply = append(c.reply, '-')
		c.reply = append(c.reply, blankLineEnds(argv[2])...)
		c.reply = append(c.reply, "\r\n"...)
	case n == 3 && equalFold(sub, "log"):
		c.s.log.Warn("DEBUG LOG: "+oneLine(cut(string(argv[2]), maxLoggedInfo)), zap.Uint64("id", c.id))
		c.ok()
	case n == 3 && equalFold(sub, "sleep"):
		c.debugSleep(argv[2])
	case n == 3 && equalFold(sub, "protocol"):
		c.debugProtocol(asciiLower(string(argv[2])))
	case n == 4 && equalFold(sub, "replybuffer") && equalFold(argv[2], "resizing"):
		c.ok() // nothing is ever resized
	case n == 4 && equalFold(sub, "replybuffer") && equalFold(argv[2], "peak-reset-time"):
		if _, ok := parseLength(argv[3]); !ok && !equalFold(argv[3], "never") && !equalFold(argv[3], "reset") {
			c.fail(errInteger)
			return
		}
		c.ok() // there is no peak to reset
	case c.fault(argv):
	default:
		c.fail(tooManyArguments(argv))
	}
}

// oneLine is a text as it may stand in a line of the log: what does not print is
// escaped, so that nobody can forge another line.
func oneLine(text string) string {
	quoted := appendQuoted(nil, []byte(text))
	if len(quoted) == len(text)+len(`""`) {
		return text
	}
	return string(quoted)
}

// blankLineEnds returns a copy with blanks for what would end a line.
func blankLineEnds(text []byte) []byte {
	text = bytes.Clone(text)
	for i, b := range text {
		if b == '\r' || b == '\n' {
			text[i] = ' '
		}
	}
	return text
}

// maxDebugSleep bounds DEBUG SLEEP, in seconds.
const maxDebugSleep = 1 << 30

// debugSleep stops publishing and subscribing for some seconds, or until the
// server ends.
func (c *client) debugSleep(arg []byte) {
	seconds, err := strconv.ParseFloat(string(arg), 64)
	if err == nil && seconds > 0 {
		timer := time.NewTimer(time.Duration(min(seconds, maxDebugSleep) * float64(time.Second)))
		defer timer.Stop()
		sleep := func() {
			select {
			case <-timer.C:
			case <-c.s.quit:
			}
		}
		if c.alone() {
			sleep()
		} else {
			c.s.broker.Exclusive(nil, func(*broker.Exclusive) { sleep() })
		}
	}
	c.ok()
}

// debugProtocol answers with a sample of a type of the protocol.
func (c *client) debugProtocol(typ string) {
	b, resp3 := c.reply, c.resp3
	switch typ {
	case "string":
		b = redcon.AppendBulkString(b, "Hello World")
	case "integer":
		b = redcon.AppendInt(b, 12345)
	case "double":
		b = appendDouble(b, resp3, 3.141)
	case "bignum":
		const number = "1234567999999999999999999999999999999"
		if resp3 {
			b = append(append(append(b, '('), number...), "\r\n"...)
		} else {
			b = redcon.AppendBulkString(b, number)
		}
	case "null":
		b = appendNull(b, resp3)
	case "array", "set":
		if typ == "set" {
			b = appendSet(b, resp3, 3)
		} else {
			b = redcon.AppendArray(b, 3)
		}
		for i := range int64(3) {
			b = redcon.AppendInt(b, i)
		}
	case "map":
		b = appendMap(b, resp3, 3)
		for i := range int64(3) {
			b = redcon.AppendInt(b, i)
			b = appendBool(b, resp3, i == 1)
		}
	case "attrib":
		if resp3 {
			b = appendHeader(b, '|', 1)
			b = redcon.AppendBulkString(b, "key-popularity")
			b = redcon.AppendArray(b, 2)
			b = redcon.AppendBulkString(b, "key:123")
			b = redcon.AppendInt(b, 90)
		}
		b = redcon.AppendBulkString(b, "Some real reply following the attribute")
	case "push":
		if !resp3 {
			c.fail("ERR RESP2 is not supported by this command")
			return
		}
		at := c.beginConfirmation()
		c.reply = appendPush(c.reply, resp3, 2)
		c.reply = redcon.AppendBulkString(c.reply, "server-cpu-usage")
		c.reply = redcon.AppendInt(c.reply, 42)
		c.endConfirmation(at)
		b = redcon.AppendBulkString(c.reply, "Some real reply following the push reply")
	case "verbatim":
		b = appendVerbatim(b, resp3, []byte("This is a verbatim\nstring"))
	case "true", "false":
		b = appendBool(b, resp3, typ == "true")
	default:
		c.fail("ERR Wrong protocol type name. Please use one of the following: string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false")
		return
	}
	c.reply = b
}

func (c *client) debugHelp() {
	c.help("DEBUG",
		"DIGEST",
		"    Output a hex signature representing the current DB content.",
		"ERROR <string>",
		"    Return a Redis protocol error with <string> as message. Useful for clients",
		"    unit tests to simulate Redis errors.",
		"LOG <message>",
		"    Write <message> to the server log.",
		"PROTOCOL <type>",
		"    Reply with a test value of the specified type. <type> can be: string,",
		"    integer, double, bignum, null, array, set, map, attrib, push, verbatim,",
		"    true, false.",
		"REPLYBUFFER PEAK-RESET-TIME <NEVER||RESET|time>",
		"    Sets the time (in milliseconds) to wait between client reply buffer peak resets.",
		"    In case NEVER is provided the last observed peak will never be reset",
		"    In case RESET is provided the peak reset time will be restored to the default value",
		"REPLYBUFFER RESIZING <0|1>",
		"    Enable or disable the reply buffer resize cron job",
		"SLEEP <seconds>",
		"    Stop the server for <seconds>. Decimals allowed.",
	)
}
