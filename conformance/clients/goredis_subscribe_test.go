package clients_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func TestGoRedisSubscribe(t *testing.T) {
	onEachProtocol(t, nil, func(t *testing.T, s *session) {
		rdb := s.client(t)
		ps := closing(t, rdb.Subscribe(s.ctx, "a", "b"))
		s.expect(t, ps, `subscribe "a" 1`, `subscribe "b" 2`)

		s.publish(t, rdb, "a", "to a", 1)
		s.publish(t, rdb, "c", "to nobody", 0)
		s.publish(t, rdb, "b", "to b", 1)
		s.expect(t, ps, `message "a" "to a"`, `message "b" "to b"`)

		// Again, with duplicates: each argument is confirmed, none counts twice.
		if err := ps.Subscribe(s.ctx, "b", "c", "b"); err != nil {
			t.Fatal(err)
		}
		s.expect(t, ps, `subscribe "b" 2`, `subscribe "c" 3`, `subscribe "b" 3`)
		s.publish(t, rdb, "b", "once", 1)
		s.expect(t, ps, `message "b" "once"`)
	})
}

func TestGoRedisUnsubscribe(t *testing.T) {
	onEachProtocol(t, nil, func(t *testing.T, s *session) {
		rdb := s.client(t)
		ps := closing(t, rdb.Subscribe(s.ctx, "a", "b", "c"))
		s.expect(t, ps, `subscribe "a" 1`, `subscribe "b" 2`, `subscribe "c" 3`)
		if err := ps.Unsubscribe(s.ctx, "b", "never"); err != nil {
			t.Fatal(err)
		}
		s.expect(t, ps, `unsubscribe "b" 2`, `unsubscribe "never" 2`)
		s.publish(t, rdb, "b", "unheard", 0)
		s.publish(t, rdb, "a", "heard", 1)
		s.expect(t, ps, `message "a" "heard"`)

		// All that are left, in an order of the server's choosing.
		if err := ps.Unsubscribe(s.ctx); err != nil {
			t.Fatal(err)
		}
		lines := s.receive(t, ps, 2)
		if !strings.HasSuffix(lines[0], " 1") || !strings.HasSuffix(lines[1], " 0") {
			t.Errorf("the counts of %q do not go down to 0", lines)
		}

		// None is left: one confirmation, without a name.
		for _, unsubscribe := range []func() error{
			func() error { return ps.Unsubscribe(s.ctx) },
			func() error { return ps.PUnsubscribe(s.ctx) },
			func() error { return ps.SUnsubscribe(s.ctx) },
		} {
			if err := unsubscribe(); err != nil {
				t.Fatal(err)
			}
		}
		s.expect(t, ps, `unsubscribe "" 0`, `punsubscribe "" 0`, `sunsubscribe "" 0`)

		if err := ps.Subscribe(s.ctx, "d"); err != nil {
			t.Fatal(err)
		}
		s.expect(t, ps, `subscribe "d" 1`)
	})
}

func TestGoRedisPSubscribe(t *testing.T) {
	onEachProtocol(t, nil, func(t *testing.T, s *session) {
		rdb := s.client(t)
		ps := closing(t, rdb.PSubscribe(s.ctx, "news.*", "h[ae]llo"))
		s.expect(t, ps, `psubscribe "news.*" 1`, `psubscribe "h[ae]llo" 2`)
		s.publish(t, rdb, "news.tech", "1", 1)
		s.publish(t, rdb, "news", "2", 0)
		s.publish(t, rdb, "hello", "3", 1)
		s.publish(t, rdb, "hillo", "4", 0)
		s.expect(t, ps, `pmessage "news.*" "news.tech" "1"`, `pmessage "h[ae]llo" "hello" "3"`)

		// By name and by two patterns: three deliveries, the name first.
		if err := ps.PSubscribe(s.ctx, "*.tech"); err != nil {
			t.Fatal(err)
		}
		if err := ps.Subscribe(s.ctx, "news.tech"); err != nil {
			t.Fatal(err)
		}
		s.expect(t, ps, `psubscribe "*.tech" 3`, `subscribe "news.tech" 4`)
		s.publish(t, rdb, "news.tech", "5", 3)
		s.expect(t, ps, `message "news.tech" "5"`)
		s.expectAnyOrder(t, ps, `pmessage "news.*" "news.tech" "5"`, `pmessage "*.tech" "news.tech" "5"`)

		if err := ps.PUnsubscribe(s.ctx, "news.*"); err != nil {
			t.Fatal(err)
		}
		s.expect(t, ps, `punsubscribe "news.*" 3`)
		s.publish(t, rdb, "news.tech", "6", 2)
		s.expect(t, ps, `message "news.tech" "6"`, `pmessage "*.tech" "news.tech" "6"`)
	})
}

func TestGoRedisSSubscribe(t *testing.T) {
	onEachProtocol(t, nil, func(t *testing.T, s *session) {
		rdb := s.client(t)
		ps := closing(t, rdb.SSubscribe(s.ctx, "orders", "users"))
		s.expect(t, ps, `ssubscribe "orders" 1`, `ssubscribe "users" 2`)
		s.spublish(t, rdb, "orders", "1", 1)
		s.expect(t, ps, `message "orders" "1"`)

		// A shard channel and a channel of one name have nothing in common,
		// and shard channels are counted apart.
		s.publish(t, rdb, "orders", "unheard", 0)
		if err := ps.Subscribe(s.ctx, "orders"); err != nil {
			t.Fatal(err)
		}
		s.expect(t, ps, `subscribe "orders" 1`)
		s.publish(t, rdb, "orders", "2", 1)
		s.spublish(t, rdb, "orders", "3", 1)
		s.expect(t, ps, `message "orders" "2"`, `message "orders" "3"`)

		if err := ps.SUnsubscribe(s.ctx, "orders"); err != nil {
			t.Fatal(err)
		}
		s.expect(t, ps, `sunsubscribe "orders" 1`)
		s.spublish(t, rdb, "orders", "unheard", 0)
		s.publish(t, rdb, "orders", "4", 1)
		s.expect(t, ps, `message "orders" "4"`)
	})
}

