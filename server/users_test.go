package server

import (
	"bufio"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/pubsubd/pubsubd/acl"
	"github.com/pubsubd/pubsubd/broker"
)

// Every command is one that rules know, in the categories they know it in, so
// that a rule never speaks of something else than COMMAND does.
func TestCommandsAreKnownToRules(t *testing.T) {
	for _, cmd := range allCommands {
		if cmd.permission == acl.Unknown {
			t.Errorf("rules do not know %s", cmd.name)
			continue
		}
		got, want := cmd.categoryNames(), cmd.permission.CategoryNames()
		for i := range want {
			want[i] = "@" + want[i]
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s is in %q, for rules in %q", cmd.name, got, want)
		}
	}
	for name := range channelUses {
		if lookupName([]byte(name)) == nil {
			t.Errorf("%s has channels but does not exist", name)
		}
	}
	if cmd := lookupName([]byte("watch")); !cmd.hasKeys || cmd.access != 0 {
		t.Errorf("watch: %v, %v", cmd.hasKeys, cmd.access)
	}
	if cmd := lookupName([]byte("spublish")); cmd.hasKeys {
		t.Error("the shard channel of spublish is taken for a key")
	}
}

func TestKeyArgs(t *testing.T) {
	argv := [][]byte{[]byte("cmd"), []byte("1"), []byte("2"), []byte("3")}
	for _, tt := range []struct {
		flag      string
		skip      int
		last      int
		want      string
		wantUse   acl.Access
		wantNoKey bool
	}{
		{"RO", 0, -1, "1 2 3", 0, false},
		{"RO access", 0, 0, "1", acl.Read, false},
		{"RO", 1, 0, "2", 0, false},
		{"RO", 1, -1, "2 3", 0, false},
		{"RW access update", 0, 1, "1 2", acl.Read | acl.Write, false},
		{"OW insert", 0, 9, "1 2 3", acl.Write, false},
		{"RM delete", 0, -2, "1 2", acl.Write, false},
		{"not_key", 0, -1, "", 0, true},
	} {
		cmd := &command{name: "cmd", keys: &keySpec{flag: tt.flag, skip: tt.skip, last: tt.last}}
		cmd.enterPermissions()
		if cmd.hasKeys == tt.wantNoKey || cmd.access != tt.wantUse {
			t.Errorf("%+v: %v, %v", tt, cmd.hasKeys, cmd.access)
		}
		if !cmd.hasKeys {
			continue
		}
		if got := strings.Join(words(cmd.keyArgs(argv)), " "); got != tt.want {
			t.Errorf("%+v: keys %s", tt, got)
		}
	}
}

// loginAs connects as a user who may do everything but for its channels.
func loginAs(t testing.TB, s *Server, name, channels string) *testConn {
	t.Helper()
	admin := pipe(t, s)
	admin.ask("ACL SETUSER "+name+" on nopass +@all ~* resetchannels "+channels, "+OK")
	c := pipe(t, s)
	c.ask("AUTH "+name+" x", "+OK")
	return c
}

// When ACL SETUSER answers, nobody sees anything of those who lost a channel.
func TestLosingChannelsIsDoneWhenItAnswers(t *testing.T) {
	s := newServer(t)
	addr := listen(t, s)
	admin := dial(t, addr)
	for _, sub := range []struct{ command, confirmed, publish string }{
		{"SUBSCRIBE a", "[subscribe a 1]", "PUBLISH a m"},
		{"PSUBSCRIBE a", "[psubscribe a 1]", "PUBLISH a m"},
		{"SSUBSCRIBE a", "[ssubscribe a 1]", "SPUBLISH a m"},
	} {
		for _, take := range []string{"ACL SETUSER v resetchannels &b", "ACL DELUSER v"} {
			admin.ask("ACL SETUSER v on nopass +@all ~* resetchannels &a", "+OK")
			victim := dial(t, addr)
			victim.ask("AUTH v x", "+OK")
			victim.ask(sub.command, sub.confirmed)
			admin.ask(sub.publish, "1")
			victim.next()
			if got := admin.do(take); got != "+OK" && got != "1" {
				t.Fatalf("%s: %s", take, got)
			}
			admin.ask(sub.publish, "0")
			if got := admin.do("CLIENT LIST"); strings.Contains(got, "user=v") {
				t.Errorf("%s, %s: the victim is listed: %s", sub.command, take, got)
			}
			if got := victim.end(); len(got) != 0 {
				t.Errorf("%s, %s: the victim was sent %q", sub.command, take, got)
			}
		}
	}
}

