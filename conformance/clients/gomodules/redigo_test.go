package gomodules

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
)

// A conn is a connection of redigo, which speaks RESP2 only.
type conn struct {
	redis.Conn
	s *server
}

// dial returns a connection to the server, closed when the test ends.
func (s *server) dial(t *testing.T, options ...redis.DialOption) *conn {
	t.Helper()
	c, err := s.tryDial(t, options...)
	ok(t, err)
	return c
}

func (s *server) tryDial(t *testing.T, options ...redis.DialOption) (*conn, error) {
	t.Helper()
	network := s.at.Network
	if network == sut.TLS {
		network = "tcp"
		options = append(options, redis.DialUseTLS(true), redis.DialTLSConfig(s.at.TLSConfig(t)))
	}
	options = append([]redis.DialOption{redis.DialReadTimeout(patience), redis.DialWriteTimeout(patience)}, options...)
	c, err := redis.DialContext(s.ctx, network, s.at.Address, options...)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { c.Close() })
	return &conn{Conn: c, s: s}, nil
}

// expect fails the test unless the command gets this reply.
func (c *conn) expect(t *testing.T, want any, command string, args ...any) {
	t.Helper()
	got, err := redis.DoContext(c.Conn, c.s.ctx, command, args...)
	if err != nil || !reflect.DeepEqual(text(got), want) {
		t.Fatalf("%s %q: %#v, %v; want %#v", command, args, text(got), err, want)
	}
}

// text returns a reply with strings in place of bytes.
func text(reply any) any {
	switch r := reply.(type) {
	case []byte:
		return string(r)
	case []any:
		list := make([]any, len(r))
		for i := range r {
			list[i] = text(r[i])
		}
		return list
	default:
		return r
	}
}

// next returns what the subscription receives next, as one line.
func next(psc redis.PubSubConn) string {
	switch m := psc.ReceiveWithTimeout(patience).(type) {
	case redis.Message:
		if m.Pattern != "" {
			return fmt.Sprintf("pmessage %q %q %q", m.Pattern, m.Channel, m.Data)
		}
		return fmt.Sprintf("message %q %q", m.Channel, m.Data)
	case redis.Subscription:
		return fmt.Sprintf("%s %q %d", m.Kind, m.Channel, m.Count)
	case redis.Pong:
		return fmt.Sprintf("pong %q", m.Data)
	case error:
		return "error " + m.Error()
	default:
		return fmt.Sprintf("%T", m)
	}
}

func expectNext(t *testing.T, psc redis.PubSubConn, want ...string) {
	t.Helper()
	for _, line := range want {
		if got := next(psc); got != line {
			t.Fatalf("received %s, want %s", got, line)
		}
	}
}

func TestRedigoSubscriptions(t *testing.T) {
	onEachNetwork(t, func(t *testing.T, s *server) {
		publisher := s.dial(t)
		psc := redis.PubSubConn{Conn: s.dial(t).Conn}
		ok(t, psc.Subscribe("a", "b"), psc.PSubscribe("a*"))
		expectNext(t, psc, `subscribe "a" 1`, `subscribe "b" 2`, `psubscribe "a*" 3`)

		publisher.expect(t, int64(2), "PUBLISH", "a", "\r\n\x00\xff")
		publisher.expect(t, int64(1), "PUBLISH", "ab", "")
		publisher.expect(t, int64(0), "PUBLISH", "c", "nobody")
		expectNext(t, psc, `message "a" "\r\n\x00\xff"`, `pmessage "a*" "a" "\r\n\x00\xff"`, `pmessage "a*" "ab" ""`)

		publisher.expect(t, []any{"a", int64(1), "c", int64(0)}, "PUBSUB", "NUMSUB", "a", "c")
		publisher.expect(t, int64(1), "PUBSUB", "NUMPAT")
		publisher.expect(t, []any{"b"}, "PUBSUB", "CHANNELS", "[^a]")

		ok(t, psc.Ping(""), psc.Ping("are you there"))
		expectNext(t, psc, `pong ""`, `pong "are you there"`)

		ok(t, psc.Unsubscribe("a"), psc.PUnsubscribe(), psc.Unsubscribe(), psc.Unsubscribe())
		expectNext(t, psc, `unsubscribe "a" 2`, `punsubscribe "a*" 1`, `unsubscribe "b" 0`)
		// The library takes the missing name for an empty one.
		expectNext(t, psc, `unsubscribe "" 0`)
		publisher.expect(t, []any{}, "PUBSUB", "CHANNELS")
	})
}

// TestRedigoShardChannels: redigo has no words for them, but takes any command.
func TestRedigoShardChannels(t *testing.T) {
	onEachTarget(t, nil, func(t *testing.T, s *server) {
		publisher, subscriber := s.dial(t), s.dial(t)
		subscriber.expect(t, []any{"ssubscribe", "s", int64(1)}, "SSUBSCRIBE", "s")
		publisher.expect(t, int64(1), "SPUBLISH", "s", "hello")
		publisher.expect(t, int64(0), "PUBLISH", "s", "another channel")
		publisher.expect(t, []any{"s", int64(1)}, "PUBSUB", "SHARDNUMSUB", "s")
		if got, err := subscriber.Receive(); err != nil || !reflect.DeepEqual(text(got), []any{"smessage", "s", "hello"}) {
			t.Fatalf("received %#v, %v", text(got), err)
		}
		subscriber.expect(t, []any{"sunsubscribe", "s", int64(0)}, "SUNSUBSCRIBE", "s")
	})
}

