package ordering

import (
	"slices"
)

// begin starts a subscription, when before had been answered before it was
// asked for.
func (s *Stream) begin(sub Subscription, before []int64) {
	s.active[sub] = true
	s.count[sub.Kind]++
	for place, p := range s.l.places {
		if !p.reachedBy(sub) {
			continue
		}
		s.whole(place)
		v := &s.views[place]
		v.by = append(v.by, sub)
		if len(v.by) > 1 {
			continue
		}
		*v = view{by: v.by}
		for publisher := range s.l.publishers {
			v.next = append(v.next, unknown)
			v.floor = append(v.floor, before[place*s.l.publishers+publisher])
			v.ceil = append(v.ceil, s.l.at(place, publisher).begun.Load())
		}
	}
}

// end ends a subscription, when before had been answered before that was asked
// for.
func (s *Stream) end(sub Subscription, before []int64) {
	delete(s.active, sub)
	s.count[sub.Kind]--
	for place, p := range s.l.places {
		if !p.reachedBy(sub) {
			continue
		}
		s.whole(place)
		v := &s.views[place]
		v.by = slices.DeleteFunc(v.by, func(o Subscription) bool { return o == sub })
		if len(v.by) > 0 {
			continue
		}
		if v.more {
			s.report(RuleExec, "%s on %s came without the rest of its EXEC", v.last, p)
		}
		s.reached(place, before)
	}
}

// reached checks that what had been answered has arrived.
func (s *Stream) reached(place int, before []int64) {
	v := &s.views[place]
	for publisher := range s.l.publishers {
		answered, next := before[place*s.l.publishers+publisher], v.next[publisher]
		if next == unknown {
			next = v.ceil[publisher]
		}
		if next < answered {
			s.report(RuleAnswered, "messages %d to %d of publisher %d on %s have not arrived in time",
				next, answered-1, publisher, s.l.places[place])
		}
	}
}

// whole checks that the latest message of a place has come by all
// subscriptions, and closes it. A server may end subscriptions one by one that
// RESET ends, so that meanwhile a message comes by what is left.
func (s *Stream) whole(place int) {
	v := &s.views[place]
	resetting := slices.ContainsFunc(s.waiting, func(r *request) bool { return r.what == reset })
	if v.open && len(v.got) != len(v.by) && !resetting {
		s.report(RuleLost, "%s on %s came by %v of %v", v.last, s.l.places[place], v.got, v.by)
	}
	v.open = false
}

// deliver takes a message.
func (s *Stream) deliver(by Subscription, channel, payload string) {
	place := s.l.place(by.Kind == Shard, channel)
	m, ok := parsePayload(payload)
	if place < 0 || !ok || m.publisher >= s.l.publishers ||
		m.number >= s.l.at(place, m.publisher).begun.Load() || !s.l.places[place].reachedBy(by) {
		s.report(RuleContent, "received %.100q on %q by %s", payload, channel, by)
		return
	}
	s.l.deliver(place, m.id())
	v := &s.views[place]
	if !s.active[by] {
		s.report(RuleBetween, "%s on %q came by %s without a subscription", m.id(), channel, by)
		return
	}
	if v.open && v.last == m.id() {
		if by.Kind != Pattern {
			s.report(RuleTogether, "%s on %q came by %s after %v", m.id(), channel, by, v.got)
		}
		if slices.Contains(v.got, by) {
			s.report(RuleTwice, "%s on %q came by %s", m.id(), channel, by)
		}
		v.got = append(v.got, by)
		return
	}
	s.whole(place)
	s.arrive(place, m)
	v.last, v.more = m.id(), m.more
	v.open, v.got = true, append(v.got[:0], by)
}

// arrive judges the place of a message among those before it.
func (s *Stream) arrive(place int, m message) {
	v, at := &s.views[place], s.l.places[place]
	switch next := v.next[m.publisher]; {
	case next == unknown && m.number < v.floor[m.publisher]:
		s.report(RuleBetween, "%s on %s was answered before the subscription was asked for", m.id(), at)
	case next == unknown && m.number > v.ceil[m.publisher]:
		s.report(RuleReaches, "%s on %s is the first, but number %d was sent after the confirmation", m.id(), at, v.ceil[m.publisher])
	case next != unknown && m.number < next:
		s.report(RuleTwice, "%s on %s came after number %d", m.id(), at, next-1)
	case next != unknown && m.number > next:
		s.report(RuleLost, "%s on %s came, but number %d has not", m.id(), at, next)
	}
	v.next[m.publisher] = m.number + 1

	if m.seq <= s.seqs[m.publisher] {
		s.report(RulePublisher, "%s on %s is its %d., after its %d.", m.id(), at, m.seq, s.seqs[m.publisher])
	}
	s.seqs[m.publisher] = m.seq

	before := makeID(m.publisher, m.number-1)
	if m.tied && v.last != before || v.more && (v.last != before || !m.tied) {
		s.report(RuleExec, "%s on %s came after %s, which is not of its EXEC", m.id(), at, v.last)
	}
	if v.last != 0 {
		if other, ok := s.l.follow(place, v.last, m.id()); !ok {
			s.report(RuleOneOrder, "%s came after %s on %s, where others saw %s", m.id(), v.last, at, other)
		}
	}
	if s.author != nil && m.publisher == s.author.id {
		s.ownDelivered(place, m)
	}
}

// ownAnswered notes a message of one's own that was answered.
func (s *Stream) ownAnswered(p sent) {
	if len(s.views[p.place].by) == 0 {
		return
	}
	arrived := s.views[p.place].next[p.m.publisher] > p.m.number
	switch {
	case s.early && !arrived:
		s.report(RuleSelf, "own %s on %s was answered before it came", p.m.id(), s.l.places[p.place])
	case !s.early:
		s.own = &p
	}
}

// ownDelivered judges the arrival of a message of one's own.
func (s *Stream) ownDelivered(place int, m message) {
	if s.early {
		return
	}
	if s.own == nil || s.own.place != place || s.own.m.id() != m.id() {
		s.report(RuleSelf, "own %s on %s came before it was answered", m.id(), s.l.places[place])
	}
	s.own = nil
}

// ownArrived is called when something is answered: an own message that was
// answered before must have come.
func (s *Stream) ownArrived() {
	if s.own != nil {
		s.report(RuleSelf, "own %s on %s was answered, and something else before it came", s.own.m.id(), s.l.places[s.own.place])
		s.own = nil
	}
}
