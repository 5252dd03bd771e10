package broker

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// The subscribers of the sample history, by place in streams.
const (
	sampleBoth   = iota // news.0 and news.*, from beginning to end
	sampleName          // news.0 and news.1, leaves news.0 and comes back
	sampleOthers        // news.1, then cleared; uses Exclusive as author 2
)

// sampleHistory is what a real broker does when used by one goroutine.
func sampleHistory() *history {
	w := newWorld(nil)
	var churners []*churner
	for _, label := range []string{"both", "name", "others"} {
		r := &recorder{w: w}
		r.stream.label = label
		churners = append(churners, newChurner(r, w.b.Join(r), 0, subscription{Channel, "news.0"}))
	}
	authors := []*author{newAuthor(w, 0, 0), newAuthor(w, 1, 0), newAuthor(w, 2, 0)}
	both, name, others := churners[sampleBoth], churners[sampleName], churners[sampleOthers]
	others.author = authors[2]
	others.rng = rand.New(rand.NewPCG(0, 0))

	zero, one, all := subscription{Channel, "news.0"}, subscription{Channel, "news.1"}, subscription{Pattern, "news.*"}
	both.change(w.b, true, zero)
	name.change(w.b, true, one)
	name.change(w.b, true, zero)
	others.change(w.b, true, one)
	news0, news1 := place{Channel, "news.0"}, place{Channel, "news.1"}
	authors[0].publish(nil, news1, 3, 0) // author 0: 0, 1, 2: a run
	both.change(w.b, true, all)
	authors[0].publish(nil, news0, 1, 0) // author 0: 3
	authors[1].publish(nil, news0, 1, 0) // author 1: 0
	authors[0].publish(nil, news0, 1, 0) // author 0: 4
	name.change(w.b, false, zero)
	authors[0].publish(nil, news0, 2, 0) // author 0: 5, 6
	name.change(w.b, true, zero)
	authors[0].publish(w.b.PublishFrom, news0, 1, 0) // author 0: 7
	w.b.Exclusive(others.m, func(x *Exclusive) {
		s := section{start: w.tick(), publisher: 2, stream: &others.r.stream}
		others.author.publish(x.PublishFrom, news0, 1, s.start) // author 2: 0
		others.author.publish(x.PublishFrom, news0, 1, s.start) // author 2: 1
		s.end = w.tick()
		w.alone = append(w.alone, s)
	})
	others.clear(w.b)
	authors[1].publish(nil, news0, 1, 0) // author 1: 1

	h := &history{alone: w.alone}
	for _, a := range authors {
		h.calls = append(h.calls, a.calls)
	}
	for _, c := range churners {
		c.r.stream.changes = c.changes
		h.streams = append(h.streams, c.r.finish())
	}
	return h
}

// find returns the place in a stream of a message by name or by pattern.
func (h *history) find(stream int, k Kind, publisher, seq int) int {
	i := slices.IndexFunc(h.streams[stream].events, func(e event) bool {
		return e.what == delivered && e.sub.kind == k && e.publisher == publisher && e.seq == seq
	})
	if i < 0 {
		panic("the sample history has no such message")
	}
	return i
}

// confirmation returns the place in a stream of the nth confirmation.
func (h *history) confirmation(stream, nth int) int {
	for i, e := range h.streams[stream].events {
		if e.what == subscribed || e.what == unsubscribed {
			if nth--; nth < 0 {
				return i
			}
		}
	}
	panic("the sample history has no such confirmation")
}

// reorder moves the event at from to the place of the one at to. The times
// stay where they are.
func (h *history) reorder(stream, from, to int) {
	events := h.streams[stream].events
	times := make([]int64, len(events))
	for i := range events {
		times[i] = events[i].at
	}
	e := events[from]
	events = slices.Delete(events, from, from+1)
	events = slices.Insert(events, to, e)
	for i := range events {
		events[i].at = times[i]
	}
	h.streams[stream].events = events
}

// remove takes an event away.
func (h *history) remove(stream, i int) event {
	s := h.streams[stream]
	e := s.events[i]
	s.events = slices.Delete(s.events, i, i+1)
	return e
}

// blur makes all calls of Publish concurrent, so that the clock proves nothing.
func (h *history) blur() {
	for _, calls := range h.calls {
		for i := range calls {
			calls[i].start, calls[i].end = 0, never
		}
	}
}

// lose removes a message from a stream and from the result of its call.
func (h *history) lose(stream int, k Kind, publisher, seq int) {
	h.remove(stream, h.find(stream, k, publisher, seq))
	for i := range h.calls[publisher] {
		if c := &h.calls[publisher][i]; c.seq <= seq && seq < c.seq+c.n {
			c.receivers--
		}
	}
}

