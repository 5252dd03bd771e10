package clients_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
)

func TestGoRedisReceivers(t *testing.T) {
	onEachProtocol(t, nil, func(t *testing.T, s *session) {
		rdb := s.client(t)
		s.publish(t, rdb, "a", "x", 0)
		s.spublish(t, rdb, "a", "x", 0)
		for range 3 {
			ps := closing(t, rdb.Subscribe(s.ctx, "a"))
			s.expect(t, ps, `subscribe "a" 1`)
		}
		s.publish(t, rdb, "a", "x", 3)

		// Every pattern of a client counts, and the same pattern of two
		// clients counts twice.
		for range 2 {
			ps := closing(t, rdb.PSubscribe(s.ctx, "a", "a*", "?"))
			s.expect(t, ps, `psubscribe "a" 1`, `psubscribe "a*" 2`, `psubscribe "?" 3`)
		}
		s.publish(t, rdb, "a", "x", 3+2*3)

		ps := closing(t, rdb.SSubscribe(s.ctx, "a"))
		s.expect(t, ps, `ssubscribe "a" 1`)
		s.publish(t, rdb, "a", "x", 9)
		s.spublish(t, rdb, "a", "x", 1)
	})
}

func TestGoRedisIntrospection(t *testing.T) {
	onEachProtocol(t, nil, func(t *testing.T, s *session) {
		rdb := s.client(t)
		check := func(what string, got any, err error, want any) {
			t.Helper()
			if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s: %v, %v; want %v", what, got, err, want)
			}
		}
		channels := func(pattern string, want ...string) {
			t.Helper()
			got, err := rdb.PubSubChannels(s.ctx, pattern).Result()
			slices.Sort(got)
			check("PUBSUB CHANNELS "+pattern, got, err, want)
		}
		channels("*")
		n, err := rdb.PubSubNumPat(s.ctx).Result()
		check("PUBSUB NUMPAT", n, err, 0)

		one := closing(t, rdb.Subscribe(s.ctx, "a", "ab", "b"))
		s.receive(t, one, 3)
		two := closing(t, rdb.Subscribe(s.ctx, "a"))
		s.receive(t, two, 1)
		if err := two.PSubscribe(s.ctx, "p*", "q*"); err != nil {
			t.Fatal(err)
		}
		if err := one.PSubscribe(s.ctx, "p*"); err != nil {
			t.Fatal(err)
		}
		if err := one.SSubscribe(s.ctx, "shard", "a"); err != nil {
			t.Fatal(err)
		}
		s.receive(t, two, 2)
		s.receive(t, one, 3)

		channels("*", "a", "ab", "b")
		channels("a*", "a", "ab")
		channels("[^a]", "b")
		channels("shard")
		numsub, err := rdb.PubSubNumSub(s.ctx, "a", "b", "p*", "none").Result()
		check("PUBSUB NUMSUB", numsub, err, map[string]int64{"a": 2, "b": 1, "p*": 0, "none": 0})
		numsub, err = rdb.PubSubNumSub(s.ctx).Result()
		check("PUBSUB NUMSUB without names", numsub, err, map[string]int64{})
		n, err = rdb.PubSubNumPat(s.ctx).Result()
		check("PUBSUB NUMPAT", n, err, 2)
		shards, err := rdb.PubSubShardChannels(s.ctx, "*").Result()
		slices.Sort(shards)
		check("PUBSUB SHARDCHANNELS", shards, err, []string{"a", "shard"})
		numsub, err = rdb.PubSubShardNumSub(s.ctx, "a", "ab", "shard").Result()
		check("PUBSUB SHARDNUMSUB", numsub, err, map[string]int64{"a": 1, "ab": 0, "shard": 1})
	})
}

