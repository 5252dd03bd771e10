//go:build linux

package main

import (
	"fmt"
	"slices"
)

// A plan is the traffic of a scenario: who subscribes to what, who publishes
// how, and what must come of it. It says nothing of a server, so both sides
// get the same one.
type plan struct {
	channels   []string // published to in turn; all of one length
	payload    int      // bytes, at least payloadMin
	publishers int      // connections; each sends to all channels in turn
	inFlight   int      // requests a publisher sends before it waits for their replies
	receivers  int      // what every PUBLISH must answer
	churners   int      // connections that subscribe and unsubscribe, inFlight requests at a time

	subscribers []subscriberPlan // one per connection
}

// A subscriberPlan is one subscriber connection.
type subscriberPlan struct {
	command string   // "subscribe" or "psubscribe"
	names   []string // channels or patterns

	// gets holds, by channel of the plan, the index in names of what delivers
	// it to this subscriber, or nothing.
	gets []int
	// oneIn says that one in so many messages of the plan reaches this
	// subscriber. Zero means none does.
	oneIn int
}

// nothing says that a channel does not reach a subscriber.
const nothing = -1

// noneOf returns what a subscriber gets of n channels that do not reach it.
func noneOf(n int) []int { return slices.Repeat([]int{nothing}, n) }

// heads returns, by channel of the plan, the beginning of its deliveries to
// the subscriber, nil where there are none.
func (s *subscriberPlan) heads(proto protocol, p *plan) [][]byte {
	heads := make([][]byte, len(p.channels))
	for c, n := range s.gets {
		if n != nothing {
			heads[c] = proto.head(s.command, s.names[n], n, p.channels[c], p.payload)
		}
	}
	return heads
}

// fanoutPlan sends everything to all of n subscribers of one channel.
func fanoutPlan(n, publishers, inFlight, payload int) *plan {
	p := &plan{
		channels:   []string{"bench:fanout"},
		payload:    payload,
		publishers: publishers,
		inFlight:   inFlight,
		receivers:  n,
	}
	for range n {
		p.subscribers = append(p.subscribers, subscriberPlan{
			command: "subscribe", names: p.channels, gets: []int{0}, oneIn: 1,
		})
	}
	return p
}

// channelsPlan has n channels with one subscriber each, spread over few
// connections such that neighbouring channels lie on different connections.
func channelsPlan(n, connections, publishers, inFlight, payload int) *plan {
	p := &plan{payload: payload, publishers: publishers, inFlight: inFlight, receivers: 1}
	for i := range n {
		p.channels = append(p.channels, fmt.Sprintf("bench:channel:%06d", i))
	}
	for c := range connections {
		s := subscriberPlan{command: "subscribe", gets: noneOf(n), oneIn: connections}
		for i := c; i < n; i += connections {
			s.gets[i] = len(s.names)
			s.names = append(s.names, p.channels[i])
		}
		p.subscribers = append(p.subscribers, s)
	}
	return p
}

// silentPlan publishes to a channel nobody subscribed to.
func silentPlan(publishers, inFlight, payload int) *plan {
	return &plan{
		channels:   []string{"bench:nobody"},
		payload:    payload,
		publishers: publishers,
		inFlight:   inFlight,
	}
}

// A patternShape is a kind of pattern that a server may index in its own way.
// The channel of a number matches the pattern of that number and no other; the
// channels of all shapes are of one length.
type patternShape struct{ name, pattern, channel string }

var patternShapes = []patternShape{
	{"prefix", "user:%06d:*", "user:%06d:mail"}, // known by its beginning
	{"suffix", "*:%06d:tail", "room:%06d:tail"}, // by its end
	{"middle", "a:*:b%06d", "a:thread:b%06d"},   // by both
}

// patternsPlan has n patterns of some shapes in equal parts, each shape held by
// an equal part of the connections. Channels are published to that match one
// pattern each, a different shape every time.
func patternsPlan(n int, shapes []patternShape, connections, inFlight, payload int) *plan {
	p := &plan{payload: payload, publishers: 1, inFlight: inFlight, receivers: 1}
	for k, shape := range shapes {
		count := (n + len(shapes) - 1 - k) / len(shapes)
		matching := count / 2
		channel := fmt.Sprintf(shape.channel, matching)
		p.channels = append(p.channels, channel)

		holders := min(connections/len(shapes), count)
		for c := range holders {
			s := subscriberPlan{command: "psubscribe", gets: noneOf(len(shapes))}
			for i := c; i < count; i += holders {
				if i == matching {
					s.gets[k] = len(s.names)
					s.oneIn = len(shapes)
				}
				s.names = append(s.names, fmt.Sprintf(shape.pattern, i))
			}
			p.subscribers = append(p.subscribers, s)
		}
	}
	return p
}

// churnPlan has connections that subscribe to inFlight/2 channels each and
// unsubscribe from them, and so on.
func churnPlan(connections, inFlight int) *plan {
	return &plan{churners: connections, inFlight: inFlight}
}

// counted is what a scenario of this plan counts: deliveries where there are
// subscribers, SUBSCRIBE and UNSUBSCRIBE where there are churners, else
// publishes.
func (p *plan) counted() string {
	switch {
	case len(p.subscribers) > 0:
		return "deliveries"
	case p.churners > 0:
		return "changes"
	}
	return "publishes"
}

// String tells the sizes.
func (p *plan) String() string {
	if p.churners > 0 {
		return fmt.Sprintf("%d connections, %d in flight", p.churners, p.inFlight)
	}
	return fmt.Sprintf("%d B, %d publishers, %d subscribers, %d in flight",
		p.payload, p.publishers, len(p.subscribers), p.inFlight)
}
