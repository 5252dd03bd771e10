package pubsubtest

import (
	"bytes"
	"fmt"
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

	mu      sync.Mutex // guards the fields below, but for member
	member  *broker.Member
	waiting []broker.Message
	came    chan struct{} // has a value when a message has come
	closed  bool
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
	u := &Subscriber{s: s, kind: k, names: names, came: make(chan struct{}, 1)}
	s.restarts.Lock() // so that the one that it joins stays
	defer s.restarts.Unlock()
	u.join(s.current())
	s.mu.Lock()
	s.subscribers[u] = struct{}{}
	s.mu.Unlock()
	return u
}

// join subscribes at a server.
func (u *Subscriber) join(i *instance) {
	b := i.srv.Broker()
	u.member = b.Join((*inProcess)(u))
	for _, name := range u.names {
		b.Subscribe(u.member, u.kind, name)
	}
}

// own is how many in-process subscribers a name has.
func (c *core) own(k broker.Kind, name string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for u := range c.subscribers {
		for _, has := range u.names {
			if u.kind == k && has == name {
				n++
				break
			}
		}
	}
	return n
}

// Close ends the subscriptions. What has come can still be taken.
func (u *Subscriber) Close() {
	c := u.s.core
	c.restarts.Lock()
	defer c.restarts.Unlock()
	u.mu.Lock()
	was := u.closed
	u.closed = true
	u.mu.Unlock()
	if was {
		return
	}
	c.mu.Lock()
	delete(c.subscribers, u)
	c.mu.Unlock()
	c.current().srv.Broker().Clear(u.member)
}

// Next returns the next message. The test ends if none comes within the patience.
func (u *Subscriber) Next() broker.Message {
	u.s.helper()()
	m, ok := u.next()
	if !ok {
		_, patience := u.s.deadline()
		u.s.fatalf("waited %v for a message of %s; none came", patience.Round(time.Millisecond), u)
	}
	return m
}

// Expect takes the next message, which has to be this one. The test ends if it is
// another or none comes.
func (u *Subscriber) Expect(channel, payload string) {
	u.s.helper()()
	m, ok := u.next()
	switch {
	case !ok:
		_, patience := u.s.deadline()
		u.s.fatalf("waited %v for %s; no message of %s came", patience.Round(time.Millisecond), about(channel, payload), u)
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
	return fmt.Sprintf("%s on %q", quote([]byte(payload)), channel)
}

// next waits for a message.
func (u *Subscriber) next() (broker.Message, bool) {
	_, patience := u.s.deadline()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		if m, ok := u.take(); ok {
			return m, true
		}
		select {
		case <-u.came:
		case <-late.C:
			return u.take()
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
		p.waiting = append(p.waiting, broker.Message{Kind: d.Kind, Channel: strings.Clone(d.Channel), Pattern: d.Pattern, Payload: bytes.Clone(payload)})
	}
	select {
	case p.came <- struct{}{}:
	default: // nobody has looked since the last
	}
}
