package chat

import (
	"context"

	"github.com/redis/rueidis"
)

// Rueidis is rueidis. Its ConnWriteTimeout is how long a server may be silent.
type Rueidis struct{ rueidis.Client }

// Listen listens by Receive, which makes another connection by itself.
func (b Rueidis) Listen(ctx context.Context, channel string, joined func(), message func(text string)) error {
	ctx = rueidis.WithOnSubscriptionHook(ctx, func(s rueidis.PubSubSubscription) {
		if s.Kind == "subscribe" {
			joined()
		}
	})
	return b.Receive(ctx, b.B().Subscribe().Channel(channel).Build(), func(m rueidis.PubSubMessage) { message(m.Message) })
}

// Publish publishes.
func (b Rueidis) Publish(ctx context.Context, channel, text string) error {
	return b.Do(ctx, b.B().Publish().Channel(channel).Message(text).Build()).Error()
}

// Close closes the client.
func (b Rueidis) Close() { b.Client.Close() }
