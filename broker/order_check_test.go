package broker

import (
	"fmt"
	"sort"

	"github.com/pubsubd/pubsubd/match"
)

// The rules a history is held against: those of SEMANTICS §6 by number, and
// what else the broker promises.
type rule string

const (
	rulePublisherOrder rule = "1: one publisher's messages stay in order"
	ruleChannelOrder   rule = "2: all subscribers of a channel see one order"
	ruleNotSplit       rule = "3: message and pmessage of one message stay together"
	ruleDelivered      rule = "4: when Publish has returned, all is delivered"
	ruleConfirmation   rule = "5: messages only between the confirmations"
	ruleReaches        rule = "6: what is published after Subscribe reaches"
	ruleRun            rule = "a run, and what Exclusive publishes, stays together"
	ruleAlone          rule = "nothing else happens during Exclusive"
	ruleLost           rule = "nothing is lost"
	ruleTwice          rule = "nothing is delivered twice"
	ruleContent        rule = "what arrives is what was published"
	ruleResult         rule = "the results of Publish are the deliveries"
	ruleCount          rule = "confirmations count right"
)

type violation struct {
	rule rule
	text string
}

func (v violation) String() string { return fmt.Sprintf("%s [rule %s]", v.text, v.rule) }

// maxViolations is how many a checker notes.
const maxViolations = 50

// A place is a channel or a shard channel.
type place struct {
	kind    Kind
	channel string
}

// matches tells whether what is published at p reaches the subscription.
func (p place) matches(s subscription) bool {
	if s.kind == Pattern {
		return p.kind == Channel && match.Match(s.name, p.channel)
	}
	return p == place{s.kind, s.name}
}

// A source is what one publisher published at one place.
type source struct {
	publisher int
	place     place
}

// A message is one payload of a call.
type message struct {
	id        int // its place in checker.all
	publisher int
	call      *call
	number    int
	received  int // deliveries found in streams
}

func (m *message) place() place { return place{m.call.kind, m.call.channel} }

func (m *message) firstOfRun() bool { return m.number == m.call.number }
func (m *message) lastOfRun() bool  { return m.number == m.call.number+m.call.n-1 }

func (m *message) String() string {
	return fmt.Sprintf("message %d of publisher %d on %s %q", m.call.seq+m.number-m.call.number, m.publisher, m.call.kind, m.call.channel)
}

type checker struct {
	h          *history
	messages   [][]*message // by publisher and sequence number
	all        []*message
	calls      map[source][]*call
	sources    map[subscription][]source // of what can reach it
	edges      map[place][][2]int        // messages that followed each other in a stream
	violations []violation
}

// checkHistory returns what the history does not keep of the rules.
func checkHistory(h *history) []violation {
	c := &checker{
		h:        h,
		messages: make([][]*message, len(h.calls)),
		calls:    make(map[source][]*call),
		sources:  make(map[subscription][]source),
		edges:    make(map[place][][2]int),
	}
	for publisher := range h.calls {
		for i := range h.calls[publisher] {
			made := &h.calls[publisher][i]
			from := source{publisher, place{made.kind, made.channel}}
			c.calls[from] = append(c.calls[from], made)
			for n := range made.n {
				m := &message{id: len(c.all), publisher: publisher, call: made, number: made.number + n}
				c.messages[publisher] = append(c.messages[publisher], m)
				c.all = append(c.all, m)
			}
		}
	}
	for _, s := range h.streams {
		for _, fault := range s.faults {
			c.report(ruleContent, "%s: %s", s.label, fault)
		}
		newWalk(c, s).run()
		c.checkAlone(s)
	}
	for _, m := range c.all {
		if m.received != m.call.receivers {
			c.report(ruleResult, "%s: Publish returned %d, %d deliveries", m, m.call.receivers, m.received)
		}
	}
	for p := range c.edges {
		c.checkOneOrder(p)
	}
	return c.violations
}

func (c *checker) report(r rule, format string, args ...any) {
	if len(c.violations) < maxViolations {
		c.violations = append(c.violations, violation{r, fmt.Sprintf(format, args...)})
	}
}

// message returns the message of a delivery, nil if nobody published it.
func (c *checker) message(e *event) *message {
	if e.publisher < 0 || e.publisher >= len(c.messages) || e.seq < 0 || e.seq >= len(c.messages[e.publisher]) {
		return nil
	}
	return c.messages[e.publisher][e.seq]
}

// reaching returns the sources of what can reach a subscription.
func (c *checker) reaching(s subscription) []source {
	sources, ok := c.sources[s]
	if !ok {
		for from := range c.calls {
			if from.place.matches(s) {
				sources = append(sources, from)
			}
		}
		c.sources[s] = sources
	}
	return sources
}

// checkOneOrder looks for an order of a channel's messages in which every
// stream's is contained. There is none if and only if, following what streams
// saw next, one comes back to a message.
func (c *checker) checkOneOrder(p place) {
	next := make(map[int][]int)
	before := make(map[int]int) // how many edges lead to a message
	for _, e := range c.edges[p] {
		next[e[0]] = append(next[e[0]], e[1])
		before[e[0]] += 0
		before[e[1]]++
	}
	var free []int
	for id, n := range before {
		if n == 0 {
			free = append(free, id)
		}
	}
	for len(free) > 0 {
		id := free[len(free)-1]
		free = free[:len(free)-1]
		delete(before, id)
		for _, to := range next[id] {
			if before[to]--; before[to] == 0 {
				free = append(free, to)
			}
		}
	}
	if len(before) > 0 {
		c.report(ruleChannelOrder, "%s %q: no order of %d messages agrees with all streams", p.kind, p.channel, len(before))
	}
}

// checkAlone looks for events of others within an Exclusive.
func (c *checker) checkAlone(s *stream) {
	for i := range s.events {
		e := &s.events[i]
		at := sort.Search(len(c.h.alone), func(i int) bool { return c.h.alone[i].end > e.at })
		if at == len(c.h.alone) || c.h.alone[at].start > e.at {
			continue
		}
		owner := &c.h.alone[at]
		switch e.what {
		case delivered:
			if e.publisher != owner.publisher {
				c.report(ruleAlone, "%s: a message of publisher %d during an Exclusive of %d", s.label, e.publisher, owner.publisher)
			}
		case subscribed, unsubscribed:
			if s != owner.stream {
				c.report(ruleAlone, "%s: a confirmation during an Exclusive of %s", s.label, owner.stream.label)
			}
		}
	}
}
