package broker

import "sort"

// A walk checks one stream from its beginning to its end.
type walk struct {
	*checker
	s *stream

	active  map[subscription]*period
	count   [kinds]int // active, by kind
	changes map[subscription][]change

	open     map[place]*opened
	closed   map[int]bool // messages that others have followed
	left     map[grouped]bool
	last     map[int]int // the last message of each publisher
	clearing bool
	now      int64
	clearAt  int64
}

// A period is the life of one subscription.
type period struct {
	sub   subscription
	since int64 // when Subscribe had returned
	spans map[source]*span
}

// A span is what a period got from a source, by number.
type span struct{ first, last *message }

// An opened message is the latest of its channel.
type opened struct {
	m        *message
	expected int // subscriptions it should arrive by
	got      []subscription
	cleared  bool // Clear was at work meanwhile: less may arrive
}

type grouped struct {
	place place
	group int64
}

func newWalk(c *checker, s *stream) *walk {
	w := &walk{
		checker: c,
		s:       s,
		active:  make(map[subscription]*period),
		changes: make(map[subscription][]change),
		open:    make(map[place]*opened),
		closed:  make(map[int]bool),
		left:    make(map[grouped]bool),
		last:    make(map[int]int),
	}
	for _, ch := range s.changes {
		w.changes[ch.sub] = append(w.changes[ch.sub], ch)
	}
	return w
}

func (w *walk) run() {
	for i := range w.s.events {
		e := &w.s.events[i]
		if e.at <= w.now {
			w.report(ruleContent, "%s: the clock goes back to %d", w.s.label, e.at)
		}
		w.now = e.at
		switch e.what {
		case subscribed, unsubscribed:
			w.confirm(e)
		case delivered:
			w.deliver(e)
		case clearing:
			w.clearing, w.clearAt = true, e.at
			for _, o := range w.open {
				o.cleared = true
			}
		case cleared:
			for _, p := range w.active {
				w.end(p, w.clearAt)
			}
			clear(w.active)
			w.count = [kinds]int{}
			w.clearing = false
		}
	}
	for _, o := range w.open {
		w.close(o)
	}
	for _, p := range w.active {
		w.end(p, never)
	}
	for sub, left := range w.changes {
		if len(left) > 0 {
			w.report(ruleConfirmation, "%s: %d calls for %s %q were not confirmed", w.s.label, len(left), sub.kind, sub.name)
		}
	}
}

// confirm checks the beginning or the end of a subscription.
func (w *walk) confirm(e *event) {
	p, added := w.active[e.sub], e.what == subscribed
	if (p == nil) != added {
		w.report(ruleConfirmation, "%s: %s %q confirmed once too often", w.s.label, e.sub.kind, e.sub.name)
		return
	}
	// What the subscription has to do with is over, or has not begun.
	for at, o := range w.open {
		if at.matches(e.sub) {
			w.close(o)
		}
	}
	var ch change
	if left := w.changes[e.sub]; len(left) > 0 {
		ch, w.changes[e.sub] = left[0], left[1:]
	}
	if ch.added != added || ch.start >= e.at || ch.end <= e.at {
		w.report(ruleConfirmation, "%s: %s %q confirmed at %d without a call", w.s.label, e.sub.kind, e.sub.name, e.at)
	}
	if added {
		w.active[e.sub] = &period{sub: e.sub, since: ch.end, spans: make(map[source]*span)}
		w.count[e.sub.kind]++
	} else {
		w.end(p, ch.start)
		delete(w.active, e.sub)
		w.count[e.sub.kind]--
	}
	want := w.count[Channel] + w.count[Pattern]
	if e.sub.kind == ShardChannel {
		want = w.count[ShardChannel]
	}
	if e.count != want {
		w.report(ruleCount, "%s: the confirmation of %s %q counts %d, want %d", w.s.label, e.sub.kind, e.sub.name, e.count, want)
	}
}

