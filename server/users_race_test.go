package server

import (
	"crypto/tls"
	"strings"
	"testing"

	"github.com/pubsubd/pubsubd/acl"
	"github.com/pubsubd/pubsubd/broker"
)

// A permission that goes in the middle of a pipeline leaves the replies in
// order, although consecutive PUBLISHes are handed to the broker as one.
func TestForbiddenInTheMiddleOfARun(t *testing.T) {
	s := newServer(t)
	to := newFakeTransport(-1)
	c := clientOf(t, s, to, "+publish", "&a")
	publish := func() { c.dispatch([][]byte{[]byte("PUBLISH"), []byte("a"), []byte("m")}) }
	publish()
	publish()
	if c.w.run.num != 2 {
		t.Fatalf("%d messages are collected", c.w.run.num)
	}
	if _, err := s.users.Set("v", false, "resetchannels"); err != nil {
		t.Fatal(err)
	}
	publish()
	c.batch()
	if got, want := strings.Join(to.frames(t), " "), "0 0 -NOPERM No permissions to access a channel"; got != want {
		t.Errorf("answered %q, want %q", got, want)
	}
	c.close(closedByPeer)
	c.detach()
}

// EXEC, which has the broker to itself, may change the configuration while the
// ACL file is read again: neither waits for the other.
func TestReloadDoesNotWaitWithTheConfiguration(t *testing.T) {
	s, file := aclServer(t, "user v on nopass ~* &a +@all\n")
	victim := pipe(t, s)
	victim.ask("AUTH v x", "+OK")
	victim.ask("SUBSCRIBE a", "[subscribe a 1]")
	before := s.users.User("v").Rules()
	writeFile(t, file, "user v on nopass ~* +@all\n")
	done := make(chan error, 1)
	c := localClient(s, discardTransport{})
	s.broker.Exclusive(c.join(), func(*broker.Exclusive) {
		go func() { done <- s.Reload() }()
		waitFor(t, "the file to be read", func() bool { return s.users.User("v").Rules() != before })
		if !s.setting.TryLock() {
			t.Error("CONFIG SET would wait for Reload, which waits for the broker")
			return
		}
		s.setting.Unlock()
	})
	if err := <-done; err != nil {
		t.Error(err)
	}
	victim.end()
	c.close(closedByPeer)
	c.detach()
}

// Who was connecting when the default user got a password needs it.
func TestPasswordDuringHandshake(t *testing.T) {
	b := newTLSBench(t)
	nc := dial(t, b.addr).nc
	waitFor(t, "the client to be listed", func() bool { return len(b.Clients()) == 1 })
	pipe(t, b.Server).ask("CONFIG SET requirepass pw", "+OK")
	c := newTestConn(t, tls.Client(nc, b.ca.Client(b.client)))
	c.ask("PING", "-NOAUTH Authentication required.")
	c.ask("AUTH pw", "+OK")
	c.ask("PING", "+PONG")
}

// The bound on replies before login is for those who have to log in.
func TestOutputIsBoundedWhileALoginIsNeeded(t *testing.T) {
	s := newServer(t, func(c *Config) { c.RequirePass = "pw" })
	c := localClient(s, newFakeTransport(-1))
	c.logout()
	for _, password := range []string{"pw", "", "pw"} {
		s.users.SetDefaultPassword(password)
		c.receive(encode("PING"))
		c.out.mu.Lock()
		bounded := !c.out.authed
		c.out.mu.Unlock()
		if bounded != (password != "") {
			t.Errorf("with the password %q: bounded %v", password, bounded)
		}
	}
	c.close(closedByPeer)
	c.detach()
}

// ACL DRYRUN knows commands by the names that requests do.
func TestDryRunOfRenamedCommands(t *testing.T) {
	s := newServer(t, func(c *Config) {
		if err := c.Load("rename-command PUBLISH tell"); err != nil {
			t.Fatal(err)
		}
		c.Users = []string{"v on &a +publish"}
	})
	c := pipe(t, s)
	c.ask("ACL DRYRUN v TELL a m", "+OK")
	c.ask("ACL DRYRUN v TELL b m", "User v has no permissions to access the 'b' channel")
	c.ask("ACL DRYRUN v PUBLISH a m", "-ERR Command 'PUBLISH' not found")
}

// A subscription that was allowed when it was judged and is not when it is made
// sees no message, although whoever took the permission has been answered.
func TestForbiddenWhileSubscribing(t *testing.T) {
	for _, tt := range []struct{ rules, received, why string }{
		{"resetchannels", "[subscribe a 1]", string(closedNoPermission)},
		{"+ping", "[subscribe a 1] [message a m]", ""},
	} {
		s := newServer(t)
		v, err := s.users.Set("v", false, "on", "nopass", "+subscribe", "&a")
		if err != nil {
			t.Fatal(err)
		}
		to := newFakeTransport(-1)
		c, pub := localClient(s, to), localClient(s, discardTransport{})
		c.user.Store(v.User)
		if why := c.denied(lookupName([]byte("subscribe")), [][]byte{[]byte("SUBSCRIBE"), []byte("a")}); why != acl.Allowed {
			t.Fatalf("denied: %v", why)
		}
		if _, err := s.users.Set("v", false, tt.rules); err != nil {
			t.Fatal(err)
		}
		s.broker.Subscribe(c.join(), broker.Channel, "a")
		c.deliverAll()
		pub.receive(encode("PUBLISH", "a", "m"))
		if got := strings.Join(to.frames(t), " "); got != "[subscribe a 1]" {
			t.Errorf("%s: received %q before anybody has looked", tt.rules, got)
		}
		c.subscribedUnder(c.judged)
		c.deliverAll()
		if got := strings.Join(to.frames(t), " "); got != tt.received || string(c.reason) != tt.why {
			t.Errorf("%s: received %q and closed %q, want %q and %q", tt.rules, got, c.reason, tt.received, tt.why)
		}
		for _, c := range []*client{c, pub} {
			c.close(closedByPeer)
			c.detach()
		}
	}
}
