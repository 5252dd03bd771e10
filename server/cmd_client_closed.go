package server

import (
	"github.com/tidwall/redcon"
)

// closedDefault is how many closures CLIENT CLOSED answers without a number.
const closedDefault = 10

const errCountRange = "ERR count should be greater than or equal to -1"

// cmdClientClosed tells how the latest connections ended, the latest first.
func cmdClientClosed(c *client, argv [][]byte) {
	n := int64(closedDefault)
	switch len(argv) {
	case 2:
	case 3:
		var ok bool
		if n, ok = parseLength(argv[2]); !ok || n < -1 {
			c.fail(errCountRange)
			return
		}
	default:
		c.fail(tooManyArguments(argv))
		return
	}
	list := c.s.closures.latest(n)
	b := redcon.AppendArray(c.reply, len(list))
	for i := range list {
		b = appendClosure(b, c.resp3, &list[i])
	}
	c.reply = b
}

// appendClosure appends an entry of CLIENT CLOSED. Times are in milliseconds,
// the timestamp since 1970.
func appendClosure(b []byte, resp3 bool, e *Closure) []byte {
	number := func(name string, n int64) {
		b = redcon.AppendBulkString(b, name)
		b = redcon.AppendInt(b, n)
	}
	text := func(name, value string) {
		b = redcon.AppendBulkString(b, name)
		b = redcon.AppendBulkString(b, value)
	}
	b = appendMap(b, resp3, 11)
	number("id", int64(e.ID))
	text("addr", e.Addr)
	text("name", e.Name)
	text("user", e.User)
	text("reason", e.Reason)
	text("detail", e.Detail)
	number("timestamp", e.At.UnixMilli())
	number("age-ms", e.Age.Milliseconds())
	number("queued-bytes", int64(e.QueuedBytes))
	number("queued-messages", int64(e.QueuedMessages))
	number("oldest-ms", e.Oldest.Milliseconds())
	return b
}
