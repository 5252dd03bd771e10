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

// run runs one scenario on servers started for it alone.
func (c *comparison) run(ctx context.Context, s scenario) (result, error) {
	r := result{scenario: s}
	r.counted, r.setting = s.traffic.describe()
	for _, server := range c.servers {
		if _, ok := server.proto.(resp); !ok && !s.neutral {
			return r, leftOut{server.name + " does not speak the protocol of Redis"}
		}
	}
	if s.files > 0 {
		if err := allowFiles(s.files); err != nil {
			return r, err
		}
	}
	measureAll := c.runInTurn
	if s.fresh {
		measureAll = c.runFresh
	}
	err := measureAll(ctx, &r)
	return r, err
}

// runFresh has a server of its own for each round, without a warm-up. There are
// half as many rounds: starting anew takes its time, and memory varies little.
func (c *comparison) runFresh(ctx context.Context, r *result) error {
	for range max(1, c.options.rounds/2) {
		for side := range c.servers {
			if err := c.runOnce(ctx, r, side); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *comparison) runOnce(ctx context.Context, r *result, side int) error {
	p, err := start(ctx, c.servers[side].with(r.scenario.args))
	if err != nil {
		return err
	}
	defer p.stop()
	d, err := r.scenario.traffic.open(ctx, p, c.options)
	if err != nil {
		return c.blame(ctx, side, p, err)
	}
	defer d.close()
	if err := c.measure(ctx, r, side, d); err != nil {
		return c.blame(ctx, side, p, err)
	}
	if err := d.finish(); err != nil {
		return c.blame(ctx, side, p, err)
	}
	return nil
}

// runInTurn has both servers run all the time and measures them in turn.
func (c *comparison) runInTurn(ctx context.Context, r *result) error {
	var (
		processes [2]*process
		drivers   [2]driver
	)
	for side, server := range c.servers {
		p, err := start(ctx, server.with(r.scenario.args))
		if err != nil {
			return err
		}
		defer p.stop()
		processes[side] = p
	}
	blame := func(side int, err error) error { return c.blame(ctx, side, processes[side], err) }
	for side := range c.servers {
		d, err := r.scenario.traffic.open(ctx, processes[side], c.options)
		if err != nil {
			return blame(side, err)
		}
		defer d.close()
		drivers[side] = d
		if _, err := d.round(ctx, 0, c.options.warmup); err != nil {
			return blame(side, err)
		}
	}
	for range c.options.rounds {
		for side, d := range drivers {
			if err := c.measure(ctx, r, side, d); err != nil {
				return blame(side, err)
			}
		}
	}
	for side, d := range drivers {
		if err := d.finish(); err != nil {
			return blame(side, err)
		}
	}
	return nil
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
