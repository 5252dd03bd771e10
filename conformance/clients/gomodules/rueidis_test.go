package gomodules

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"testing"

	"github.com/redis/rueidis"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
)

var rueidisLibrary = library{name: "rueidis", newClient: newRueidis, errClosing: rueidis.ErrClosing}

func newRueidis(t *testing.T, at sut.Endpoint, with settings) (client, error) {
	t.Helper()
	option := rueidis.ClientOption{
		InitAddress: []string{at.Address},
		TLSConfig:   at.TLSConfig(t),
		AlwaysRESP2: with.resp2, DisableCache: with.noCache,
		Username: with.user, Password: with.password,
		ClientName: with.name, SelectDB: with.database,
	}
	if at.Network == sut.Unix {
		option.DialCtxFn = func(ctx context.Context, address string, dialer *net.Dialer, _ *tls.Config) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", address)
		}
	}
	c, err := rueidis.NewClient(option)
	if err != nil {
		return nil, err
	}
	return rueidisClient{rueidisCommander{c}, c}, nil
}

type rueidisCommander struct{ rueidis.CoreClient }

// command builds a command from its words. Those of subscriptions need the
// library's own builder, which knows that they have no reply of their own.
func (c rueidisCommander) command(words []string) rueidis.Completed {
	b, args := c.B(), words[1:]
	switch words[0] {
	case "SUBSCRIBE":
		return b.Subscribe().Channel(args...).Build()
	case "PSUBSCRIBE":
		return b.Psubscribe().Pattern(args...).Build()
	case "SSUBSCRIBE":
		return b.Ssubscribe().Channel(args...).Build()
	case "UNSUBSCRIBE":
		return b.Unsubscribe().Channel(args...).Build()
	case "PUNSUBSCRIBE":
		return b.Punsubscribe().Pattern(args...).Build()
	case "SUNSUBSCRIBE":
		return b.Sunsubscribe().Channel(args...).Build()
	default:
		return b.Arbitrary(words[0]).Args(args...).Build()
	}
}

func (c rueidisCommander) do(ctx context.Context, words ...string) (any, error) {
	result := c.Do(ctx, c.command(words))
	if isSubscription(words) {
		return nil, result.Error()
	}
	return result.ToAny()
}

func (c rueidisCommander) doAll(ctx context.Context, commands ...[]string) []any {
	var built rueidis.Commands
	for _, words := range commands {
		built = append(built, c.command(words))
	}
	var replies []any
	for _, result := range c.DoMulti(ctx, built...) {
		reply, err := result.ToAny()
		if err != nil {
			reply = err
		}
		replies = append(replies, reply)
	}
	return replies
}

type rueidisClient struct {
	rueidisCommander
	client rueidis.Client
}

func (c rueidisClient) receive(ctx context.Context, subscribe []string, fn func(string)) error {
	return c.client.Receive(ctx, c.command(subscribe), func(m rueidis.PubSubMessage) { fn(rueidisMessage(m)) })
}

func (c rueidisClient) dedicate() (dedicated, func()) {
	d, release := c.client.Dedicate()
	return rueidisDedicated{rueidisCommander{d}, d}, release
}

func (c rueidisClient) close() { c.client.Close() }

type rueidisDedicated struct {
	rueidisCommander
	client rueidis.DedicatedClient
}

func (d rueidisDedicated) hook(fn func(string)) <-chan error {
	return d.client.SetPubSubHooks(rueidis.PubSubHooks{
		OnMessage: func(m rueidis.PubSubMessage) { fn(rueidisMessage(m)) },
		OnSubscription: func(s rueidis.PubSubSubscription) {
			fn(fmt.Sprintf("%s %q %d", s.Kind, s.Channel, s.Count))
		},
	})
}

func rueidisMessage(m rueidis.PubSubMessage) string {
	if m.Pattern != "" {
		return fmt.Sprintf("pmessage %q %q %q", m.Pattern, m.Channel, m.Message)
	}
	return fmt.Sprintf("message %q %q", m.Channel, m.Message)
}
