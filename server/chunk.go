package server

// A chunk is a piece of a queue: bytes of its own buffer, to which more can be
// appended, or bytes shared with other outboxes.
type chunk struct {
	data []byte
	own  *buffer // nil if data is shared
}

// shareFrom is the size in bytes from which a frame is shared by reference
// between its receivers; below it copying is cheaper.
const shareFrom = 8 << 10

// maxChunks is the capacity of the chunk lists an outbox keeps for reuse.
const maxChunks = 4

// appendChunk appends a copy of p to a queue, in buffers that come from pools.
func appendChunk(q []chunk, p []byte) []chunk {
	for len(p) > maxBuffer {
		own := getBuffer(maxBuffer)
		q = append(q, chunk{append(own.b, p[:maxBuffer]...), own})
		p = p[maxBuffer:]
	}
	if n := len(q); n > 0 && q[n-1].own != nil {
		last := &q[n-1]
		if room := cap(last.data) - len(last.data); room >= len(p) {
			last.data = append(last.data, p...)
			return q
		}
		if want := len(last.data) + len(p); want <= maxBuffer {
			bigger := getBuffer(max(want, min(2*want, maxBuffer)))
			last.data = append(append(bigger.b, last.data...), p...)
			last.own.free()
			last.own = bigger
			return q
		}
	}
	own := getBuffer(len(p))
	return append(q, chunk{append(own.b, p...), own})
}

// dropBytes drops the first n bytes of a queue that was written so far.
func dropBytes(q []chunk, n int) []chunk {
	for i := range q {
		c := &q[i]
		if n < len(c.data) {
			c.data = c.data[n:]
			return q[i:]
		}
		n -= len(c.data)
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
	if c.own != nil {
		c.own.free()
	}
	*c = chunk{}
}