// Who takes something from itself is answered first.
func TestLosingOnesOwnChannels(t *testing.T) {
	s := newServer(t)
	for _, take := range []string{"ACL SETUSER v resetchannels", "ACL DELUSER v"} {
		c := loginAs(t, s, "v", "&a")
		c.send("HELLO 3", "SUBSCRIBE a")
		c.next()
		c.want(">[subscribe a 1]")
		c.send(take, "PING")
		if got := c.end(); len(got) != 1 || got[0] != "+OK" && got[0] != "1" {
			t.Errorf("%s: %q", take, got)
		}
	}
}

// Within EXEC, which has the broker to itself, it is the same.
func TestLosingChannelsWithinExec(t *testing.T) {
	s := newServer(t)
	admin := pipe(t, s)
	loser, other, self := loginAs(t, s, "v", "&a &b"), loginAs(t, s, "v", "&a &b"), loginAs(t, s, "w", "&a &b")
	loser.ask("SUBSCRIBE a", "[subscribe a 1]")
	other.ask("SUBSCRIBE b", "[subscribe b 1]")
	for _, request := range []string{"MULTI", "PUBLISH b 1", "ACL SETUSER v resetchannels &b", "PUBLISH b 2"} {
		admin.send(request)
		admin.next()
	}
	admin.ask("EXEC", "[1 +OK 1]")
	if got := loser.end(); len(got) != 0 {
		t.Errorf("the loser was sent %q", got)
	}
	other.want("[message b 1]", "[message b 2]")

	self.send("HELLO 3", "SUBSCRIBE a", "MULTI", "PUBLISH b 1", "ACL SETUSER w resetchannels", "PUBLISH a 1", "EXEC")
	self.next()
	self.want(">[subscribe a 1]", "+OK", "+QUEUED", "+QUEUED", "+QUEUED", "[1 +OK -NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer allowed for the following reason: no permission to access one of the channels used as arguments]")
	if got := self.end(); len(got) != 0 {
		t.Errorf("behind the reply came %q", got)
	}
}

// A login as somebody else keeps the subscriptions until that user's rules are
// narrowed.
func TestSubscriptionsOfAnotherUser(t *testing.T) {
	s := newServer(t)
	c, admin := loginAs(t, s, "v", "&a"), pipe(t, s)
	admin.ask("ACL SETUSER w on nopass +@all &b &c", "+OK")
	c.send("HELLO 3", "SUBSCRIBE a", "AUTH w x")
	c.next()
	c.want(">[subscribe a 1]", "+OK")
	admin.ask("ACL SETUSER v resetchannels", "+OK")
	admin.ask("PUBLISH a m", "1")
	c.want(">[message a m]")
	admin.ask("ACL SETUSER w resetchannels &b", "+OK")
	if got := c.end(); len(got) != 0 {
		t.Errorf("sent %q", got)
	}
}

