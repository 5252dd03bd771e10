package server

import (
	"fmt"

	"github.com/tidwall/redcon"
)

// slowlogDefault is how many entries SLOWLOG GET answers without a number.
const slowlogDefault = 10

func cmdSlowlogGet(c *client, argv [][]byte) {
	n := int64(slowlogDefault)
	switch len(argv) {
	case 2:
	case 3:
		var ok bool
		if n, ok = parseLength(argv[2]); !ok || n < -1 {
			c.fail(errCountRange)
			return
		}
	default:
		c.fail(unknownSubcommandOrArity("SLOWLOG", argv[1]))
		return
	}
	entries := c.s.slowlog.latest(n)
	b := redcon.AppendArray(c.reply, len(entries))
	for _, e := range entries {
		b = redcon.AppendArray(b, 6)
		b = redcon.AppendInt(b, e.id)
		b = redcon.AppendInt(b, e.at)
		b = redcon.AppendInt(b, e.took.Microseconds())
		b = appendStrings(b, e.args)
		b = redcon.AppendBulkString(b, e.addr)
		b = redcon.AppendBulkString(b, e.name)
	}
	c.reply = b
}

// unknownSubcommandOrArity is how some commands refuse arguments that their
// arity lets through.
func unknownSubcommandOrArity(container string, sub []byte) string {
	return fmt.Sprintf("ERR unknown subcommand or wrong number of arguments for '%s'. Try %s HELP.", echo(sub, maxEcho), container)
}

func cmdSlowlogLen(c *client, _ [][]byte) {
	c.reply = redcon.AppendInt(c.reply, int64(c.s.slowlog.len()))
}

func cmdSlowlogReset(c *client, _ [][]byte) {
	c.s.slowlog.reset()
	c.ok()
}

func cmdSlowlogHelp(c *client, _ [][]byte) {
	c.help("SLOWLOG",
		"GET [<count>]",
		"    Return top <count> entries from the slowlog (default: 10, -1 mean all).",
		"    Entries are made of:",
		"    id, timestamp, time in microseconds, arguments array, client IP and port,",
		"    client name",
		"LEN",
		"    Return the length of the slowlog.",
		"RESET",
		"    Reset the slowlog.",
	)
}
