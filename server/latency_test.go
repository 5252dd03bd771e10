package server

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestHistogram(t *testing.T) {
	last := int64(-1)
	for i := range histogramBuckets {
		top := histogramTop(i)
		if histogramIndex(top) != i || histogramIndex(last+1) != i || top > 256 && (top-last)*histogramHalf > top {
			t.Fatalf("bucket %d is %d to %d", i, last+1, top)
		}
		last = top
	}
	if n := histogramIndex(histogramMax); n >= histogramBuckets {
		t.Fatalf("the longest duration is in bucket %d of %d", n, histogramBuckets)
	}
	var h histogram
	if sp := h.snapshot(); sp.percentile(50) != 0 || sp.steps() != nil {
		t.Errorf("nothing has percentile %d and steps %v", sp.percentile(50), sp.steps())
	}
	h.add(0, 1)
	h.add(4*time.Microsecond, 97)
	h.add(32768, 1)
	h.add(time.Hour, 1)
	sp := h.snapshot()
	for p, want := range map[float64]int64{0: 1, 1: 1, 2: 4015, 50: 4015, 98: 4015, 98.6: 33023, 99: 33023, 100: histogramTop(histogramIndex(histogramMax))} {
		if got := sp.percentile(p); got != want {
			t.Errorf("percentile %v is %d, want %d", p, got, want)
		}
	}
	if got, want := sp.steps(), []spreadStep{{1, 1}, {4, 98}, {33, 99}, {1073741, 100}}; !slices.Equal(got, want) {
		t.Errorf("steps are %v, want %v", got, want)
	}
}

// Percentiles are within one part in 128 of what they stand for.
func TestPercentilesAreClose(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var h histogram
	var all []int64
	for range 10000 {
		d := rnd.Int64N(1 << rnd.IntN(29))
		all = append(all, max(d, 1))
		h.add(time.Duration(d), 1)
	}
	slices.Sort(all)
	sp := h.snapshot()
	for _, p := range []float64{0.1, 10, 50, 90, 99, 99.9, 100} {
		want := all[max(0, int(p/100*float64(len(all))+0.5)-1)]
		if got := sp.percentile(p); got < want || (got-want)*histogramHalf > want {
			t.Errorf("percentile %v is told as %d, is %d", p, got, want)
		}
	}
}

func TestLatencyMonitor(t *testing.T) {
	var l latencyMonitor
	for at := range int64(200) {
		l.add(eventCommand, 1000+at, 10)
		l.add(eventCommand, 1000+at, 10+at%7)
		l.add(eventCommand, 1000+at, 1)
	}
	l.add(eventFastCommand, 5, 3)
	names, events := l.snapshot()
	e := events[eventCommand]
	if !slices.Equal(names, []string{eventCommand, eventFastCommand}) || len(e.samples) != maxLatencySamples || e.worst != 16 ||
		e.samples[0] != (latencySample{1040, 10 + 40%7}) || e.samples[maxLatencySamples-1] != (latencySample{1199, 10 + 199%7}) {
		t.Errorf("kept %q, %+v", names, events)
	}
	if n := l.reset("nosuch", eventFastCommand); n != 1 {
		t.Errorf("%d events were reset", n)
	}
	if n := l.reset(); n != 1 {
		t.Errorf("%d events were reset", n)
	}
	if names, _ := l.snapshot(); names != nil {
		t.Errorf("%q are left", names)
	}
}

func TestLatencyGraph(t *testing.T) {
	line := strings.Repeat("-", graphColumns) + "\n"
	e := latencyEvent{worst: 99, samples: []latencySample{{0, 1}, {86400 - 3600, 11}, {86400 - 60, 6}, {86400, 1}}}
	want := "command - high 11 ms, low 1 ms (all time high 99 ms)\n" + line +
		" #  \n" +
		" |_ \n" +
		" || \n" +
		"_||_\n" +
		"    \n" +
		"1110\n" +
		"dhms\n"
	if got := e.graph("command", 86400); got != want {
		t.Errorf("the graph is\n%s\nwant\n%s", got, want)
	}
	e = latencyEvent{worst: 1, samples: make([]latencySample, graphColumns+1)}
	for i := range e.samples {
		e.samples[i] = latencySample{5, 1}
	}
	lines := strings.Split(e.graph("command", 15), "\n")
	if len(lines) != 2+8+1+8+1 || len(lines[5]) != graphColumns || lines[5] != strings.Repeat("_", graphColumns) || lines[14] != "_" || lines[9] != strings.Repeat("s", graphColumns) {
		t.Errorf("a graph in two parts has %d lines: %q", len(lines), lines)
	}
}