// deliver checks one message.
func (w *walk) deliver(e *event) {
	m := w.message(e)
	if m == nil {
		w.report(ruleContent, "%s: message %d of publisher %d was never published", w.s.label, e.seq, e.publisher)
		return
	}
	m.received++
	at := m.place()
	if e.channel != at.channel || !at.matches(e.sub) || e.from != m.call.from {
		w.report(ruleContent, "%s: %s arrives as of %q by %s %q from %d", w.s.label, m, e.channel, e.sub.kind, e.sub.name, e.from)
		return
	}
	if e.at <= m.call.start || e.at >= m.call.end {
		w.report(ruleDelivered, "%s: %s arrives at %d, Publish ran from %d to %d", w.s.label, m, e.at, m.call.start, m.call.end)
	}
	if last, ok := w.last[m.publisher]; ok && e.seq < last {
		w.report(rulePublisherOrder, "%s: %s comes after %d", w.s.label, m, last)
	}
	w.last[m.publisher] = e.seq
	w.together(at, m, e.sub)

	p := w.active[e.sub]
	if p == nil {
		w.report(ruleConfirmation, "%s: %s arrives by %s %q without a subscription", w.s.label, m, e.sub.kind, e.sub.name)
		return
	}
	from := source{m.publisher, at}
	sp := p.spans[from]
	switch {
	case sp == nil:
		p.spans[from] = &span{m, m}
		if !m.firstOfRun() {
			w.report(ruleRun, "%s: %s is the first of its run to arrive by %s %q", w.s.label, m, e.sub.kind, e.sub.name)
		}
		return
	case m.number <= sp.last.number:
		w.report(ruleTwice, "%s: %s arrives by %s %q after number %d", w.s.label, m, e.sub.kind, e.sub.name, sp.last.number)
	case m.number > sp.last.number+1:
		w.report(ruleLost, "%s: %s is number %d by %s %q after %d", w.s.label, m, m.number, e.sub.kind, e.sub.name, sp.last.number)
	}
	sp.last = m
}

// together checks that the deliveries of a message, and those of a group, stay
// together among those of their channel.
func (w *walk) together(at place, m *message, by subscription) {
	o := w.open[at]
	if o == nil || o.m != m {
		if o != nil {
			w.close(o)
			w.edges[at] = append(w.edges[at], [2]int{o.m.id, m.id})
			if o.m.call.group != m.call.group {
				w.left[grouped{at, o.m.call.group}] = true
			}
		}
		if w.closed[m.id] {
			w.report(ruleNotSplit, "%s: %s arrives by %s %q after others", w.s.label, m, by.kind, by.name)
		}
		if w.left[grouped{at, m.call.group}] {
			w.report(ruleRun, "%s: %s arrives after others that are not of its group", w.s.label, m)
		}
		o = &opened{m: m, cleared: w.clearing}
		for sub := range w.active {
			if at.matches(sub) {
				o.expected++
			}
		}
		w.open[at] = o
	} else if by.kind != Pattern {
		w.report(ruleNotSplit, "%s: %s arrives by name after it came by %v", w.s.label, m, o.got)
	} else if w.closed[m.id] {
		w.report(ruleNotSplit, "%s: %s arrives by %q on both sides of a confirmation", w.s.label, m, by.name)
	}
	for _, sub := range o.got {
		if sub == by {
			w.report(ruleTwice, "%s: %s arrives twice by %s %q", w.s.label, m, by.kind, by.name)
		}
	}
	o.got = append(o.got, by)
}

// close is called when nothing more may arrive of a message.
func (w *walk) close(o *opened) {
	if !w.closed[o.m.id] && !o.cleared && len(o.got) != o.expected {
		w.report(ruleLost, "%s: %s arrives by %v, but there are %d subscriptions", w.s.label, o.m, o.got, o.expected)
	}
	w.closed[o.m.id] = true
}

// end checks that a period, which the subscriber began to end at the given
// time, has got all it should.
func (w *walk) end(p *period, until int64) {
	for _, sp := range p.spans {
		if !sp.last.lastOfRun() {
			w.report(ruleRun, "%s: %s is the last of its run to arrive by %s %q before %d", w.s.label, sp.last, p.sub.kind, p.sub.name, until)
		}
	}
	for _, from := range w.reaching(p.sub) {
		calls := w.calls[from]
		lo := sort.Search(len(calls), func(i int) bool { return calls[i].start > p.since })
		hi := sort.Search(len(calls), func(i int) bool { return calls[i].end >= until })
		if lo >= hi {
			continue
		}
		first, last := calls[lo].number, calls[hi-1].number+calls[hi-1].n-1
		sp := p.spans[from]
		if sp == nil || sp.first.number > first || sp.last.number < last {
			w.report(ruleReaches, "%s: %s %q, held from %d to %d, has not got numbers %d to %d of publisher %d on %q",
				w.s.label, p.sub.kind, p.sub.name, p.since, until, first, last, from.publisher, from.place.channel)
		}
	}
}
