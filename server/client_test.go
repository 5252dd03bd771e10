package server

import (
	"bytes"
	"fmt"
	"net"
	"reflect"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestClientKillIsDoneWhenItAnswers(t *testing.T) {
	s := newServer(t)
	addr := listen(t, s)
	for _, how := range []string{"CLIENT KILL ID %d", "CLIENT KILL %s", "CLIENT KILL ADDR %[2]s TYPE pubsub USER default SKIPME no"} {
		victim, killer := dial(t, addr), dial(t, addr)
		id := victim.do("CLIENT ID")
		victim.send("SUBSCRIBE a", "PSUBSCRIBE *", "SSUBSCRIBE s")
		victim.want("[subscribe a 1]", "[psubscribe * 2]", "[ssubscribe s 1]")
		request := "CLIENT KILL ID " + id
		want := "1"
		switch {
		case strings.Contains(how, "ADDR"):
			request = fmt.Sprintf("CLIENT KILL ADDR %s TYPE pubsub USER default SKIPME no", victim.nc.LocalAddr())
		case how == "CLIENT KILL %s":
			request, want = "CLIENT KILL "+victim.nc.LocalAddr().String(), "+OK"
		}
		killer.ask(request, want)
		killer.ask("PUBLISH a x", "0")
		killer.ask("PUBSUB NUMPAT", "0")
		killer.ask("PUBSUB NUMSUB a", "[a 0]")
		killer.ask("PUBSUB SHARDCHANNELS", "[]")
		if got := killer.do("CLIENT LIST"); strings.Contains(got, "id="+id+" ") {
			t.Errorf("the victim is listed: %s", got)
		}
		if got := victim.end(); len(got) != 0 {
			t.Errorf("the victim was sent %q", got)
		}
		killer.ask(request, map[string]string{"1": "0", "+OK": "-ERR No such client"}[want])
	}
}

func TestClientKillsItself(t *testing.T) {
	s := newServer(t)
	c, other := pipe(t, s), pipe(t, s)
	other.ask("PING", "+PONG")
	c.ask("CLIENT KILL TYPE normal SKIPME yes", "1")
	if got := other.end(); len(got) != 0 {
		t.Errorf("the other was sent %q", got)
	}
	c.send("CLIENT KILL TYPE normal SKIPME no", "PING")
	if got := c.end(); !reflect.DeepEqual(got, []string{"1"}) {
		t.Errorf("sent %q", got)
	}
}

func TestKick(t *testing.T) {
	s := newServer(t)
	app, other := pipe(t, s), pipe(t, s)
	app.ask("CLIENT SETNAME app", "+OK")
	other.ask("SUBSCRIBE c", "[subscribe c 1]")
	if n := s.Kick(func(c ClientInfo) bool { return c.Name == "app" }); n != 1 {
		t.Errorf("kicked %d", n)
	}
	app.end()
	if list := s.Clients(); len(list) != 1 || list[0].Channels != 1 || list[0].Addr != "pipe" {
		t.Errorf("%+v are left", list)
	}
}

// What comes in one write behind the last command is not run.
func TestNothingRunsAfterTheEnd(t *testing.T) {
	publish := string(encode("PUBLISH", "c", "late"))
	for _, tt := range []struct {
		name, in string
		want     []string
	}{
		{"QUIT", "PING\r\nQUIT\r\n" + publish, []string{"+PONG", "+OK"}},
		{"malformed", "PING\r\n*x\r\n" + publish, []string{"+PONG", "-ERR Protocol error: invalid multibulk length"}},
		{"line end in the error", "*1\r\n\r\n" + publish, []string{"-ERR Protocol error: expected '$', got ' '"}},
		{"POST", "PING\r\nPOST / HTTP/1.1\r\nHost: x\r\n" + publish, nil},
		{"Host:", "hOsT: x\r\n" + publish, nil},
		{"publish, then malformed", string(encode("PUBLISH", "d", "x")) + "*x\r\n" + publish, []string{"0", "-ERR Protocol error: invalid multibulk length"}},
	} {
		s := newServer(t)
		sub, c := pipe(t, s), pipe(t, s)
		sub.ask("SUBSCRIBE c", "[subscribe c 1]")
		go func() { _, _ = c.nc.Write([]byte(tt.in)) }()
		if got := c.end(); !reflect.DeepEqual(got, append([]string{}, tt.want...)) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		pipe(t, s).ask("PUBLISH c first", "1")
		sub.want("[message c first]")
	}
}

func TestErrorRepliesCannotBeSplit(t *testing.T) {
	s := newServer(t)
	c := pipe(t, s)
	const evil = "X\r\n+INJECTED\r\n"
	for _, request := range [][]string{
		{evil}, {"NOSUCH", evil}, {"PUBSUB", evil}, {"CLIENT", evil}, {"CLIENT", "LIST", "TYPE", evil}, {"CLIENT", "KILL", "TYPE", evil},
		{"CLIENT", "KILL", "USER", evil, "ID", "1"}, {"CLIENT", "KILL", "USER", evil}, {"CLIENT", "SETINFO", evil, "x"}, {"CLIENT", "SETNAME", evil},
		{"CONFIG", "SET", evil, "1"}, {"CONFIG", "SET", "maxclients", evil}, {"HELLO", "3", evil}, {"HELLO", evil}, {"SELECT", evil},
		{"PUBSUB", "CHANNELS" + "", "a", evil}, {"COMMAND", "GETKEYS", evil}, {"AUTH", evil}, {"AUTH", evil, evil}, {"SHUTDOWN", evil},
		{"SUBSCRIBE"}, {"COMMAND", "LIST", "FILTERBY", evil, "x"}, {"FLUSHALL", evil},
		{"ACL", evil}, {"ACL", "CAT", evil}, {"ACL", "SETUSER", evil}, {"ACL", "SETUSER", "v", evil}, {"ACL", "SETUSER", "v", "(" + evil}, {"ACL", "LOG", evil}, {"ACL", "LOG", "1", evil},
		{"ACL", "DRYRUN", evil, "x"}, {"ACL", "DRYRUN", "default", evil}, {"ACL", "GENPASS", evil}, {"ACL", "DELUSER", "default", evil},
	} {
		c.raw(string(encode(request...)))
		if got := c.next(); got.kind != '-' {
			t.Errorf("%q is answered %s", request, got)
		}
		c.ask("ECHO intact", "intact")
	}
}

func TestUnknownCommandEcho(t *testing.T) {
	s := newServer(t)
	c := pipe(t, s)
	long := strings.Repeat("y", 300)
	for _, tt := range []struct {
		request []string
		want    string
	}{
		{[]string{"FOO"}, "-ERR unknown command 'FOO', with args beginning with: "},
		{[]string{"FoO", "a", "b"}, "-ERR unknown command 'FoO', with args beginning with: 'a' 'b' "},
		{[]string{long}, "-ERR unknown command '" + long[:128] + "', with args beginning with: "},
		{[]string{"FOO", long, "z"}, "-ERR unknown command 'FOO', with args beginning with: '" + long[:128] + "' "},
		{[]string{"FOO", long[:100], long}, "-ERR unknown command 'FOO', with args beginning with: '" + long[:100] + "' '" + long[:25] + "' "},
		{[]string{"a\x00b", "c\x00d"}, "-ERR unknown command 'a', with args beginning with: 'c' "},
		{[]string{"a\rb\nc"}, "-ERR unknown command 'a b c', with args beginning with: "},
		{[]string{""}, "-ERR unknown command '', with args beginning with: "},
		{[]string{"PUBSUB", "NOPE"}, "-ERR unknown subcommand 'NOPE'. Try PUBSUB HELP."},
		{[]string{"pubsub", long}, "-ERR unknown subcommand '" + long[:128] + "'. Try PUBSUB HELP."},
	} {
		c.raw(string(encode(tt.request...)))
		if got := c.next().String(); got != tt.want {
			t.Errorf("%.80q: %q, want %q", tt.request, got, tt.want)
		}
	}
}

// The checks come in Redis's order.
func TestOrderOfChecks(t *testing.T) {
	s := newServer(t, func(c *Config) { c.RequirePass = "secret" })
	c := pipe(t, s)
	c.ask("NOSUCH", "-ERR unknown command 'NOSUCH'…")
	c.ask("PUBSUB NOSUCH", "-ERR unknown subcommand 'NOSUCH'…")
	c.ask("PUBLISH c", "-ERR wrong number of arguments for 'publish' command")
	c.ask("PUBSUB NUMPAT x", "-ERR wrong number of arguments for 'pubsub|numpat' command")
	for _, request := range []string{"PING", "PUBLISH c x", "SUBSCRIBE c", "PUBSUB NUMPAT", "CLIENT LIST", "CONFIG GET *", "INFO", "COMMAND", "MULTI", "SHUTDOWN"} {
		c.ask(request, "-NOAUTH Authentication required.")
	}
	c.ask("EXEC", "-EXECABORT Transaction discarded because of: NOAUTH Authentication required.")
	c.ask("HELLO 3", "-NOAUTH HELLO must be called with the client already authenticated…")
	c.ask("AUTH wrong", "-WRONGPASS…")
	for _, near := range []string{"secre", "secrets", "Secret", "secret\x00", strings.Repeat("x", 8<<10)} {
		c.raw(string(encode("AUTH", near)))
		c.want("-WRONGPASS invalid username-password pair or user is disabled.")
	}
	c.ask("AUTH nobody secret", "-WRONGPASS…")
	c.ask("AUTH secret", "+OK")
	c.ask("AUTH wrong", "-WRONGPASS…") // stays in
	c.ask("SUBSCRIBE c", "[subscribe c 1]")
	c.ask("NOSUCH", "-ERR unknown command 'NOSUCH'…")
	c.ask("SELECT", "-ERR wrong number of arguments for 'select' command")
	c.ask("SELECT 0", "-ERR Can't execute 'select': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context")
	c.ask("RESET", "+RESET")
	c.ask("PING", "-NOAUTH…")
	c.ask("HELLO 3 AUTH default secret SETNAME me", "%[server redis version 7.4.0 proto 3…")
	c.ask("CLIENT GETNAME", "me")
	if got := c.info("acl_access_denied_auth"); got != "8" {
		t.Errorf("acl_access_denied_auth:%s", got)
	}
}

// A client that asks and never reads is no longer read from, so that it does
// not fill the memory.
func TestClientThatNeverReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		for i := range 64 {
			s.Broker().Mailbox(strings.Repeat("x", 32<<10) + strconv.Itoa(i))
		}
		const reply = 2 << 20 // bytes, about, of one list of all channels
		c := pipe(t, s)
		request := encode("PUBSUB", "CHANNELS")
		var asked atomic.Int64
		go func() {
			for range 2 * maxUnsent / reply {
				if _, err := c.nc.Write(request); err != nil {
					return
				}
				asked.Add(1)
			}
		}()
		synctest.Wait()
		before, queued := asked.Load(), s.Clients()[0].Queued
		if queued < maxUnsent || queued > maxUnsent+2*reply || before > 2+maxUnsent/reply {
			t.Errorf("%d requests were taken, %d bytes are queued", before, queued)
		}
		for range 5 { // what was asked is answered, and then there is room
			if f := c.next(); len(f.elems) != 64 {
				t.Fatalf("%d channels", len(f.elems))
			}
		}
		synctest.Wait()
		if after := asked.Load(); after <= before {
			t.Errorf("%d requests were taken before there was room, %d in all", before, after)
		}
	})
}

