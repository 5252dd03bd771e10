package hostile

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
	"github.com/pubsubd/pubsubd/internal/procfs"
)

const mb = 1 << 20

// A usage watches the memory of a server.
type usage struct {
	before int64

	stop context.CancelFunc
	done sync.WaitGroup
	peak int64 // read once done
}

// watch begins to look at the memory of a server, which has had clients before.
func watch(t testing.TB, server *sut.Server) *usage {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	u := &usage{before: rss(t, server), stop: stop}
	u.done.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			n, err := procfs.RSS(server.PID())
			if err != nil {
				t.Errorf("reading the memory of the server: %v", err)
				return
			}
			u.peak = max(u.peak, n)
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
	return u
}

func rss(t testing.TB, server *sut.Server) int64 {
	t.Helper()
	n, err := procfs.RSS(server.PID())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// end ends the watch and returns what memory there was before, and at most.
func (u *usage) end() (before, peak int64) {
	u.stop()
	u.done.Wait()
	return u.before, u.peak
}

// check ends the watch and holds that the server has not taken much memory,
// that it gives it back and that it does nothing any more.
func (u *usage) check(t testing.TB, server *sut.Server, at sut.Endpoint) {
	t.Helper()
	u.end()
	// With the race detector each byte has many more.
	during, behind := int64(1024*mb), int64(256*mb)
	if sut.Long() {
		during, behind = 64*mb, 8*mb
	}
	if u.peak-u.before > during {
		t.Errorf("resident memory grew from %d to %d MB", u.before/mb, u.peak/mb)
	}
	admin := dialIn(t, at)
	left := admin.Do("MEMORY", "PURGE")
	if left.String() != "+OK" {
		t.Errorf("MEMORY PURGE was answered %v", left)
	}
	now := settle(t, server, u.before+behind)
	if now > u.before+behind {
		t.Errorf("resident memory was %d MB and stays at %d", u.before/mb, now/mb)
	}
	began := cpu(t, server)
	idle := 200 * time.Millisecond
	if sut.Long() {
		idle = 5 * time.Second
	}
	<-time.After(idle)
	used := cpu(t, server) - began
	t.Logf("R2: resident memory %d MB before, at most %d during, %d after; %v of CPU time in %v idle", u.before/mb, u.peak/mb, now/mb, used, idle)
	if sut.Long() && used > idle/50 {
		t.Errorf("the server used %v in %v with nothing to do", used, idle)
	}
}

// settle waits until the resident memory is down to a limit, and returns what
// it is.
func settle(t testing.TB, server *sut.Server, limit int64) int64 {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(wire.Patience); ; <-tick.C {
		if n := rss(t, server); n <= limit || time.Now().After(deadline) {
			return n
		}
	}
}

func cpu(t testing.TB, server *sut.Server) time.Duration {
	t.Helper()
	d, err := procfs.CPU(server.PID())
	if err != nil {
		t.Fatal(err)
	}
	return d
}
