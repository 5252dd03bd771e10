package server

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// A latencyMonitor keeps samples of what took long, by event.
type latencyMonitor struct {
	mu     sync.Mutex
	events map[string]*latencyEvent
}

// The events: commands of the kind that is always fast, and all others.
const (
	eventCommand     = "command"
	eventFastCommand = "fast-command"
)

func eventOf(cmd *command) string {
	if cmd.flags&fFast != 0 {
		return eventFastCommand
	}
	return eventCommand
}

// maxLatencySamples is how many samples of an event are kept.
const maxLatencySamples = 160

// A latencyEvent is the samples of one event.
type latencyEvent struct {
	worst   int64           // of all time, in milliseconds
	samples []latencySample // the oldest first
}

// A latencySample is the longest of an event within one second.
type latencySample struct {
	at   int64 // Unix time in seconds
	took int64 // milliseconds
}

// add makes a sample.
func (l *latencyMonitor) add(event string, now, took int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.events[event]
	if e == nil {
		e = new(latencyEvent)
		if l.events == nil {
			l.events = make(map[string]*latencyEvent)
		}
		l.events[event] = e
	}
	e.worst = max(e.worst, took)
	if n := len(e.samples); n > 0 && e.samples[n-1].at == now {
		e.samples[n-1].took = max(e.samples[n-1].took, took)
		return
	}
	if len(e.samples) == maxLatencySamples {
		e.samples = slices.Delete(e.samples, 0, 1)
	}
	e.samples = append(e.samples, latencySample{now, took})
}

// snapshot returns a copy of the events and their names in order.
func (l *latencyMonitor) snapshot() (names []string, events map[string]latencyEvent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	events = make(map[string]latencyEvent)
	for name, e := range l.events {
		events[name] = latencyEvent{e.worst, slices.Clone(e.samples)}
	}
	return slices.Sorted(maps.Keys(events)), events
}

// reset forgets events, all if none is named, and returns how many there were.
func (l *latencyMonitor) reset(names ...string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(names) == 0 {
		n = len(l.events)
		l.events = nil
		return n
	}
	for _, name := range names {
		if l.events[name] != nil {
			delete(l.events, name)
			n++
		}
	}
	return n
}

const (
	graphColumns = 80
	graphRows    = 4
)

// graphTips are how a column of the graph ends, from low to high.
const graphTips = "_o#"

// graph draws the samples as columns, each with its age written downwards
// below it.
func (e latencyEvent) graph(name string, now int64) string {
	low, high := e.samples[0].took, e.samples[0].took
	for _, s := range e.samples {
		low, high = min(low, s.took), max(high, s.took)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s - high %d ms, low %d ms (all time high %d ms)\n%s\n", name, high, low, e.worst, strings.Repeat("-", graphColumns))
	for i := 0; i < len(e.samples); i += graphColumns {
		part := e.samples[i:min(i+graphColumns, len(e.samples))]
		if i > 0 {
			b.WriteByte('\n')
		}
		drawColumns(&b, part, low, high)
		b.WriteString(strings.Repeat(" ", len(part)) + "\n")
		writeAges(&b, part, now)
	}
	return b.String()
}

// drawColumns draws a column for each sample, the lowest of all with height
// zero.
func drawColumns(b *strings.Builder, samples []latencySample, low, high int64) {
	const steps = graphRows * len(graphTips)
	for row := graphRows - 1; row >= 0; row-- {
		for _, s := range samples {
			height := min(steps-1, int((s.took-low)*int64(steps)/max(1, high-low)))
			switch over := height - row*len(graphTips); {
			case over < 0:
				b.WriteByte(' ')
			case over < len(graphTips):
				b.WriteByte(graphTips[over])
			default:
				b.WriteByte('|')
			}
		}
		b.WriteByte('\n')
	}
}

// writeAges writes how old each sample is, from top to bottom.
func writeAges(b *strings.Builder, samples []latencySample, now int64) {
	longest := 0
	ages := make([]string, len(samples))
	for i, s := range samples {
		ages[i] = age(now - s.at)
		longest = max(longest, len(ages[i]))
	}
	for at := range longest {
		for _, a := range ages {
			if at < len(a) {
				b.WriteByte(a[at])
			} else {
				b.WriteByte(' ')
			}
		}
		b.WriteByte('\n')
	}
}

// age writes seconds in the largest unit they fill.
func age(seconds int64) string {
	for _, u := range []struct {
		size int64
		name string
	}{{24 * 60 * 60, "d"}, {60 * 60, "h"}, {60, "m"}} {
		if seconds >= u.size {
			return fmt.Sprintf("%d%s", seconds/u.size, u.name)
		}
	}
	return fmt.Sprintf("%ds", max(0, seconds))
}
