//go:build linux

package main

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const (
	// Latencies are recorded in nanoseconds, with three digits. Longer ones
	// than the longest count as that.
	shortestLatency = time.Microsecond
	longestLatency  = time.Minute

	// pacedBatch is how many messages that are due are written at once.
	pacedBatch = 64

	// waitForServer is how long the sender sleeps before it looks again when
	// the server has to move first.
	waitForServer = 100 * time.Microsecond
)

var latencies = &kind{
	title: "Latency at a fixed rate",
	metrics: []metric{
		{name: "p50", unit: "µs", column: "p50 µs", lower: true},
		{name: "p99", unit: "µs", column: "p99 µs", lower: true},
		{name: "p99.9", unit: "µs", column: "p99.9 µs", lower: true},
		serverCPU,
		{name: "late_p99", unit: "µs", column: "sent late p99 µs", lower: true, aside: true},
	},
}

// A pacedTraffic is one publisher that sends so many messages a second to all
// subscribers of one channel, whether or not earlier ones were answered.
type pacedTraffic struct {
	subscribers int
	rate        int // messages a second
}

func (t pacedTraffic) describe() (counted, setting string) {
	return "deliveries", fmt.Sprintf("%d B, %d subscribers, %d messages a second", smallPayload, t.subscribers, t.rate)
}

func (t pacedTraffic) open(ctx context.Context, p *process, o options) (driver, error) {
	d, err := openPaced(ctx, p.target(), t, o.loops, answerPatience)
	if err != nil {
		return nil, err
	}
	return d, nil
}

// A schedule says when each message of a round is to be sent.
type schedule struct {
	start    time.Time     // of the first
	interval time.Duration // from one to the next
	first    int64         // sequence number of the first
	measured int64         // sequence number from which latencies count
}

// due returns the time a message is to be sent.
func (s *schedule) due(seq int64) time.Time {
	return s.start.Add(time.Duration(seq-s.first) * s.interval)
}

// A paced is an open loop: messages have times at which they are to be sent,
// and latency is what passes from there to the read that brings a delivery.
// Had it been counted from the sending, a server that stops for a while would
// be charged with few messages, since fewer are sent meanwhile.
type paced struct {
	// Immutable after openPaced.
	load *load
	rate int

	now atomic.Pointer[schedule] // of the round under way

	// Owned by one loop of subscribers each, and by round when nothing is
	// under way.
	latency []*hdrhistogram.Histogram

	late *hdrhistogram.Histogram // of sending, owned by round's sender
}

// openPaced connects and subscribes.
func openPaced(ctx context.Context, to target, t pacedTraffic, loops int, patience time.Duration) (*paced, error) {
	d := &paced{rate: t.rate, late: newHistogram()}
	for range loops {
		d.latency = append(d.latency, newHistogram())
	}
	d.load = newLoad(to, fanoutPlan(t.subscribers, 1, pacedBatch, smallPayload), loops, patience)
	d.load.observe = d.record
	if err := d.load.open(ctx); err != nil {
		d.load.close()
		return nil, err
	}
	return d, nil
}

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(int64(shortestLatency), int64(longestLatency), 3)
}

// recordIn puts a time into a histogram.
func recordIn(h *hdrhistogram.Histogram, d time.Duration) {
	// What lies between its bounds is never refused.
	_ = h.RecordValue(int64(min(max(d, shortestLatency), longestLatency)))
}

// record notes that a subscriber of a loop has read n messages of which the
// first has this sequence number.
func (d *paced) record(loop int, first int64, n int) {
	now, s := time.Now(), d.now.Load()
	for seq := max(first, s.measured); seq < first+int64(n); seq++ {
		recordIn(d.latency[loop], now.Sub(s.due(seq)))
	}
}

