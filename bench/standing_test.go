//go:build linux

package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// stand runs the round of a standing traffic and returns the first error, and
// what the round gave.
func stand(t *testing.T, s *fakeServer, traffic standingTraffic, patience time.Duration) (measurement, error) {
	t.Helper()
	d := newStanding([]string{s.serve(t).addr}, traffic, probe{pid: os.Getpid()}, patience)
	d.interval = time.Millisecond
	defer d.close()
	m, err := d.round(t.Context(), 0, time.Millisecond)
	if err != nil {
		return m, err
	}
	return m, d.finish()
}

func TestStandingOnGoodServer(t *testing.T) {
	for _, traffic := range []standingTraffic{{connections: 30, each: 1}, {connections: 2, each: subscribeBatch + 10}} {
		m, err := stand(t, new(fakeServer), traffic, patient)
		if err != nil {
			t.Fatal(err)
		}
		if want := int64(traffic.connections * traffic.each); m.count != want || m.delivered != want {
			t.Errorf("%d were counted and %d tried, want %d", m.count, m.delivered, want)
		}
		if len(m.values) != len(standings.metrics) {
			t.Errorf("%d values, want %d", len(m.values), len(standings.metrics))
		}
	}
}

func TestStandingRejectsBadServer(t *testing.T) {
	t.Parallel()
	lastOf := func(name string) bool { return strings.HasSuffix(name, "0000019") }
	tests := []struct {
		name   string
		server fakeServer
		want   string // in the error
	}{
		{"forgets a subscription", fakeServer{forget: lastOf}, "PUBLISH to each channel"},
		{"drops a message", fakeServer{only: 2, deliver: func(int, string) string { return "" }}, "and no more came"},
		{"drops a message and counts on", fakeServer{only: 2, deliver: func(n int, f string) string {
			if n == 1 {
				return ""
			}
			return f
		}}, "got \"*3"},
		{"repeats the last message", fakeServer{deliver: func(n int, f string) string {
			if n == 4 {
				return f + f
			}
			return f
		}}, "only the reply to PING was due"},
		{"delivers another's", fakeServer{deliver: func(_ int, f string) string {
			return strings.Replace(f, "0000003", "0000004", 1)
		}}, "connection 0: got"},
		{"refuses", fakeServer{confirm: func(c string) string {
			if strings.Contains(c, "0000012") {
				return "-ERR max number of clients reached\r\n"
			}
			return c
		}}, "opening connection 2: confirmation of subscribe"},
		{"hangs up", fakeServer{only: 3, hangUp: func(n int) bool { return n == 1 }}, "EOF"},
	}
	for i := range tests {
		test := &tests[i]
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := stand(t, &test.server, standingTraffic{connections: 4, each: 5}, patienceFor(test.want))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want one with %q", err, test.want)
			}
		})
	}
}

// TestStandingChecksPart has too many subscriptions to try all of them.
func TestStandingChecksPart(t *testing.T) {
	for _, test := range []struct{ connections, each, stride, checks int }{
		{10_000, 1, 1, 10_000},
		{100_000, 1, 1, 100_000},
		{100_001, 1, 2, 50_001},
		{100, 10_000, 10, 100_000},
	} {
		d := newStanding(nil, standingTraffic{connections: test.connections, each: test.each}, probe{}, patient)
		if d.stride() != test.stride || d.checks() != test.checks {
			t.Errorf("of %d × %d one in %d is tried, %d in all; want one in %d, %d in all",
				test.connections, test.each, d.stride(), d.checks(), test.stride, test.checks)
		}
	}
}

func TestStandingEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d := newStanding([]string{new(fakeServer).serve(t).addr}, standingTraffic{connections: 1, each: 1}, probe{pid: os.Getpid()}, patient)
	defer d.close()
	if _, err := d.round(ctx, 0, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("round returned %v, want context.Canceled", err)
	}
}

func TestAllowFiles(t *testing.T) {
	if err := allowFiles(1); err != nil {
		t.Errorf("one file: %v", err)
	}
	// More than any kernel lets a process have.
	if _, ok := errors.AsType[leftOut](allowFiles(1 << 40)); !ok {
		t.Error("2^40 files were allowed")
	}
}

// A countingTraffic notes what is done with it.
type countingTraffic struct{ calls *[]string }

func (t countingTraffic) describe() (counted, setting string) { return "publishes", "some" }

func (t countingTraffic) open(_ context.Context, p *process, _ options) (driver, error) {
	t.note("open")
	return t, nil
}

func (t countingTraffic) note(call string) { *t.calls = append(*t.calls, call) }

func (t countingTraffic) round(context.Context, time.Duration, time.Duration) (measurement, error) {
	t.note("round")
	m := measurement{elapsed: time.Second}
	return m.throughput(int64(len(*t.calls))), nil
}

func (t countingTraffic) finish() error { t.note("finish"); return nil }
func (t countingTraffic) close()        { t.note("close") }

func TestComparisonRun(t *testing.T) {
	server := self(t, "server")
	for _, test := range []struct {
		fresh bool
		calls string
	}{
		{false, "open round open round " + strings.Repeat("round round ", 5) + "finish finish close close"},
		{true, strings.TrimSpace(strings.Repeat("open round finish close ", 2*(5/2)))},
	} {
		var calls []string
		measured := 0
		c := &comparison{options: options{rounds: 5}, servers: [2]program{server, server}}
		c.measured = func(_ scenario, _ program, round int, _ measurement) {
			if measured++; round != (measured+1)/2 {
				t.Errorf("round %d is numbered %d", (measured+1)/2, round)
			}
		}
		r, err := c.run(t.Context(), scenario{kind: throughput, fresh: test.fresh, traffic: countingTraffic{&calls}})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(calls, " "); got != test.calls {
			t.Errorf("fresh = %v: calls are %q, want %q", test.fresh, got, test.calls)
		}
		if n := len(r.rounds[0]); n != len(r.rounds[1]) || n != measured/2 {
			t.Errorf("fresh = %v: %d and %d rounds in the result, %d measured", test.fresh, n, len(r.rounds[1]), measured)
		}
		if r.counted != "publishes" {
			t.Errorf("result is %+v", r)
		}
	}
	_, err := (&comparison{servers: [2]program{server, server}}).run(t.Context(), scenario{traffic: countingTraffic{new([]string)}, files: 1 << 40})
	if _, ok := errors.AsType[leftOut](err); !ok {
		t.Errorf("a scenario that needs 2^40 files gives %v", err)
	}
}
