package clients_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
)

// A session is what a go-redis test gets: a server, a protocol version that
// its clients speak, and a bound on its time.
type session struct {
	addr     string
	protocol int // 2 or 3
	ctx      context.Context
}

// onEachProtocol runs test against a fresh server of each target, started with
// args, in RESP2 and in RESP3.
func onEachProtocol(t *testing.T, args []string, test func(t *testing.T, s *session)) {
	eachTarget(t, func(t *testing.T, target sut.Target) {
		for _, protocol := range []int{2, 3} {
			t.Run(fmt.Sprintf("resp%d", protocol), func(t *testing.T) {
				t.Parallel()
				server := sut.Start(t, target.Binary(t), args...)
				test(t, &session{addr: server.Addr, protocol: protocol, ctx: within(t)})
			})
		}
	})
}

// client returns a client of the server, changed by the options if there are
// any, and closed when the test ends.
func (s *session) client(t *testing.T, options ...func(*redis.Options)) *redis.Client {
	opt := &redis.Options{Addr: s.addr, Protocol: s.protocol, DialTimeout: patience, ReadTimeout: patience, WriteTimeout: patience}
	for _, change := range options {
		change(opt)
	}
	rdb := redis.NewClient(opt)
	t.Cleanup(func() { rdb.Close() })
	return rdb
}

// closing closes ps when the test ends, and returns it.
func closing(t *testing.T, ps *redis.PubSub) *redis.PubSub {
	t.Cleanup(func() { ps.Close() })
	return ps
}

// describe writes what Receive returns as one line.
func describe(received any) string {
	switch m := received.(type) {
	case *redis.Subscription:
		return fmt.Sprintf("%s %q %d", m.Kind, m.Channel, m.Count)
	case *redis.Message:
		if m.Pattern != "" {
			return fmt.Sprintf("pmessage %q %q %q", m.Pattern, m.Channel, m.Payload)
		}
		return fmt.Sprintf("message %q %q", m.Channel, m.Payload)
	case *redis.Pong:
		return fmt.Sprintf("pong %q", m.Payload)
	default:
		return fmt.Sprintf("%T", received)
	}
}

// receive takes n things from ps and returns their descriptions.
func (s *session) receive(t *testing.T, ps *redis.PubSub, n int) []string {
	t.Helper()
	var lines []string
	for len(lines) < n {
		received, err := ps.Receive(s.ctx)
		if err != nil {
			t.Fatalf("Receive after %q: %v", lines, err)
		}
		lines = append(lines, describe(received))
	}
	return lines
}

// expect fails the test unless the next things from ps are these, in order.
func (s *session) expect(t *testing.T, ps *redis.PubSub, want ...string) {
	t.Helper()
	if got := s.receive(t, ps, len(want)); !slices.Equal(got, want) {
		t.Fatalf("received\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// expectAnyOrder is expect where the order is not promised.
func (s *session) expectAnyOrder(t *testing.T, ps *redis.PubSub, want ...string) {
	t.Helper()
	got := s.receive(t, ps, len(want))
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("received in some order\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// publish publishes and fails the test unless there are that many receivers.
func (s *session) publish(t *testing.T, rdb redis.Cmdable, channel, payload string, receivers int64) {
	t.Helper()
	n, err := rdb.Publish(s.ctx, channel, payload).Result()
	if err != nil || n != receivers {
		t.Fatalf("PUBLISH %q %q: %d receivers, %v; want %d", channel, payload, n, err, receivers)
	}
}

// spublish is publish for shard channels.
func (s *session) spublish(t *testing.T, rdb redis.Cmdable, channel, payload string, receivers int64) {
	t.Helper()
	n, err := rdb.SPublish(s.ctx, channel, payload).Result()
	if err != nil || n != receivers {
		t.Fatalf("SPUBLISH %q %q: %d receivers, %v; want %d", channel, payload, n, err, receivers)
	}
}

// next returns the next message of a Go channel that PubSub feeds.
func next[M any](t *testing.T, s *session, ch <-chan M) (m M) {
	t.Helper()
	select {
	case received, open := <-ch:
		if !open {
			t.Fatal("the Go channel was closed")
		}
		m = received
	case <-s.ctx.Done():
		t.Fatal("no message")
	}
	return m
}

// clientList returns the lines of CLIENT LIST, each as its fields by name.
func (s *session) clientList(t *testing.T, rdb *redis.Client) []map[string]string {
	t.Helper()
	text, err := rdb.ClientList(s.ctx).Result()
	if err != nil {
		t.Fatal(err)
	}
	var clients []map[string]string
	for line := range strings.Lines(text) {
		fields := map[string]string{}
		for field := range strings.FieldsSeq(line) {
			name, value, found := strings.Cut(field, "=")
			if !found {
				t.Fatalf("CLIENT LIST has the field %q in %q", field, line)
			}
			fields[name] = value
		}
		clients = append(clients, fields)
	}
	return clients
}

// named returns the fields of the only client with this name, or nil.
func (s *session) named(t *testing.T, rdb *redis.Client, name string) map[string]string {
	t.Helper()
	var found map[string]string
	for _, client := range s.clientList(t, rdb) {
		if client["name"] != name {
			continue
		}
		if found != nil {
			t.Fatalf("two clients are called %s", name)
		}
		found = client
	}
	return found
}
