//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// answerPatience is how long anything may take that a server should do at
	// once, before a scenario fails. It is far above what a busy machine
	// explains.
	answerPatience = 20 * time.Second

	// settleTime passes in each round before it is measured.
	settleTime = 200 * time.Millisecond
)

// A driver makes one scenario's traffic on one server.
type driver interface {
	// round drives the server for settle and d, and returns what d gave.
	round(ctx context.Context, settle, d time.Duration) (measurement, error)
	// finish makes the checks that are left after the last round.
	finish() error
	// close gives everything back; the driver has no other use then.
	close()
}

// A comparison runs scenarios on two servers.
type comparison struct {
	options options
	servers [2]program // pubsubd, then its peer

	// measured, if not nil, is called after each round.
	measured func(s scenario, server program, round int, m measurement)
}

// A result is what a scenario gave: as many measurements of the one server as
// of the other, in the order they were made.
type result struct {
	scenario scenario
	counted  string // "deliveries" or "publishes"
	setting  string // payload, connections, requests in flight
	rounds   [2][]measurement
}

// run runs one scenario on two servers started for it alone.
func (c *comparison) run(ctx context.Context, s scenario) (result, error) {
	r := result{scenario: s}
	r.counted, r.setting = s.describe()
	var (
		processes [2]*process
		drivers   [2]driver
	)
	blame := func(side int, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%s: %w%s", c.servers[side].name, err, processes[side].epitaph())
	}
	for side, server := range c.servers {
		p, err := start(ctx, server)
		if err != nil {
			return r, err
		}
		defer p.stop()
		processes[side] = p
	}
	for side := range c.servers {
		d, err := c.open(ctx, s, processes[side])
		if err != nil {
			return r, blame(side, err)
		}
		defer d.close()
		drivers[side] = d
		if _, err := d.round(ctx, 0, c.options.warmup); err != nil {
			return r, blame(side, err)
		}
	}
	for round := range c.options.rounds {
		for side, d := range drivers {
			m, err := d.round(ctx, settleTime, c.options.duration)
			if err == nil && m.count(r.counted) == 0 {
				err = fmt.Errorf("no %s within %v, a longer -duration is needed", r.counted, c.options.duration)
			}
			if err != nil {
				return r, blame(side, err)
			}
			r.rounds[side] = append(r.rounds[side], m)
			if c.measured != nil {
				c.measured(s, c.servers[side], round, m)
			}
		}
	}
	for side, d := range drivers {
		if err := d.finish(); err != nil {
			return r, blame(side, err)
		}
	}
	return r, nil
}

// open connects a driver of the scenario to a server.
func (c *comparison) open(ctx context.Context, s scenario, p *process) (driver, error) {
	pr := probe{pid: p.pid}
	if s.plan == nil {
		if c.options.redisBenchmark == "" {
			return nil, errors.New("-redis-benchmark names no program")
		}
		return &redisBenchmark{
			path: c.options.redisBenchmark, addr: p.addr, probe: pr, requests: redisBenchmarkRequests,
		}, nil
	}
	return openLoad(ctx, p.addr, s.plan(), pr, c.options.loops, answerPatience)
}

// describe returns what a scenario counts and how large its traffic is.
func (s scenario) describe() (counted, setting string) {
	if s.plan == nil {
		return "publishes", fmt.Sprintf("3 B, %d connections, %d in flight each, %d requests a round",
			redisBenchmarkConnections, redisBenchmarkPipeline, redisBenchmarkRequests)
	}
	p := s.plan()
	return p.counted(), fmt.Sprintf("%d B, %d publishers, %d subscribers, %d in flight",
		p.payload, p.publishers, len(p.subscribers), p.inFlight)
}
