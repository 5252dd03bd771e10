package eventloop

import (
	"math"
	"runtime"
	"sync/atomic"
)

// running is how many loops there are, and processors how many the runtime had when
// countProcessors was called last.
var running, processors atomic.Int64

func countProcessors() { processors.Store(int64(runtime.GOMAXPROCS(0))) }

// Left is how many processors there are beside one for each event loop, idle ones among
// them: it may be negative, and without loops it is not limited. Loops notice within
// lookEvery turns that the number of processors has changed.
func Left() int {
	if n := running.Load(); n > 0 {
		return int(processors.Load() - n)
	}
	return math.MaxInt
}

// NoneLeft tells whether none is left. A loop that waits for sockets keeps its processor for up to 10 ms before
// the scheduler takes it away, and the network poller is not asked meanwhile. So, if
// none is left, who is to be run soon must not be woken by way of that, and loops let
// others go first.
func NoneLeft() bool { return Left() <= 0 }
