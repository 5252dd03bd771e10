//go:build linux

package main

import (
	"context"
	"fmt"
	"regexp"
)

// A scenario is one row of the comparison.
type scenario struct {
	name    string
	quick   bool // part of -quick
	kind    *kind
	traffic traffic
	args    []string // more arguments for both servers
	files   uint64   // that generator and server each must be allowed to open; zero for as many as they are
	fresh   bool     // each round has servers of its own
	neutral bool     // works with servers of any protocol, and not of Redis' only
}

// A traffic is what a scenario does to a server.
type traffic interface {
	// describe returns what is counted and how large the traffic is.
	describe() (counted, setting string)
	// open connects a driver of it to a server.
	open(ctx context.Context, p *process, o options) (driver, error)
}

// A closedLoop is the traffic of a plan whose publishers wait for replies.
type closedLoop struct{ plan func() *plan }

func (t closedLoop) describe() (counted, setting string) {
	p := t.plan()
	return p.counted(), p.String()
}

func (t closedLoop) open(ctx context.Context, p *process, o options) (driver, error) {
	l, err := openLoad(ctx, p.target(), t.plan(), o.loops, answerPatience)
	if err != nil {
		return nil, err // not a driver that holds nil
	}
	return l, nil
}

const (
	smallPayload  = 64       // bytes
	mediumPayload = 1 << 10  // bytes
	largePayload  = 16 << 10 // bytes

	// patternConnections is kept above one because redis-server 7.0 looks
	// through all patterns of a client when it adds one: 100,000 patterns on
	// one connection would take longer to set up than to measure.
	patternConnections = 24

	// windowLimit is how many bytes of payload one window of requests may
	// become at the subscribers: a server has to hold all of them.
	windowLimit = 512 << 20
)

// quickScenarios are the names of those in the quick preset.
var quickScenarios = map[string]bool{
	"fanout/subscribers=1/inflight=1":                  true,
	"fanout/subscribers=10/inflight=16":                true,
	"fanout/subscribers=100/inflight=1":                true,
	"fanout/subscribers=100/inflight=16":               true,
	"fanout/subscribers=100/inflight=128":              true,
	"fanout/subscribers=1000/inflight=16":              true,
	"fanout/subscribers=100/payload=1KiB/inflight=16":  true,
	"fanout/subscribers=100/payload=16KiB/inflight=16": true,
	"fanout/subscribers=100/publishers=4/inflight=16":  true,
	"fanout/subscribers=100/publishers=50/inflight=1":  true,
	"channels=1000/publishers=1/inflight=1":            true,
	"channels=1000/publishers=4/inflight=16":           true,
	"silent/publishers=50/inflight=1":                  true,
	"silent/publishers=50/inflight=16":                 true,
	"patterns=100000/inflight=16":                      true,
	"churn/connections=50/inflight=16":                 true,
	"latency/subscribers=10/rate=2000":                 true,
	"latency/subscribers=10/rate=20000":                true,
	"idle/subscribers=10000":                           true,
	"subscriptions=1000000/connections=100":            true,
	"stalled/subscribers=10/inflight=16":               true,
	redisBenchmarkName:                                 true,
}

// scenarios returns all of them in the order they are run.
func scenarios() []scenario {
	var all []scenario
	add := func(s scenario) {
		s.quick = quickScenarios[s.name]
		all = append(all, s)
	}
	closed := func(plan func() *plan, format string, args ...any) {
		add(scenario{name: fmt.Sprintf(format, args...), kind: throughput, traffic: closedLoop{plan}, neutral: true})
	}
	windows := []int{1, 16, 128}

	fanout := func(subscribers, payload, publishers, inFlight int) {
		if subscribers*payload*inFlight > windowLimit {
			return
		}
		name := fmt.Sprintf("fanout/subscribers=%d", subscribers)
		if payload != smallPayload {
			name += fmt.Sprintf("/payload=%dKiB", payload>>10)
		}
		if publishers != 1 {
			name += fmt.Sprintf("/publishers=%d", publishers)
		}
		closed(func() *plan { return fanoutPlan(subscribers, publishers, inFlight, payload) }, "%s/inflight=%d", name, inFlight)
	}
	for _, publishers := range []int{1, 50} {
		for _, payload := range []int{smallPayload, mediumPayload, largePayload} {
			for _, subscribers := range []int{1, 10, 100, 1000} {
				for _, inFlight := range windows {
					fanout(subscribers, payload, publishers, inFlight)
				}
			}
		}
	}
	fanout(100, smallPayload, 4, 16)
	for _, publishers := range []int{1, 4} {
		for _, w := range windows {
			closed(func() *plan { return channelsPlan(1000, 50, publishers, w, smallPayload) }, "channels=1000/publishers=%d/inflight=%d", publishers, w)
		}
	}
	for _, w := range windows {
		closed(func() *plan { return silentPlan(50, w, smallPayload) }, "silent/publishers=50/inflight=%d", w)
	}
	patterns := func(n int, kind string, shapes []patternShape) {
		closed(func() *plan { return patternsPlan(n, shapes, patternConnections, 16, smallPayload) }, "patterns=%d%s/inflight=16", n, kind)
	}
	for _, n := range []int{10, 1000, 100_000} {
		patterns(n, "", patternShapes)
	}
	for i, shape := range patternShapes {
		for _, n := range []int{10, 1000, 100_000} {
			patterns(n, "/shape="+shape.name, patternShapes[i:i+1])
		}
	}
	add(scenario{
		name: "churn/connections=50/inflight=16", kind: throughput,
		traffic: closedLoop{func() *plan { return churnPlan(50, 16) }},
	})
	add(scenario{name: redisBenchmarkName, kind: throughput, traffic: redisBenchmarkTraffic{}})
	for _, rate := range []int{2000, 20_000} {
		add(scenario{
			name: fmt.Sprintf("latency/subscribers=10/rate=%d", rate), kind: latencies,
			traffic: pacedTraffic{subscribers: 10, rate: rate},
		})
	}
	standing := func(name string, t standingTraffic) {
		add(scenario{name: name, kind: standings, traffic: t, args: t.args(), files: t.files(), fresh: true})
	}
	standing("idle/subscribers=10000", standingTraffic{connections: 10_000, each: 1})
	standing("idle/subscribers=19000", standingTraffic{connections: 19_000, each: 1}) // where a process may have 20,000 files
	standing("idle/subscribers=30000", standingTraffic{connections: 30_000, each: 1})
	standing("subscriptions=1000000/connections=100", standingTraffic{connections: 100, each: 10_000})
	add(scenario{
		name: "stalled/subscribers=10/inflight=16", kind: stalling, args: stalledArgs,
		traffic: stalledTraffic{func() *plan { return fanoutPlan(9, 1, 16, smallPayload) }},
	})
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
