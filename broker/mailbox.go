package broker

import (
	"bytes"
	"strings"
	"sync"
	"sync/atomic"
)

// WhenFull says what a Mailbox does with a message it has no room for.
type WhenFull int

const (
	DropNewest WhenFull = iota // the message is not delivered
	DropOldest                 // the oldest waiting message makes room
	CloseBox                   // the mailbox is closed, as a slow consumer is
)

// MailboxOptions sets up a Mailbox. A nil *MailboxOptions is ready to use.
type MailboxOptions struct {
	// Capacity is the number of messages that may wait. Zero means 256.
	Capacity int

	// WhenFull is what happens to a message with no room. The default is
	// DropNewest. What is lost is counted, see Mailbox.Dropped.
	WhenFull WhenFull
}

// A Message is one delivery to a Mailbox.
type Message struct {
	Kind    Kind   // Pattern if it came by a pattern
	Channel string // the channel it was published to
	Pattern string // the pattern that matched; empty unless Kind is Pattern
	Payload []byte // the receiver's own copy
}

// A Mailbox is a subscriber within the process: messages arrive on a Go
// channel of bounded capacity. Its methods may be called from any goroutine.
type Mailbox struct {
	// Immutable after NewMailbox.
	b        *Broker
	member   *Member
	c        chan Message
	whenFull WhenFull

	mu     sync.Mutex // held to send on c and to close it
	closed bool

	dropped atomic.Uint64
}

// Mailbox returns a mailbox with the default options that is subscribed to the
// channels.
func (b *Broker) Mailbox(channels ...string) *Mailbox {
	m := b.NewMailbox(nil)
	m.Subscribe(channels...)
	return m
}

// NewMailbox returns a mailbox without subscriptions.
func (b *Broker) NewMailbox(o *MailboxOptions) *Mailbox {
	m := &Mailbox{b: b}
	capacity := 256
	if o != nil {
		if o.Capacity > 0 {
			capacity = o.Capacity
		}
		m.whenFull = o.WhenFull
	}
	m.c = make(chan Message, capacity)
	m.member = b.Join((*mailboxSubscriber)(m))
	return m
}

// C returns the channel on which messages arrive. It is closed by Close, and
// by a message without room if the mailbox was made with CloseBox; what waits
// in it can still be received.
func (m *Mailbox) C() <-chan Message { return m.c }

// Dropped returns the number of messages lost because the mailbox was full.
func (m *Mailbox) Dropped() uint64 { return m.dropped.Load() }

// Subscribe adds channels.
func (m *Mailbox) Subscribe(channels ...string) { m.subscribe(Channel, channels) }

// PSubscribe adds patterns.
func (m *Mailbox) PSubscribe(patterns ...string) { m.subscribe(Pattern, patterns) }

// SSubscribe adds shard channels.
func (m *Mailbox) SSubscribe(channels ...string) { m.subscribe(ShardChannel, channels) }

// Unsubscribe ends subscriptions to channels, to all of them if none is named.
func (m *Mailbox) Unsubscribe(channels ...string) { m.unsubscribe(Channel, channels) }

// PUnsubscribe ends subscriptions to patterns, to all of them if none is named.
func (m *Mailbox) PUnsubscribe(patterns ...string) { m.unsubscribe(Pattern, patterns) }

// SUnsubscribe ends subscriptions to shard channels, to all if none is named.
func (m *Mailbox) SUnsubscribe(channels ...string) { m.unsubscribe(ShardChannel, channels) }

// Close ends all subscriptions and closes C. It may be called more than once.
func (m *Mailbox) Close() {
	m.mu.Lock()
	m.closeLocked()
	m.mu.Unlock()
	m.b.Leave(m.member)
}

func (m *Mailbox) closeLocked() {
	if !m.closed {
		m.closed = true
		close(m.c)
	}
}

func (m *Mailbox) subscribe(k Kind, names []string) {
	for _, name := range names {
		if m.isClosed() { // perhaps by a delivery, and has not left yet
			return
		}
		m.b.Subscribe(m.member, k, name)
	}
}

func (m *Mailbox) isClosed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.closed
}

func (m *Mailbox) unsubscribe(k Kind, names []string) {
	if len(names) == 0 {
		m.b.UnsubscribeAll(m.member, k)
	}
	for _, name := range names {
		m.b.Unsubscribe(m.member, k, name)
	}
}

// mailboxSubscriber is a Mailbox as the broker sees it.
type mailboxSubscriber Mailbox

func (*mailboxSubscriber) Subscribed(Kind, string, int)   {}
func (*mailboxSubscriber) Unsubscribed(Kind, string, int) {}

func (s *mailboxSubscriber) Deliver(d *Delivery) {
	m := (*Mailbox)(s)
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, payload := range d.Payloads {
		if m.closed {
			if i > 0 { // closed by this very delivery
				m.dropped.Add(uint64(len(d.Payloads) - i))
			}
			return
		}
		msg := Message{Kind: d.Kind, Channel: strings.Clone(d.Channel), Pattern: d.Pattern, Payload: bytes.Clone(payload)}
		for !m.offer(msg) && m.makeRoom() {
		}
	}
}

// makeRoom does what the mailbox does when it is full, and tells whether there
// is room now.
func (m *Mailbox) makeRoom() bool {
	switch m.whenFull {
	case DropOldest:
		select {
		case <-m.c:
			m.dropped.Add(1)
		default: // the receiver was faster
		}
		return true
	case CloseBox:
		m.closeLocked()
		go m.b.Leave(m.member) // not here: the broker's locks are held
	}
	m.dropped.Add(1)
	return false
}

func (m *Mailbox) offer(msg Message) bool {
	select {
	case m.c <- msg:
		return true
	default:
		return false
	}
}
