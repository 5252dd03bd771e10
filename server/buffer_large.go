package server

import (
	"runtime"
	"sync"
	"time"
)

// A largePool holds buffers of more than maxBuffer bytes. The collector would keep
// what is in a sync.Pool for two of its cycles, which the more memory there is come
// the more seldom; here it is what has lately been needed at one time.
type largePool struct {
	mu      sync.Mutex // guards the fields below
	classes [eighths * largeOctaves]struct {
		free []*buffer
		idle int // the least that free had since the last trim
	}
	bytes   int // of all that are free
	letGone LargeBuffers
	trimmed time.Time

	uncollected int  // bytes dropped since collect last began
	collecting  bool // collect runs
}

const (
	// largest is the size in bytes of the largest buffers that are pooled.
	largest      = maxBuffer << largeOctaves
	largeOctaves = 6

	// maxFree is how many bytes may be free.
	maxFree = 16 << 20

	// collectAfter is how many bytes are dropped before the collector is told to look
	// for them. By itself it would wait until there are as many as are in use.
	collectAfter = 64 << 20

	// trimEvery is the time from one trim to the next.
	trimEvery = time.Second
)

var largeBuffers largePool

// largeClass is the index of the pool of the smallest buffers that have n bytes,
// more than maxBuffer, and how many they have. Beyond largest there is none.
func largeClass(n int) (class, size int) {
	if n > largest {
		return -1, n
	}
	return eighthAbove(n, maxBuffer)
}

func (p *largePool) get(n int) *buffer {
	class, size := largeClass(n)
	if class >= 0 {
		if b := p.take(class); b != nil {
			return b
		}
	}
	return &buffer{b: make([]byte, 0, size)} // takes its time, so without the lock
}

// take returns a free buffer of a class, nil if there is none.
func (p *largePool) take(class int) *buffer {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := &p.classes[class]
	last := len(c.free) - 1
	if last < 0 {
		return nil
	}
	b := c.free[last]
	c.free[last] = nil
	c.free = c.free[:last]
	c.idle = min(c.idle, last)
	p.bytes -= cap(b.b)
	return b
}

func (p *largePool) put(b *buffer) {
	class, size := largeClass(cap(b.b))
	p.mu.Lock()
	defer p.mu.Unlock()
	if class < 0 || p.bytes+size > maxFree {
		p.letGone.Dropped += uint64(size)
		if p.uncollected += size; p.uncollected >= collectAfter && !p.collecting {
			p.uncollected, p.collecting = 0, true
			go p.collect()
		}
		return
	}
	p.bytes += size
	p.classes[class].free = append(p.classes[class].free, b)
}

// collect has the collector find what has been dropped.
func (p *largePool) collect() {
	runtime.GC()
	p.mu.Lock()
	p.collecting = false
	p.mu.Unlock()
}

// trim lets go of the buffers that nobody has needed since the last trim, if that
// is long enough ago.
func (p *largePool) trim(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Sub(p.trimmed) < trimEvery {
		return
	}
	p.trimmed = now
	for i := range p.classes {
		c := &p.classes[i]
		for _, b := range c.free[:c.idle] {
			p.letGone.Unneeded += uint64(cap(b.b))
			p.bytes -= cap(b.b)
		}
		n := copy(c.free, c.free[c.idle:])
		clear(c.free[n:])
		if c.free = c.free[:n]; n == 0 {
			c.free = nil
		}
		c.idle = n
	}
}

// LargeBuffers are bytes of buffers for large messages and requests that have been
// let go of since the process began, of all Servers together: memory that the
// collector finds the next time it looks.
type LargeBuffers struct {
	Unneeded uint64 // nobody had needed them for a second
	Dropped  uint64 // they were too many, or too large, to be kept; more may be needed at once
}

// LetGo returns what has been let go of. It is cheap, and may be called from any
// goroutine.
func LetGo() LargeBuffers { return largeBuffers.letGo() }

func (p *largePool) letGo() LargeBuffers {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.letGone
}
