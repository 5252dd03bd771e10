package server

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

// A buffer is memory for bytes on their way in or out. Those of up to largest
// bytes come from pools by size and go back there, so that an idle client holds
// none and a busy one does not allocate.
type buffer struct {
	b    []byte
	refs atomic.Int32 // of a shared one: those who still need it
}

const (
	minBuffer = 1 << 10

	// maxBuffer is the size in bytes of the largest buffers that go round without
	// being counted. Up to it sizes are powers of two.
	maxBuffer = 64 << 10

	// largest is the size in bytes of the largest buffers that are pooled. Above
	// maxBuffer sizes are an eighth of a power of two apart, so that no more than
	// that is unused.
	largest = 4 << 20
)

// bufferPools hold buffers of 1, 2, 4, … 64 KiB, and then of 72, 80, … 128, 144,
// … KiB.
var bufferPools [bigClass + 8*(22-16)]sync.Pool

// bigClass is the index of the first pool of buffers larger than maxBuffer.
const bigClass = 7

// bufferClass is the index of the smallest pool whose buffers have n bytes, and
// how many they have. Beyond largest there is none.
func bufferClass(n int) (class, size int) {
	switch {
	case n <= minBuffer:
		return 0, minBuffer
	case n <= maxBuffer:
		class = bits.Len(uint(n-1)) - bits.Len(uint(minBuffer-1))
		return class, minBuffer << class
	case n <= largest:
		half := bits.Len(uint(n-1)) - 1 // n is more than 1<<half and not more than twice that
		step := 1 << (half - 3)
		eighths := (n - 1) >> (half - 3) & 7 // beyond 1<<half, rounded down
		return bigClass + 8*(half-16) + eighths, 1<<half + (eighths+1)*step
	}
	return -1, n
}

// getBuffer returns an empty buffer with room for at least n bytes.
func getBuffer(n int) *buffer {
	class, size := bufferClass(n)
	if class >= 0 {
		if b, ok := bufferPools[class].Get().(*buffer); ok {
			return b
		}
	}
	return &buffer{b: make([]byte, 0, size)}
}

// free gives the buffer back. It must not be used any more.
func (b *buffer) free() {
	if class, _ := bufferClass(cap(b.b)); class >= 0 {
		b.b = b.b[:0]
		bufferPools[class].Put(b)
	}
}

// retain counts one more who needs the buffer. Who shares it begins with itself.
func (b *buffer) retain() { b.refs.Add(1) }

// Release counts one less, and frees the buffer after the last.
func (b *buffer) Release() {
	switch n := b.refs.Add(-1); {
	case n == 0:
		b.free()
	case n < 0:
		panic("server: a buffer is released that nobody holds")
	}
}
