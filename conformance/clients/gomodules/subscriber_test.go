package gomodules

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
)

// rueidis and valkey-go are one library with two sets of names. What they have
// in common are these interfaces, and the tests of this file.

// A client multiplexes commands over a few connections.
type client interface {
	commander
	// receive subscribes, by the words of a command, and calls fn with each
	// message as a line, until it returns for one of the library's reasons.
	receive(ctx context.Context, subscribe []string, fn func(line string)) error
	// dedicate returns a connection for one user, and how to give it back.
	dedicate() (dedicated, func())
	// close closes the client; what waits on it ends with errClosing.
	close()
}

// A dedicated connection runs the commands of one user.
type dedicated interface {
	commander
	// hook makes every message and confirmation a line. The channel tells
	// the error that ends this, once.
	hook(fn func(line string)) <-chan error
}

// A commander runs commands, each given by its words.
type commander interface {
	// do returns the reply, which is nil for what is confirmed by pushes.
	do(ctx context.Context, words ...string) (any, error)
	// doAll sends the commands in one pipeline. Instead of a reply that is
	// an error it has the error.
	doAll(ctx context.Context, commands ...[]string) []any
}

// isSubscription says that a command has no reply but confirmations.
func isSubscription(words []string) bool { return strings.HasSuffix(words[0], "SUBSCRIBE") }

// settings are what a test asks of a client.
type settings struct {
	resp2    bool
	noCache  bool // do not ask for client side caching
	user     string
	password string
	name     string
	database int
}

// A library makes clients.
type library struct {
	name string
	// newClient connects and returns a client.
	newClient  func(*testing.T, sut.Endpoint, settings) (client, error)
	errClosing error
}

var libraries = []library{rueidisLibrary, valkeyLibrary}

// modes are the ways to configure a client that differ on the wire. The first
// is what one gets without options: RESP3, with CLIENT TRACKING.
var modes = []struct {
	name string
	with settings
}{
	{name: "default"},
	{name: "nocache", with: settings{noCache: true}},
	{name: "resp2", with: settings{noCache: true, resp2: true}},
}

// A user is what a test of the two libraries gets.
type user struct {
	*server
	library
	with settings
}

// onEachLibrary runs test in parallel with each library and each mode, against
// a fresh server of each target.
func onEachLibrary(t *testing.T, args []string, test func(t *testing.T, u *user)) {
	t.Parallel()
	for _, target := range sut.Targets {
		for _, library := range libraries {
			for _, mode := range modes {
				t.Run(strings.Join([]string{target.Name, library.name, mode.name}, "/"), func(t *testing.T) {
					t.Parallel()
					test(t, &user{server: start(t, target, sut.TCP, args...), library: library, with: mode.with})
				})
			}
		}
	}
}

// client returns a client of the server, closed when the test ends.
func (u *user) client(t *testing.T) client {
	t.Helper()
	c, err := u.newClient(t, u.at, u.with)
	ok(t, err)
	t.Cleanup(c.close)
	return c
}

// expect fails the test unless the command gets this reply.
func (u *user) expect(t *testing.T, c commander, want any, words ...string) {
	t.Helper()
	if got, err := c.do(u.ctx, words...); err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%q: %#v, %v; want %#v", words, got, err, want)
	}
}

// subscribers waits until the server counts n subscribers of the channel.
func (u *user) subscribers(t *testing.T, c commander, channel string, n int64) {
	t.Helper()
	count := "NUMSUB"
	if strings.HasPrefix(channel, "shard") {
		count = "SHARDNUMSUB"
	}
	eventually(t, func() bool {
		got, err := c.do(u.ctx, "PUBSUB", count, channel)
		return err == nil && numsub(got, channel) == n
	}, "%d subscribers of %s", n, channel)
}

// pattern waits until the server knows one pattern.
func (u *user) pattern(t *testing.T, c commander) {
	t.Helper()
	eventually(t, func() bool {
		n, err := c.do(u.ctx, "PUBSUB", "NUMPAT")
		return err == nil && n == int64(1)
	}, "the pattern")
}

// numsub returns a channel's count from the reply to PUBSUB NUMSUB.
func numsub(reply any, channel string) int64 {
	pairs, _ := reply.([]any)
	if i := slices.Index(pairs, any(channel)); i >= 0 && i+1 < len(pairs) {
		n, _ := pairs[i+1].(int64)
		return n
	}
	return -1
}

// receiving runs receive in the background. The function returned waits for
// its end.
func (u *user) receiving(c client, l *lines, subscribe ...string) (wait func(*testing.T) error) {
	done := make(chan error, 1)
	go func() { done <- c.receive(u.ctx, subscribe, func(line string) { l.add("%s", line) }) }()
	return func(t *testing.T) error {
		t.Helper()
		select {
		case err := <-done:
			return err
		case <-l.ctx.Done():
			t.Fatalf("%q did not end", subscribe)
			return nil
		}
	}
}

