package server

import (
	"math/bits"
	"sync"
	"time"
)

// A chunk is a piece of a queue: bytes of its own buffer, to which more can be
// appended, or bytes shared with other outboxes.
type chunk struct {
	data []byte
	mem  *buffer // where data is; nil if nothing has to be given back
	sent int     // bytes of data that were sent

	since  time.Duration // when it began to wait for the connection, as outboxConfig.clock tells; 0 if it does not
	shared bool          // with other outboxes
	inside bool          // begins within a reply that begins in the piece before; nothing is appended to it
}

// shareFrom is the size in bytes from which a frame is shared by reference
// between its receivers; below it copying is cheaper.
const shareFrom = 1 << 10

// shareAlways is the size from which it is shared by receivers that do not take it
// at once, too.
const shareAlways = 8 << 10

// appendShared appends bytes of a buffer that others read too.
func appendShared(q []chunk, data []byte, mem *buffer) []chunk {
	mem.retain()
	return appendPiece(q, chunk{data: data, mem: mem, shared: true})
}

// fewChunks and manyChunks are the capacities of the lists of chunks that go round:
// an empty queue has none, and a longer one a list of its own.
const (
	fewChunks  = 4
	manyChunks = 64
)

var (
	shortLists = sync.Pool{New: func() any { return new([fewChunks]chunk) }}
	longLists  = sync.Pool{New: func() any { return new([manyChunks]chunk) }}
)

func appendPiece(q []chunk, c chunk) []chunk {
	switch {
	case len(q) < cap(q):
	case cap(q) == 0:
		q = shortLists.Get().(*[fewChunks]chunk)[:0]
	case cap(q) <= fewChunks:
		longer := longLists.Get().(*[manyChunks]chunk)
		short := q
		q = longer[:copy(longer[:], short)]
		freeList(short)
	}
	return append(q, c)
}

// freeList gives the memory of a list back, the chunks of which are somewhere else
// or have been released.
func freeList(q []chunk) {
	switch q = q[:cap(q)]; len(q) {
	case fewChunks:
		clear(q)
		shortLists.Put((*[fewChunks]chunk)(q))
	case manyChunks:
		clear(q)
		longLists.Put((*[manyChunks]chunk)(q))
	}
}

// appendChunk appends a copy of p to a queue, in buffers that come from pools.
func appendChunk(q []chunk, p []byte) []chunk {
	inside := false
	for len(p) > maxBuffer {
		own := getBuffer(maxBuffer)
		q = appendPiece(q, chunk{data: append(own.b, p[:maxBuffer]...), mem: own, inside: inside})
		p = p[maxBuffer:]
		inside = true
	}
	if n := len(q); !inside && n > 0 && q[n-1].grows() {
		last := &q[n-1]
		if room := cap(last.data) - len(last.data); room >= len(p) {
			last.data = append(last.data, p...)
			return q
		}
		if want := len(last.data) + len(p); want <= maxBuffer {
			bigger := getBuffer(doubled(want))
			last.data = append(append(bigger.b, last.data...), p...)
			last.mem.free()
			last.mem = bigger
			return q
		}
	}
	own := getBuffer(doubled(len(p)))
	return appendPiece(q, chunk{data: append(own.b, p...), mem: own, inside: inside})
}

// doubled is the smallest power of two that is at least n. What grows comes to all
// kinds of lengths; of memory in few sizes less is left over.
func doubled(n int) int { return 1 << bits.Len(uint(max(n, 1)-1)) }

// grows tells whether more may be appended to a chunk.
func (c *chunk) grows() bool { return c.mem != nil && !c.shared && !c.inside }

// dropBytes drops the first n bytes of a queue that was written so far.
func dropBytes(q []chunk, n int) []chunk {
	for i := range q {
		c := &q[i]
		unsent := len(c.data) - c.sent
		if n < unsent {
			c.sent += n
			return q[i:]
		}
		n -= unsent
		c.release()
	}
	return nil
}

func freeChunks(q []chunk) {
	for i := range q {
		q[i].release()
	}
}

func (c *chunk) release() {
	switch {
	case c.mem == nil:
	case c.shared:
		c.mem.Release()
	default:
		c.mem.free()
	}
	*c = chunk{}
}
