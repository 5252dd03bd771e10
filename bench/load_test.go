//go:build linux

package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// drive runs three short rounds of a plan against a server and returns the
// first error, and what the last round gave.
func drive(t *testing.T, s *fakeServer, p *plan, patience time.Duration) (measurement, error) {
	t.Helper()
	l, err := openLoad(t.Context(), s.target(), p, 2, patience)
	if err != nil {
		return measurement{}, err
	}
	defer l.close()
	var m measurement
	for range 3 {
		if m, err = l.round(t.Context(), 0, 30*time.Millisecond); err != nil {
			return m, err
		}
	}
	return m, l.finish()
}

const (
	// patient is for servers that answer everything; nothing waits that long.
	patient = 30 * time.Second

	// impatient is for servers that are waited for in vain.
	impatient = 400 * time.Millisecond
)

// patienceFor returns how long to wait for a server whose fault is said by
// this error.
func patienceFor(err string) time.Duration {
	if strings.Contains(err, "no more came") || strings.Contains(err, "got no reply") {
		return impatient
	}
	return patient
}

var smallPlans = map[string]func() *plan{
	"fanout":        func() *plan { return fanoutPlan(3, 1, 16, smallPayload) },
	"large":         func() *plan { return fanoutPlan(2, 1, 16, largePayload) },
	"publishers":    func() *plan { return fanoutPlan(3, 5, 1, smallPayload) },
	"channels":      func() *plan { return channelsPlan(10, 3, 4, 7, smallPayload) },
	"wide window":   func() *plan { return channelsPlan(3, 3, 2, 16, smallPayload) },
	"patterns":      func() *plan { return patternsPlan(10, patternShapes, 6, 4, smallPayload) },
	"one shape":     func() *plan { return patternsPlan(10, patternShapes[1:2], 6, 4, smallPayload) },
	"medium":        func() *plan { return fanoutPlan(2, 4, 16, mediumPayload) },
	"silent":        func() *plan { return silentPlan(5, 16, smallPayload) },
	"churn":         func() *plan { return churnPlan(5, 4) },
	"least payload": func() *plan { return fanoutPlan(1, 1, 1, payloadMin) },
}

func TestLoadOnGoodServer(t *testing.T) {
	for name, plan := range smallPlans {
		t.Run(name, func(t *testing.T) {
			p := plan()
			m, err := drive(t, new(fakeServer).serve(t), p, patient)
			if err != nil {
				t.Fatal(err)
			}
			if m.published == 0 || m.count == 0 || m.values[0] <= 0 {
				t.Errorf("nothing was counted: %+v", m)
			}
			if len(p.subscribers) == 0 && m.delivered != 0 {
				t.Errorf("%d deliveries without a subscriber", m.delivered)
			}
		})
	}
}

// TestRoundHoldsWholeWindow has a round that is shorter than any window.
func TestRoundHoldsWholeWindow(t *testing.T) {
	const inFlight = 16
	s := new(fakeServer).serve(t)
	l, err := openLoad(t.Context(), s.target(), fanoutPlan(1, 1, inFlight, smallPayload), 1, patient)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	m, err := l.round(t.Context(), 0, time.Nanosecond)
	if err != nil {
		t.Fatal(err)
	}
	if m.published < inFlight || m.published%inFlight != 0 {
		t.Errorf("%d publishes were measured, want whole windows of %d", m.published, inFlight)
	}
}

