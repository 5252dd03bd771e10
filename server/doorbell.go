package server

import (
	"os"
	"runtime"
)

// A doorbell wakes one goroutine. Where it can, it rings by way of the network
// poller: the sleeper comes up behind the clients whose requests had arrived by
// then, so that what they publish is there when it starts its round. Woken like
// any goroutine it would run before them, with the first message alone; still, that
// is better where event loops may have all processors (eventloop.NoneLeft), and the
// poller is asked seldom.
type doorbell struct {
	r, w *os.File      // nil without a pipe
	c    chan struct{} // used instead, or for direct rings
}

func newDoorbell() *doorbell {
	d := &doorbell{c: make(chan struct{}, 1)}
	if runtime.GOOS != "windows" { // whose pipes know no poller
		if r, w, err := os.Pipe(); err == nil {
			d.r, d.w = r, w
		}
	}
	return d
}

// ring ends a wait, the next one if nobody waits. It is direct if it is not to go by way
// of the poller, which the wait has to be told too: there is one ring for each, as it said.
func (d *doorbell) ring(direct bool) {
	if d.w != nil && !direct {
		_, _ = d.w.Write([]byte{0})
		return
	}
	select {
	case d.c <- struct{}{}:
	default:
	}
}

// wait waits for a ring. It may return without one.
func (d *doorbell) wait(direct bool) {
	if d.r == nil || direct {
		<-d.c
		return
	}
	var rings [16]byte
	_, _ = d.r.Read(rings[:])
}

// close lets go of the doorbell. Nobody may wait.
func (d *doorbell) close() {
	if d.r != nil {
		_ = d.r.Close()
		_ = d.w.Close()
	}
}