func TestQueryBufferLimit(t *testing.T) {
	for _, start := range []string{"*2\r\n$4\r\nECHO\r\n$4194304\r\n", "MULTI\r\n"} {
		s := newServer(t, func(c *Config) { c.QueryBufferLimit = 1 << 20 })
		c, other := pipe(t, s), pipe(t, s)
		other.ask("PING", "+PONG")
		go func() {
			_, _ = c.nc.Write([]byte(start))
			request := encode("ECHO", strings.Repeat("x", 10000))
			if start[0] == '*' {
				request = bytes.Repeat([]byte{'x'}, 10000)
			}
			for range 300 {
				if _, err := c.nc.Write(request); err != nil {
					return
				}
			}
		}()
		if got := c.end(); len(got) > 110 {
			t.Errorf("%d replies", len(got))
		}
		if got := other.info("client_query_buffer_limit_disconnections"); got != "1" {
			t.Errorf("client_query_buffer_limit_disconnections:%s", got)
		}
	}
}

func TestClientListLine(t *testing.T) {
	s := newServer(t)
	addr := listen(t, s)
	c := dial(t, addr)
	c.send("CLIENT SETNAME me", "CLIENT SETINFO LIB-NAME lib", "CLIENT SETINFO lib-ver 1.2", "CLIENT NO-EVICT on", "CLIENT NO-TOUCH ON", "SELECT 3", "MULTI")
	c.want("+OK", "+OK", "+OK", "+OK", "+OK", "+OK", "+OK")
	c.ask("PING", "+QUEUED")
	line := func() map[string]string {
		fields := make(map[string]string)
		other := dial(t, addr)
		for _, l := range strings.Split(other.do("CLIENT LIST"), "\n") {
			if !strings.Contains(l, "addr="+c.nc.LocalAddr().String()+" ") {
				continue
			}
			for _, f := range strings.Fields(l) {
				name, value, _ := strings.Cut(f, "=")
				fields[name] = value
			}
		}
		return fields
	}
	// The reply may have arrived before it counts as sent.
	waitFor(t, "all replies to be sent", func() bool { return line()["omem"] == "0" })
	got := line()
	if age, err := strconv.Atoi(got["age"]); err != nil || age < 0 || age > int(patience/time.Second) {
		t.Errorf("age=%s", got["age"])
	}
	for name, want := range map[string]string{
		"name": "me", "lib-name": "lib", "lib-ver": "1.2", "flags": "xeT", "db": "3", "multi": "1", "cmd": "ping", "resp": "2",
		"sub": "0", "user": "default", "laddr": addr, "omem": "0", "redir": "-1", "tot-cmds": "7",
	} {
		if got[name] != want {
			t.Errorf("%s=%s, want %s", name, got[name], want)
		}
	}
	if got["fd"] == "-1" || got["fd"] == "" {
		t.Errorf("fd=%s of a socket", got["fd"])
	}
	c.ask("DISCARD", "+OK")
	c.send("HELLO 3", "SUBSCRIBE a", "PSUBSCRIBE b c", "SSUBSCRIBE d")
	c.want("%[server…", ">[subscribe a 1]", ">[psubscribe b 2]", ">[psubscribe c 3]", ">[ssubscribe d 1]")
	got = line()
	for name, want := range map[string]string{"flags": "PeT", "sub": "1", "psub": "2", "ssub": "1", "multi": "-1", "resp": "3", "cmd": "ssubscribe"} {
		if got[name] != want {
			t.Errorf("%s=%s, want %s", name, got[name], want)
		}
	}
}

func TestUnixSocketClient(t *testing.T) {
	s := newServer(t)
	path := t.TempDir() + "/s"
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(ln)
	nc, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	c := newTestConn(t, nc)
	if got := c.do("CLIENT INFO"); !strings.Contains(got, "addr="+path+":0 laddr="+path+":0") || !strings.Contains(got, "flags=U") {
		t.Errorf("%s", got)
	}
}
