package server

import (
	"slices"
	"sync"
)

// largeReplies holds buffers for replies that are larger than keptReply, as
// *[]byte.
var largeReplies sync.Pool

// maxPooledReply is the capacity of the largest of them, in bytes.
const maxPooledReply = 4 << 20

// reserve makes room for n more bytes of replies.
func (c *client) reserve(n int) {
	if cap(c.reply)-len(c.reply) >= n {
		return
	}
	if p, ok := largeReplies.Get().(*[]byte); ok && cap(*p) >= len(c.reply)+n {
		c.reply = append((*p)[:0], c.reply...)
		return
	}
	c.reply = slices.Grow(c.reply, n)
}

// recycleReply keeps the buffer of a large reply that has been queued, for the
// next one. It must not be used any more.
func recycleReply(p []byte) {
	if cap(p) > keptReply && cap(p) <= maxPooledReply {
		large := p // a variable of its own, so that only this branch allocates
		largeReplies.Put(&large)
	}
}

// verbatim answers with a text for people that write appends.
func (c *client) verbatim(write func(b []byte) []byte) {
	const room = 32 // for the header, which is known last
	at := len(c.reply)
	b := write(append(c.reply, make([]byte, room)...))
	text := b[at+room:]
	if c.resp3 {
		b = append(appendHeader(b[:at], '=', len(text)+len("txt:")), "txt:"...)
	} else {
		b = appendHeader(b[:at], '$', len(text))
	}
	c.reply = append(append(b, text...), "\r\n"...)
}
