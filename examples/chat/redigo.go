package chat

import (
	"context"
	"time"

	"github.com/gomodule/redigo/redis"
)

// Redigo is redigo.
type Redigo struct{ *redis.Pool }

// Listen listens on one connection. It sends PINGs all the time, since a connection
// of redigo on which a read has timed out is of no use any more.
func (b Redigo) Listen(ctx context.Context, channel string, joined func(), message func(text string)) error {
	nc, err := b.Dial()
	if err != nil {
		return err
	}
	psc := redis.PubSubConn{Conn: nc}
	defer psc.Close()
	if err := psc.Subscribe(channel); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	asking := make(chan struct{})
	go func() {
		defer close(asking)
		askEvery(ctx, psc)
	}()
	defer func() { cancel(); <-asking }()
	for {
		switch got := psc.ReceiveWithTimeout(2 * quiet).(type) {
		case redis.Subscription:
			if got.Kind == "subscribe" {
				joined()
			}
		case redis.Message:
			message(string(got.Data))
		case error:
			return got
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// askEvery sends PINGs until ctx is done, and then has the reader end.
func askEvery(ctx context.Context, psc redis.PubSubConn) {
	t := time.NewTicker(quiet)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			if psc.Ping("") != nil {
				return // who reads sees it too
			}
		case <-ctx.Done():
			_ = psc.Unsubscribe() // the answer wakes who reads
			return
		}
	}
}

// Publish publishes.
func (b Redigo) Publish(ctx context.Context, channel, text string) error {
	nc, err := b.GetContext(ctx)
	if err != nil {
		return err
	}
	defer nc.Close()
	_, err = redis.DoContext(nc, ctx, "PUBLISH", channel, text)
	return err
}

// Close closes the pool.
func (b Redigo) Close() { _ = b.Pool.Close() }
