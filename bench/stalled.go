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
	},
}

const (
	// stalledBuffer is the receive buffer of a stalled subscriber in bytes,
	// small so that it soon stalls the server and not only the kernel.
	stalledBuffer = 4 << 10

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
	d, err := openStalled(ctx, p.target(), t.plan(), o.loops, answerPatience)
	if err != nil {
		return nil, err
	}
	return d, nil
}

// A stalled drives a load twice in each round: as it is, and beside a
// subscriber of its first subscriber's names that reads nothing until the
// load has ended, and then must find everything.
type stalled struct{ load *load }

func openStalled(ctx context.Context, t target, p *plan, loops int, patience time.Duration) (*stalled, error) {
	l, err := openLoad(ctx, t, p, loops, patience)
	if err != nil {
		return nil, err
	}
	return &stalled{load: l}, nil
}

// round measures the load for d without the stalled subscriber and for d
// beside it. What it returns is of the second part.
func (d *stalled) round(ctx context.Context, settle, span time.Duration) (measurement, error) {
	l := d.load
	without, err := l.round(ctx, settle, span)
	if err != nil {
		return measurement{}, fmt.Errorf("without a stalled subscriber: %w", err)
	}
	s, err := d.openSubscriber(ctx)
	if err != nil {
		return measurement{}, fmt.Errorf("opening the stalled subscriber: %w", err)
	}
	defer s.close()
	d.expect(l.plan.receivers + 1)
	beside, err := l.round(ctx, settle, span)
	if err != nil {
		return measurement{}, fmt.Errorf("beside a stalled subscriber: %w", err)
	}
	d.expect(l.plan.receivers)
	if err := d.wake(s); err != nil {
		return measurement{}, fmt.Errorf("stalled subscriber: %w", err)
	}
	m := beside
	if without.count == 0 || m.count == 0 {
		m.count = 0 // the round was too short
		return m, nil
	}
	rate, alone := m.perSecond(m.count), without.perSecond(without.count)
	m.values = []float64{rate, alone, rate / alone, m.serverMicros(m.count)}
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