func TestGoRedisReceiveTimeout(t *testing.T) {
	onEachProtocol(t, nil, func(t *testing.T, s *session) {
		rdb := s.client(t)
		ps := closing(t, rdb.Subscribe(s.ctx, "a"))
		s.expect(t, ps, `subscribe "a" 1`)
		var timeout net.Error
		if got, err := ps.ReceiveTimeout(s.ctx, 10*time.Millisecond); !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Fatalf("on a silent channel: %v, %v; want a timeout", got, err)
		}
		// The subscription is the same one, not one made anew.
		s.publish(t, rdb, "a", "late", 1)
		got, err := ps.ReceiveTimeout(s.ctx, patience)
		if err != nil || describe(got) != `message "a" "late"` {
			t.Fatalf("got %v, %v", got, err)
		}
	})
}

func TestGoRedisPing(t *testing.T) {
	onEachProtocol(t, nil, func(t *testing.T, s *session) {
		rdb := s.client(t)
		ps := closing(t, rdb.Subscribe(s.ctx, "a"))
		s.expect(t, ps, `subscribe "a" 1`)
		if err := ps.Ping(s.ctx); err != nil {
			t.Fatal(err)
		}
		if err := ps.Ping(s.ctx, "payload"); err != nil {
			t.Fatal(err)
		}
		// In RESP2 a subscriber gets an array, so that it can tell a pong from
		// a message; in RESP3 it gets the plain reply.
		bare := map[int]string{2: `pong ""`, 3: `pong "PONG"`}[s.protocol]
		s.expect(t, ps, bare, `pong "payload"`)
		s.publish(t, rdb, "a", "still here", 1)
		s.expect(t, ps, `message "a" "still here"`)
	})
}

func TestGoRedisChannel(t *testing.T) {
	onEachProtocol(t, nil, func(t *testing.T, s *session) {
		rdb := s.client(t)
		ps := closing(t, rdb.Subscribe(s.ctx, "a", "b"))
		s.expect(t, ps, `subscribe "a" 1`, `subscribe "b" 2`)
		ch := ps.Channel(redis.WithChannelSize(10))
		const count = 200
		go func() {
			for i := range count {
				rdb.Publish(s.ctx, []string{"a", "b"}[i%2], i)
			}
		}()
		for i := range count {
			want := fmt.Sprintf("message %q %q", []string{"a", "b"}[i%2], fmt.Sprint(i))
			if got := describe(next(t, s, ch)); got != want {
				t.Fatalf("got %s, want %s", got, want)
			}
		}
		if err := ps.Close(); err != nil {
			t.Fatal(err)
		}
		if m, open := <-ch; open {
			t.Errorf("after Close: %v", m)
		}
		eventually(t, func() bool {
			return rdb.PubSubNumSub(s.ctx, "a").Val()["a"] == 0
		}, "the end of the subscription")
	})
}

func TestGoRedisChannelWithSubscriptions(t *testing.T) {
	onEachProtocol(t, nil, func(t *testing.T, s *session) {
		rdb := s.client(t)
		ps := closing(t, rdb.Subscribe(s.ctx, "a"))
		ch := ps.ChannelWithSubscriptions()
		step := func(want string) {
			t.Helper()
			if got := describe(next(t, s, ch)); got != want {
				t.Fatalf("got %s, want %s", got, want)
			}
		}
		step(`subscribe "a" 1`)
		if err := ps.PSubscribe(s.ctx, "b*"); err != nil {
			t.Fatal(err)
		}
		step(`psubscribe "b*" 2`)
		s.publish(t, rdb, "bb", "1", 1)
		step(`pmessage "b*" "bb" "1"`)
		if err := ps.Unsubscribe(s.ctx, "a"); err != nil {
			t.Fatal(err)
		}
		step(`unsubscribe "a" 1`)
	})
}

// TestGoRedisPayloads sends what a text protocol could trip over.
func TestGoRedisPayloads(t *testing.T) {
	onEachProtocol(t, nil, func(t *testing.T, s *session) {
		rdb := s.client(t)
		channel := "c\r\n\x00\xff"
		ps := closing(t, rdb.Subscribe(s.ctx, channel, ""))
		s.expect(t, ps, fmt.Sprintf("subscribe %q 1", channel), `subscribe "" 2`)
		for _, payload := range []string{
			"", "\r\n", "$-1\r\n", "\x00\x01\xfe\xff", "*3\r\n$7\r\nmessage\r\n", "žluťoučký 🐎",
			strings.Repeat("x", 16<<10), strings.Repeat("\r\n", 1<<20),
		} {
			s.publish(t, rdb, channel, payload, 1)
			m, err := ps.ReceiveMessage(s.ctx)
			if err != nil {
				t.Fatal(err)
			}
			if m.Channel != channel || m.Payload != payload {
				t.Errorf("a payload of %d bytes came as %d bytes on %q", len(payload), len(m.Payload), m.Channel)
			}
		}
		s.publish(t, rdb, "", "unnamed", 1)
		s.expect(t, ps, `message "" "unnamed"`)
	})
}
