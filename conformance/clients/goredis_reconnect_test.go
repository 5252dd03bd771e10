package clients_test

import (
	"fmt"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
)

// everyKind subscribes to a channel, a pattern and a shard channel over one
// connection with this name.
func (s *session) everyKind(t *testing.T, name string) *redis.PubSub {
	t.Helper()
	rdb := s.client(t, func(o *redis.Options) { o.ClientName = name })
	ps := closing(t, rdb.Subscribe(s.ctx, "a"))
	if err := ps.PSubscribe(s.ctx, "p*"); err != nil {
		t.Fatal(err)
	}
	if err := ps.SSubscribe(s.ctx, "s"); err != nil {
		t.Fatal(err)
	}
	s.expect(t, ps, `subscribe "a" 1`, `psubscribe "p*" 2`, `ssubscribe "s" 1`)
	return ps
}

// resubscribed waits until the client with this name has an id other than old
// and all of its subscriptions, and returns the id.
func (s *session) resubscribed(t *testing.T, rdb *redis.Client, name, old string) string {
	t.Helper()
	var id string
	eventually(t, func() bool {
		for _, client := range s.clientList(t, rdb) {
			if client["name"] == name && client["id"] != old &&
				client["sub"] == "1" && client["psub"] == "1" && client["ssub"] == "1" {
				id = client["id"]
				return true
			}
		}
		return false
	}, "%s to come back after client %s", name, old)
	return id
}

// flow fails the test unless a message of each kind arrives.
func (s *session) flow(t *testing.T, rdb *redis.Client, ch <-chan *redis.Message, payload string) {
	t.Helper()
	s.publish(t, rdb, "a", payload, 1)
	s.publish(t, rdb, "pa", payload, 1)
	s.spublish(t, rdb, "s", payload, 1)
	for _, want := range []string{`message "a" %q`, `pmessage "p*" "pa" %q`, `message "s" %q`} {
		want = fmt.Sprintf(want, payload)
		if got := describe(next(t, s, ch)); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
}

// TestGoRedisKilled kills the connection of a subscription, twice.
func TestGoRedisKilled(t *testing.T) {
	onEachProtocol(t, nil, func(t *testing.T, s *session) {
		rdb := s.client(t)
		ch := s.everyKind(t, "subscriber").Channel()
		s.flow(t, rdb, ch, "before")
		id := s.named(t, rdb, "subscriber")["id"]
		for round := range 2 {
			if n, err := rdb.ClientKillByFilter(s.ctx, "ID", id).Result(); err != nil || n != 1 {
				t.Fatalf("CLIENT KILL ID %s: %d, %v", id, n, err)
			}
			id = s.resubscribed(t, rdb, "subscriber", id)
			s.flow(t, rdb, ch, fmt.Sprintf("after %d", round))
		}
	})
}

// TestGoRedisKilledWhileReceiving: Receive reports the loss once, and the next
// one goes on with confirmations of the new subscriptions.
func TestGoRedisKilledWhileReceiving(t *testing.T) {
	onEachProtocol(t, nil, func(t *testing.T, s *session) {
		rdb := s.client(t)
		ps := s.everyKind(t, "subscriber")
		if n, err := rdb.ClientKillByFilter(s.ctx, "TYPE", "pubsub").Result(); err != nil || n != 1 {
			t.Fatalf("CLIENT KILL TYPE pubsub: %d, %v", n, err)
		}
		if got, err := ps.Receive(s.ctx); err == nil {
			t.Fatalf("received %s over a killed connection", describe(got))
		}
		s.expect(t, ps, `subscribe "a" 1`, `psubscribe "p*" 2`, `ssubscribe "s" 1`)
		s.publish(t, rdb, "a", "back", 1)
		s.expect(t, ps, `message "a" "back"`)
	})
}

// TestGoRedisRestart restarts the server under subscriptions in both protocols.
func TestGoRedisRestart(t *testing.T) {
	onEachRestartable(t, func(t *testing.T, server *sut.Server) {
		type subscriber struct {
			*session
			rdb *redis.Client
			ch  <-chan *redis.Message
		}
		var subscribers []subscriber
		for _, protocol := range []int{2, 3} {
			s := &session{addr: server.Addr, protocol: protocol, ctx: within(t)}
			name := fmt.Sprintf("resp%d", protocol)
			rdb := s.client(t, func(o *redis.Options) { o.ClientName = name })
			ps := closing(t, rdb.Subscribe(s.ctx, "a", name))
			s.expect(t, ps, `subscribe "a" 1`, fmt.Sprintf("subscribe %q 2", name))
			subscribers = append(subscribers, subscriber{session: s, rdb: rdb, ch: ps.Channel()})
		}
		server.Restart()
		for _, s := range subscribers {
			// The publisher's own connection is replaced as well; the client
			// retries by itself.
			eventually(t, func() bool {
				return s.rdb.PubSubNumSub(s.ctx, "a").Val()["a"] == 2
			}, "both subscribers after the restart")
		}
		subscribers[0].publish(t, subscribers[0].rdb, "a", "welcome back", 2)
		for _, s := range subscribers {
			if got, want := describe(next(t, s.session, s.ch)), `message "a" "welcome back"`; got != want {
				t.Errorf("resp%d: got %s, want %s", s.protocol, got, want)
			}
		}
	})
}

// TestGoRedisHealthCheck waits for the PING that Channel sends on a silent
// subscription after its default interval of three seconds.
func TestGoRedisHealthCheck(t *testing.T) {
	onEachProtocol(t, nil, func(t *testing.T, s *session) {
		rdb := s.client(t)
		ch := s.everyKind(t, "subscriber").Channel()
		id := s.named(t, rdb, "subscriber")["id"]
		eventually(t, func() bool {
			return s.named(t, rdb, "subscriber")["cmd"] == "ping"
		}, "a PING from the subscriber")

		// The pong is no message, and it is no reason to reconnect.
		s.flow(t, rdb, ch, "after the ping")
		if now := s.named(t, rdb, "subscriber")["id"]; now != id {
			t.Errorf("the subscriber was client %s and is %s", id, now)
		}
	})
}