// What was allowed when it was judged may not be any more when it is done.
func TestSubscribedUnderOldRules(t *testing.T) {
	s := newServer(t)
	v, err := s.users.Set("v", false, "on", "nopass", "&a", "&b")
	if err != nil {
		t.Fatal(err)
	}
	c := localClient(s, discardTransport{})
	c.user.Store(v.User)
	judged := v.User.Rules()
	s.broker.Subscribe(c.join(), broker.Channel, "a")
	if c.subscribedUnder(judged); c.reason != "" {
		t.Errorf("the rules have not changed, but it ends: %s", c.reason)
	}
	if _, err := s.users.Set("v", false, "resetchannels", "&a"); err != nil {
		t.Fatal(err)
	}
	if c.subscribedUnder(judged); c.reason != "" {
		t.Errorf("it may keep its channel, but it ends: %s", c.reason)
	}
	if _, err := s.users.Set("v", false, "resetchannels", "&b"); err != nil {
		t.Fatal(err)
	}
	if c.subscribedUnder(judged); c.reason != closedNoPermission {
		t.Errorf("it ends with %q", c.reason)
	}
	c.detach()
}

// However logins, subscriptions and rules race, nobody keeps a subscription that
// is not allowed any more.
func TestNobodyKeepsAForbiddenSubscription(t *testing.T) {
	s := newServer(t, func(c *Config) { c.RequirePass = "x" }) // so that a failed login leads nowhere
	addr := listen(t, s)
	const rounds = 50
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				nc, err := net.Dial("tcp", addr)
				if err != nil {
					t.Error(err)
					return
				}
				c := &testConn{t, nc, bufio.NewReader(nc)}
				c.send("AUTH v x", "SUBSCRIBE a", "PSUBSCRIBE a")
				for f, err := c.read(); err == nil && f.kind != '-'; f, err = c.read() {
				}
				_ = nc.Close()
			}
		})
	}
	admin := dial(t, addr)
	admin.ask("AUTH x", "+OK")
	for i := range rounds {
		admin.ask("ACL SETUSER v on nopass +subscribe +psubscribe resetchannels &a", "+OK")
		waitFor(t, "somebody to subscribe", func() bool { return admin.do("PUBSUB NUMSUB a") != "[a 0]" })
		if i%2 == 0 {
			admin.ask("ACL SETUSER v resetchannels &b", "+OK")
		} else {
			admin.ask("ACL DELUSER v", "1")
		}
		waitFor(t, "all subscriptions to be gone", func() bool {
			return admin.do("PUBSUB NUMSUB a") == "[a 0]" && admin.do("PUBSUB NUMPAT") == "0"
		})
	}
	close(done)
	wg.Wait()
}

// A wrong password is counted and logged without itself, whoever tries it.
func TestWrongPasswordsLeaveNoTrace(t *testing.T) {
	log, logs := logger()
	s := newServer(t, func(c *Config) { c.RequirePass, c.Logger = "right-password", log })
	c := pipe(t, s)
	const tries = 1000
	for i := range tries {
		c.ask(fmt.Sprintf("AUTH wrong-password-%d", i), "-WRONGPASS invalid username-password pair or user is disabled.")
	}
	c.ask("AUTH nobody wrong-password", "-WRONGPASS invalid username-password pair or user is disabled.")
	c.ask("HELLO 3 AUTH default wrong-password", "-WRONGPASS invalid username-password pair or user is disabled.")
	c.ask("PING", "-NOAUTH Authentication required.")
	c.ask("AUTH right-password", "+OK")
	c.ask("ACL SETUSER v on >secret-password #bad", "-ERR Error in ACL SETUSER modifier '#bad': The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters")
	c.ask("ACL SETUSER v on >secret-password", "+OK")
	if got := c.info("acl_access_denied_auth"); got != fmt.Sprint(tries+2) {
		t.Errorf("%s denied", got)
	}
	for _, request := range []string{"ACL LOG", "ACL LIST", "ACL GETUSER v", "CLIENT LIST", "INFO everything"} {
		if got := c.do(request); strings.Contains(got, "-password") {
			t.Errorf("%s shows a password: %s", request, got)
		}
	}
	c.ask("ACL LOG RESET", "+OK")
	c.ask("CONFIG RESETSTAT", "+OK")
	if got := c.info("acl_access_denied_auth"); got != "0" {
		t.Errorf("after RESETSTAT: %s", got)
	}
	for _, e := range logs.All() {
		if text := fmt.Sprint(e.Message, e.ContextMap()); strings.Contains(text, "-password") {
			t.Errorf("logged: %s", text)
		}
	}
}

