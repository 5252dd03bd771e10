package eventloop

import (
	"testing"

	"golang.org/x/sys/unix"
)

// What is done before a loop waits is done until there is no more of it, or until
// something happens to a socket.
func TestLoopIsIdleBeforeItWaits(t *testing.T) {
	l := waitingLoop(t)
	ring := func() {
		if _, err := unix.Write(l.bell, []byte{1, 0, 0, 0, 0, 0, 0, 0}); err != nil {
			t.Error(err)
		}
	}
	for _, c := range []struct {
		name       string
		ring, work int // by which call
		want       int // calls
	}{
		{"something happens meanwhile", 3, 9, 3},
		{"nothing is left to be done", 4, 4, 4},
		{"there was nothing to be done", 1, 0, 1},
	} {
		calls := 0
		l.idle = func() bool {
			if calls++; calls == c.ring {
				ring()
			}
			return calls < c.work
		}
		var events [lot]unix.EpollEvent
		if n, err := l.wait(events[:]); n != 1 || err != nil {
			t.Fatal(c.name, n, err)
		}
		if calls != c.want {
			t.Errorf("%s: called %d times, want %d", c.name, calls, c.want)
		}
	}
}

// Nor is it left undone when something happens all the time.
func TestLoopIsIdleUnderLoad(t *testing.T) {
	l := waitingLoop(t)
	keepBusy(t, l)
	calls := 0
	l.idle = func() bool {
		calls++
		return true
	}
	var events [lot]unix.EpollEvent
	for range 3 * idleEvery {
		if n, err := l.wait(events[:]); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}
	if calls != 3 {
		t.Errorf("called %d times in %d rounds, want 3", calls, 3*idleEvery)
	}
}