// round sends at the given rate for settle and then for span, and measures what
// belongs to span.
func (d *paced) round(ctx context.Context, settle, span time.Duration) (measurement, error) {
	pub := d.load.publishers[0]
	s := &schedule{
		interval: time.Second / time.Duration(d.rate),
		first:    int64(pub.sent[0]),
	}
	s.measured = s.first + int64(settle/s.interval)
	end := s.measured + max(1, int64(span/s.interval))
	for _, h := range d.latency {
		h.Reset()
	}
	d.late.Reset()
	s.start = time.Now()
	d.now.Store(s)

	var sending sync.WaitGroup
	sending.Go(func() {
		if err := d.send(ctx, pub, s, end); err != nil {
			d.load.fail(err)
		}
	})
	m, err := d.watch(ctx, settle, span)
	if err != nil {
		d.load.fail(err)
	}
	sending.Wait()
	if d.load.hasFailed() {
		return measurement{}, d.load.failure
	}
	if err := d.load.drain(ctx); err != nil {
		d.load.fail(err)
		return measurement{}, err
	}
	all := newHistogram()
	for _, h := range d.latency {
		all.Merge(h)
	}
	m.count = m.delivered
	micros := func(h *hdrhistogram.Histogram, percentile float64) float64 {
		return float64(h.ValueAtQuantile(percentile)) / float64(time.Microsecond)
	}
	m.values = []float64{
		micros(all, 50), micros(all, 99), micros(all, 99.9), m.serverMicros(max(1, m.count)), micros(d.late, 99),
	}
	return m, nil
}

// watch samples the clocks before and after span.
func (d *paced) watch(ctx context.Context, settle, span time.Duration) (measurement, error) {
	if err := d.load.wait(ctx, settle); err != nil {
		return measurement{}, err
	}
	from, err := d.load.sample()
	if err != nil {
		return measurement{}, err
	}
	if err := d.load.wait(ctx, span); err != nil {
		return measurement{}, err
	}
	to, err := d.load.sample()
	return to.since(from), err
}

// send publishes what is due until the message before end, and returns when
// all of it is answered or the load has failed.
func (d *paced) send(ctx context.Context, pub *publisher, s *schedule, end int64) error {
	// A thread of its own, whose sleeps the kernel does not round up by the
	// usual 50 µs. It ends with the goroutine, since it stays locked.
	runtime.LockOSThread()
	const setTimerSlack = 29 // PR_SET_TIMERSLACK
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, setTimerSlack, 1, 0); errno != 0 {
		return fmt.Errorf("asking for exact timers: %w", errno)
	}
	buf := make([]byte, 64<<10)
	progress := time.Now()
	for next := s.first; next < end || pub.owed > 0; {
		now := time.Now()
		if len(pub.unsent) == 0 && next < end {
			n := 0
			for n < pub.window && next < end && !s.due(next).After(now) {
				if next >= s.measured {
					recordIn(d.late, now.Sub(s.due(next)))
				}
				next++
				n++
			}
			pub.beginPart(n)
		}
		if len(pub.unsent) > 0 {
			if err := pub.write(); err != nil {
				return err
			}
		}
		owed := pub.owed
		if _, err := pub.read(buf); err != nil {
			return err
		}
		if got := (owed - pub.owed) / pub.replyLen; got > 0 || owed == 0 {
			d.load.answered.Add(int64(got))
			progress = now
		} else if now.Sub(progress) > d.load.patience {
			return fmt.Errorf("%s got no reply to %s for %v", pub.name, pub.command, d.load.patience)
		}
		if d.load.hasFailed() || ctx.Err() != nil {
			return nil
		}
		wait := min(time.Until(s.due(next)), pollInterval)
		if len(pub.unsent) > 0 || next == end {
			wait = waitForServer
		}
		pause(wait)
	}
	return nil
}

// pause blocks the thread for d. The runtime's own timers are off by up to a
// millisecond when nothing else is to be done.
func pause(d time.Duration) {
	if d <= 0 {
		return
	}
	ts := syscall.NsecToTimespec(int64(d))
	// An interrupted sleep is a short one, and the caller looks at the clock.
	_ = syscall.Nanosleep(&ts, nil)
}

// finish makes the checks of the load.
func (d *paced) finish() error { return d.load.finish() }

func (d *paced) close() { d.load.close() }
