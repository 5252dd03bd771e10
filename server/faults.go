//go:build faults

package server

import (
	"time"

	"github.com/pubsubd/pubsubd/broker"
)

// DEBUG FAULT, in a build for tests only, makes the server panic where it says:
// that is how tests see from outside what a defect would do.
//
//	connection  while a command of the client runs
//	broker      while the broker delivers a message
//	outbox      while something is queued for a client
//	flusher     in the flusher
//	drain       in the goroutine that waits for a connection
//	ticker      in what is done now and then
//	timer       in a timer
//	server      while the clients are listed
//	client      with the lock of the client held
func (c *client) fault(argv [][]byte) bool {
	if len(argv) != 3 || !equalFold(argv[1], "fault") {
		return false
	}
	switch where := asciiLower(string(argv[2])); where {
	case "connection":
		panic(injected)
	case "broker":
		m := c.s.broker.Join(faultySubscriber{})
		c.s.broker.Subscribe(m, broker.Channel, injected)
		c.s.broker.PublishFrom(c, broker.Channel, injected, nil)
	case "outbox":
		newOutbox(faultyTransport{}, &outboxConfig{}, nil).push(make([]byte, 1), 1) // it has no limits to look at
	case "flusher":
		c.s.flusher.add(c.faultyOutbox(outboxDirty))
	case "drain":
		o := c.faultyOutbox(outboxBlocked)
		c.s.spawn(o.drain)
	case "ticker":
		o := c.faultyOutbox(outboxBlocked)
		o.conf, o.softSince = &outboxConfig{}, 1
		c.s.watchSoft(o)
	case "timer":
		c.s.after(time.Millisecond, func() { panic(injected) })
	case "server":
		c.s.mu.Lock()
		c.s.open[0] = nil
		c.s.ordered = nil
		c.s.mu.Unlock()
		c.s.clients()
	case "client":
		c.mu.Lock()
		panic(injected)
	default:
		return false
	}
	c.ok()
	return true
}

const injected = "injected fault"

type faultySubscriber struct{}

func (faultySubscriber) Subscribed(broker.Kind, string, int)   {}
func (faultySubscriber) Unsubscribed(broker.Kind, string, int) {}
func (faultySubscriber) Deliver(*broker.Delivery)              { panic(injected) }

// faultyOutbox returns an outbox of nobody whose connection panics.
func (c *client) faultyOutbox(state outboxState) *outbox {
	o := newOutbox(faultyTransport{}, &c.s.out, nil)
	o.queue, o.queued, o.state = appendChunk(nil, make([]byte, 1)), 1, state
	return o
}

type faultyTransport struct{ transport }

func (faultyTransport) tryWrite([][]byte) (int, error) { panic(injected) }
func (faultyTransport) write([][]byte) (int, error)    { panic(injected) }
