package server

import (
	"bytes"
	"slices"
	"time"
)

// A remainder is what was queued for a client when it was closed.
type remainder struct {
	bytes    int
	messages int
	oldest   time.Duration // how long the oldest message has waited
	authed   bool          // the client was logged in
	err      error         // of a write, nil if none has failed
}

// lostOutput is what was queued for a client when it was closed, for those who count
// it.
type lostOutput struct {
	bytes  int
	num    int     // of chunks
	chunks []chunk // for takeRemainder
	unfree int     // of them, those that were being written
}

// keepRemainderLocked keeps what is queued for those who count it. What is being
// written comes first; its memory is not used again, since the write may go on
// for a while.
func (o *outbox) keepRemainderLocked() {
	o.lost = &lostOutput{bytes: o.queued, num: o.chunksLocked(), chunks: slices.Concat(o.writing, o.queue, o.held), unfree: len(o.writing)}
	o.queue, o.held = nil, nil
}

// longRemainder is how many bytes take long enough to count, about 50 us, for it
// to matter that others have to wait.
const longRemainder = 256 << 10

// takeRemainder describes what was queued when the outbox was closed, and lets
// go of it. Counting looks at each message. That takes time, so it is done with
// mu released, and for one client at a time where much was queued: many slow ones
// of one channel are closed at once.
func (o *outbox) takeRemainder(now time.Duration) remainder {
	o.mu.Lock()
	if o.lost == nil {
		o.lost = &lostOutput{}
	}
	r := remainder{bytes: o.lost.bytes, authed: o.authed, err: o.failure}
	rest, unfree := o.lost.chunks, o.lost.unfree
	o.lost.chunks = nil
	o.mu.Unlock()
	if len(rest) == 0 {
		return r
	}
	if r.bytes > longRemainder {
		o.conf.counting.Lock()
		defer o.conf.counting.Unlock()
	}
	r.messages = countMessages(rest)
	if since := rest[0].since; since != 0 {
		r.oldest = max(0, now-since)
	}
	freeChunks(rest[unfree:])
	return r
}

// stampLocked notes when pieces at the end of the queue began to wait for a
// connection that takes no more. Of a connection that takes what it is offered
// nobody asks how long anything waits.
func (o *outbox) stampLocked() {
	for i := len(o.queue) - 1; i >= 0 && o.queue[i].since == 0; i-- {
		o.queue[i].since = max(1, o.conf.clock())
	}
}

// countMessages counts the messages and replies in a queue, one that was sent
// in part too. If the queue begins within one whose beginning is gone, it goes
// on at the next piece that is known to begin with another.
func countMessages(q []chunk) (n int) {
	if q[0].inside {
		n = 1
		for len(q) > 0 && q[0].inside {
			q = q[1:]
		}
	}
	if len(q) == 0 {
		return n
	}
	var f frameCounter
	f.feed(q[0].data[:q[0].sent])
	before := f.count
	f.feed(q[0].data[q[0].sent:])
	for i := range q[1:] {
		f.feed(q[1+i].data)
	}
	if f.left > 0 {
		f.count++
	}
	return n + f.count - before
}

// A frameCounter counts values of RESP that the server itself has encoded, in
// pieces of any length. It looks at their headers only, and of messages to one
// channel that are as long as each other at the first one's.
type frameCounter struct {
	count int // values that have ended

	left     int  // values still to come until the one at hand has ended; 0 between two
	skip     int  // bytes of a string and its line end still to come
	kind     byte // of the header at hand, 0 if there is none
	num      int  // its number so far
	negative bool

	// Of the last value that lay in one piece: all of it up to the end of its last
	// header, which tells where it ends, and its length.
	shape []byte
	size  int
}

func (f *frameCounter) feed(p []byte) {
	var value []byte // from the beginning of the value at hand, nil if that is in another piece
	head := 0        // where its last header ends
	for len(p) > 0 {
		switch {
		case f.skip > 0:
			n := min(f.skip, len(p))
			p = p[n:]
			if f.skip -= n; f.skip == 0 {
				f.ended()
			}
		case f.kind == 0:
			if f.left == 0 {
				if f.size > 0 && len(p) >= f.size && bytes.HasPrefix(p, f.shape) {
					p = p[f.size:]
					f.count++
					continue
				}
				f.left = 1
				value = p
			}
			f.kind, f.num, f.negative = p[0], 0, false
			p = p[1:]
		default:
			end := bytes.IndexByte(p, '\n')
			if end < 0 {
				f.digits(p)
				return
			}
			f.digits(p[:end])
			p = p[end+1:]
			head = len(value) - len(p)
			f.header()
		}
		if f.left == 0 && value != nil {
			f.shape, f.size = value[:head], len(value)-len(p)
			value = nil
		}
	}
}

// digits reads a part of the number in a header.
func (f *frameCounter) digits(p []byte) {
	switch f.kind {
	case '*', '>', '~', '%', '|', '$', '=', '!':
	default:
		return // a line of another kind
	}
	for _, c := range p {
		switch {
		case c == '-':
			f.negative = true
		case c >= '0' && c <= '9':
			f.num = 10*f.num + int(c-'0')
		}
	}
}

// header is called when a header is complete.
func (f *frameCounter) header() {
	kind := f.kind
	f.kind = 0
	if f.negative { // a null
		f.num = 0
		f.ended()
		return
	}
	switch kind {
	case '$', '=', '!':
		f.skip = f.num + len("\r\n")
		return
	case '*', '>', '~':
		f.left += f.num
	case '%':
		f.left += 2 * f.num
	case '|': // belongs to the value behind it
		f.left += 2 * f.num
		return
	}
	f.ended()
}

// ended is called when a value within the one at hand, or itself, has ended.
func (f *frameCounter) ended() {
	if f.left--; f.left == 0 {
		f.count++
	}
}