func TestReceive(t *testing.T) {
	onEachLibrary(t, nil, func(t *testing.T, u *user) {
		publisher, subscriber := u.client(t), u.client(t)
		l := u.newLines()
		channels := u.receiving(subscriber, l, "SUBSCRIBE", "a", "b")
		patterns := u.receiving(subscriber, l, "PSUBSCRIBE", "p*")
		shards := u.receiving(subscriber, l, "SSUBSCRIBE", "shard")
		u.subscribers(t, publisher, "b", 1)
		u.subscribers(t, publisher, "shard", 1)
		u.pattern(t, publisher)

		u.expect(t, publisher, int64(1), "PUBLISH", "a", "\r\n\x00\xff")
		l.expect(t, `message "a" "\r\n\x00\xff"`)
		u.expect(t, publisher, int64(1), "PUBLISH", "pa", "")
		l.expect(t, `pmessage "p*" "pa" ""`)
		u.expect(t, publisher, int64(1), "SPUBLISH", "shard", "of the cluster")
		l.expect(t, `message "shard" "of the cluster"`)
		u.expect(t, publisher, int64(0), "PUBLISH", "shard", "no shard")

		// Unsubscribing by another call of the same client ends receive.
		for _, end := range []struct {
			words []string
			wait  func(*testing.T) error
		}{
			{[]string{"UNSUBSCRIBE", "a", "b"}, channels},
			{[]string{"PUNSUBSCRIBE", "p*"}, patterns},
			{[]string{"SUNSUBSCRIBE", "shard"}, shards},
		} {
			if _, err := subscriber.do(u.ctx, end.words...); err != nil {
				t.Fatalf("%q: %v", end.words, err)
			}
			if err := end.wait(t); err != nil {
				t.Errorf("receiving ended after %q with %v", end.words, err)
			}
		}
		u.expect(t, publisher, int64(0), "PUBLISH", "a", "nobody")

		again := u.receiving(subscriber, l, "SUBSCRIBE", "a")
		u.subscribers(t, publisher, "a", 1)
		subscriber.close()
		if err := again(t); err != u.errClosing {
			t.Errorf("receiving ended at closing with %v", err)
		}
		u.subscribers(t, publisher, "a", 0)
	})
}

func TestDedicatedHooks(t *testing.T) {
	onEachLibrary(t, nil, func(t *testing.T, u *user) {
		c := u.client(t)
		d, release := c.dedicate()
		l := u.newLines()
		ended := d.hook(func(line string) { l.add("%s", line) })
		for _, words := range [][]string{
			{"SUBSCRIBE", "a", "b"}, {"PSUBSCRIBE", "a*"}, {"SSUBSCRIBE", "shard"},
		} {
			if _, err := d.do(u.ctx, words...); err != nil {
				t.Fatalf("%q: %v", words, err)
			}
		}
		l.expect(t, `subscribe "a" 1`, `subscribe "b" 2`, `psubscribe "a*" 3`, `ssubscribe "shard" 1`)
		u.expect(t, c, int64(2), "PUBLISH", "a", "both")
		l.expect(t, `message "a" "both"`, `pmessage "a*" "a" "both"`)
		u.expect(t, c, int64(1), "SPUBLISH", "shard", "s")
		l.expect(t, `message "shard" "s"`)

		for _, words := range [][]string{{"UNSUBSCRIBE", "a"}, {"PUNSUBSCRIBE"}, {"SUNSUBSCRIBE"}} {
			if _, err := d.do(u.ctx, words...); err != nil {
				t.Fatalf("%q: %v", words, err)
			}
		}
		l.expect(t, `unsubscribe "a" 2`, `punsubscribe "a*" 1`, `sunsubscribe "shard" 0`)
		u.subscribers(t, c, "b", 1)

		// Given back, the connection is freed of subscriptions and can be
		// used by others. In RESP2 the library has subscriptions on another
		// connection, and leaves them there.
		if u.with.resp2 {
			_, err := d.do(u.ctx, "UNSUBSCRIBE")
			ok(t, err)
		}
		release()
		if err, open := <-ended; open && err != nil {
			t.Errorf("the hooks ended with %v", err)
		}
		u.subscribers(t, c, "b", 0)
		d, release = c.dedicate()
		defer release()
		u.expect(t, d, "PONG", "PING")
	})
}

func TestPipelineAndTransaction(t *testing.T) {
	onEachLibrary(t, nil, func(t *testing.T, u *user) {
		c := u.client(t)
		l := u.newLines()
		u.receiving(u.client(t), l, "SUBSCRIBE", "a")
		u.subscribers(t, c, "a", 1)

		const n = 500
		var commands [][]string
		for i := range n {
			commands = append(commands, []string{"PUBLISH", "a", fmt.Sprint(i)})
		}
		for i, reply := range c.doAll(u.ctx, commands...) {
			if reply != int64(1) {
				t.Fatalf("reply %d of the pipeline: %v", i, reply)
			}
			l.expect(t, fmt.Sprintf(`message "a" "%d"`, i))
		}

		d, release := c.dedicate()
		defer release()
		got := d.doAll(u.ctx, []string{"MULTI"}, []string{"PUBLISH", "a", "x"}, []string{"PUBLISH", "b", "y"}, []string{"EXEC"})
		want := []any{"OK", "QUEUED", "QUEUED", []any{int64(1), int64(0)}}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("transaction: %#v, want %#v", got, want)
		}
		l.expect(t, `message "a" "x"`)
		_, err := d.do(u.ctx, "EXEC")
		wantError(t, "EXEC", err, "EXEC without MULTI")
	})
}