func TestLatencyOfCommands(t *testing.T) {
	s := newServer(t)
	c := pipe(t, s)
	c.ask("LATENCY LATEST", "[]")
	c.ask("LATENCY GRAPH command", "-ERR No samples available for event 'command'")
	s.latency.add(eventCommand, 1, 7)
	s.latency.add(eventCommand, 2, 5)
	c.ask("LATENCY LATEST", "[[command 2 5 7]]")
	c.ask("LATENCY HISTORY command", "[[1 7] [2 5]]")
	c.ask("LATENCY HISTORY other", "[]")
	c.ask("LATENCY RESET command", "1")
	for range 3 {
		c.ask("PUBLISH a b", "0")
	}
	c.raw(strings.Repeat(string(encode("PUBLISH", "a", "b")), 5)) // may be one run
	c.want("0", "0", "0", "0", "0")
	c.send("LATENCY HISTOGRAM publish nosuch pubsub")
	f := c.next()
	if len(f.elems) != 2 || f.elems[0].text != "publish" || f.elems[1].elems[1].String() != "8" {
		t.Errorf("the histogram of eight PUBLISHes is %s", f)
	}
	c.ask("CONFIG SET latency-tracking no", "+OK")
	c.ask("CONFIG RESETSTAT", "+OK")
	c.ask("PUBLISH a b", "0")
	c.ask("LATENCY HISTOGRAM", "[]")
	if text := string(s.info([][]byte{[]byte("latencystats")}, s.broker.Stats())); text != "# Latencystats\r\n" {
		t.Errorf("INFO latencystats is %q", text)
	}
}

// LATENCY DOCTOR tells what there is to tell.
func TestLatencyDoctor(t *testing.T) {
	s := newServer(t)
	c := pipe(t, s)
	has := func(parts ...string) {
		t.Helper()
		text := c.do("LATENCY DOCTOR")
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Errorf("LATENCY DOCTOR says %q, without %q", text, part)
			}
		}
	}
	has("The latency monitor is off")
	c.ask("CONFIG SET latency-monitor-threshold 100000", "+OK")
	has("No command has taken 100000 ms or more")
	now := time.Now().Unix()
	s.latency.add(eventOf(commandByName["echo"]), now-7200, 10)
	s.latency.add(eventOf(commandByName["echo"]), now-60, 30)
	s.latency.add(eventOf(commandByName["debug"]), now-60, 5)
	has("fast-command: samples 2, from 2h to 1m ago, on average 20 ms, the worst of all time 30 ms.",
		"command: samples 1, from 1m to 1m ago, on average 5 ms", "SLOWLOG GET shows")
	c.ask("CONFIG SET latency-monitor-threshold 1 slowlog-log-slower-than 5000", "+OK")
	has("CONFIG SET slowlog-log-slower-than 1000")
}

// A threshold is compared with whole units, as it is told.
func TestWatchedThreshold(t *testing.T) {
	s := newServer(t)
	for _, tt := range []struct {
		slow, most, latency int64
		want                time.Duration
	}{
		{10000, 128, 0, 10 * time.Millisecond},
		{10000, 128, 5, 5 * time.Millisecond},
		{10000, 0, 20, 20 * time.Millisecond},
		{-1, 128, 20, 20 * time.Millisecond},
		{0, 128, 20, 0},
		{-1, 128, 0, 1<<63 - 1},
		{1<<63 - 1, 128, 1<<63 - 1, (1<<63 - 1) / 1000000 * 1000000},
	} {
		s.watchCommands(&Config{SlowlogLogSlowerThan: tt.slow, SlowlogMaxLen: tt.most, LatencyMonitorThreshold: tt.latency})
		if got := s.slowest(); got != tt.want {
			t.Errorf("%+v: commands are looked at from %d on, want %d", tt, got, tt.want)
		}
	}
}
