package server

import (
	"github.com/tidwall/redcon"
)

// closedDefault is how many closures CLIENT CLOSED answers without a number.
const closedDefault = 10

// cmdClientClosed tells how the latest connections ended, the latest first.
func cmdClientClosed(c *client, argv [][]byte) {
	n, ok := c.entries(argv, closedDefault)
	if !ok {
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
