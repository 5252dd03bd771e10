package clients_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

const (
	wrongPassword = "WRONGPASS invalid username-password pair or user is disabled."
	noAuth        = "NOAUTH"
)

func TestGoRedisPassword(t *testing.T) {
	onEachProtocol(t, []string{"--requirepass", "s3cret"}, func(t *testing.T, s *session) {
		with := func(username, password string) *redis.Client {
			return s.client(t, func(o *redis.Options) { o.Username, o.Password = username, password })
		}
		for name, rdb := range map[string]*redis.Client{
			"password":          with("", "s3cret"),
			"name and password": with("default", "s3cret"),
		} {
			ps := closing(t, rdb.Subscribe(s.ctx, name))
			s.expect(t, ps, fmt.Sprintf("subscribe %q 1", name))
			s.publish(t, rdb, name, "let in", 1)
			s.expect(t, ps, fmt.Sprintf("message %q \"let in\"", name))
		}
		for name, attempt := range map[string]struct {
			rdb  *redis.Client
			want string
		}{
			"wrong password": {rdb: with("", "guess"), want: wrongPassword},
			"unknown user":   {rdb: with("nobody", "s3cret"), want: wrongPassword},
			"no password":    {rdb: with("", ""), want: noAuth},
		} {
			if err := attempt.rdb.Publish(s.ctx, "a", "x").Err(); err == nil || !strings.Contains(err.Error(), attempt.want) {
				t.Errorf("%s: PUBLISH: %v, want %s", name, err, attempt.want)
			}
			ps := closing(t, attempt.rdb.Subscribe(s.ctx))
			err := ps.Subscribe(s.ctx, "a")
			if err == nil {
				_, err = ps.Receive(s.ctx)
			}
			if err == nil || !strings.Contains(err.Error(), attempt.want) {
				t.Errorf("%s: SUBSCRIBE: %v, want %s", name, err, attempt.want)
			}
		}
		if got := with("", "s3cret").PubSubChannels(s.ctx, "a").Val(); len(got) != 0 {
			t.Errorf("somebody not let in subscribed to %q", got)
		}
	})
}

func TestGoRedisHello(t *testing.T) {
	onEachProtocol(t, nil, func(t *testing.T, s *session) {
		conn := s.client(t).Conn()
		defer conn.Close()
		for _, version := range []int{2, 3} {
			hello, err := conn.Hello(s.ctx, version, "", "", fmt.Sprintf("v%d", version)).Result()
			if err != nil {
				t.Fatal(err)
			}
			for field, want := range map[string]any{
				"server": "redis", "proto": int64(version), "mode": "standalone", "role": "master",
			} {
				if hello[field] != want {
					t.Errorf("HELLO %d: %s is %v, want %v", version, field, hello[field], want)
				}
			}
			id, err := conn.ClientID(s.ctx).Result()
			if err != nil || hello["id"] != id {
				t.Errorf("HELLO %d tells id %v, CLIENT ID %d, %v", version, hello["id"], id, err)
			}
			if name, err := conn.ClientGetName(s.ctx).Result(); err != nil || name != fmt.Sprintf("v%d", version) {
				t.Errorf("HELLO %d SETNAME: the name is %q, %v", version, name, err)
			}
		}
		if err := conn.Do(s.ctx, "HELLO", "4").Err(); err == nil || err.Error() != "NOPROTO unsupported protocol version" {
			t.Errorf("HELLO 4: %v", err)
		}
		if got, err := conn.Echo(s.ctx, "in step").Result(); err != nil || got != "in step" {
			t.Errorf("ECHO after the refused HELLO: %q, %v", got, err)
		}
	})
}

// TestGoRedisSetInfo: CLIENT SETINFO came with 7.2. Servers without it answer
// an error, which clients ignore; either way the connection stays in step.
func TestGoRedisSetInfo(t *testing.T) {
	onEachProtocol(t, nil, func(t *testing.T, s *session) {
		conn := s.client(t).Conn()
		defer conn.Close()
		name := "conformance"
		err := conn.ClientSetInfo(s.ctx, redis.LibraryInfo{LibName: &name}).Err()
		if err != nil && !strings.HasPrefix(err.Error(), "ERR unknown subcommand 'setinfo'") {
			t.Errorf("CLIENT SETINFO: %v", err)
		}
		info, infoErr := conn.ClientInfo(s.ctx).Result()
		if infoErr != nil {
			t.Fatal(infoErr)
		}
		if known := err == nil; known && !strings.Contains(info.LibName, name) {
			t.Errorf("after CLIENT SETINFO the library is %q", info.LibName)
		}
	})
}

// TestGoRedisMaintNotifications: the client asks for notices of maintenance
// when it connects. An OK would promise them, so neither server may say so.
func TestGoRedisMaintNotifications(t *testing.T) {
	onEachProtocol(t, nil, func(t *testing.T, s *session) {
		rdb := s.client(t)
		err := rdb.Do(s.ctx, "CLIENT", "MAINT_NOTIFICATIONS", "ON", "moving-endpoint-type", "internal-ip").Err()
		if err == nil || !strings.HasPrefix(err.Error(), "ERR ") {
			t.Errorf("CLIENT MAINT_NOTIFICATIONS ON: %v, want an error", err)
		}
	})
}

