package eventloop

import (
	"runtime"
	"sync/atomic"
)

// running is how many loops there are, and processors how many the runtime had when
// countProcessors was called last.
var running, processors atomic.Int64

func countProcessors() { processors.Store(int64(runtime.GOMAXPROCS(0))) }

// fewProcessors is up to how many Crowded counts as few.
const fewProcessors = 2

// Crowded tells whether there are loops and no more than two processors, which was measured
// to matter: what else runs beside a loop that is busy has no processor to itself then, as
// the system needs one for what loops ask of it.
func Crowded() bool { return running.Load() > 0 && processors.Load() <= fewProcessors }

// NoneLeft tells whether there are as many loops as processors, idle ones among them. A
// loop that waits for sockets keeps its processor for up to 10 ms before the scheduler
// takes it away, and the network poller is not asked meanwhile. So, if none is left, who is
// to be run soon must not be woken by way of that, and loops let others go first.
func NoneLeft() bool {
	n := running.Load()
	return n > 0 && n >= processors.Load()
}
