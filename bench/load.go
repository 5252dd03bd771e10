//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A load is the traffic of one plan on one server. Its connections stay open
// from round to round; they are silent while the other server has its turn.
type load struct {
	// Immutable after openLoad.
	plan        *plan
	target      target
	patience    time.Duration // how long to wait for any answer
	subscribers []*subscriber
	gate        *gate
	publishers  []*publisher
	churners    []*churner
	askers      []*asker // publishers and churners
	loops       int      // event loops for askers, and as many for subscribers

	// observe, if not nil, is called by a loop of subscribers when one of them
	// has read n messages more, before these are counted; first is how many
	// it had until then.
	observe func(loop int, first int64, n int)

	answered atomic.Int64 // requests answered
	held     atomic.Int64 // nanoseconds askers were held by the gate

	reading sync.WaitGroup // loops of subscribers
	ending  atomic.Bool    // tells them to end

	failOnce sync.Once
	failed   chan struct{} // closed after failure is set
	failure  error
}

// newLoad returns a load that is not connected to its server yet.
func newLoad(t target, p *plan, loops int, patience time.Duration) *load {
	return &load{plan: p, target: t, patience: patience, loops: loops, failed: make(chan struct{})}
}

// openLoad connects and subscribes. On an error nothing is left open.
func openLoad(ctx context.Context, t target, p *plan, loops int, patience time.Duration) (*load, error) {
	l := newLoad(t, p, loops, patience)
	if err := l.open(ctx); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *load) open(ctx context.Context) error {
	for i := range l.plan.subscribers {
		s, err := openSubscriber(ctx, l.target, l.plan, i, l.patience)
		if err != nil {
			return fmt.Errorf("opening subscriber %d: %w", i, err)
		}
		l.subscribers = append(l.subscribers, s)
	}
	l.gate = newGate(l.subscribers)
	for i := range l.plan.publishers {
		p, err := openPublisher(ctx, l.target, l.plan, i, l.patience)
		if err != nil {
			return fmt.Errorf("opening publisher %d: %w", i, err)
		}
		l.publishers = append(l.publishers, p)
		l.askers = append(l.askers, &p.asker)
	}
	for i := range l.plan.churners {
		c, err := openChurner(ctx, l.target, l.plan, i, l.patience)
		if err != nil {
			return fmt.Errorf("opening churner %d: %w", i, err)
		}
		l.churners = append(l.churners, c)
		l.askers = append(l.askers, &c.asker)
	}
	var fds []int
	for _, s := range l.subscribers {
		fds = append(fds, s.fd)
	}
	for _, a := range l.askers {
		fds = append(fds, a.fd)
	}
	if err := l.target.proto.settle(ctx, fds); err != nil {
		return fmt.Errorf("waiting for new connections to settle: %w", err)
	}
	for i := range l.loops {
		mine := deal(l.subscribers, i, l.loops)
		if len(mine) == 0 {
			continue
		}
		poll, err := newPoller()
		if err != nil {
			return err
		}
		for number, s := range mine {
			if l.observe != nil {
				s.observe = func(first int64, n int) { l.observe(i, first, n) }
			}
			if err := poll.add(s.fd, number); err != nil {
				poll.close()
				return err
			}
		}
		l.reading.Go(func() {
			defer poll.close()
			if err := l.readDeliveries(poll, mine); err != nil {
				l.fail(err)
			}
		})
	}
	return nil
}

// deal returns the part of all that is loop i's, of n loops.
func deal[T any](all []T, i, n int) []T {
	var mine []T
	for ; i < len(all); i += n {
		mine = append(mine, all[i])
	}
	return mine
}

// fail ends the load with its first error.
func (l *load) fail(err error) {
	l.failOnce.Do(func() {
		l.failure = err
		close(l.failed)
	})
}

func (l *load) hasFailed() bool {
	select {
	case <-l.failed:
		return true
	default:
		return false
	}
}

// readDeliveries is an event loop of subscribers.
func (l *load) readDeliveries(poll *poller, mine []*subscriber) error {
	buf := make([]byte, readBuffer+l.plan.payload)
	for !l.ending.Load() {
		events, err := poll.wait(pollInterval)
		if err != nil {
			return err
		}
		for _, ev := range events {
			if err := mine[ev.Fd].read(buf); err != nil {
				return err
			}
		}
	}
	return nil
}

// ask is an event loop of askers. It sends windows until stop is set and
// returns when all of them are answered, or when the load has failed.
func (l *load) ask(ctx context.Context, mine []*asker, stop *atomic.Bool) error {
	poll, err := newPoller()
	if err != nil {
		return err
	}
	defer poll.close()
	for number, a := range mine {
		if err := poll.add(a.fd, number); err != nil {
			return err
		}
	}
	var (
		buf      = make([]byte, 64<<10)
		running  = 0   // windows under way
		held     []int // askers the gate does not let through
		progress = time.Now()
	)
	next := func(number int) error {
		a := mine[number]
		if stop.Load() || !l.gate.pass(a.window) {
			if !stop.Load() {
				a.held = time.Now()
				held = append(held, number)
			}
			return nil
		}
		running++
		a.begin()
		return l.send(poll, a, number)
	}
	for number := range mine {
		if err := next(number); err != nil {
			return err
		}
	}
	for running > 0 || len(held) > 0 {
		wait := pollInterval
		if len(held) > 0 {
			wait = time.Millisecond
		}
		events, err := poll.wait(wait)
		if err != nil {
			return err
		}
		for _, ev := range events {
			number := int(ev.Fd)
			a := mine[number]
			if ev.Events&syscall.EPOLLOUT != 0 {
				if err := l.send(poll, a, number); err != nil {
					return err
				}
			}
			if ev.Events&^syscall.EPOLLOUT == 0 {
				continue
			}
			complete, err := a.read(buf)
			if err != nil {
				return err
			}
			if !complete {
				continue
			}
			running--
			l.answered.Add(int64(a.window))
			if err := next(number); err != nil {
				return err
			}
		}
		if len(held) > 0 {
			again := held
			held = nil
			for _, number := range again {
				l.held.Add(int64(time.Since(mine[number].held)))
				if err := next(number); err != nil {
					return err
				}
			}
		}
		if len(events) > 0 || len(held) > 0 {
			progress = time.Now()
		} else if time.Since(progress) > l.patience {
			return fmt.Errorf("%d connections got no reply to %s for %v", running, mine[0].command, l.patience)
		}
		if l.hasFailed() || ctx.Err() != nil {
			return nil
		}
	}
	return nil
}

