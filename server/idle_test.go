package server

import (
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"testing"
)

// BenchmarkIdleClient tells what a client takes that has subscribed to a channel and
// hears nothing, with an event loop and with a goroutine: bytes of heap and stack of
// the server. The bench program measures it from outside.
func BenchmarkIdleClient(b *testing.B) {
	for _, loops := range []int{1, 0} {
		b.Run(fmt.Sprintf("loops=%d", loops), func(b *testing.B) {
			s := newServer(b, func(c *Config) { c.EventLoops = loops })
			addr := listen(b, s)
			conns := make([]*testConn, b.N)
			var before, after runtime.MemStats
			for i := range conns {
				conns[i] = dial(b, addr)
			}
			for range 3 {
				runtime.GC()
			}
			runtime.ReadMemStats(&before)
			for i, c := range conns {
				c.ask(fmt.Sprintf("SUBSCRIBE channel:%d", i), fmt.Sprintf("[subscribe channel:%d 1]", i))
			}
			for range 3 {
				runtime.GC()
			}
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(b.N), "heap-sub/op")
			if f := os.Getenv("HEAPPROF"); f != "" && b.N > 1000 {
				w, _ := os.Create(f + fmt.Sprint(loops))
				pprof.WriteHeapProfile(w)
				w.Close()
			}
			runtime.KeepAlive(conns)
		})
	}
}
