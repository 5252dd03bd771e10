package sut

import (
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/internal/procfs"
)

// Memory is the resident memory of a server, in bytes.
func Memory(t testing.TB, s *Server) int64 {
	t.Helper()
	n, err := procfs.RSS(s.PID())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// CPU is the processor time that a server has used.
func CPU(t testing.TB, s *Server) time.Duration {
	t.Helper()
	d, err := procfs.CPU(s.PID())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// WatchMemory looks at the memory of a server all the time until its result is
// called, which returns the most there was; 0 where the system does not tell.
func WatchMemory(t testing.TB, s *Server) (peak func() int64) {
	end, most := make(chan struct{}), make(chan int64, 1)
	go func() {
		ticker := time.NewTicker(5 * time.Millisecond)
		defer ticker.Stop()
		n := int64(0)
		for {
			if now, err := procfs.RSS(s.PID()); err == nil {
				n = max(n, now)
			}
			select {
			case <-end:
				most <- n
				return
			case <-t.Context().Done(): // the test is over
				most <- n
				return
			case <-ticker.C:
			}
		}
	}()
	return func() int64 {
		close(end)
		return <-most
	}
}