// send writes what the socket takes and asks to be told when it takes more.
func (l *load) send(poll *poller, a *asker, number int) error {
	if err := a.write(); err != nil {
		return err
	}
	if blocked := len(a.unsent) > 0; blocked != a.blocked {
		a.blocked = blocked
		return poll.wantWrite(a.fd, number, blocked)
	}
	return nil
}

// round lets the askers run for settle and then for d, and returns what
// was measured within d, which is made a little longer to end with a window
// of requests. It returns when every message published has been
// received by everyone it was meant for, and fails when that does not happen.
func (l *load) round(ctx context.Context, settle, d time.Duration) (measurement, error) {
	var (
		stop   atomic.Bool
		asking sync.WaitGroup
		m      measurement
	)
	for i := range l.loops {
		mine := deal(l.askers, i, l.loops)
		asking.Go(func() {
			if err := l.ask(ctx, mine, &stop); err != nil {
				l.fail(err)
			}
		})
	}
	from, err := l.sampleAfter(ctx, settle)
	if err == nil {
		var to sample
		to, err = l.sampleAfter(ctx, d)
		m = to.since(from)
	}
	stop.Store(true)
	if err != nil {
		l.fail(err)
	}
	asking.Wait()
	if l.hasFailed() {
		return measurement{}, l.failure
	}
	if err := l.drain(ctx); err != nil {
		l.fail(err)
		return measurement{}, err
	}
	if l.plan.counted() == "deliveries" {
		return m.throughput(m.delivered), nil
	}
	return m.throughput(m.published), nil
}

// wait returns nil after d, or earlier with what ended the load.
func (l *load) wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-l.failed:
		return l.failure
	case <-ctx.Done():
		return ctx.Err()
	}
}

// sampleAfter takes a sample after d, just after the end of the window of
// requests that is under way then. A slow server answers a window as a whole;
// where only a few fit into d, a part of one would be a large error.
func (l *load) sampleAfter(ctx context.Context, d time.Duration) (sample, error) {
	if err := l.wait(ctx, d); err != nil {
		return sample{}, err
	}
	for before := l.answered.Load(); l.answered.Load() == before; {
		if err := l.wait(ctx, time.Millisecond); err != nil {
			return sample{}, err
		}
	}
	// The window's deliveries are written when its replies are.
	if err := l.wait(ctx, time.Millisecond); err != nil {
		return sample{}, err
	}
	return l.sample()
}

func (l *load) sample() (sample, error) {
	s, err := l.target.probe.sample()
	s.published = l.answered.Load()
	s.held = time.Duration(l.held.Load())
	for _, sub := range l.subscribers {
		s.delivered += sub.received.Load()
	}
	return s, err
}

// drain waits until every subscriber has got all that was published. Only
// waiting without any progress is bounded, so that a server that is slow is not
// taken for one that loses messages. No publisher is running.
func (l *load) drain(ctx context.Context) error {
	last, since := int64(-1), time.Now()
	for {
		var missing error
		total := int64(0)
		for _, s := range l.subscribers {
			want, got := l.due(s), s.received.Load()
			total += got
			if got != want && missing == nil {
				missing = fmt.Errorf("subscriber %d got %d of %d messages", s.index, got, want)
			}
		}
		if missing == nil {
			return nil
		}
		if total != last {
			last, since = total, time.Now()
		} else if time.Since(since) > l.patience {
			return fmt.Errorf("%w, and no more came for %v", missing, l.patience)
		}
		if err := l.wait(ctx, time.Millisecond); err != nil {
			return err
		}
	}
}

// due returns how many deliveries s must have had in all.
func (l *load) due(s *subscriber) int64 {
	var n uint64
	for channel, name := range s.plan.gets {
		if name == nothing {
			continue
		}
		for _, p := range l.publishers {
			n += p.sent[channel]
		}
	}
	return int64(n)
}

// finish checks that after its last round the server has nothing left to say
// to anybody but the reply to a PING.
func (l *load) finish() error {
	l.stopReading()
	if l.hasFailed() {
		return l.failure
	}
	for _, s := range l.subscribers {
		if len(s.rest) > 0 {
			return fmt.Errorf("subscriber %d: unfinished frame %s at the end", s.index, excerpt(s.rest))
		}
		if err := lastWord(s.fd, l.target.proto, true, l.patience); err != nil {
			return fmt.Errorf("subscriber %d: %w", s.index, err)
		}
	}
	for _, p := range l.publishers {
		if err := lastWord(p.fd, l.target.proto, false, l.patience); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return l.checkChurn()
}

func (l *load) stopReading() {
	l.ending.Store(true)
	l.reading.Wait()
}

// close closes all connections. No round is under way.
func (l *load) close() {
	l.fail(errors.New("closed"))
	l.stopReading()
	for _, s := range l.subscribers {
		s.close()
	}
	for _, a := range l.askers {
		a.close()
	}
}
