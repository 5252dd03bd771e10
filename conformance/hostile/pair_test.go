package hostile

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
)

const (
	pairChannel = "healthy"
	// smuggled is where requests publish to that must never run.
	smuggled = "smuggled"
	// pairPace is the time from one message of a pair to the next.
	pairPace = 2 * time.Millisecond
)

// A pair is a healthy publisher and a healthy subscriber beside hostile
// clients. Every message has to arrive, in order, and nothing else.
type pair struct {
	stop context.CancelFunc
	done sync.WaitGroup

	mu       sync.Mutex // guards what follows
	err      error
	messages int
	slowest  time.Duration // from before a PUBLISH to its message or its reply
}

func newPair(t testing.TB, at sut.Endpoint) *pair {
	ctx, stop := context.WithCancel(t.Context())
	p := &pair{stop: stop}
	publisher, subscriber := dialIn(t, at), dialIn(t, at)
	subscriber.Send("SUBSCRIBE", pairChannel, smuggled)
	subscriber.Want(`*3 "subscribe" "healthy" :1`, `*3 "subscribe" "smuggled" :2`)
	p.done.Go(func() {
		p.run(ctx, publisher, subscriber)
	})
	return p
}

// dialIn connects and logs in.
func dialIn(t testing.TB, at sut.Endpoint) *wire.Conn {
	t.Helper()
	c := wire.Dial(t, at)
	c.Send("AUTH", password)
	c.Want("+OK")
	return c
}

func (p *pair) run(ctx context.Context, publisher, subscriber *wire.Conn) {
	tick := time.NewTicker(pairPace)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		began := time.Now()
		err := exchange(publisher, subscriber, strconv.Itoa(n))
		took := time.Since(began)
		p.mu.Lock()
		p.messages, p.slowest, p.err = n, max(p.slowest, took), err
		p.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// exchange publishes one message and waits until it has arrived.
func exchange(publisher, subscriber *wire.Conn, text string) error {
	_ = publisher.SetWriteDeadline(time.Now().Add(wire.Patience))
	if _, err := publisher.Write(wire.AppendRequest(nil, "PUBLISH", pairChannel, text)); err != nil {
		return fmt.Errorf("publishing: %w", err)
	}
	v, err := publisher.Try(wire.Patience)
	if err != nil || v.String() != ":1" {
		return fmt.Errorf("PUBLISH was answered %v, %v", v, err)
	}
	v, err = subscriber.Try(wire.Patience)
	if want := fmt.Sprintf("*3 %q %q %q", "message", pairChannel, text); err != nil || v.String() != want {
		return fmt.Errorf("the subscriber received %v, %v; want %s", v, err, want)
	}
	return nil
}

// end stops the pair and fails the test if anything was amiss. It returns how
// many messages there were, and the longest that one took.
func (p *pair) end(t testing.TB) (messages int, slowest time.Duration) {
	t.Helper()
	p.stop()
	p.done.Wait()
	if p.err != nil {
		t.Errorf("the healthy pair: %v", p.err)
	}
	if p.messages == 0 {
		t.Error("the healthy pair did nothing")
	}
	return p.messages, p.slowest
}
