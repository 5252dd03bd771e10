//go:build !race

// The race detector empties pools at random, so that nothing can be counted.

package server

import (
	"bytes"
	"strings"
	"testing"
)

// From the bytes of PUBLISH to the outboxes of its receivers, and on to their
// connections, nothing is allocated but the memory of a run that is long enough
// to be shared.
func TestPublishDoesNotAllocate(t *testing.T) {
	for _, receivers := range []int{0, 1, directReceivers, 100} {
		for _, tt := range []struct {
			payload, pipeline int
			want              float64
		}{{16, 1, 0}, {1000, 1, 0}, {16, 20, 0}, {maxRunPayload, 20, 1}} {
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
