package server

import (
	"math/bits"
	"sync"
)

// A buffer is memory for bytes on their way in or out. Those of up to maxBuffer
// bytes come from pools by size and go back there, so that an idle client holds
// none and a busy one does not allocate.
type buffer struct{ b []byte }

const (
	minBuffer = 1 << 10
	maxBuffer = 64 << 10
)

// bufferPools hold buffers of 1, 2, 4, … 64 KiB.
var bufferPools [7]sync.Pool

// bufferClass is the index of the smallest pool whose buffers have n bytes.
func bufferClass(n int) int {
	if n <= minBuffer {
		return 0
	}
	return bits.Len(uint(n-1)) - bits.Len(uint(minBuffer-1))
}

// getBuffer returns an empty buffer with room for at least n bytes.
func getBuffer(n int) *buffer {
	if n > maxBuffer {
		return &buffer{make([]byte, 0, n)}
	}
	class := bufferClass(n)
	if b, ok := bufferPools[class].Get().(*buffer); ok {
		return b
	}
	return &buffer{make([]byte, 0, minBuffer<<class)}
}

// free gives the buffer back. It must not be used any more.
func (b *buffer) free() {
	if cap(b.b) > maxBuffer {
		return
	}
	b.b = b.b[:0]
	bufferPools[bufferClass(cap(b.b))].Put(b)
}