func TestGoRedisPipelined(t *testing.T) {
	onEachProtocol(t, nil, func(t *testing.T, s *session) {
		rdb := s.client(t)
		ps := closing(t, rdb.Subscribe(s.ctx, "a"))
		s.expect(t, ps, `subscribe "a" 1`)
		if err := ps.PSubscribe(s.ctx, "?"); err != nil {
			t.Fatal(err)
		}
		s.expect(t, ps, `psubscribe "?" 2`)
		const count = 300
		fill := func(pipe redis.Pipeliner) error {
			for i := range count {
				pipe.Publish(s.ctx, "a", i)
				pipe.Publish(s.ctx, "elsewhere", i)
			}
			return nil
		}
		for name, pipelined := range map[string]func(func(redis.Pipeliner) error) ([]redis.Cmder, error){
			"Pipelined":   func(f func(redis.Pipeliner) error) ([]redis.Cmder, error) { return rdb.Pipelined(s.ctx, f) },
			"TxPipelined": func(f func(redis.Pipeliner) error) ([]redis.Cmder, error) { return rdb.TxPipelined(s.ctx, f) },
		} {
			cmds, err := pipelined(fill)
			if err != nil || len(cmds) != 2*count {
				t.Fatalf("%s: %d replies, %v", name, len(cmds), err)
			}
			for i, cmd := range cmds {
				want := int64(2)
				if i%2 == 1 {
					want = 0
				}
				if got := cmd.(*redis.IntCmd).Val(); got != want {
					t.Fatalf("%s: publish %d had %d receivers, want %d", name, i, got, want)
				}
			}
			for i := range count {
				s.expect(t, ps, fmt.Sprintf("message \"a\" \"%d\"", i), fmt.Sprintf("pmessage \"?\" \"a\" \"%d\"", i))
			}
		}
	})
}

// TestGoRedisPipelinedError: one bad command spoils only its own reply.
func TestGoRedisPipelinedError(t *testing.T) {
	onEachProtocol(t, nil, func(t *testing.T, s *session) {
		rdb := s.client(t)
		const arity = "ERR wrong number of arguments for 'publish' command"
		pipe := rdb.Pipeline()
		first := pipe.Publish(s.ctx, "a", "1")
		bad := pipe.Do(s.ctx, "PUBLISH", "a")
		last := pipe.Publish(s.ctx, "a", "2")
		if _, err := pipe.Exec(s.ctx); err == nil || err.Error() != arity {
			t.Errorf("Pipeline: %v, want %s", err, arity)
		}
		if first.Err() != nil || bad.Err() == nil || last.Err() != nil {
			t.Errorf("Pipeline: errors %v, %v, %v; want only the second", first.Err(), bad.Err(), last.Err())
		}
		_, err := rdb.TxPipelined(s.ctx, func(pipe redis.Pipeliner) error {
			pipe.Publish(s.ctx, "a", "3")
			pipe.Do(s.ctx, "PUBLISH", "a")
			return nil
		})
		if err == nil {
			t.Error("TxPipelined with a bad command: no error")
		}
		if pong, err := rdb.Ping(s.ctx).Result(); err != nil || pong != "PONG" {
			t.Errorf("afterwards PING: %q, %v", pong, err)
		}
	})
}

// TestGoRedisOneOrder: whoever subscribes, by name or by pattern, sees the
// messages of concurrent publishers in one order.
func TestGoRedisOneOrder(t *testing.T) {
	onEachProtocol(t, nil, func(t *testing.T, s *session) {
		const publishers, each = 6, 100
		rdb := s.client(t)
		subscribers := []*redis.PubSub{
			closing(t, rdb.Subscribe(s.ctx, "ticker")),
			closing(t, rdb.Subscribe(s.ctx, "ticker")),
			closing(t, rdb.PSubscribe(s.ctx, "tick*")),
			closing(t, rdb.PSubscribe(s.ctx, "*er")),
		}
		for _, ps := range subscribers {
			s.receive(t, ps, 1)
		}
		var wg sync.WaitGroup
		for p := range publishers {
			wg.Go(func() {
				for i := range each {
					n, err := rdb.Publish(s.ctx, "ticker", fmt.Sprintf("%d:%d", p, i)).Result()
					if err != nil || n != int64(len(subscribers)) {
						t.Errorf("publish: %d, %v", n, err)
						return
					}
				}
			})
		}
		seen := make([][]string, len(subscribers))
		for i, ps := range subscribers {
			wg.Go(func() {
				for range publishers * each {
					m, err := ps.ReceiveMessage(s.ctx)
					if err != nil {
						t.Errorf("subscriber %d after %d messages: %v", i, len(seen[i]), err)
						return
					}
					seen[i] = append(seen[i], m.Payload)
				}
			})
		}
		wg.Wait()
		following := map[int]int{}
		for _, payload := range seen[0] {
			var p, i int
			if _, err := fmt.Sscanf(payload, "%d:%d", &p, &i); err != nil || i != following[p] {
				t.Fatalf("publisher %d: %q (%v), want number %d", p, payload, err, following[p])
			}
			following[p]++
		}
		if len(following) != publishers {
			t.Errorf("messages of %d publishers, want %d", len(following), publishers)
		}
		for i, order := range seen[1:] {
			if !slices.Equal(order, seen[0]) {
				t.Errorf("subscribers 0 and %d saw different orders", i+1)
			}
		}
	})
}
