//go:build linux

package main

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// pace runs two short rounds against a server and returns the first error, and
// what the last round gave.
func pace(t *testing.T, s *fakeServer, traffic pacedTraffic, patience time.Duration) (*paced, measurement, error) {
	t.Helper()
	d, err := openPaced(t.Context(), s.target(), traffic, 2, patience)
	if err != nil {
		return nil, measurement{}, err
	}
	defer d.close()
	var m measurement
	for range 2 {
		if m, err = d.round(t.Context(), 10*time.Millisecond, 50*time.Millisecond); err != nil {
			return d, m, err
		}
	}
	return d, m, d.finish()
}

func TestPacedOnGoodServer(t *testing.T) {
	d, m, err := pace(t, new(fakeServer).serve(t), pacedTraffic{subscribers: 3, rate: 2000}, patient)
	if err != nil {
		t.Fatal(err)
	}
	recorded := int64(0)
	for _, h := range d.latency {
		recorded += h.TotalCount()
	}
	if want := int64(3 * 2000 / 20); recorded != want {
		t.Errorf("%d latencies were recorded, want %d: 3 subscribers, 2000 messages a second for 50 ms", recorded, want)
	}
	if sent := d.load.publishers[0].sent[0]; sent != 2*2000*60/1000 {
		t.Errorf("%d messages were sent, want 240: two rounds of 60 ms", sent)
	}
	if len(m.values) != len(latencies.metrics) {
		t.Fatalf("%d values, want %d", len(m.values), len(latencies.metrics))
	}
	if p50, p99, p999 := m.values[0], m.values[1], m.values[2]; p50 <= 0 || p50 > p99 || p99 > p999 {
		t.Errorf("percentiles are %v, %v, %v", p50, p99, p999)
	}
}

func TestPacedRejectsBadServer(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		server fakeServer
		want   string // in the error
	}{
		{"drops", fakeServer{deliver: at(9, lost)}, "lost or out of order"},
		{"drops the last", fakeServer{deliver: at(119, lost)}, "no more came"},
		{"drops everything", fakeServer{deliver: func(int, string) string { return "" }}, "no more came"},
		{"repeats", fakeServer{deliver: at(9, func(f string) string { return f + f })}, "repeated or out of order"},
		{"counts wrong", fakeServer{answer: at(9, func(string) string { return ":2\r\n" })}, "PUBLISH answered"},
		{"answers twice", fakeServer{answer: func(_ int, r string) string { return r + r }}, "beyond the replies"},
		{"does not answer", fakeServer{answer: at(100, lost)}, "got no reply to PUBLISH"},
	}
	for i := range tests {
		test := &tests[i]
		t.Run(test.name, func(t *testing.T) {
			t.Parallel() // those that wait in vain wait together
			_, _, err := pace(t, test.server.serve(t), pacedTraffic{subscribers: 1, rate: 2000}, patienceFor(test.want))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want one with %q", err, test.want)
			}
		})
	}
}

// TestPacedCountsFromSchedule has a server that did nothing for the second in
// which 1000 messages were due, and then delivered all of them.
func TestPacedCountsFromSchedule(t *testing.T) {
	d := &paced{latency: []*hdrhistogram.Histogram{newHistogram(), newHistogram()}}
	d.now.Store(&schedule{start: time.Now().Add(-time.Second), interval: time.Millisecond, first: 5000, measured: 5100})
	d.record(1, 5000, 1000)
	h := d.latency[1]
	if h.TotalCount() != 900 || d.latency[0].TotalCount() != 0 {
		t.Fatalf("%d latencies were recorded, want 900 of 1000, the first 100 being left out", h.TotalCount())
	}
	for percentile, want := range map[float64]time.Duration{50: 450 * time.Millisecond, 99: 891 * time.Millisecond} {
		got := time.Duration(h.ValueAtQuantile(percentile))
		// The clock goes on between the two calls above.
		if got < want-10*time.Millisecond || got > want+5*time.Second {
			t.Errorf("percentile %v is %v, want %v", percentile, got, want)
		}
	}
}

func TestRecordInBounds(t *testing.T) {
	h := newHistogram()
	for _, d := range []time.Duration{math.MinInt64, 0, time.Second, time.Hour, math.MaxInt64} {
		recordIn(h, d)
	}
	if h.TotalCount() != 5 {
		t.Errorf("%d of 5 times were recorded", h.TotalCount())
	}
}

func TestPacedEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	d, err := openPaced(ctx, new(fakeServer).serve(t).target(), pacedTraffic{subscribers: 1, rate: 1000}, 1, patient)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	go cancel()
	if _, err := d.round(ctx, time.Hour, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("round returned %v, want context.Canceled", err)
	}
}

// BenchmarkRecord tells what noting the latency of one delivery costs.
func BenchmarkRecord(b *testing.B) {
	d := &paced{latency: []*hdrhistogram.Histogram{newHistogram()}}
	d.now.Store(&schedule{start: time.Now(), interval: time.Nanosecond})
	const atOnce = 16
	seq := int64(0)
	for b.Loop() {
		d.record(0, seq, atOnce)
		seq += atOnce
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/atOnce, "ns/delivery")
}
