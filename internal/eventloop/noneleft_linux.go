package eventloop

import (
	"runtime"
	"sync/atomic"
)

// running is how many loops there are, and processors how many the runtime had when
// countProcessors was called last.
var running, processors atomic.Int64

func countProcessors() { processors.Store(int64(runtime.GOMAXPROCS(0))) }

// NoneLeft tells whether there are as many event loops as processors, or more, idle ones
// among them. A loop that waits for sockets keeps its processor for up to 10 ms before
// the scheduler takes it away, and the network poller is not asked meanwhile. So, if
// none is left, who is to be run soon must not be woken by way of that, and loops let
// others go first. Loops notice within lookEvery turns that the number of processors has changed.
func NoneLeft() bool {
	n := running.Load()
	return n > 0 && processors.Load() <= n
}
