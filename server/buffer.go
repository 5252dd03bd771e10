package server

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

// A buffer is memory for bytes on their way in or out. Buffers come from pools by
// size and go back there, so that an idle client holds none and a busy one does not
// allocate.
type buffer struct {
	b    []byte
	refs atomic.Int32 // of a shared one: those who still need it
}

const (
	minBuffer = 1 << 10

	// maxBuffer is the size in bytes of the largest buffers that go round without
	// being counted.
	maxBuffer = 64 << 10
)

// bufferPools hold buffers of 1 KiB, and then of 1⅛, 1¼, … 2, 2¼, … 64 KiB: what is
// shared waits for slow clients in a buffer of its own, which should not be twice as
// large.
var bufferPools [1 + eighths*6]sync.Pool

// eighths is the number of pools from one power of two to the next.
const eighths = 8

// bufferClass is the index of the smallest pool whose buffers have n bytes, and
// how many they have. Beyond maxBuffer there is none.
func bufferClass(n int) (class, size int) {
	switch {
	case n <= minBuffer:
		return 0, minBuffer
	case n <= maxBuffer:
		class, size = eighthAbove(n, minBuffer)
		return 1 + class, size
	}
	return -1, n
}

// eighthAbove is how many sizes there are between base, a power of two, and the
// smallest that is at least n, which is more than base, and that size. Sizes are an
// eighth of a power of two apart.
func eighthAbove(n, base int) (class, size int) {
	octave := bits.Len(uint(n-1)/uint(base)) - 1 // n is more than base<<octave and at most twice that
	step := base << octave / eighths
	steps := (n - 1) / step // beyond 0, rounded down: from eighths to 2*eighths-1
	return eighths*octave + steps - eighths, (steps + 1) * step
}

// bufferSize is how many bytes a buffer for n bytes has.
func bufferSize(n int) int {
	if n > maxBuffer {
		_, n = largeClass(n)
		return n
	}
	_, n = bufferClass(n)
	return n
}

// getBuffer returns an empty buffer with room for at least n bytes.
func getBuffer(n int) *buffer {
	if n > maxBuffer {
		return largeBuffers.get(n)
	}
	class, size := bufferClass(n)
	if b, ok := bufferPools[class].Get().(*buffer); ok {
		return b
	}
	return &buffer{b: make([]byte, 0, size)}
}

// free gives the buffer back. It must not be used any more.
func (b *buffer) free() {
	b.b = b.b[:0]
	if class, _ := bufferClass(cap(b.b)); class >= 0 {
		bufferPools[class].Put(b)
	} else {
		largeBuffers.put(b)
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