func TestACLLogKeepsLittle(t *testing.T) {
	s := newServer(t)
	c := pipe(t, s)
	long := strings.Repeat("x", 4<<10)
	c.ask("AUTH "+long+" p", "-WRONGPASS invalid username-password pair or user is disabled.")
	if d := s.denials.newest(1)[0]; d.user != long[:maxDenialText] {
		t.Errorf("%d bytes of the name are kept", len(d.user))
	}
	c.ask("CLIENT SETNAME "+strings.Repeat("n", 2*maxDenialInfo), "+OK")
	c.ask("AUTH nobody p", "-WRONGPASS invalid username-password pair or user is disabled.")
	if d := s.denials.newest(1)[0]; len(d.client) != maxDenialInfo {
		t.Errorf("%d bytes of the line of CLIENT LIST are kept", len(d.client))
	}
	if unsafe.StringData(cut(long, 3)) == unsafe.StringData(long) || cut(long, 3) != "xxx" || cut(long, len(long)) != long {
		t.Error("what is cut off stays in memory")
	}
	for i := range 2 * denialScan {
		c.ask(fmt.Sprintf("AUTH user%d p", i), "-WRONGPASS invalid username-password pair or user is disabled.")
	}
	c.ask("AUTH user0 p", "-WRONGPASS invalid username-password pair or user is disabled.") // too many since
	c.ask(fmt.Sprintf("AUTH user%d p", denialScan+1), "-WRONGPASS invalid username-password pair or user is disabled.")
	list := s.denials.newest(100)
	if len(list) != 2*denialScan+3 || list[0].count != 2 || list[1].count != 1 || list[1].user != "user0" {
		t.Errorf("%d entries, the newest %+v", len(list), list[:2])
	}
}

// Refusals of one kind are one entry for a minute.
func TestACLLogGrouping(t *testing.T) {
	var l aclLog
	base := denial{denialKey: denialKey{reason: reasonAuth, context: "toplevel", object: "AUTH", user: "u"}, count: 1}
	at := func(minutes float64) *denial {
		d := base
		d.updated = d.updated.Add(1) // not zero
		d.updated = d.updated.Add(time.Duration(minutes * float64(time.Minute)))
		return &d
	}
	l.add(at(0), 10)
	l.add(at(1), 10)
	l.add(at(2), 10)
	l.add(at(3.1), 10)
	list := l.newest(10)
	if len(list) != 2 || list[0].count != 1 || list[0].id != 1 || list[1].count != 3 || list[1].id != 0 || !list[1].created.Before(list[1].updated) {
		t.Errorf("%+v", list)
	}
	other := at(3.2)
	other.context = "multi"
	l.add(other, 2)
	if list = l.newest(10); len(list) != 2 || list[0].context != "multi" || list[0].id != 2 {
		t.Errorf("%+v", list)
	}
	l.add(at(3.3), 0)
	if list = l.newest(10); len(list) != 0 {
		t.Errorf("%+v", list)
	}
}

// Without a password protected mode stands in for one, whoever took it away.
func TestProtectedModeFollowsTheDefaultUser(t *testing.T) {
	s := newServer(t, func(c *Config) { c.RequirePass = "x" })
	far := remoteConn{}
	if s.isProtected(far) {
		t.Error("refused although there is a password")
	}
	if _, err := s.users.Set("default", false, "nopass"); err != nil {
		t.Fatal(err)
	}
	if !s.isProtected(far) {
		t.Error("let in without a password")
	}
}

// A remoteConn comes from another host.
type remoteConn struct{ net.Conn }

func (remoteConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1} }
