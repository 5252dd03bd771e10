//go:build linux

package main

import (
	"context"
	"fmt"
	"math"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/pubsubd/pubsubd/internal/procfs"
)

var standings = &kind{
	title: "Standing subscriptions",
	metrics: []metric{
		{name: "memory", unit: "B", column: "memory each, B", lower: true},
		{name: "setup_cpu", unit: "µs", column: "CPU each to set up, µs", lower: true},
		{name: "idle_cpu", unit: "ms/s", column: "idle CPU, ms/s", lower: true},
	},
}

const (
	// standingAddrs is how many loopback addresses connections are spread
	// over: each has some 28,000 ports for the client's side.
	standingAddrs = 3

	// openers is how many connections are set up at a time.
	openers = 4

	// Resident memory has settled when two readings settleInterval apart
	// differ by at most one part in settledWithin, or after settleTries.
	settleInterval = time.Second
	settledWithin  = 100
	settleTries    = 8

	// idleSpans is for how many lengths of a round idle CPU is measured: it
	// is counted in hundredths of a second, and should be few of them.
	idleSpans = 3

	// mostChecked is about how many subscriptions are tried with a message.
	mostChecked = 100_000

	// standingPayload is that message.
	standingPayload = "anybody there?"
)

// A standingTraffic is connections that subscribe to some channels each and
// then have nothing to do.
type standingTraffic struct {
	connections int
	each        int // channels of one connection
}

func (t standingTraffic) describe() (counted, setting string) {
	if t.each == 1 {
		return "connections", fmt.Sprintf("%d connections with one channel each", t.connections)
	}
	return "subscriptions", fmt.Sprintf("%d connections with %d channels each", t.connections, t.each)
}

func (t standingTraffic) open(_ context.Context, p *process, _ options) (driver, error) {
	_, port, err := net.SplitHostPort(p.addr)
	if err != nil {
		return nil, err
	}
	var addrs []string
	for i := range standingAddrs {
		addrs = append(addrs, net.JoinHostPort(loopback(i), port))
	}
	return newStanding(addrs, t, p.target().probe, answerPatience), nil
}

// args lets a server have all the connections.
func (t standingTraffic) args() []string {
	args := []string{"--maxclients", fmt.Sprint(t.connections + 100), "--bind"}
	for i := range standingAddrs {
		args = append(args, loopback(i))
	}
	return args
}

// files returns how many files the generator and each server must be allowed
// to have open.
func (t standingTraffic) files() uint64 { return uint64(t.connections) + 200 }

// loopback returns the i-th of the addresses that mean this machine.
func loopback(i int) string { return fmt.Sprintf("127.0.0.%d", 1+i) }

// A standing measures what connections and subscriptions cost a server that
// has nothing to deliver. It has one round.
type standing struct {
	// Immutable after newStanding.
	addrs    []string // of the server
	traffic  standingTraffic
	probe    probe
	patience time.Duration
	interval time.Duration // between readings of memory

	fds []int // -1 where there is none
}

func newStanding(addrs []string, t standingTraffic, pr probe, patience time.Duration) *standing {
	d := &standing{addrs: addrs, traffic: t, probe: pr, patience: patience, interval: settleInterval}
	d.fds = make([]int, t.connections)
	for i := range d.fds {
		d.fds[i] = -1
	}
	return d
}

// channel returns the name of channel k of a connection.
func (d *standing) channel(connection, k int) string {
	return fmt.Sprintf("bench:standing:%07d", connection*d.traffic.each+k)
}

// round sets all connections up, measures what they cost, and then makes sure
// that they get what is published. Its clocks cover the setting up.
func (d *standing) round(ctx context.Context, _, span time.Duration) (measurement, error) {
	before, err := d.settledRSS(ctx)
	if err != nil {
		return measurement{}, err
	}
	from, err := d.probe.sample()
	if err != nil {
		return measurement{}, err
	}
	if err := d.setUp(ctx); err != nil {
		return measurement{}, err
	}
	to, err := d.probe.sample()
	if err != nil {
		return measurement{}, err
	}
	m := to.since(from)
	if m.serverRSS, err = d.settledRSS(ctx); err != nil {
		return measurement{}, err
	}
	idle, err := d.idle(ctx, idleSpans*span)
	if err != nil {
		return measurement{}, err
	}
	m.count = int64(d.traffic.connections) * int64(d.traffic.each)
	m.values = []float64{
		float64(m.serverRSS-before) / float64(m.count),
		m.serverMicros(m.count),
		1000 * idle.cores(idle.serverCPU),
	}
	if err := d.check(ctx); err != nil {
		return measurement{}, err
	}
	m.published = int64(d.checks())
	m.delivered = m.published
	return m, nil
}

// settledRSS returns the server's resident memory in bytes when it has come to
// rest, or what it is after some seconds.
func (d *standing) settledRSS(ctx context.Context) (int64, error) {
	last := int64(math.MinInt64 / 2)
	for range settleTries {
		now, err := procfs.RSS(d.probe.pid)
		if err != nil {
			return 0, fmt.Errorf("reading the server's memory: %w", err)
		}
		if max(now-last, last-now) <= now/settledWithin {
			return now, nil
		}
		last = now
		if err := sleep(ctx, d.interval); err != nil {
			return 0, err
		}
	}
	return last, nil
}

