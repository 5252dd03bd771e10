//go:build !race

// The race detector empties pools at random, so that nothing can be counted.

package server

import (
	"bytes"
	"strings"
	"testing"
	"unsafe"
)

// From the bytes of PUBLISH to the outboxes of its receivers, and on to their
// connections, nothing is allocated but the memory of a run that is long enough
// to be shared.
func TestPublishDoesNotAllocate(t *testing.T) {
	for _, receivers := range []int{0, 1, directReceivers, 100} {
		for _, tt := range []struct {
			payload, pipeline int
			want              float64
		}{{16, 1, 0}, {1000, 1, 0}, {16, 20, 0}, {1 << 10, 20, 1}, {16 << 10, 3, 1}} {
			s := newServer(t)
			pub := publisherTo(s, receivers, func() transport { return discardTransport{} })
			in := bytes.Repeat(encode("PUBLISH", "c", strings.Repeat("x", tt.payload)), tt.pipeline)
			publish := func() {
				pub.receive(in)
				flushNow(s.flusher)
			}
			for range 100 {
				publish()
			}
			if receivers == 0 {
				tt.want = 0
			}
			if got := testing.AllocsPerRun(1000, publish); got > tt.want {
				t.Errorf("%d messages of %d bytes to %d receivers: %v allocations, want %v", tt.pipeline, tt.payload, receivers, got, tt.want)
			}
			if n := s.broker.Stats().Delivered; receivers > 0 && n == 0 {
				t.Error("nothing was delivered")
			}
		}
	}
}

// Nor does it cost memory to ask the rules of a user who may not do everything.
func TestPublishOfRestrictedUserDoesNotAllocate(t *testing.T) {
	s := newServer(t)
	v, err := s.users.Set("v", false, "on", "nopass", "+publish", "&other", "&a-channel-with-a-name-that-is-not-short:ch*")
	if err != nil {
		t.Fatal(err)
	}
	pub := publisherTo(s, 1, func() transport { return discardTransport{} })
	pub.user.Store(v.User)
	in := encode("PUBLISH", "a-channel-with-a-name-that-is-not-short:channel", "x")
	publish := func() {
		pub.receive(in)
		flushNow(s.flusher)
	}
	for range 100 {
		publish()
	}
	if got := testing.AllocsPerRun(1000, publish); got > 0 {
		t.Errorf("%v allocations", got)
	}
	if n := s.keyDenied.Load() + s.channelDenied.Load() + s.cmdDenied.Load(); n != 0 {
		t.Errorf("%d were refused", n)
	}
}

// flushNow does the flusher's work, so that what piles up for it does not depend
// on when it wakes up.
func flushNow(f *flusher) {
	var lot [flushLot]*outbox
	for {
		f.mu.Lock()
		n := f.takeLocked(lot[:])
		f.mu.Unlock()
		if n == 0 {
			return
		}
		f.flush(lot[:n])
	}
}

// To see that clients are below maxmemory-clients takes a list of them and no
// more: it is done at every tick.
func TestLookAtClientMemoryAllocatesOnce(t *testing.T) {
	s := newServer(t)
	list := crowd(t, s, 100)
	s.budget.limit.Store(1 << 40)
	if got := testing.AllocsPerRun(100, func() { s.evictClients(nil) }); got > 1 {
		t.Errorf("%v allocations for %d clients", got, len(list))
	}
}

// An idle subscriber has one, of a size that memory is given out in: eight bytes more
// take 64.
func TestSizeOfClient(t *testing.T) {
	if size := unsafe.Sizeof(client{}); size > 576 {
		t.Errorf("a client takes %d bytes", size)
	}
}
