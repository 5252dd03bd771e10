package server

import (
	"os"
	"runtime"
)

// A doorbell wakes one goroutine. Where it can, it rings by way of the network
// poller: the sleeper comes up behind the clients whose requests had arrived by
// then, so that what they publish is there when it starts its round. Woken like
// any goroutine it would run before them, with the first message alone.
type doorbell struct {
	r, w *os.File      // nil without a pipe
	c    chan struct{} // used instead
}

func newDoorbell() *doorbell {
	if runtime.GOOS != "windows" { // whose pipes know no poller
		if r, w, err := os.Pipe(); err == nil {
			return &doorbell{r: r, w: w}
		}
	}
	return &doorbell{c: make(chan struct{}, 1)}
}

// ring ends a wait, the next one if nobody waits.
func (d *doorbell) ring() {
	if d.c == nil {
		_, _ = d.w.Write([]byte{0})
		return
	}
	select {
	case d.c <- struct{}{}:
	default:
	}
}

// wait waits for a ring. It may return without one.
func (d *doorbell) wait() {
	if d.c != nil {
		<-d.c
		return
	}
	var rings [16]byte
	_, _ = d.r.Read(rings[:])
}

// close lets go of the doorbell. Nobody may wait.
func (d *doorbell) close() {
	if d.c == nil {
		_ = d.r.Close()
		_ = d.w.Close()
	}
}
