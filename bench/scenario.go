//go:build linux

package main

import (
	"fmt"
	"regexp"
)

// A scenario is one row of the comparison.
type scenario struct {
	name  string
	quick bool // part of -quick

	// plan is the traffic; nil for the scenario run by redis-benchmark.
	plan func() *plan
}

const (
	smallPayload = 64       // bytes
	largePayload = 16 << 10 // bytes

	// patternConnections is kept above one because redis-server 7.0 looks
	// through all patterns of a client when it adds one: 100,000 patterns on
	// one connection would take longer to set up than to measure.
	patternConnections = 8 // per shape
)

// scenarios returns all of them in the order they are run.
func scenarios() []scenario {
	quick := map[string]bool{
		"fanout/subscribers=100/inflight=1":                true,
		"fanout/subscribers=100/inflight=16":               true,
		"fanout/subscribers=100/inflight=128":              true,
		"fanout/subscribers=100/payload=16KiB/inflight=16": true,
		"channels=1000/publishers=4/inflight=16":           true,
		"silent/publishers=50/inflight=1":                  true,
		"patterns=100000/inflight=16":                      true,
		redisBenchmarkName:                                 true,
	}
	var all []scenario
	add := func(plan func() *plan, format string, args ...any) {
		name := fmt.Sprintf(format, args...)
		all = append(all, scenario{name: name, quick: quick[name], plan: plan})
	}
	windows := []int{1, 16, 128}

	for _, n := range []int{1, 10, 100, 1000} {
		for _, w := range windows {
			add(func() *plan { return fanoutPlan(n, 1, w, smallPayload) }, "fanout/subscribers=%d/inflight=%d", n, w)
		}
	}
	add(func() *plan { return fanoutPlan(100, 50, 1, smallPayload) }, "fanout/subscribers=100/publishers=50/inflight=1")
	add(func() *plan { return fanoutPlan(100, 1, 16, largePayload) }, "fanout/subscribers=100/payload=16KiB/inflight=16")
	for _, w := range windows {
		add(func() *plan { return channelsPlan(1000, 50, 4, w, smallPayload) }, "channels=1000/publishers=4/inflight=%d", w)
	}
	for _, w := range windows {
		add(func() *plan { return silentPlan(50, w, smallPayload) }, "silent/publishers=50/inflight=%d", w)
	}
	for _, n := range []int{10, 1000, 100_000} {
		add(func() *plan { return patternsPlan(n, patternConnections, 16, smallPayload) }, "patterns=%d/inflight=16", n)
	}
	add(nil, redisBenchmarkName)
	return all
}

// selectScenarios returns those whose name matches run, nil meaning all, and
// that belong to the quick preset if quick is set.
func selectScenarios(all []scenario, run *regexp.Regexp, quick bool) []scenario {
	var chosen []scenario
	for _, s := range all {
		if (run == nil || run.MatchString(s.name)) && (!quick || s.quick) {
			chosen = append(chosen, s)
		}
	}
	return chosen
}