func TestSettings(t *testing.T) {
	onEachLibrary(t, nil, func(t *testing.T, u *user) {
		u.with.name = "someone"
		u.with.database = 1
		c := u.client(t)
		u.expect(t, c, "someone", "CLIENT", "GETNAME")

		// Channels have no database.
		l := u.newLines()
		u.receiving(c, l, "SUBSCRIBE", "a")
		u.with.database = 2
		other := u.client(t)
		u.subscribers(t, other, "a", 1)
		u.expect(t, other, int64(1), "PUBLISH", "a", "from another database")
		l.expect(t, `message "a" "from another database"`)

		u.with.database = 16
		_, err := u.newClient(t, u.at, u.with)
		wantError(t, "database 16", err, "DB index is out of range")
	})
}

func TestPassword(t *testing.T) {
	const password = "correct horse"
	onEachLibrary(t, []string{"--requirepass", password}, func(t *testing.T, u *user) {
		for _, wrong := range []settings{
			{password: "wrong"}, {user: "nobody", password: password}, {user: "default", password: "wrong"},
		} {
			wrong.resp2, wrong.noCache = u.with.resp2, u.with.noCache
			_, err := u.newClient(t, u.at, wrong)
			wantError(t, "wrong password", err, "WRONGPASS ")
		}
		_, err := u.newClient(t, u.at, u.with)
		wantError(t, "no password", err, "NOAUTH ")

		u.with.password = password
		c := u.client(t)
		u.with.user = "default"
		l := u.newLines()
		u.receiving(u.client(t), l, "SUBSCRIBE", "a")
		u.subscribers(t, c, "a", 1)
		u.expect(t, c, int64(1), "PUBLISH", "a", "secret")
		l.expect(t, `message "a" "secret"`)
	})
}

// TestReconnect: receive resubscribes by itself, a dedicated connection tells
// its user.
func TestReconnect(t *testing.T) {
	onEachLibrary(t, nil, func(t *testing.T, u *user) {
		publisher := u.client(t)
		u.with.name = "subscriber"
		c := u.client(t)
		l := u.newLines()
		u.receiving(c, l, "SUBSCRIBE", "a")
		u.receiving(c, l, "PSUBSCRIBE", "p*")
		u.flow(t, publisher, l)

		d, release := c.dedicate()
		defer release()
		ended := d.hook(func(string) {})
		_, err := d.do(u.ctx, "SUBSCRIBE", "d")
		ok(t, err)

		// All connections of that client: in RESP2 the library replaces the
		// one with the subscriptions only when it has lost the other.
		for _, id := range u.clientsNamed(t, publisher, "subscriber") {
			u.expect(t, publisher, int64(1), "CLIENT", "KILL", "ID", id)
		}
		select {
		case err := <-ended:
			if err == nil {
				t.Error("the hooks ended without an error")
			}
		case <-u.ctx.Done():
			t.Fatal("the hooks of a killed connection did not end")
		}
		u.flow(t, publisher, l)

		u.Restart()
		u.flow(t, publisher, l)
	})
}

// flow waits for one subscriber of channel a and one of pattern p* and fails
// the test unless a message for each arrives.
func (u *user) flow(t *testing.T, publisher client, l *lines) {
	t.Helper()
	u.subscribers(t, publisher, "a", 1)
	u.pattern(t, publisher)
	u.expect(t, publisher, int64(1), "PUBLISH", "a", "x")
	l.expect(t, `message "a" "x"`)
	u.expect(t, publisher, int64(1), "PUBLISH", "pa", "y")
	l.expect(t, `pmessage "p*" "pa" "y"`)
}

// clientsNamed returns the ids of the clients with this name.
func (u *user) clientsNamed(t *testing.T, c commander, name string) []string {
	t.Helper()
	list, err := c.do(u.ctx, "CLIENT", "LIST")
	ok(t, err)
	var ids []string
	for line := range strings.Lines(list.(string)) {
		fields := strings.Fields(line)
		if slices.Contains(fields, "name="+name) {
			ids = append(ids, strings.TrimPrefix(fields[0], "id="))
		}
	}
	return ids
}

// TestNetworks: the libraries over TLS and Unix sockets.
func TestNetworks(t *testing.T) {
	onEachNetwork(t, func(t *testing.T, s *server) {
		for _, library := range libraries {
			u := &user{server: s, library: library, with: settings{noCache: true}}
			c := u.client(t)
			l := u.newLines()
			u.receiving(c, l, "SUBSCRIBE", library.name)
			u.subscribers(t, c, library.name, 1)
			u.expect(t, c, int64(1), "PUBLISH", library.name, "hello")
			l.expect(t, fmt.Sprintf(`message %q "hello"`, library.name))
		}
	})
}
