package ordering

import (
	"fmt"
	"path"
	"slices"
	"sync"
	"sync/atomic"
)

// A Kind is what a subscription is by.
type Kind uint8

// The kinds of subscription.
const (
	Name Kind = iota
	Pattern
	Shard
	kinds
)

// A Subscription is one of a client's. A pattern is a glob of which Redis and
// path.Match think alike.
type Subscription struct {
	Kind Kind
	Name string
}

func (s Subscription) String() string {
	return fmt.Sprintf("%s %q", verbs[s.Kind], s.Name)
}

// A Place is a channel or a shard channel.
type Place struct {
	Shard   bool
	Channel string
	// Rough says that clients which are lost subscribe to it, so that PUBLISH
	// may count more than anybody receives.
	Rough bool
}

func (p Place) String() string {
	if p.Shard {
		return fmt.Sprintf("shard channel %q", p.Channel)
	}
	return fmt.Sprintf("channel %q", p.Channel)
}

// reachedBy tells whether what is published at p is for the subscription.
func (p Place) reachedBy(s Subscription) bool {
	switch {
	case p.Shard != (s.Kind == Shard):
		return false
	case s.Kind == Pattern:
		ok, err := path.Match(s.Name, p.Channel)
		return ok && err == nil
	default:
		return p.Channel == s.Name
	}
}

// A Rule names what was not kept.
type Rule string

// The rules, with the number they have in the description of the protocol.
const (
	RulePublisher Rule = "1: one publisher's messages stay in order"
	RuleOneOrder  Rule = "2: all subscribers of a channel see one order"
	RuleTogether  Rule = "3: the frames of one message stay together"
	RuleAnswered  Rule = "4: what PUBLISH has answered comes before what is asked for after it"
	RuleBetween   Rule = "5: messages only between the confirmations"
	RuleReaches   Rule = "6: what is published after a confirmation arrives"
	RuleLost      Rule = "nothing is lost"
	RuleTwice     Rule = "nothing arrives twice"
	RuleContent   Rule = "what arrives is what was published"
	RuleExec      Rule = "what EXEC publishes stays together"
	RuleConfirm   Rule = "each request is answered, in order"
	RuleCount     Rule = "confirmations count right"
	RuleReceivers Rule = "PUBLISH answers the number of deliveries"
	RuleSelf      Rule = "the reply to a PUBLISH and the message to oneself have their order"
	RuleClosed    Rule = "nobody is disconnected without a reason"
)

// A Violation is one case of a rule not kept.
type Violation struct {
	Rule Rule
	Text string
}

func (v Violation) String() string { return fmt.Sprintf("%s [rule %s]", v.Text, v.Rule) }

// maxViolations is how many a ledger notes.
const maxViolations = 50

// A Ledger is what was published, by how many publishers, and how it came back.
// Its methods may be called from any goroutine.
type Ledger struct {
	places     []Place
	publishers int
	progress   []progress // of publishers on places, see at
	logs       []placeLog // by place

	published atomic.Int64 // messages answered
	answered  atomic.Int64 // sum of those answers
	received  atomic.Int64 // frames of messages

	mu         sync.Mutex // guards the fields below
	violations []Violation
	count      int
}

// progress counts the messages of one publisher on one place.
type progress struct {
	begun, answered atomic.Int64
}

// A placeLog is what is known of the messages of a place.
type placeLog struct {
	mu sync.Mutex // guards by
	by []publisherLog
}

// A publisherLog has the messages of one publisher from number base on.
type publisherLog struct {
	base    int64
	entries []entry
}

type entry struct {
	next      id // the message that has followed, none if zero
	receivers int32
	received  int32
}

// An id is a message of a place: 1 + its publisher, and its number there.
type id uint64

const numberBits = 48

func makeID(publisher int, number int64) id { return id(publisher+1)<<numberBits | id(number) }

func (i id) publisher() int { return int(i>>numberBits) - 1 }
func (i id) number() int64  { return int64(i & (1<<numberBits - 1)) }

func (i id) String() string {
	if i == 0 {
		return "nothing"
	}
	return fmt.Sprintf("message %d of publisher %d", i.number(), i.publisher())
}

