//go:build linux

package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

var stalling = &kind{
	title: "Beside a stalled subscriber",
	metrics: []metric{
		{name: "rate_beside", unit: "/s", column: "/s beside it"},
		{name: "rate_without", unit: "/s", column: "/s without it"},
		{name: "kept", column: "kept"},
		{name: "cpu_beside", unit: "µs", column: "CPU µs beside it", lower: true},
		{name: "cpu_without", unit: "µs", column: "CPU µs without it", lower: true},
	},
}

const (
	// stalledTurns is how often each part of a round has its turn. How fast a
	// shared machine is differs from second to second by more than what is
	// measured, so that it has to be spread over both alike.
	stalledTurns = 4

	// stalledBuffer is the receive buffer of a stalled subscriber in bytes,
	// small so that it soon stalls the server and not only the kernel.
	stalledBuffer = 4 << 10

	// stalledFill is how many bytes of payload are published before a subscriber
	// counts as stalled: Linux lets the server's side of a connection grow to
	// 4 MiB unless told otherwise.
	stalledFill = 4 << 20

	// maxFilling is the longest that this may take: a machine that stops for a
	// while says nothing of the rate.
	maxFilling = 3 * time.Second

	// drainBuffer is how much is read at once when it reads at last.
	drainBuffer = 1 << 20
)

// stalledArgs keep both servers from cutting off the stalled subscriber: it is
// to be there for the whole of a round.
var stalledArgs = []string{"--client-output-buffer-limit", "pubsub", "2gb", "2gb", "0"}

// A stalledTraffic is that of a plan, without and with one subscriber more
// that does not read.
type stalledTraffic struct{ plan func() *plan }

func (t stalledTraffic) describe() (counted, setting string) {
	p := t.plan()
	return p.counted(), p.String() + ", one more that stalls"
}

func (t stalledTraffic) open(ctx context.Context, p *process, o options) (driver, error) {
	l, err := openLoad(ctx, p.target(), t.plan(), o.loops, answerPatience)
	if err != nil {
		return nil, err
	}
	return &stalled{load: l, fill: stalledFill}, nil
}

// A stalled drives a load in turn as it is and beside a subscriber of its first
// subscriber's names that reads nothing until the load has ended, and then must
// find everything.
type stalled struct {
	load *load
	fill int // bytes of payload published before anything is measured

	filling time.Duration // how long that takes
}

// stallsAt tells whether the i-th part of a round is one beside the stalled
// subscriber. Each kind follows on itself as often as on the other.
func stallsAt(i int) bool { return (i+1)/2%2 == 1 }

// round measures the load for span without the stalled subscriber and for span
// beside it, in turn. What it returns is of the parts beside it. Before each part,
// of either kind, there is traffic until a subscriber that does not read stalls the
// server, going by the rate of the part before; in the first round of all that is
// not known at first.
func (d *stalled) round(ctx context.Context, settle, span time.Duration) (measurement, error) {
	var without, beside measurement
	for i := range 2 * stalledTurns {
		drive, sum := d.drive, &without
		if stallsAt(i) {
			drive, sum = d.driveBeside, &beside
		}
		m, err := drive(ctx, max(settle, d.filling), span/stalledTurns)
		if err != nil {
			return measurement{}, err
		}
		sum.add(m)
		d.filling = timeOf(d.fill/d.load.plan.payload, m)
	}
	return kept(without, beside), nil
}

// kept returns beside with the values of stalling, in their order.
func kept(without, beside measurement) measurement {
	m := beside
	if without.count == 0 || m.count == 0 {
		m.count = 0 // the round was too short
		return m
	}
	rate, alone := m.perSecond(m.count), without.perSecond(without.count)
	m.values = []float64{rate, alone, rate / alone, m.serverMicros(m.count), without.serverMicros(without.count)}
	return m
}

// timeOf is how long it takes to publish so many messages at the rate measured, at most
// maxFilling, and 0 if nothing is known of it.
func timeOf(messages int, m measurement) time.Duration {
	if m.published == 0 {
		return 0
	}
	return time.Duration(min(float64(maxFilling), float64(messages)/float64(m.published)*float64(m.elapsed)))
}

// drive measures the load as it is.
func (d *stalled) drive(ctx context.Context, settle, span time.Duration) (measurement, error) {
	m, err := d.load.round(ctx, settle, span)
	if err != nil {
		return measurement{}, fmt.Errorf("without a stalled subscriber: %w", err)
	}
	return m, nil
}

// driveBeside measures the load beside a stalled subscriber, which then gets what
// was published meanwhile.
func (d *stalled) driveBeside(ctx context.Context, settle, span time.Duration) (measurement, error) {
	l := d.load
	s, err := d.openSubscriber(ctx)
	if err != nil {
		return measurement{}, fmt.Errorf("opening the stalled subscriber: %w", err)
	}
	defer s.close()
	d.expect(l.plan.receivers + 1)
	m, err := l.round(ctx, settle, span)
	if err != nil {
		return measurement{}, fmt.Errorf("beside a stalled subscriber: %w", err)
	}
	d.expect(l.plan.receivers)
	if err := d.wake(s); err != nil {
		return measurement{}, fmt.Errorf("stalled subscriber: %w", err)
	}
	return m, nil
}

// expect sets what every PUBLISH must answer.
func (d *stalled) expect(receivers int) {
	for _, p := range d.load.publishers {
		p.expect(receivers)
	}
}

// openSubscriber returns a subscriber to which the next message of every
// publisher is due, and that no loop reads.
func (d *stalled) openSubscriber(ctx context.Context) (*subscriber, error) {
	l := d.load
	nc, err := dialer{receiveBuffer: stalledBuffer}.dial(ctx, l.target.addr, l.patience)
	if err != nil {
		return nil, err
	}
	s, err := newSubscriber(nc, l.target.proto, l.plan, 0, l.patience)
	if err != nil {
		return nil, err
	}
	copy(s.verifier.next, d.sent())
	return s, nil
}

// sent returns the sequence number due next, by stream.
func (d *stalled) sent() []uint64 {
	var sent []uint64
	for _, p := range d.load.publishers {
		sent = append(sent, p.sent...)
	}
	return sent
}

// wake reads all that is due to s and makes sure that it is there, once and in
// order. Then s unsubscribes, after which nothing more may come.
func (d *stalled) wake(s *subscriber) error {
	if err := setBlocking(s.fd, d.load.patience); err != nil {
		return err
	}
	buf := make([]byte, drainBuffer)
	due := d.sent()
	for !slices.Equal(s.verifier.next, due) {
		got, rest := s.received.Load(), len(s.rest)
		if err := s.read(buf); err != nil {
			return err
		}
		if s.received.Load() == got && len(s.rest) == rest {
			return fmt.Errorf("got %d messages, and no more came for %v", got, d.load.patience)
		}
	}
	if len(s.rest) > 0 {
		return fmt.Errorf("got %s beyond what was published", excerpt(s.rest))
	}
	var requests, answers []byte
	for i, name := range s.plan.names {
		requests = appendArray(requests, "un"+s.plan.command, name)
		answers = appendConfirmation(answers, "un"+s.plan.command, name, len(s.plan.names)-i-1)
	}
	return exchange(s.fd, requests, answers, d.load.patience)
}

// finish makes the checks of the load.
func (d *stalled) finish() error { return d.load.finish() }

func (d *stalled) close() { d.load.close() }
