package server

import (
	"slices"
	"strconv"
	"sync"

	"github.com/tidwall/redcon"
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

// bulk answers with a bulk string that may be large.
func (c *client) bulk(p []byte) {
	const around = 32 // for the header, and the end
	if len(p) > keptReply {
		c.reserve(len(p) + around)
	}
	c.reply = redcon.AppendBulk(c.reply, p)
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

// pieces is an array of bulk strings in the making that may become large. It is
// encoded into the pieces it is queued in, without a copy, and how many strings
// it has is known last.
type pieces struct {
	q    []chunk
	size int // bytes in q
	num  int // of strings
	one  []byte
}

// headerRoom is kept free at the beginning for the header of the array: its
// sign, up to 19 digits, CR and LF.
const headerRoom = 22

func (p *pieces) add(s string) {
	if p.q == nil {
		p.append(make([]byte, headerRoom))
	}
	p.num++
	p.append(redcon.AppendBulkString(p.one[:0], s))
}

func (p *pieces) append(b []byte) {
	p.q = appendChunk(p.q, b)
	p.size += len(b)
	p.one = b
}

// finish puts the header in front.
func (p *pieces) finish() {
	if p.q == nil {
		p.append(make([]byte, headerRoom))
	}
	var digits [20]byte
	header := append(strconv.AppendInt(append(digits[:0], '*'), int64(p.num), 10), "\r\n"...)
	first, unused := &p.q[0], headerRoom-len(header)
	copy(first.data[unused:], header)
	first.data = first.data[unused:]
	p.size -= unused
	for i := range p.q[1:] {
		p.q[1+i].inside = true
	}
}

// replyPieces answers with what is in pieces. It cannot be used after that.
func (c *client) replyPieces(p *pieces) {
	p.finish()
	if c.tx == nil && !c.silent() && p.size > keptReply {
		c.queueReply()
		c.out.pushChunks(p.q, p.size)
		c.work().pieced += p.size
		return
	}
	c.reserve(p.size)
	for i := range p.q {
		c.reply = append(c.reply, p.q[i].data...)
	}
	freeChunks(p.q)
}