// NewLedger returns an empty ledger for publishers 0 to publishers-1.
func NewLedger(publishers int, places ...Place) *Ledger {
	l := &Ledger{
		places:     places,
		publishers: publishers,
		progress:   make([]progress, publishers*len(places)),
		logs:       make([]placeLog, len(places)),
	}
	for i := range l.logs {
		l.logs[i].by = make([]publisherLog, publishers)
	}
	return l
}

// Places returns the places in their order. It must not be changed.
func (l *Ledger) Places() []Place { return l.places }

func (l *Ledger) at(place, publisher int) *progress { return &l.progress[place*l.publishers+publisher] }

// place returns the index of a place, -1 if there is none.
func (l *Ledger) place(shard bool, channel string) int {
	return slices.IndexFunc(l.places, func(p Place) bool { return p.Shard == shard && p.Channel == channel })
}

// answeredNow returns how many messages have been answered, in the order of
// progress.
func (l *Ledger) answeredNow() []int64 {
	list := make([]int64, len(l.progress))
	for i := range l.progress {
		list[i] = l.progress[i].answered.Load()
	}
	return list
}

// Published returns the number of messages that have been answered.
func (l *Ledger) Published() int64 { return l.published.Load() }

// Received returns the number of messages received, over all subscriptions.
func (l *Ledger) Received() int64 { return l.received.Load() }

// Outstanding returns how many deliveries have been answered for and not been
// received. It is below zero when messages arrive before the answer.
func (l *Ledger) Outstanding() int64 { return l.answered.Load() - l.received.Load() }

func (l *Ledger) report(r Rule, format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count++
	if len(l.violations) < maxViolations {
		l.violations = append(l.violations, Violation{r, fmt.Sprintf(format, args...)})
	}
}

// Violations returns how many there were, and the first of them.
func (l *Ledger) Violations() (int, []Violation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count, slices.Clone(l.violations)
}

// entryLocked returns the entry of a message, which must have been begun; nil
// if it was settled long ago.
func (g *placeLog) entryLocked(m id) *entry {
	by := &g.by[m.publisher()]
	i := m.number() - by.base
	if i < 0 {
		return nil
	}
	for int64(len(by.entries)) <= i {
		by.entries = append(by.entries, entry{receivers: -1})
	}
	return &by.entries[i]
}

// answer enters the answer to a PUBLISH.
func (l *Ledger) answer(place int, m id, receivers int) {
	g := &l.logs[place]
	g.mu.Lock()
	if e := g.entryLocked(m); e != nil {
		e.receivers = int32(receivers)
	}
	g.mu.Unlock()
	l.published.Add(1)
	l.answered.Add(int64(receivers))
	l.at(place, m.publisher()).answered.Add(1)
}

// deliver enters one delivery of a message.
func (l *Ledger) deliver(place int, m id) {
	l.received.Add(1)
	g := &l.logs[place]
	g.mu.Lock()
	defer g.mu.Unlock()
	if e := g.entryLocked(m); e != nil {
		e.received++
	}
}

// follow enters that next came right after m in a stream, and returns what came
// there in another stream if that is something else.
func (l *Ledger) follow(place int, m, next id) (other id, ok bool) {
	g := &l.logs[place]
	g.mu.Lock()
	defer g.mu.Unlock()
	e := g.entryLocked(m)
	if e == nil {
		return 0, true
	}
	if e.next == 0 {
		e.next = next
	}
	return e.next, e.next == next
}

// Settle compares the answers to PUBLISH with what was received, and forgets
// all but the last message of each publisher on each place. It must be called
// when all that was published has been answered and received.
func (l *Ledger) Settle() {
	for place := range l.logs {
		g := &l.logs[place]
		g.mu.Lock()
		for publisher := range g.by {
			by := &g.by[publisher]
			for i := range by.entries {
				e, m := &by.entries[i], makeID(publisher, by.base+int64(i))
				switch {
				case e.receivers < 0:
					l.report(RuleReceivers, "%s on %s was never answered", m, l.places[place])
				case e.received > e.receivers || e.received < e.receivers && !l.places[place].Rough:
					l.report(RuleReceivers, "%s on %s: PUBLISH answered %d, received %d times", m, l.places[place], e.receivers, e.received)
				}
			}
			if n := len(by.entries); n > 1 {
				by.entries[0] = by.entries[n-1]
				by.entries, by.base = by.entries[:1], by.base+int64(n-1)
			}
		}
		g.mu.Unlock()
	}
}
