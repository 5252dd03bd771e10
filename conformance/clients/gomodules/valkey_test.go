package gomodules

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"testing"

	"github.com/valkey-io/valkey-go"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
)

var valkeyLibrary = library{name: "valkey-go", newClient: newValkey, errClosing: valkey.ErrClosing}

func newValkey(t *testing.T, at sut.Endpoint, with settings) (client, error) {
	t.Helper()
	option := valkey.ClientOption{
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
	c, err := valkey.NewClient(option)
	if err != nil {
		return nil, err
	}
	return valkeyClient{valkeyCommander{c}, c}, nil
}

type valkeyCommander struct{ valkey.CoreClient }

// command builds a command from its words. Those of subscriptions need the
// library's own builder, which knows that they have no reply of their own.
func (c valkeyCommander) command(words []string) valkey.Completed {
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

func (c valkeyCommander) do(ctx context.Context, words ...string) (any, error) {
	result := c.Do(ctx, c.command(words))
	if isSubscription(words) {
		return nil, result.Error()
	}
	return result.ToAny()
}

func (c valkeyCommander) doAll(ctx context.Context, commands ...[]string) []any {
	var built valkey.Commands
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

type valkeyClient struct {
	valkeyCommander
	client valkey.Client
}

func (c valkeyClient) receive(ctx context.Context, subscribe []string, fn func(string)) error {
	return c.client.Receive(ctx, c.command(subscribe), func(m valkey.PubSubMessage) { fn(valkeyMessage(m)) })
}

func (c valkeyClient) dedicate() (dedicated, func()) {
	d, release := c.client.Dedicate()
	return valkeyDedicated{valkeyCommander{d}, d}, release
}

func (c valkeyClient) close() { c.client.Close() }

type valkeyDedicated struct {
	valkeyCommander
	client valkey.DedicatedClient
}

func (d valkeyDedicated) hook(fn func(string)) <-chan error {
	return d.client.SetPubSubHooks(valkey.PubSubHooks{
		OnMessage: func(m valkey.PubSubMessage) { fn(valkeyMessage(m)) },
		OnSubscription: func(s valkey.PubSubSubscription) {
			fn(fmt.Sprintf("%s %q %d", s.Kind, s.Channel, s.Count))
		},
	})
}

func valkeyMessage(m valkey.PubSubMessage) string {
	if m.Pattern != "" {
		return fmt.Sprintf("pmessage %q %q %q", m.Pattern, m.Channel, m.Message)
	}
	return fmt.Sprintf("message %q %q", m.Channel, m.Message)
}