var doctored = []struct {
	label  string
	rule   rule
	doctor func(h *history)
}{
	{"one delivery lost", ruleResult, func(h *history) { h.remove(sampleName, h.find(sampleName, Channel, 0, 3)) }},
	{"one message lost and not counted", ruleLost, func(h *history) {
		h.lose(sampleBoth, Channel, 0, 4)
		h.lose(sampleBoth, Pattern, 0, 4)
	}},
	{"lost by name but not by pattern", ruleLost, func(h *history) { h.lose(sampleBoth, Channel, 1, 0) }},
	{"lost by pattern but not by name", ruleLost, func(h *history) { h.lose(sampleBoth, Pattern, 1, 0) }},
	{"lost in the middle of a run", ruleLost, func(h *history) { h.lose(sampleOthers, Channel, 0, 1) }},
	{"first after Subscribe lost", ruleReaches, func(h *history) { h.lose(sampleName, Channel, 0, 7) }},
	{"last before Unsubscribe lost", ruleReaches, func(h *history) { h.lose(sampleName, Channel, 0, 4) }},
	{"last of all lost", ruleReaches, func(h *history) { h.lose(sampleName, Channel, 1, 1) }},
	{"all of a subscription lost", ruleReaches, func(h *history) {
		for seq := range 3 {
			h.lose(sampleOthers, Channel, 0, seq)
		}
	}},
	{"start of a run lost", ruleRun, func(h *history) { h.lose(sampleName, Channel, 0, 0) }},
	{"end of a run lost", ruleRun, func(h *history) { h.lose(sampleName, Channel, 0, 2) }},
	{"duplicated", ruleTwice, func(h *history) {
		i := h.find(sampleName, Channel, 0, 3)
		s := h.streams[sampleName]
		s.events = slices.Insert(s.events, i, s.events[i])
	}},
	{"duplicated by pattern", ruleTwice, func(h *history) {
		i := h.find(sampleBoth, Pattern, 0, 3)
		s := h.streams[sampleBoth]
		s.events = slices.Insert(s.events, i, s.events[i])
	}},
	{"one publisher's messages reordered", rulePublisherOrder, func(h *history) {
		h.reorder(sampleName, h.find(sampleName, Channel, 0, 4), h.find(sampleName, Channel, 0, 3))
	}},
	{"one publisher's messages on two channels reordered", rulePublisherOrder, func(h *history) {
		h.reorder(sampleName, h.find(sampleName, Channel, 0, 3), h.find(sampleName, Channel, 0, 0))
	}},
	{"two publishers' messages in another order", ruleChannelOrder, func(h *history) {
		h.blur()
		h.reorder(sampleName, h.find(sampleName, Channel, 1, 0), h.find(sampleName, Channel, 0, 3))
	}},
	{"delivered after Publish returned", ruleDelivered, func(h *history) {
		h.reorder(sampleName, h.find(sampleName, Channel, 1, 0), h.find(sampleName, Channel, 0, 3))
	}},
	{"before Subscribed", ruleConfirmation, func(h *history) {
		h.reorder(sampleOthers, h.find(sampleOthers, Channel, 0, 0), h.confirmation(sampleOthers, 0))
	}},
	{"after Unsubscribed", ruleConfirmation, func(h *history) {
		h.reorder(sampleName, h.find(sampleName, Channel, 0, 4), h.confirmation(sampleName, 2))
	}},
	{"after Clear", ruleConfirmation, func(h *history) {
		h.reorder(sampleOthers, h.find(sampleOthers, Channel, 0, 2), len(h.streams[sampleOthers].events)-1)
	}},
	{"Subscribed twice", ruleConfirmation, func(h *history) {
		s := h.streams[sampleName]
		s.events = slices.Insert(s.events, 1, s.events[0])
	}},
	{"Unsubscribed twice", ruleConfirmation, func(h *history) {
		s, i := h.streams[sampleName], h.confirmation(sampleName, 2)
		s.events = slices.Insert(s.events, i, s.events[i])
	}},
	{"not confirmed", ruleConfirmation, func(h *history) { h.remove(sampleOthers, h.confirmation(sampleOthers, 0)) }},
	{"confirmed without a call", ruleConfirmation, func(h *history) { h.streams[sampleOthers].changes = nil }},
	{"confirmed after the call", ruleConfirmation, func(h *history) {
		c := &h.streams[sampleOthers].changes[0]
		c.start, c.end = c.start-1, c.end-2
	}},
	{"wrong count", ruleCount, func(h *history) {
		h.streams[sampleBoth].events[h.confirmation(sampleBoth, 1)].count = 1
	}},
	{"m2 between message m1 and pmessage m1", ruleNotSplit, func(h *history) {
		h.blur()
		h.reorder(sampleBoth, h.find(sampleBoth, Channel, 1, 0), h.find(sampleBoth, Pattern, 0, 3))
	}},
	{"pmessage m2 between message m1 and pmessage m1", ruleNotSplit, func(h *history) {
		h.reorder(sampleBoth, h.find(sampleBoth, Pattern, 0, 4), h.find(sampleBoth, Pattern, 1, 0))
	}},
	{"pmessage before message", ruleNotSplit, func(h *history) {
		h.reorder(sampleBoth, h.find(sampleBoth, Pattern, 0, 3), h.find(sampleBoth, Channel, 0, 3))
	}},
	{"Subscribed between message and pmessage", ruleNotSplit, func(h *history) {
		s := h.streams[sampleBoth]
		h.reorder(sampleBoth, h.confirmation(sampleBoth, 1), h.find(sampleBoth, Channel, 0, 3))
		s.changes[1].start, s.changes[1].end = 0, never-1
	}},
	{"a run torn by another publisher", ruleRun, func(h *history) {
		h.blur()
		h.reorder(sampleBoth, h.find(sampleBoth, Channel, 1, 0), h.find(sampleBoth, Channel, 0, 6))
	}},
	{"Exclusive torn by another publisher", ruleRun, func(h *history) {
		h.blur()
		h.reorder(sampleName, h.find(sampleName, Channel, 1, 1), h.find(sampleName, Channel, 2, 1))
	}},
	{"another publisher within Exclusive", ruleAlone, func(h *history) {
		h.blur()
		h.reorder(sampleName, h.find(sampleName, Channel, 1, 1), h.find(sampleName, Channel, 2, 1))
	}},
	{"a confirmation within Exclusive", ruleAlone, func(h *history) {
		h.reorder(sampleName, h.confirmation(sampleName, 3), h.find(sampleName, Channel, 2, 1))
	}},
	{"never published", ruleContent, func(h *history) { h.streams[sampleName].events[h.find(sampleName, Channel, 1, 1)].seq = 99 }},
	{"of no publisher", ruleContent, func(h *history) { h.streams[sampleName].events[h.find(sampleName, Channel, 1, 1)].publisher = 99 }},
	{"as of another channel", ruleContent, func(h *history) {
		h.streams[sampleName].events[h.find(sampleName, Channel, 1, 1)].channel = "news.1"
	}},
	{"by a pattern that does not match", ruleContent, func(h *history) {
		h.streams[sampleBoth].events[h.find(sampleBoth, Pattern, 1, 1)].sub.name = "old.*"
	}},
	{"as a shard message", ruleContent, func(h *history) {
		h.streams[sampleName].events[h.find(sampleName, Channel, 1, 1)].sub.kind = ShardChannel
	}},
	{"from somebody else", ruleContent, func(h *history) { h.streams[sampleName].events[h.find(sampleName, Channel, 0, 7)].from = 1 }},
	{"a clock that stands still", ruleContent, func(h *history) {
		s := h.streams[sampleName]
		s.events[1].at = s.events[0].at
	}},
	{"a fault the subscriber found", ruleContent, func(h *history) { h.streams[sampleName].faults = []string{"a frame is wrong"} }},
	{"Publish says one too many", ruleResult, func(h *history) { h.calls[1][1].receivers++ }},
}

