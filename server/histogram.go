package server

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// A histogram counts durations in buckets that are narrower than one part in
// 128 of what they hold, so that two digits of a percentile are exact. The
// buckets are those of HdrHistogram with two significant digits, which Redis
// uses, so that both tell the same of the same durations. Adding is two
// instructions and one atomic addition.
type histogram struct {
	buckets [histogramBuckets]atomic.Int64
}

const (
	// Up to histogramFine nanoseconds each has a bucket of its own; from there
	// on each power of two has half as many.
	histogramFine = 256
	histogramHalf = histogramFine / 2

	// histogramMax is the longest duration that is told apart, in nanoseconds:
	// one second. What took longer counts as that.
	histogramMax = int64(time.Second)

	histogramBuckets = 3072 // histogramIndex(histogramMax) + 1, and up to the power of two
)

// histogramIndex is the bucket of a duration in nanoseconds.
func histogramIndex(n int64) int {
	shift := bits.Len64(uint64(n)|(histogramFine-1)) - bits.Len64(histogramFine-1)
	return shift*histogramHalf + int(n>>shift)
}

// histogramTop is the longest duration in a bucket.
func histogramTop(i int) int64 {
	shift := max(0, i/histogramHalf-1)
	return int64(i-shift*histogramHalf+1)<<shift - 1
}

// add counts n durations.
func (h *histogram) add(d time.Duration, n int) {
	h.buckets[histogramIndex(min(max(int64(d), 1), histogramMax))].Add(int64(n))
}

// A spread is a snapshot of a histogram.
type spread struct {
	counts [histogramBuckets]int64
	total  int64
}

func (h *histogram) snapshot() *spread {
	sp := new(spread)
	for i := range h.buckets {
		sp.counts[i] = h.buckets[i].Load()
		sp.total += sp.counts[i]
	}
	return sp
}

// percentile is the duration within which p percent of all were, in
// nanoseconds.
func (sp *spread) percentile(p float64) int64 {
	rank := max(1, int64(p/100*float64(sp.total)+0.5))
	seen := int64(0)
	for i, n := range sp.counts {
		if seen += n; seen >= rank {
			return histogramTop(i)
		}
	}
	return 0
}

// A spreadStep says how many durations were within a bound.
type spreadStep struct{ micros, count int64 }

// firstStep is the first bound of steps, in nanoseconds; each of the others is
// twice the one before.
const firstStep = 1024

// steps are the bounds at which the number of durations has grown.
func (sp *spread) steps() (list []spreadStep) {
	i, seen, told := 0, int64(0), int64(0)
	for level := int64(firstStep); told < sp.total; level *= 2 {
		end := min(histogramIndex(level), histogramBuckets-1)
		for ; i <= end; i++ {
			seen += sp.counts[i]
		}
		if seen > told {
			told = seen
			list = append(list, spreadStep{histogramTop(end) / 1000, seen})
		}
	}
	return list
}
