package eventloop

import (
	"runtime"
	"sync/atomic"
)

// running is how many loops there are.
var running atomic.Int64

// NoneLeft tells whether there are as many loops as processors, or more. A loop that
// waits for sockets keeps its processor for up to 10 ms before the scheduler takes it
// away, and nobody looks into the network poller meanwhile. So, if none is left, who is
// to be run soon must not be woken by way of that, and loops let others go first.
func NoneLeft() bool { return int64(runtime.GOMAXPROCS(0)) <= running.Load() }
