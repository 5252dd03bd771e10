package pubsubtest_test

import (
	"slices"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/pubsubtest"
)

// BenchmarkRunT tells how long a server takes to start and to stop. Run it with
// -benchtime 200x: p50-us is the median of the starts alone, in microseconds.
func BenchmarkRunT(b *testing.B) {
	for name, opts := range networks {
		b.Run(name, func(b *testing.B) {
			var starts []time.Duration
			b.ReportAllocs()
			for b.Loop() {
				began := time.Now()
				srv, err := pubsubtest.Start(opts...)
				starts = append(starts, time.Since(began))
				if err != nil {
					b.Fatal(err)
				}
				if err := srv.Close(); err != nil {
					b.Fatal(err)
				}
			}
			slices.Sort(starts)
			b.ReportMetric(float64(starts[len(starts)/2].Nanoseconds())/1000, "p50-us")
		})
	}
}
