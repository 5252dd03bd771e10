//go:build linux

package main

import (
	"reflect"
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
	if d.filling <= 0 {
		t.Error("it is not known how long it takes to fill a connection")
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

// Both parts of a round have as many turns, and each follows on itself as often as on
// the other.
func TestStallsAt(t *testing.T) {
	turns, after := make(map[bool]int), make(map[[2]bool]int)
	for i := range 2 * stalledTurns {
		turns[stallsAt(i)]++
		if i > 0 {
			after[[2]bool{stallsAt(i - 1), stallsAt(i)}]++
		}
	}
	if turns[false] != stalledTurns || turns[true] != stalledTurns {
		t.Errorf("turns are %v, want %d of each", turns, stalledTurns)
	}
	if after[[2]bool{true, false}] != after[[2]bool{false, true}] || after[[2]bool{true, true}] < stalledTurns/2 || after[[2]bool{false, false}] == 0 {
		t.Errorf("what follows on what is %v", after)
	}
}

func TestKept(t *testing.T) {
	part := func(seconds, deliveries, cpu int) measurement {
		return measurement{
			elapsed: time.Duration(seconds) * time.Second, published: int64(deliveries / 2), delivered: int64(deliveries),
			serverCPU: time.Duration(cpu) * time.Millisecond, generatorCPU: 1, machineCPU: 2, held: 3, serverRSS: int64(cpu), count: int64(deliveries),
		}
	}
	without, beside := part(1, 500, 10), part(1, 200, 10)
	without.add(part(3, 1500, 30))
	beside.add(part(1, 400, 14))
	want := measurement{
		elapsed: 2 * time.Second, published: 300, delivered: 600, serverCPU: 24 * time.Millisecond, generatorCPU: 2, machineCPU: 4,
		held: 6, serverRSS: 14, count: 600, values: []float64{300, 500, 0.6, 40, 20},
	}
	if got := kept(without, beside); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := kept(without, measurement{}); got.count != 0 || got.values != nil {
		t.Errorf("of nothing beside it: %+v", got)
	}
}

func TestTimeOf(t *testing.T) {
	m := measurement{published: 1000, elapsed: time.Second}
	for messages, want := range map[int]time.Duration{500: time.Second / 2, 2000: 2 * time.Second, 1e9: maxFilling} {
		if got := timeOf(messages, m); got != want {
			t.Errorf("%d messages take %v, want %v", messages, got, want)
		}
	}
	if got := timeOf(1, measurement{elapsed: time.Second}); got != 0 {
		t.Errorf("at no rate: %v, want 0", got)
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
