package pubsubtest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pubsubd/pubsubd/broker"
)

// A Subscriber is one within the test, without a connection. It takes any number of
// messages and is never slow. It outlives Restart.
type Subscriber struct {
	s     *Server
	kind  broker.Kind
	names []string

	came chan struct{} // has a value when a message has come

	member *broker.Member // guarded by core.mu

	mu      sync.Mutex // guards the field below
	waiting []broker.Message
}

// Subscribe subscribes to channels. Like any subscriber it is among the receivers
// that Publish and PUBLISH tell.
func (s *Server) Subscribe(channels ...string) *Subscriber {
	return s.subscribe(broker.Channel, channels)
}

// PSubscribe is Subscribe for patterns.
func (s *Server) PSubscribe(patterns ...string) *Subscriber {
	return s.subscribe(broker.Pattern, patterns)
}

// SSubscribe is Subscribe for shard channels.
func (s *Server) SSubscribe(channels ...string) *Subscriber {
	return s.subscribe(broker.ShardChannel, channels)
}

func (s *Server) subscribe(k broker.Kind, names []string) *Subscriber {
	s.helper()()
	s.checkBubble()
	u := &Subscriber{s: s, kind: k, names: slices.Clone(names), came: make(chan struct{}, 1)}
	s.transcript.did(append([]string{subscribeNames[k]}, names...)...)
	defer s.alone()() // so that the one that it joins stays
	if s.closed {
		s.fatalf("the server is closed: nobody can subscribe to %s", u)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u.joinLocked(s.live)
	s.subscribers[u] = struct{}{}
	return u
}

// subscribeNames are the commands that subscribe.
var subscribeNames = map[broker.Kind]string{broker.Channel: "SUBSCRIBE", broker.Pattern: "PSUBSCRIBE", broker.ShardChannel: "SSUBSCRIBE"}

// joinLocked subscribes at a server. The caller holds core.mu, so that nobody counts
// subscribers meanwhile.
func (u *Subscriber) joinLocked(i *instance) {
	b := i.srv.Broker()
	u.member = b.Join((*inProcess)(u))
	for _, name := range u.names {
		b.Subscribe(u.member, u.kind, name)
	}
}

// others is how many subscribers of a kind a name has, given how to ask a broker, but
// for those within the test.
func (c *core) others(k broker.Kind, name string, all func(*broker.Broker, string) int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := all(c.live.srv.Broker(), name)
	for u := range c.subscribers {
		if u.kind == k && slices.Contains(u.names, name) {
			n--
		}
	}
	return n
}

// Close ends the subscriptions. What has come can still be taken. It may be called more
// than once.
func (u *Subscriber) Close() {
	c := u.s.core
	defer c.alone()()
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, open := c.subscribers[u]; open {
		delete(c.subscribers, u)
		c.live.srv.Broker().Clear(u.member)
	}
}

// Next returns the next message. The test ends if none comes within the patience.
func (u *Subscriber) Next() broker.Message {
	u.s.helper()()
	m, waited, ok := u.next()
	if !ok {
		u.s.fatalf("%s for a message of %s; none came", waited, u)
	}
	return m
}

// Expect takes the next message, which has to be this one. The test ends if it is
// another or none comes.
func (u *Subscriber) Expect(channel, payload string) {
	u.s.helper()()
	m, waited, ok := u.next()
	switch {
	case !ok:
		u.s.fatalf("%s for %s; no message of %s came", waited, about(channel, payload), u)
	case m.Channel != channel || string(m.Payload) != payload:
		u.s.fatalf("received %s, want %s", about(m.Channel, string(m.Payload)), about(channel, payload))
	}
}

// ExpectNothing ends the test if a message has come that was not taken. It does not
// wait: what Publish has returned from, or a client's PUBLISH was answered for, has
// come.
func (u *Subscriber) ExpectNothing() {
	u.s.helper()()
	if m, ok := u.take(); ok {
		u.s.fatalf("received %s, want nothing", about(m.Channel, string(m.Payload)))
	}
}

// String names the subscriptions.
func (u *Subscriber) String() string {
	return fmt.Sprintf("%ss %s", u.kind, strings.Join(u.names, " "))
}

// about describes a message.
func about(channel, payload string) string {
	return fmt.Sprintf("%s on %q", quote([]byte(payload), len(payload)), channel)
}

// next waits for a message. It tells how long it has waited in vain.
func (u *Subscriber) next() (m broker.Message, waited string, ok bool) {
	u.s.checkBubble()
	p := u.s.patience()
	late := time.NewTimer(p.left())
	defer late.Stop()
	for {
		if m, ok := u.take(); ok {
			return m, "", true
		}
		select {
		case <-u.came:
		case <-late.C:
			m, ok := u.take()
			return m, p.waited(), ok
		case <-u.s.over:
			m, ok := u.take()
			return m, "the server is closed; " + p.waited(), ok
		}
	}
}

// take takes a message that has come.
func (u *Subscriber) take() (m broker.Message, ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.waiting) == 0 {
		return m, false
	}
	m = u.waiting[0]
	u.waiting = u.waiting[1:]
	return m, true
}

// inProcess is a Subscriber as the broker sees it.
type inProcess Subscriber

func (*inProcess) Subscribed(broker.Kind, string, int)   {}
func (*inProcess) Unsubscribed(broker.Kind, string, int) {}

func (p *inProcess) Deliver(d *broker.Delivery) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, payload := range d.Payloads {
		m := broker.Message{Kind: d.Kind, Channel: strings.Clone(d.Channel), Pattern: d.Pattern, Payload: bytes.Clone(payload)}
		p.waiting = append(p.waiting, m)
		p.s.transcript.add(p.line(m))
	}
	select {
	case p.came <- struct{}{}:
	default: // nobody has looked since the last
	}
}

// line is a message in the transcript, as a client would get it.
func (p *inProcess) line(m broker.Message) line {
	switch m.Kind {
	case broker.Pattern:
		return ofWords(toClient, "pmessage", m.Pattern, m.Channel, string(m.Payload))
	case broker.ShardChannel:
		return ofWords(toClient, "smessage", m.Channel, string(m.Payload))
	}
	return ofWords(toClient, "message", m.Channel, string(m.Payload))
}
