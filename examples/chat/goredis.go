package chat

import (
	"context"
	"errors"
	"net"

	"github.com/redis/go-redis/v9"
)

// GoRedis is go-redis.
type GoRedis struct{ *redis.Client }

// Listen listens on a PubSub until its connection ends. The PubSub would make another by
// itself, but all the time when the server is away. It does not notice by itself that a
// server has gone silent.
func (b GoRedis) Listen(ctx context.Context, channel string, joined func(), message func(text string)) error {
	sub := b.Subscribe(ctx, channel)
	defer sub.Close()
	for asked := false; ctx.Err() == nil; {
		got, err := sub.ReceiveTimeout(ctx, quiet)
		switch {
		case isTimeout(err) && asked:
			return err
		case isTimeout(err):
			asked = sub.Ping(ctx) == nil
			continue
		case err != nil:
			return err
		}
		asked = false
		switch got := got.(type) {
		case *redis.Subscription:
			joined()
		case *redis.Message:
			message(got.Payload)
		}
	}
	return ctx.Err()
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

// Publish publishes.
func (b GoRedis) Publish(ctx context.Context, channel, text string) error {
	return b.Client.Publish(ctx, channel, text).Err()
}

// Close closes the client.
func (b GoRedis) Close() { _ = b.Client.Close() }