func TestGoRedisClientInfo(t *testing.T) {
	onEachProtocol(t, nil, func(t *testing.T, s *session) {
		rdb := s.client(t, func(o *redis.Options) {
			o.ClientName = "inspector"
			o.DB = 3
			o.PoolSize = 1
		})
		if name, err := rdb.ClientGetName(s.ctx).Result(); err != nil || name != "inspector" {
			t.Errorf("CLIENT GETNAME: %q, %v", name, err)
		}
		id, err := rdb.ClientID(s.ctx).Result()
		if err != nil || id <= 0 {
			t.Errorf("CLIENT ID: %d, %v", id, err)
		}
		info, err := rdb.ClientInfo(s.ctx).Result()
		if err != nil {
			t.Fatal(err)
		}
		if info.ID != id || info.Name != "inspector" || info.DB != 3 || info.LAddr != s.addr ||
			info.Resp != s.protocol || info.User != "default" || info.LastCmd != "client|info" || info.Sub != 0 {
			t.Errorf("CLIENT INFO: %+v", *info)
		}

		// Subscribers show up with what they are subscribed to.
		subscriber := s.client(t, func(o *redis.Options) { o.ClientName = "subscriber" })
		ps := closing(t, subscriber.Subscribe(s.ctx, "a", "b"))
		s.receive(t, ps, 2)
		if err := ps.PSubscribe(s.ctx, "p*"); err != nil {
			t.Fatal(err)
		}
		if err := ps.SSubscribe(s.ctx, "s"); err != nil {
			t.Fatal(err)
		}
		s.receive(t, ps, 2)
		line := s.named(t, rdb, "subscriber")
		for field, want := range map[string]string{
			"sub": "2", "psub": "1", "ssub": "1", "flags": "P", "cmd": "ssubscribe",
			"db": "0", "multi": "-1", "resp": fmt.Sprint(s.protocol), "user": "default", "laddr": s.addr,
		} {
			if line[field] != want {
				t.Errorf("CLIENT LIST: %s=%s, want %s", field, line[field], want)
			}
		}
		// Publishing is not per database.
		s.publish(t, rdb, "a", "from database 3", 1)
		s.expect(t, ps, `message "a" "from database 3"`)
	})
}

// TestGoRedisNamedPubSub names the connection of a subscription itself.
func TestGoRedisNamedPubSub(t *testing.T) {
	onEachProtocol(t, nil, func(t *testing.T, s *session) {
		rdb := s.client(t)
		ps := closing(t, rdb.Subscribe(s.ctx))
		if err := ps.ClientSetName(s.ctx, "orders-feed"); err != nil {
			t.Fatal(err)
		}
		if err := ps.Subscribe(s.ctx, "orders"); err != nil {
			t.Fatal(err)
		}
		s.expect(t, ps, `pong "OK"`, `subscribe "orders" 1`)
		if line := s.named(t, rdb, "orders-feed"); line["sub"] != "1" {
			t.Errorf("CLIENT LIST has %v for the named subscriber", line)
		}
	})
}

// TestGoRedisMulti drives a transaction by hand on one connection.
func TestGoRedisMulti(t *testing.T) {
	onEachProtocol(t, nil, func(t *testing.T, s *session) {
		rdb := s.client(t)
		ps := closing(t, rdb.Subscribe(s.ctx, "a"))
		s.expect(t, ps, `subscribe "a" 1`)
		conn := rdb.Conn()
		defer conn.Close()
		do := func(want any, args ...any) {
			t.Helper()
			got, err := conn.Do(s.ctx, args...).Result()
			if err != nil {
				got = err.Error()
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%q: %v, want %v", args, got, want)
			}
		}
		do("OK", "MULTI")
		do("QUEUED", "PUBLISH", "a", "1")
		do("QUEUED", "PUBLISH", "nobody", "2")
		do("QUEUED", "PUBSUB", "NUMSUB", "a")
		do([]any{1, 0, []any{"a", 1}}, "EXEC")
		s.expect(t, ps, `message "a" "1"`)

		do("OK", "MULTI")
		do("QUEUED", "PUBLISH", "a", "discarded")
		do("OK", "DISCARD")
		do("ERR EXEC without MULTI", "EXEC")
		do("ERR DISCARD without MULTI", "DISCARD")

		do("OK", "MULTI")
		do("QUEUED", "PUBLISH", "a", "aborted")
		do("ERR wrong number of arguments for 'publish' command", "PUBLISH", "a")
		do("EXECABORT Transaction discarded because of previous errors.", "EXEC")

		s.publish(t, rdb, "a", "3", 1)
		s.expect(t, ps, `message "a" "3"`)
	})
}

// TestGoRedisErrors: the texts that programs match on.
func TestGoRedisErrors(t *testing.T) {
	onEachProtocol(t, nil, func(t *testing.T, s *session) {
		rdb := s.client(t)
		for _, try := range []struct {
			args []any
			want string
		}{
			{args: []any{"NOSUCH", "a", "b"}, want: "ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b' "},
			{args: []any{"PUBSUB", "NOSUCH"}, want: "ERR unknown subcommand 'NOSUCH'. Try PUBSUB HELP."},
			{args: []any{"SUBSCRIBE"}, want: "ERR wrong number of arguments for 'subscribe' command"},
			{args: []any{"PUBSUB", "NUMPAT", "x"}, want: "ERR wrong number of arguments for 'pubsub|numpat' command"},
			{args: []any{"CLIENT", "KILL", "1.2.3.4:5"}, want: "ERR No such client"},
		} {
			if err := rdb.Do(s.ctx, try.args...).Err(); err == nil || err.Error() != try.want {
				t.Errorf("%q: %v, want %s", try.args, err, try.want)
			}
		}
		if pong, err := rdb.Ping(s.ctx).Result(); err != nil || pong != "PONG" {
			t.Errorf("PING afterwards: %q, %v", pong, err)
		}
	})
}
