package server

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
	"unsafe"
)

// What is free and has been needed since the last trim stays, the rest goes.
func TestLargePool(t *testing.T) {
	var p largePool
	const size = 3 * maxBuffer
	now := time.Unix(1000, 0)
	trim := func(want uint64) {
		t.Helper()
		before := p.letGone.Unneeded
		now = now.Add(trimEvery)
		p.trim(now)
		p.trim(now.Add(trimEvery - 1)) // too soon
		if got := p.letGone.Unneeded - before; got != want*size {
			t.Errorf("a trim lets go of %d bytes, want %d buffers of %d", got, want, size)
		}
	}
	use := func(n int) {
		var list []*buffer
		for range n {
			b := p.get(size)
			if len(b.b) != 0 || cap(b.b) != size {
				t.Fatalf("a buffer of %d, %d of them used, for %d", cap(b.b), len(b.b), size)
			}
			list = append(list, b)
		}
		for _, b := range list {
			p.put(b)
		}
	}
	use(3)
	trim(0)
	use(1)
	use(1)
	trim(2)
	trim(1)
	trim(0)
	first := p.get(size)
	p.put(first)
	if again := p.get(size - maxBuffer/8 + 1); unsafe.SliceData(again.b[:1]) != unsafe.SliceData(first.b[:1]) {
		t.Error("a buffer of the same class was not used again")
	}
	dropped := func(want uint64, put func()) {
		t.Helper()
		before := p.letGone
		put()
		if got := p.letGone.Dropped - before.Dropped; got != want || p.letGone.Unneeded != before.Unneeded {
			t.Errorf("%d bytes were dropped, want %d, and of %+v before there are %+v", got, want, before, p.letGone)
		}
	}
	dropped(largest+1, func() {
		b := p.get(largest + 1)
		if cap(b.b) != largest+1 {
			t.Errorf("a buffer of %d bytes for %d", cap(b.b), largest+1)
		}
		p.put(b)
	})
	dropped(3*size, func() { use(maxFree/size + 3) })
	if p.bytes > maxFree || p.bytes < maxFree-size {
		t.Errorf("%d bytes are free, of %d that may be", p.bytes, maxFree)
	}
	trim(0)
	free := 0
	for i := range p.classes {
		for _, b := range p.classes[i].free {
			free += cap(b.b)
			if cap(b.b) != size {
				t.Errorf("a buffer of %d bytes is kept", cap(b.b))
			}
		}
	}
	if free != p.bytes {
		t.Errorf("%d bytes are free, counted are %d", free, p.bytes)
	}
}

// Each size has the pool of the smallest buffers that are large enough.
func TestLargeClasses(t *testing.T) {
	at, last := 0, maxBuffer
	for i := range len(largeBuffers.classes) {
		class, size := largeClass(last + 1)
		again, same := largeClass(size)
		if class != i || again != i || same != size || size-last > size/8 {
			t.Errorf("from %d bytes on, class %d of %d bytes, %d of %d; want class %d", last+1, class, size, again, same, i)
		}
		at, last = class, size
	}
	if last != largest || at != len(largeBuffers.classes)-1 {
		t.Errorf("the last class is %d, of %d bytes", at, last)
	}
}

// trimLargeBuffers has the next trim now.
func trimLargeBuffers() {
	largeBuffers.mu.Lock()
	next := largeBuffers.trimmed.Add(trimEvery)
	largeBuffers.mu.Unlock()
	largeBuffers.trim(next)
}

// What is dropped does not pile up until the collector comes by itself.
func TestLargePoolIsCollected(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // which is never, here
	var p largePool
	b := &buffer{b: make([]byte, 0, largest)}
	for range maxFree / largest {
		p.put(b)
	}
	collected := make(chan struct{})
	runtime.AddCleanup(&buffer{b: make([]byte, 1)}, func(done chan struct{}) { close(done) }, collected)
	for range collectAfter / largest {
		p.put(b)
	}
	select {
	case <-collected:
	case <-time.After(patience):
		t.Error("nothing is collected")
	}
}
