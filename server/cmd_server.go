package server

import (
	"strconv"
	"time"

	"github.com/tidwall/redcon"
)

func cmdTime(c *client, _ [][]byte) {
	now := time.Now()
	c.reply = redcon.AppendArray(c.reply, 2)
	c.reply = redcon.AppendBulkString(c.reply, strconv.FormatInt(now.Unix(), 10))
	c.reply = redcon.AppendBulkString(c.reply, strconv.Itoa(now.Nanosecond()/1000))
}

// The keyspace is empty and stays so.

func cmdDBSize(c *client, _ [][]byte) { c.reply = redcon.AppendInt(c.reply, 0) }

func cmdFlush(c *client, argv [][]byte) {
	if len(argv) > 2 || len(argv) == 2 && !equalFold(argv[1], "async") && !equalFold(argv[1], "sync") {
		c.fail(errSyntax)
		return
	}
	c.ok()
	c.invalidateAll()
}

func cmdInfo(c *client, argv [][]byte) {
	c.reply = appendVerbatim(c.reply, c.resp3, c.s.info(argv[1:], c.broker.Stats()))
}

// cmdShutdown ends the server, with NOW without waiting for clients to take what
// is queued for them. There is no answer but the end of the connection, unless
// the arguments are wrong. It cannot be aborted, since no request is run from
// then on.
func cmdShutdown(c *client, argv [][]byte) {
	var save, noSave, abort, now bool
	for _, arg := range argv[1:] {
		switch {
		case equalFold(arg, "save"):
			save = true
		case equalFold(arg, "nosave"):
			noSave = true
		case equalFold(arg, "abort"):
			abort = true
		case equalFold(arg, "now"):
			now = true
		case equalFold(arg, "force"): // nothing can fail that would keep the server from ending
		default:
			c.fail(errSyntax)
			return
		}
	}
	switch {
	case save && noSave, abort && len(argv) > 2:
		c.fail(errSyntax)
	case abort:
		c.fail(errNoShutdown)
	default:
		c.s.log.Info("user requested shutdown", zapClient(c)...)
		c.ended = true
		if now {
			c.s.hurried.Store(true)
		}
		go c.s.guarded("shutting down", c.s.onShutdown)
	}
}
