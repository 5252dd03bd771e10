//go:build linux

package main

import (
	"math"
	"reflect"
	"testing"
	"time"
)

func TestSpreadOf(t *testing.T) {
	tests := []struct {
		in   []float64
		want spread
	}{
		{nil, spread{}},
		{[]float64{3}, spread{3, 3, 3}},
		{[]float64{9, 1, 5}, spread{5, 1, 9}},
		{[]float64{4, 1, 3, 2}, spread{2.5, 1, 4}},
	}
	for _, test := range tests {
		if got := spreadOf(test.in); got != test.want {
			t.Errorf("spreadOf(%v) = %+v, want %+v", test.in, got, test.want)
		}
	}
	in := []float64{3, 1, 2}
	spreadOf(in)
	if in[0] != 3 {
		t.Error("spreadOf changed the order of its argument, which is the order of the rounds")
	}
}

func TestRatioOf(t *testing.T) {
	tests := []struct {
		name string
		a, b []float64
		want spread
	}{
		// Everything took twice as long in the second round.
		{"slow round", []float64{20, 10, 20}, []float64{10, 5, 10}, spread{2, 2, 2}},
		{"median of medians", []float64{10, 30, 20}, []float64{10, 10, 5}, spread{2, 1, 4}},
		{"nothing", nil, nil, spread{}},
		{"unequal", []float64{1, 2}, []float64{1}, spread{}},
		{"unknown", []float64{1, 2}, []float64{1, 0}, spread{}},
	}
	for _, test := range tests {
		if got := ratioOf(test.a, test.b); got != test.want {
			t.Errorf("%s: ratioOf(%v, %v) = %+v, want %+v", test.name, test.a, test.b, got, test.want)
		}
	}
}

func TestShort(t *testing.T) {
	for x, want := range map[float64]string{
		0: "0.00", 0.0712: "0.0712", 0.000236: "0.000236", 0.1: "0.100", 0.99949: "0.999", 0.9996: "1.00", 2.345: "2.35", 9.996: "10.0",
		12.34: "12.3", 99.96: "100", 123.4: "123", 999.4: "999", 999.6: "1.00k", 12_345: "12.3k",
		999_499: "999k", 999_501: "1.00M", 3_612_345: "3.61M", 12_345_678: "12.3M",
	} {
		if got := short(x); got != want {
			t.Errorf("short(%v) = %q, want %q", x, got, want)
		}
	}
}

func TestMeasurement(t *testing.T) {
	at := time.Unix(1000, 0)
	from := sample{at: at, serverCPU: time.Second, generatorCPU: time.Second, machineCPU: 10 * time.Second,
		published: 5, delivered: 500, serverRSS: 1, held: time.Second}
	to := sample{at: at.Add(2 * time.Second), serverCPU: 2 * time.Second, generatorCPU: 3 * time.Second,
		machineCPU: 14 * time.Second, published: 1005, delivered: 100_500, serverRSS: 7, held: 4 * time.Second}
	m := to.since(from)
	want := measurement{elapsed: 2 * time.Second, published: 1000, delivered: 100_000, serverCPU: time.Second,
		generatorCPU: 2 * time.Second, machineCPU: 4 * time.Second, serverRSS: 7, held: 3 * time.Second}
	if !reflect.DeepEqual(m, want) {
		t.Fatalf("since = %+v, want %+v", m, want)
	}
	for _, test := range []struct {
		what      string
		got, want float64
	}{
		{"publishes per second", m.throughput(m.published).values[0], 500},
		{"µs per publish", m.throughput(m.published).values[1], 1000},
		{"deliveries per second", m.perSecond(m.delivered), 50_000},
		{"µs per delivery", m.serverMicros(m.delivered), 10},
		{"generator's cores", m.cores(m.generatorCPU), 1},
		{"other cores", m.otherCores(), 0.5},
	} {
		if math.Abs(test.got-test.want) > 1e-9 {
			t.Errorf("%s = %v, want %v", test.what, test.got, test.want)
		}
	}
}
