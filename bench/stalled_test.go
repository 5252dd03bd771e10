//go:build linux

package main

import (
	"strings"
	"testing"
	"time"
)

// driveStalled runs two short rounds of a stalled traffic and returns the
// first error, and what the last round gave.
func driveStalled(t *testing.T, s *fakeServer, patience time.Duration) (measurement, error) {
	t.Helper()
	l, err := openLoad(t.Context(), s.target(), fanoutPlan(2, 2, 4, smallPayload), 1, patience)
	if err != nil {
		return measurement{}, err
	}
	d := &stalled{load: l, fill: 64 * smallPayload}
	defer d.close()
	var m measurement
	for range 2 {
		if m, err = d.round(t.Context(), 0, 30*time.Millisecond); err != nil {
			return m, err
		}
	}
	return m, d.finish()
}

func TestStalledOnGoodServer(t *testing.T) {
	m, err := driveStalled(t, new(fakeServer).serve(t), patient)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.values) != len(stalling.metrics) {
		t.Fatalf("%d values, want %d", len(m.values), len(stalling.metrics))
	}
	if beside, without, kept := m.values[0], m.values[1], m.values[2]; beside <= 0 || without <= 0 || kept != beside/without {
		t.Errorf("rates are %v and %v, and %v of it was kept", beside, without, kept)
	}
}

// TestStalledRejectsBadServer has servers that are good to all but the third
// subscriber, which is the stalled one.
func TestStalledRejectsBadServer(t *testing.T) {
	t.Parallel()
	// from gives f in place of all frames from the n-th on.
	from := func(n int, f string) func(int, string) string {
		return func(i int, frame string) string {
			if i >= n {
				return f
			}
			return frame
		}
	}
	tests := []struct {
		name   string
		server fakeServer
		want   string // in the error
	}{
		{"drops one", fakeServer{only: 3, deliver: func(n int, f string) string {
			if n == 3 {
				return ""
			}
			return f
		}}, "lost or out of order"},
		{"drops all", fakeServer{only: 3, deliver: from(0, "")}, "got 0 messages, and no more came"},
		{"drops the end", fakeServer{only: 3, deliver: from(2, "")}, "got 2 messages, and no more came"},
		{"ends within a frame", fakeServer{only: 3, deliver: func(n int, f string) string {
			switch {
			case n == 2:
				return f[:5]
			case n > 2:
				return ""
			}
			return f
		}}, "got 2 messages, and no more came"},
		{"repeats", fakeServer{only: 3, deliver: func(_ int, f string) string { return f + f }}, "repeated"},
		{"adds something", fakeServer{confirm: func(c string) string {
			return strings.Replace(c, "*3\r\n$11\r\nunsub", "+hello\r\n*3\r\n$11\r\nunsub", 1)
		}}, "stalled subscriber: got"},
		{"hangs up", fakeServer{only: 3, hangUp: func(n int) bool { return n == 5 }}, "stalled subscriber: "},
	}
	for i := range tests {
		test := &tests[i]
		t.Run(test.name, func(t *testing.T) {
			t.Parallel() // those that wait in vain wait together
			_, err := driveStalled(t, test.server.serve(t), patienceFor(test.want))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want one with %q", err, test.want)
			}
		})
	}
}
