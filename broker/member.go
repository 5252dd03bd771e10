package broker

import (
	"sync"
	"sync/atomic"
)

// A Member is a Subscriber's place in a broker: the set of its subscriptions.
// Its methods may be called from any goroutine, except from within the methods
// of a Subscriber.
type Member struct {
	// Immutable after Join.
	b   *Broker
	sub Subscriber

	mu   sync.Mutex
	sets [kinds]*audiences // guarded by mu

	counts    [kinds]atomic.Int32 // the lengths of sets, readable without mu
	left      bool                // Leave was called; guarded by mu
	nameBytes atomic.Int64        // of the names in them
}

// Join makes s known to the broker, with no subscription yet.
func (b *Broker) Join(s Subscriber) *Member { return &Member{b: b, sub: s} }

// Subscribe adds a subscription of m and tells whether it is new. Only then
// Subscribed is called. The name may be a view of memory that changes after
// the call. After Leave it adds nothing and returns false.
func (b *Broker) Subscribe(m *Member, k Kind, name string) bool {
	return access{b: b}.subscribe(m, k, name)
}

// Unsubscribe ends a subscription of m and tells whether there was one. Only
// then Unsubscribed is called.
func (b *Broker) Unsubscribe(m *Member, k Kind, name string) bool {
	return access{b: b}.unsubscribe(m, k, name)
}

// UnsubscribeAll ends all subscriptions of m of a kind, in no order, and
// returns how many there were. Unsubscribed is called for each.
func (b *Broker) UnsubscribeAll(m *Member, k Kind) int {
	return access{b: b}.unsubscribeAll(m, k, true)
}

// Clear ends all subscriptions of m without calling Unsubscribed. When it has
// returned, Deliver is not called any more. Each name is let go on its own, so
// that a member with a million of them holds nobody up.
// A Subscribe that runs meanwhile may add to m behind it: Leave keeps that away.
func (b *Broker) Clear(m *Member) { access{b: b}.clear(m) }

// Leave is Clear for good: when it has returned, m has no subscription and gets none
// any more, also of a Subscribe that is under way in another goroutine. It may be
// called more than once.
func (b *Broker) Leave(m *Member) {
	m.mu.Lock()
	m.left = true
	m.mu.Unlock()
	b.Clear(m)
}

// Between calls fn between two messages to m: of each, m has had all deliveries
// by then, or none. It calls it with locks held, so fn must be short and must not
// call the broker. If m subscribes to its first pattern meanwhile, a message may be
// on both sides.
func (b *Broker) Between(m *Member, fn func()) {
	if m.Count(Pattern) > 0 { // else no message comes more than once; who publishes with patterns has this lock
		b.patterns.mu.Lock()
		defer b.patterns.mu.Unlock()
	}
	fn()
}

// Count returns the number of subscriptions of a kind.
func (m *Member) Count(k Kind) int { return int(m.counts[k].Load()) }

// Total returns the number of subscriptions of all kinds.
func (m *Member) Total() int {
	return m.Count(Channel) + m.Count(Pattern) + m.Count(ShardChannel)
}

// NameBytes returns the length of the names of all subscriptions together.
// Members of the same name share its memory; each is told all of it.
func (m *Member) NameBytes() int64 { return m.nameBytes.Load() }

// count is the number that confirmations of a kind carry.
func (m *Member) count(k Kind) int {
	if k == ShardChannel {
		return m.Count(ShardChannel)
	}
	return m.Count(Channel) + m.Count(Pattern)
}