// TestLoadThroughNarrowGate has publishers wait for subscribers after every
// window, and still get everything through.
func TestLoadThroughNarrowGate(t *testing.T) {
	s := new(fakeServer).serve(t)
	l, err := openLoad(t.Context(), s.target(), fanoutPlan(3, 4, 16, smallPayload), 2, patient)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	l.gate.frames = 1
	for range 2 {
		if _, err := l.round(t.Context(), 0, 30*time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	if l.held.Load() == 0 {
		t.Error("4 publishers were never held where one window may be under way")
	}
	if err := l.finish(); err != nil {
		t.Error(err)
	}
}

func TestLoadRejectsBadServer(t *testing.T) {
	t.Parallel()
	var withheld string // by the server that reorders
	tests := []struct {
		name   string
		server fakeServer
		want   string // in the error
	}{
		{"drops", fakeServer{deliver: at(5, func(string) string { return "" })},
			"lost or out of order"},
		{"drops everything", fakeServer{deliver: func(int, string) string { return "" }},
			"messages, and no more came"},
		{"repeats", fakeServer{deliver: at(5, func(f string) string { return f + f })},
			"repeated or out of order"},
		{"reorders", fakeServer{deliver: func(n int, f string) string {
			switch n {
			case 5:
				withheld = f
				return ""
			case 6:
				return f + withheld
			}
			return f
		}}, "lost or out of order"},
		{"changes the channel", fakeServer{deliver: func(_ int, f string) string {
			return strings.Replace(f, "fanout", "FANOUT", 1)
		}}, "malformed frame"},
		{"changes the payload", fakeServer{deliver: func(_ int, f string) string {
			return strings.Replace(f, "xx", "xy", 1)
		}}, "malformed frame"},
		{"cuts a frame short", fakeServer{deliver: at(5, func(f string) string { return f[:len(f)-1] })},
			"malformed frame"},
		{"leaves a frame unfinished", fakeServer{deliver: func(_ int, f string) string { return f[:len(f)-1] }},
			"malformed frame"},
		{"hangs up", fakeServer{
			hangUp: func(n int) bool { return n == 5 },
			answer: func(int, string) string { return ":1\r\n" },
		}, "subscriber 0, after 5 deliveries"},
		{"counts too few", fakeServer{answer: at(5, func(string) string { return ":0\r\n" })},
			`PUBLISH answered`},
		{"counts too many", fakeServer{answer: at(5, func(string) string { return ":10\r\n" })},
			`PUBLISH answered`},
		{"answers an error", fakeServer{answer: at(5, func(string) string { return "-ERR no\r\n" })},
			"PUBLISH answered"},
		{"answers twice", fakeServer{answer: func(_ int, r string) string { return r + r }},
			"beyond the replies"},
		{"does not answer", fakeServer{answer: at(5, func(string) string { return "" })},
			"got no reply to PUBLISH"},
		{"refuses to subscribe", fakeServer{confirm: func(string) string { return "-NOPERM no\r\n" }},
			"confirmation of subscribe"},
	}
	for i := range tests {
		test := &tests[i]
		t.Run(test.name, func(t *testing.T) {
			t.Parallel() // those that wait in vain wait together
			s := test.server.serve(t)
			_, err := drive(t, s, fanoutPlan(1, 1, 4, smallPayload), patienceFor(test.want))
			if err == nil {
				t.Fatal("the server was accepted")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q, want one with %q", err, test.want)
			}
		})
	}
}

func TestLoadRejectsStrayMessage(t *testing.T) {
	// The second subscriber is sent what only the first one asked for.
	p := channelsPlan(2, 2, 1, 1, smallPayload)
	s := &fakeServer{deliver: func(_ int, f string) string {
		return strings.Replace(f, p.channels[1], p.channels[0], 1)
	}}
	if _, err := drive(t, s.serve(t), p, patient); err == nil {
		t.Error("the server was accepted")
	}
}

// TestLoadRejectsLateExtra has the server add something after all that was
// due, which only the check at the end can see.
func TestLoadRejectsLateExtra(t *testing.T) {
	s := new(fakeServer).serve(t)
	l, err := openLoad(t.Context(), s.target(), fanoutPlan(1, 1, 1, smallPayload), 1, patient)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	if _, err := l.round(t.Context(), 0, 10*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	l.stopReading()
	s.mu.Lock()
	for nc, c := range s.conns {
		if len(c.names) > 0 {
			nc.Write(appendArray(nil, "message", "bench:fanout", "more"))
		}
	}
	s.mu.Unlock()
	if err := l.finish(); err == nil || !strings.Contains(err.Error(), "only the reply to PING was due") {
		t.Errorf("finish returned %v", err)
	}
}

func TestLoadEndsWithContext(t *testing.T) {
	s := new(fakeServer).serve(t)
	ctx, cancel := context.WithCancel(t.Context())
	l, err := openLoad(ctx, s.target(), fanoutPlan(1, 1, 1, smallPayload), 1, patient)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	go cancel()
	if _, err := l.round(ctx, time.Hour, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("round returned %v, want context.Canceled", err)
	}
}

// gateOf returns a gate over subscribers that get one in oneIn messages and
// may be behind by frames.
func gateOf(frames int64, oneIn ...int) *gate {
	g := &gate{frames: frames}
	for _, n := range oneIn {
		g.subscribers = append(g.subscribers, &subscriber{plan: &subscriberPlan{oneIn: n}})
	}
	return g
}

func TestGate(t *testing.T) {
	g := gateOf(10, 1, 1)
	for i := range 2 {
		if !g.pass(5) {
			t.Fatalf("window %d was held with %d of 10 under way", i, i*5)
		}
	}
	if g.pass(1) {
		t.Fatal("a message passed with 10 of 10 under way")
	}
	g.subscribers[0].received.Store(10)
	if g.pass(1) {
		t.Fatal("a message passed while one subscriber was still behind")
	}
	g.subscribers[1].received.Store(3)
	if !g.pass(3) {
		t.Fatal("messages were held after the subscribers had caught up")
	}
	if g.pass(1) {
		t.Fatal("more passed than the subscribers had caught up")
	}
}

func TestGateShared(t *testing.T) {
	g := gateOf(10, 4, 4, 4, 4)
	if !g.pass(40) {
		t.Fatal("40 messages over 4 subscribers were held")
	}
	if g.pass(1) {
		t.Fatal("a message passed with 10 under way at each")
	}
}

func TestGateLetsLargeWindowPassAlone(t *testing.T) {
	g := gateOf(10, 1)
	if !g.pass(100) {
		t.Fatal("a window was held with nothing under way")
	}
	if g.pass(1) {
		t.Fatal("a message passed behind it")
	}
	g.subscribers[0].received.Store(100)
	if !g.pass(100) {
		t.Fatal("a window was held after everything had been received")
	}
}

func TestGateBoundsBacklog(t *testing.T) {
	const frameLen = 100
	for _, n := range []int{1, 100, 1000, 10_000} {
		var subs []*subscriber
		for range n {
			subs = append(subs, &subscriber{
				plan:     &subscriberPlan{oneIn: 1},
				verifier: &verifier{frameLen: frameLen},
			})
		}
		each := newGate(subs).frames * frameLen
		if each > backlogPerSubscriber || each*int64(n) > backlogInAll {
			t.Errorf("%d subscribers may each be %d bytes behind", n, each)
		}
		if each < 10*frameLen {
			t.Errorf("%d subscribers may be only %d bytes behind", n, each)
		}
	}
}

func TestGateWithoutSubscribers(t *testing.T) {
	g := newGate(nil)
	for range 3 {
		if !g.pass(1 << 40) {
			t.Fatal("messages nobody receives were held")
		}
	}
}
