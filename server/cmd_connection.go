package server

import (
	"fmt"

	"github.com/tidwall/redcon"
)

func cmdPing(c *client, argv [][]byte) {
	switch {
	case len(argv) > 2:
		c.fail(wrongArity(pingCommand))
	case !c.resp3 && c.subscriptions() > 0:
		var message []byte
		if len(argv) == 2 {
			message = argv[1]
		}
		c.reply = redcon.AppendArray(c.reply, 2)
		c.reply = redcon.AppendBulkString(c.reply, "pong")
		c.reply = redcon.AppendBulk(c.reply, message)
	case len(argv) == 2:
		c.bulk(argv[1])
	default:
		c.reply = redcon.AppendString(c.reply, "PONG")
	}
}

func cmdEcho(c *client, argv [][]byte) { c.bulk(argv[1]) }

func cmdQuit(c *client, _ [][]byte) {
	c.ok()
	c.endWhy = closedQuit
}

// cmdReset makes the client what it was when it connected. Its subscriptions
// end without confirmations.
func cmdReset(c *client, _ [][]byte) {
	if m := c.member(); m != nil {
		c.broker.Clear(m)
		c.setClass()
	}
	c.leaveMulti()
	if c.replies != repliesSkip { // which is for the reply to RESET itself
		c.replies = repliesOn
	}
	c.muted.Store(false)
	c.endMonitor()
	c.endTracking()
	c.logout()
	c.setProto(false)
	c.mu.Lock()
	c.db = 0
	c.setTextLocked(&c.name, "")
	c.noEvict, c.noTouch = false, false
	c.mu.Unlock()
	c.reply = redcon.AppendString(c.reply, "RESET")
}

func cmdAuth(c *client, argv [][]byte) {
	user, password := []byte(defaultUser), argv[len(argv)-1]
	switch {
	case len(argv) > 3:
		c.fail(errSyntax)
		return
	case len(argv) == 3:
		user = argv[1]
	case c.s.users.Default().Rules().NoPass():
		c.fail(errNoPassword)
		return
	}
	if !c.login(argv[0], user, password) {
		return
	}
	c.ok()
}

func cmdHello(c *client, argv [][]byte) {
	resp3 := c.resp3
	var user, password, name []byte
	if len(argv) > 1 {
		version, ok := parseLength(argv[1])
		switch {
		case !ok:
			c.fail(errProtoNumber)
			return
		case version != 2 && version != 3:
			c.fail(errNoProto)
			return
		}
		resp3 = version == 3
	}
	for i := 2; i < len(argv); i++ {
		switch more := len(argv) - 1 - i; {
		case equalFold(argv[i], "auth") && more >= 2:
			user, password = argv[i+1], argv[i+2]
			i += 2
		case equalFold(argv[i], "setname") && more >= 1:
			name = argv[i+1]
			if !isClientName(name) {
				c.fail(errClientName)
				return
			}
			i++
		default:
			c.fail(fmt.Sprintf("ERR Syntax error in HELLO option '%s'", echo(argv[i], len(argv[i]))))
			return
		}
	}
	if user != nil && !c.login(argv[0], user, password) {
		return
	}
	if !c.authed {
		c.fail(errHelloNoAuth)
		return
	}
	if name != nil {
		c.setName(name)
	}
	c.reply = appendMap(c.reply, resp3, 7)
	for _, pair := range [][2]string{{"server", "redis"}, {"version", RedisVersion}} {
		c.reply = redcon.AppendBulkString(c.reply, pair[0])
		c.reply = redcon.AppendBulkString(c.reply, pair[1])
	}
	proto := int64(2)
	if resp3 {
		proto = 3
	}
	c.reply = redcon.AppendBulkString(c.reply, "proto")
	c.reply = redcon.AppendInt(c.reply, proto)
	c.reply = redcon.AppendBulkString(c.reply, "id")
	c.reply = redcon.AppendInt(c.reply, int64(c.id))
	for _, pair := range [][2]string{{"mode", "standalone"}, {"role", "master"}} {
		c.reply = redcon.AppendBulkString(c.reply, pair[0])
		c.reply = redcon.AppendBulkString(c.reply, pair[1])
	}
	c.reply = redcon.AppendBulkString(c.reply, "modules")
	c.reply = redcon.AppendArray(c.reply, 0)
	c.setProto(resp3)
}

func cmdSelect(c *client, argv [][]byte) {
	n, ok := parseLength(argv[1])
	switch {
	case !ok:
		c.fail(errInteger)
		return
	case n != int64(int32(n)):
		c.fail(errIntRange)
		return
	case n < 0 || n >= int64(c.s.config().Databases):
		c.fail(errDBIndex)
		return
	}
	c.mu.Lock()
	c.db = int32(n)
	c.mu.Unlock()
	c.ok()
}

// setName names the connection. The name must be a client name.
func (c *client) setName(name []byte) {
	c.mu.Lock()
	c.setTextLocked(&c.name, string(name))
	c.mu.Unlock()
}

// setTextLocked changes a text that the client has chosen and that is kept for
// it, and counts it in.
func (c *client) setTextLocked(field *string, text string) {
	c.textMem.Add(int64(len(text) - len(*field)))
	*field = text
}
