// Package chat is a chat over the pub/sub of Redis that survives what happens to
// connections. It is an example of how to test such a thing: chat_test.go does to it
// what networks and servers do, with three client libraries, on fake time.
package chat

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// A Backend is a client library. Its methods may be called from any goroutine.
type Backend interface {
	// Listen subscribes to a channel, and calls joined when the server has confirmed
	// that and message for each message. It returns when the connection has ended
	// or is of no use any more, and when ctx is done. A library that makes
	// another connection by itself, each time a little later, may go on, and calls
	// joined again.
	Listen(ctx context.Context, channel string, joined func(), message func(text string)) error

	// Publish sends a message to whoever listens at present.
	Publish(ctx context.Context, channel, text string) error

	// Close lets go of all connections.
	Close()
}

// An Event is something that happens in a Room.
type Event struct {
	// Joined tells that the room hears messages from here on. Unless it is the
	// first, it has heard none for a while: pub/sub keeps nothing for those who are
	// away, so this is when a program reads what it has missed from elsewhere.
	Joined bool

	// Text is what somebody has said. It is empty if Joined.
	Text string
}

// A Room hears what is said in a room, on connections that come and go.
type Room struct {
	backend Backend
	channel string
	events  chan Event
	leave   context.CancelFunc
	left    sync.WaitGroup
	telling sync.RWMutex // held to send to events, and to close it
}

const (
	// firstPause and lastPause are how long to wait before another connection is
	// tried: twice as long each time.
	firstPause = 50 * time.Millisecond
	lastPause  = 5 * time.Second

	// quiet is how long nothing may be heard of a server before it is asked
	// whether it is there, and how long the answer may take.
	quiet = 2 * time.Second
)

// Join enters a room. What happens in it is received from Events.
func Join(b Backend, name string) *Room {
	ctx, cancel := context.WithCancel(context.Background())
	r := &Room{backend: b, channel: "chat:" + name, events: make(chan Event, 100), leave: cancel}
	r.left.Go(func() {
		r.listen(ctx)
		r.telling.Lock()
		close(r.events)
		r.telling.Unlock()
	})
	return r
}

// Events returns where events arrive, in order. It is closed by Leave.
func (r *Room) Events() <-chan Event { return r.events }

// Say says something to all in the room, this Room among them.
func (r *Room) Say(ctx context.Context, text string) error {
	return r.backend.Publish(ctx, r.channel, text)
}

// Leave ends the room and closes Events, from which up to 100 events that came before
// can still be received. It may be called more than once, and from any goroutine.
func (r *Room) Leave() {
	r.leave()
	r.left.Wait()
}

// listen listens on one connection after the other.
func (r *Room) listen(ctx context.Context) {
	pause := firstPause
	var joined atomic.Bool // since the last pause
	for ctx.Err() == nil {
		_ = r.backend.Listen(ctx, r.channel, func() {
			joined.Store(true)
			r.tell(ctx, Event{Joined: true})
		}, func(text string) { r.tell(ctx, Event{Text: text}) })
		if joined.Swap(false) {
			pause = firstPause
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
		pause = min(2*pause, lastPause)
	}
}

// tell hands over an event to whoever receives them. A library may still call back when
// Listen has returned, so that they may have been closed: ctx is done by then.
func (r *Room) tell(ctx context.Context, e Event) {
	r.telling.RLock()
	defer r.telling.RUnlock()
	if ctx.Err() != nil {
		return
	}
	select {
	case r.events <- e:
	case <-ctx.Done():
	}
}