// idle measures the server for a while in which nobody asks it anything.
func (d *standing) idle(ctx context.Context, span time.Duration) (measurement, error) {
	from, err := d.probe.sample()
	if err != nil {
		return measurement{}, err
	}
	if err := sleep(ctx, span); err != nil {
		return measurement{}, err
	}
	to, err := d.probe.sample()
	return to.since(from), err
}

// sleep returns nil after d, or earlier with the error of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// setUp opens all connections, a few at a time, and subscribes.
func (d *standing) setUp(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var opening sync.WaitGroup
	for o := range openers {
		opening.Go(func() {
			for i := o; i < len(d.fds) && ctx.Err() == nil; i += openers {
				fd, err := d.openConnection(ctx, i)
				if err != nil {
					cancel(fmt.Errorf("opening connection %d: %w", i, err))
					return
				}
				d.fds[i] = fd
			}
		})
	}
	opening.Wait()
	return context.Cause(ctx)
}

func (d *standing) openConnection(ctx context.Context, i int) (fd int, err error) {
	nc, err := dial(ctx, d.addrs[i%len(d.addrs)], d.patience)
	if err != nil {
		return -1, err
	}
	names := make([]string, d.traffic.each)
	for k := range names {
		names[k] = d.channel(i, k)
	}
	if err := subscribe(nc, resp{}, "subscribe", names, d.patience); err != nil {
		nc.Close()
		return -1, err
	}
	// The port is free at once after a reset; it would be kept for a minute
	// otherwise, which tens of thousands of connections would use up.
	if tcp, ok := nc.(*net.TCPConn); ok {
		if err := tcp.SetLinger(0); err != nil {
			nc.Close()
			return -1, err
		}
	}
	return detach(nc)
}

// checks returns how many subscriptions of all check tries.
func (d *standing) checks() int {
	all := d.traffic.connections * d.traffic.each
	return (all + d.stride() - 1) / d.stride()
}

// stride is 1 to try all subscriptions, else one in so many.
func (d *standing) stride() int {
	return max(1, (d.traffic.connections*d.traffic.each+mostChecked-1)/mostChecked)
}

// check publishes to each channel that is tried and makes sure that its
// connection, and nobody else, gets the message.
func (d *standing) check(ctx context.Context) error {
	nc, err := dial(ctx, d.addrs[0], d.patience)
	if err != nil {
		return err
	}
	publisher, err := detach(nc)
	if err != nil {
		return err
	}
	defer syscall.Close(publisher)
	for _, fd := range d.fds {
		if err := setBlocking(fd, d.patience); err != nil {
			return err
		}
	}
	const window = 50
	var channels []int // number in all, of a window
	flush := func() error {
		if len(channels) == 0 {
			return nil
		}
		var requests, replies []byte
		for _, n := range channels {
			requests = appendArray(requests, "PUBLISH", d.channel(n/d.traffic.each, n%d.traffic.each), standingPayload)
			replies = appendInteger(replies, 1)
		}
		if err := exchange(publisher, requests, replies, d.patience); err != nil {
			return fmt.Errorf("PUBLISH to each channel: %w", err)
		}
		for _, n := range channels {
			connection := n / d.traffic.each
			want := appendArray(nil, "message", d.channel(connection, n%d.traffic.each), standingPayload)
			if err := receive(d.fds[connection], want, d.patience); err != nil {
				return fmt.Errorf("connection %d: %w", connection, err)
			}
		}
		channels = channels[:0]
		return ctx.Err()
	}
	// The numbers of a window lie on one connection where it has many
	// channels, so order within a connection is looked at as well.
	for n := 0; n < d.traffic.connections*d.traffic.each; n += d.stride() {
		if channels = append(channels, n); len(channels) == window {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// receive reads exactly want. The descriptor is a blocking one.
func receive(fd int, want []byte, patience time.Duration) error {
	got := make([]byte, len(want))
	for have := 0; have < len(want); {
		n, err := readSome(fd, got[have:])
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("got %s, and no more came for %v; want %s", excerpt(got[:have]), patience, excerpt(want))
		}
		have += n
		if string(got[:have]) != string(want[:have]) {
			return fmt.Errorf("got %s, want %s", excerpt(got[:have]), excerpt(want))
		}
	}
	return nil
}

// finish makes sure that the server has nothing left to say to anybody but the
// reply to a PING.
func (d *standing) finish() error {
	for i, fd := range d.fds {
		if err := lastWord(fd, resp{}, true, d.patience); err != nil {
			return fmt.Errorf("connection %d: %w", i, err)
		}
	}
	return nil
}

func (d *standing) close() {
	for i, fd := range d.fds {
		if fd >= 0 {
			syscall.Close(fd)
			d.fds[i] = -1
		}
	}
}