func TestRedigoPipelineAndTransaction(t *testing.T) {
	onEachTarget(t, nil, func(t *testing.T, s *server) {
		publisher := s.dial(t)
		psc := redis.PubSubConn{Conn: s.dial(t).Conn}
		ok(t, psc.Subscribe("a"))
		expectNext(t, psc, `subscribe "a" 1`)

		const n = 1000
		for i := range n {
			ok(t, publisher.Send("PUBLISH", "a", i))
		}
		ok(t, publisher.Flush())
		for i := range n {
			if receivers, err := redis.Int(publisher.Receive()); err != nil || receivers != 1 {
				t.Fatalf("reply %d of the pipeline: %d, %v", i, receivers, err)
			}
			expectNext(t, psc, fmt.Sprintf(`message "a" "%d"`, i))
		}

		ok(t, publisher.Send("MULTI"), publisher.Send("PUBLISH", "a", "x"), publisher.Send("PUBLISH", "b", "y"))
		publisher.expect(t, []any{int64(1), int64(0)}, "EXEC")
		expectNext(t, psc, `message "a" "x"`)
		publisher.expect(t, "OK", "MULTI")
		publisher.expect(t, "QUEUED", "PUBLISH", "a", "forgotten")
		publisher.expect(t, "OK", "DISCARD")
		_, err := publisher.Do("EXEC")
		wantError(t, "EXEC", err, "ERR EXEC without MULTI")
		publisher.expect(t, int64(1), "PUBLISH", "a", "last")
		expectNext(t, psc, `message "a" "last"`)
	})
}

func TestRedigoDial(t *testing.T) {
	onEachTarget(t, nil, func(t *testing.T, s *server) {
		c := s.dial(t, redis.DialDatabase(1), redis.DialClientName("someone"))
		c.expect(t, "someone", "CLIENT", "GETNAME")
		if _, err := s.tryDial(t, redis.DialDatabase(16)); err == nil {
			t.Error("database 16 exists")
		}
		// AUTH with one word needs a password of the default user; a user
		// that needs none may log in with any.
		_, err := s.tryDial(t, redis.DialPassword("needless"))
		wantError(t, "AUTH", err, "ERR AUTH <password> called without any password")
		s.dial(t, redis.DialUsername("default"), redis.DialPassword("any"))

		u, err := redis.DialURLContext(s.ctx, "redis://"+s.at.Address+"/2")
		ok(t, err)
		defer u.Close()
		(&conn{Conn: u, s: s}).expect(t, "PONG", "PING")
	})
}

func TestRedigoPassword(t *testing.T) {
	const password = "correct horse"
	onEachTarget(t, []string{"--requirepass", password}, func(t *testing.T, s *server) {
		_, err := s.dial(t).Do("PUBLISH", "a", "x")
		wantError(t, "PUBLISH without a password", err, "NOAUTH Authentication required.")
		_, err = s.tryDial(t, redis.DialPassword("wrong"))
		wantError(t, "wrong password", err, "WRONGPASS ")
		_, err = s.tryDial(t, redis.DialUsername("nobody"), redis.DialPassword(password))
		wantError(t, "unknown user", err, "WRONGPASS ")
		s.dial(t, redis.DialUsername("default"), redis.DialPassword(password)).expect(t, "PONG", "PING")

		psc := redis.PubSubConn{Conn: s.dial(t, redis.DialPassword(password)).Conn}
		ok(t, psc.Subscribe("a"))
		expectNext(t, psc, `subscribe "a" 1`)
	})
}

// TestRedigoPool: a pool replaces the connections that a kill or a restart has
// ended, by the check that its documentation shows.
func TestRedigoPool(t *testing.T) {
	onEachTarget(t, nil, func(t *testing.T, s *server) {
		pool := &redis.Pool{
			MaxIdle:      3,
			Dial:         func() (redis.Conn, error) { return redis.Dial("tcp", s.at.Address) },
			TestOnBorrow: func(c redis.Conn, _ time.Time) error { _, err := c.Do("PING"); return err },
		}
		defer pool.Close()
		publish := func(payload string) (int, error) {
			c := pool.Get()
			defer c.Close()
			return redis.Int(c.Do("PUBLISH", "a", payload))
		}
		subscribe := func() redis.PubSubConn {
			psc := redis.PubSubConn{Conn: pool.Get()}
			ok(t, psc.Subscribe("a"))
			expectNext(t, psc, `subscribe "a" 1`)
			return psc
		}
		psc := subscribe()
		for _, end := range []func(){
			func() {
				s.dial(t).expect(t, int64(1), "CLIENT", "KILL", "TYPE", "pubsub")
				s.dial(t).expect(t, int64(2), "CLIENT", "KILL", "TYPE", "normal")
			},
			s.Restart,
		} {
			if n, err := publish("before"); err != nil || n != 1 {
				t.Fatalf("PUBLISH: %d, %v", n, err)
			}
			expectNext(t, psc, `message "a" "before"`)
			end()
			if got := next(psc); got[:6] != "error " {
				t.Fatalf("received %s over an ended connection", got)
			}
			psc.Close()
			psc = subscribe()
			eventually(t, func() bool {
				n, err := publish("after")
				return err == nil && n == 1
			}, "a receiver")
			expectNext(t, psc, `message "a" "after"`)
		}

		// What is put back while subscribed is unsubscribed by the pool.
		psc.Close()
		if n, err := publish("to nobody"); err != nil || n != 0 {
			t.Fatalf("PUBLISH: %d, %v", n, err)
		}
		c := pool.Get()
		defer c.Close()
		if pong, err := redis.String(c.Do("PING")); err != nil || pong != "PONG" {
			t.Fatalf("PING on a connection of the pool: %q, %v", pong, err)
		}
	})
}
