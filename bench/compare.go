//go:build linux

package main

import (
	"context"
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

	// measured, if not nil, is called after each round, counted from 1.
	measured func(s scenario, server program, round int, m measurement)
}

// A result is what a scenario gave: as many measurements of the one server as
// of the other, in the order they were made.
type result struct {
	scenario scenario
	counted  string // what figures are per: "deliveries", "publishes"
	setting  string // payload, connections, requests in flight
	rounds   [2][]measurement
}

// run runs one scenario on two servers started for it alone.
func (c *comparison) run(ctx context.Context, s scenario) (result, error) {
	r := result{scenario: s}
	r.counted, r.setting = s.traffic.describe()
	var (
		processes [2]*process
		drivers   [2]driver
	)
	for side, server := range c.servers {
		p, err := start(ctx, server.with(s.args))
		if err != nil {
			return r, err
		}
		defer p.stop()
		processes[side] = p
	}
	blame := func(side int, err error) error { return c.blame(ctx, side, processes[side], err) }
	for side := range c.servers {
		d, err := s.traffic.open(ctx, processes[side], c.options)
		if err != nil {
			return r, blame(side, err)
		}
		defer d.close()
		drivers[side] = d
		if _, err := d.round(ctx, 0, c.options.warmup); err != nil {
			return r, blame(side, err)
		}
	}
	for range c.options.rounds {
		for side, d := range drivers {
			if err := c.measure(ctx, &r, side, d); err != nil {
				return r, blame(side, err)
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

// measure adds a round of one server to r.
func (c *comparison) measure(ctx context.Context, r *result, side int, d driver) error {
	m, err := d.round(ctx, settleTime, c.options.duration)
	if err != nil {
		return err
	}
	if m.count == 0 {
		return fmt.Errorf("no %s within %v, a longer -duration is needed", r.counted, c.options.duration)
	}
	r.rounds[side] = append(r.rounds[side], m)
	if c.measured != nil {
		c.measured(r.scenario, c.servers[side], len(r.rounds[side]), m)
	}
	return nil
}

// blame says which server an error is about and how that one ended.
func (c *comparison) blame(ctx context.Context, side int, p *process, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%s: %w%s", c.servers[side].name, err, p.epitaph())
}