// The checker finds nothing wrong with what is right, and finds what is wrong.
func TestOrderChecker(t *testing.T) {
	if got := checkHistory(sampleHistory()); len(got) > 0 {
		t.Fatalf("the sample history has violations: %s", got)
	}
	blurred := sampleHistory()
	blurred.blur()
	if got := checkHistory(blurred); len(got) > 0 {
		t.Fatalf("the sample history without times has violations: %s", got)
	}
	for _, test := range doctored {
		t.Run(strings.ReplaceAll(test.label, " ", "-"), func(t *testing.T) {
			h := sampleHistory()
			test.doctor(h)
			got := checkHistory(h)
			if !slices.ContainsFunc(got, func(v violation) bool { return v.rule == test.rule }) {
				t.Errorf("violations found: %s\nwant one of rule %s", got, test.rule)
			}
		})
	}
}

// Orders of which any two agree may still have no order in common.
func TestOrderCheckerCycle(t *testing.T) {
	p := place{Channel, "news"}
	for _, test := range []struct {
		edges [][2]int
		ok    bool
	}{
		{nil, true},
		{[][2]int{{0, 1}, {1, 2}, {0, 2}, {0, 1}}, true},
		{[][2]int{{0, 1}, {1, 2}, {2, 0}}, false},
		{[][2]int{{3, 0}, {0, 1}, {1, 0}}, false},
	} {
		c := &checker{edges: map[place][][2]int{p: test.edges}}
		c.checkOneOrder(p)
		if ok := len(c.violations) == 0; ok != test.ok {
			t.Errorf("following %v: %v, want an order: %v", test.edges, c.violations, test.ok)
		}
	}
}
