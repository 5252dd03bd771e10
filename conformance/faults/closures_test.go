// Package faults tests, on the built server, what is told of closed
// connections, and what becomes of a server whose own code panics.
package faults

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
)

// A scene is a server with one client that looks at it.
type scene struct {
	*sut.Server
	tls   sut.Endpoint
	admin *wire.Conn
}

func newScene(t *testing.T, args ...string) *scene {
	t.Helper()
	s, at := sut.StartOn(t, sut.Pubsubd(t), sut.TLS, append(args, verbose...)...)
	return &scene{Server: s, tls: at, admin: wire.DialTCP(t, s.Addr)}
}

// dial connects the client that is to be closed and gives it a name.
func (s *scene) dial(t *testing.T) *wire.Conn {
	t.Helper()
	c := wire.DialTCP(t, s.Addr)
	if err := c.Conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(c.Do("CLIENT", "SETNAME", "victim")); got != "+OK" && !strings.HasPrefix(got, "-NOAUTH") {
		t.Fatalf("CLIENT SETNAME was answered %s", got)
	}
	return c
}

// subscriber connects a client that subscribes to news and reads no more.
func (s *scene) subscriber(t *testing.T) *wire.Conn {
	t.Helper()
	c := s.dial(t)
	c.Send("SUBSCRIBE", "news")
	c.Want(`*3 "subscribe" "news" :1`)
	return c
}

// publishUntil publishes messages of a size until a condition holds.
func (s *scene) publishUntil(t *testing.T, size int, holds func() bool) (messages int) {
	t.Helper()
	payload := strings.Repeat("x", size)
	for deadline := time.Now().Add(wire.Patience); !holds(); messages++ {
		if time.Now().After(deadline) {
			t.Fatalf("nothing came of %d messages", messages)
		}
		s.admin.Do("PUBLISH", "news", payload)
	}
	return messages
}

// Each reason, brought about from outside, is found in CLIENT CLOSED, in INFO
// and in the log.
func TestEveryReason(t *testing.T) {
	t.Parallel()
	local := func(c *wire.Conn) string { return c.LocalAddr().String() }
	for _, tt := range []struct {
		reason   string
		args     []string
		provoke  func(t *testing.T, s *scene) (addr string)
		also     string // a field of INFO that counts it too
		strange  bool   // nobody had logged in
		queued   bool   // something was left
		anyQueue bool   // something may be left, or be with the system
	}{
		{reason: "closed-by-peer", provoke: func(t *testing.T, s *scene) string {
			c := s.dial(t)
			_ = c.Close()
			return local(c)
		}},
		{reason: "connection-reset", provoke: func(t *testing.T, s *scene) string {
			c := s.dial(t)
			_ = c.Conn.(*net.TCPConn).SetLinger(0)
			_ = c.Close()
			return local(c)
		}},
		{reason: "quit", provoke: func(t *testing.T, s *scene) string {
			c := s.dial(t)
			c.Send("QUIT")
			c.Closed(wire.Patience)
			return local(c)
		}},
		{reason: "killed", provoke: func(t *testing.T, s *scene) string {
			c := s.dial(t)
			s.admin.Do("CLIENT", "KILL", local(c))
			c.Closed(wire.Patience)
			return local(c)
		}},
		{reason: "no-permission", provoke: func(t *testing.T, s *scene) string {
			s.admin.Do("ACL", "SETUSER", "joe", "on", "nopass", "+@all", "allchannels")
			c := s.dial(t)
			c.Do("AUTH", "joe", "x")
			s.admin.Do("ACL", "DELUSER", "joe")
			c.Closed(wire.Patience)
			return local(c)
		}},
		{reason: "protocol-error", provoke: func(t *testing.T, s *scene) string {
			c := s.dial(t)
			c.Raw("*1\r\n+PING\r\n")
			c.Closed(wire.Patience)
			return local(c)
		}},
		{reason: "cross-protocol-request", strange: true, provoke: func(t *testing.T, s *scene) string {
			c := s.dial(t)
			c.Raw("POST / HTTP/1.1\r\nHost: localhost\r\n\r\n")
			c.Closed(wire.Patience)
			return local(c)
		}},
		{
			reason: "output-buffer-hard-limit", queued: true, also: "client_output_buffer_limit_disconnections", args: []string{"--client-output-buffer-limit", "pubsub 1mb 0 0"},
			provoke: func(t *testing.T, s *scene) string {
				c := s.subscriber(t)
				s.publishUntil(t, 32<<10, func() bool { return fmt.Sprint(s.admin.Do("PUBSUB", "NUMSUB", "news")) == `*2 "news" :0` })
				return local(c)
			},
		},
		{
			reason: "output-buffer-soft-limit", queued: true, also: "client_output_buffer_limit_disconnections", args: []string{"--client-output-buffer-limit", "pubsub 0 256kb 0"},
			provoke: func(t *testing.T, s *scene) string {
				c := s.subscriber(t)
				s.publishUntil(t, 32<<10, func() bool {
					return s.admin.ClientAt(local(c)).Number("omem") > 256<<10 || len(closures(t, s.admin)) > 1
				})
				return local(c)
			},
		},
		{
			reason: "output-before-auth", strange: true, also: "client_output_buffer_limit_disconnections", anyQueue: true,
			provoke: func(t *testing.T, s *scene) string {
				s.admin.Do("CONFIG", "SET", "requirepass", "secret")
				c := s.dial(t)
				pings := []byte(strings.Repeat("PING\r\n", 1<<10))
				for range 1 << 12 {
					_ = c.SetWriteDeadline(time.Now().Add(wire.Patience))
					if _, err := c.Write(pings); err != nil {
						break
					}
				}
				return local(c)
			},
		},
		{
			reason: "query-buffer-limit", also: "client_query_buffer_limit_disconnections", args: []string{"--client-query-buffer-limit", "1mb"},
			provoke: func(t *testing.T, s *scene) string {
				c := s.dial(t)
				_, _ = c.Write([]byte("*1\r\n$9000000\r\n" + strings.Repeat("x", 2<<20)))
				return local(c)
			},
		},
		{reason: "evicted", also: "evicted_clients", queued: true, provoke: func(t *testing.T, s *scene) string {
			c := s.subscriber(t)
			s.publishUntil(t, 256<<10, func() bool { return s.admin.ClientAt(local(c)).Number("omem") > 8<<20 })
			s.admin.Do("CONFIG", "SET", "maxmemory-clients", "4mb")
			return local(c)
		}},
		{reason: "idle-timeout", provoke: func(t *testing.T, s *scene) string {
			c := s.dial(t)
			// A subscriber is not idle, however long it is between its requests.
			s.admin.Do("HELLO", "3")
			s.admin.Do("SUBSCRIBE", "nothing")
			s.admin.Do("CONFIG", "SET", "timeout", "1")
			return local(c)
		}},
		{reason: "tls-handshake", strange: true, provoke: func(t *testing.T, s *scene) string {
			c := wire.Dial(t, sut.Endpoint{Network: sut.TCP, Address: s.tls.Address})
			c.Raw("PING\r\nPING\r\n")
			return local(c)
		}},
		{reason: "max-clients", strange: true, also: "rejected_connections", provoke: func(t *testing.T, s *scene) string {
			s.admin.Do("CONFIG", "SET", "maxclients", "1")
			c := wire.DialTCP(t, s.Addr)
			c.Want("-ERR max number of clients reached")
			c.Closed(wire.Patience)
			return local(c)
		}},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, tt.args...)
			field := "closed_" + strings.TrimPrefix(strings.ReplaceAll(tt.reason, "-", "_"), "closed_")
			before := s.admin.InfoNumber(field)
			addr := tt.provoke(t, s)
			e := closureOf(t, s.admin, addr)
			if e["reason"] != tt.reason {
				t.Fatalf("the reason is %v", e)
			}
			name, user := "victim", "default"
			if tt.reason == "no-permission" {
				user = "joe"
			}
			if tt.reason == "max-clients" {
				user = ""
			}
			if tt.strange && tt.reason != "cross-protocol-request" {
				name = ""
			}
			if e["name"] != name || e["user"] != user || (e.number(t, "id") == 0) != (tt.reason == "max-clients") {
				t.Errorf("%v", e)
			}
			if at := time.UnixMilli(e.number(t, "timestamp")); time.Since(at).Abs() > time.Minute {
				t.Errorf("it was at %v", at)
			}
			// The last reply counts if the server has not heard yet that it left.
			if bytes, messages := e.number(t, "queued-bytes"), e.number(t, "queued-messages"); !tt.anyQueue && (tt.queued != (bytes > 1<<10) || !tt.queued && messages > 1 || tt.queued && messages < 1) {
				t.Errorf("queued: %v", e)
			}
			if n := s.admin.InfoNumber(field); n != before+1 {
				t.Errorf("INFO %s went from %d to %d", field, before, n)
			}
			if tt.also != "" && s.admin.InfoNumber(tt.also) != 1 {
				t.Errorf("INFO %s:%d", tt.also, s.admin.InfoNumber(tt.also))
			}
			lines := awaitLines(t, s.Server, 1, "addr", addr)
			if len(lines) != 1 || lines[0]["reason"] != tt.reason || lines[0]["user"] != user || lines[0]["name"] != name ||
				fmt.Sprint(lines[0]["queued_messages"]) != e["queued-messages"] || fmt.Sprint(lines[0]["id"]) != e["id"] {
				t.Errorf("the log has %v", lines)
			}
		})
	}
}

// A host that is not this one is refused without a password, and it is told.
func TestProtectedModeIsTold(t *testing.T) {
	t.Parallel()
	s := newScene(t, "--bind", "*")
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	others := 0
	for _, a := range addrs {
		ip, ok := a.(*net.IPNet)
		if !ok || ip.IP.IsLoopback() || ip.IP.To4() == nil {
			continue
		}
		c := wire.DialTCP(t, net.JoinHostPort(ip.IP.String(), strconv.Itoa(s.Port)))
		c.Closed(wire.Patience)
		if e := closureOf(t, s.admin, c.LocalAddr().String()); e["reason"] != "protected-mode" {
			t.Errorf("%v", e)
		}
		others++
	}
	if n := s.admin.InfoNumber("closed_protected_mode"); n != others {
		t.Errorf("%d refused, %d counted", others, n)
	}
	t.Logf("tried from %d addresses that are not loopback", others)
}

// When the server ends there is nobody left to ask, but the log.
func TestShutdownIsTold(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	c := s.dial(t)
	s.Stop()
	lines := awaitLines(t, s.Server, 1, "addr", c.LocalAddr().String())
	if len(lines) != 1 || lines[0]["reason"] != "shutdown" || lines[0]["name"] != "victim" {
		t.Errorf("the log has %v", lines)
	}
}

// What was queued is told exactly: the messages that the client has not received
// whole, and how long the first of them has waited.
func TestQueuedIsTold(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		network string
		size    int // of a message
	}{{sut.TCP, 10}, {sut.TCP, 1000}, {sut.TCP, 100_000}, {sut.Unix, 1000}, {sut.TLS, 1000}, {sut.TLS, 100_000}} {
		t.Run(fmt.Sprintf("%s-%d", tt.network, tt.size), func(t *testing.T) {
			t.Parallel()
			testQueued(t, tt.network, tt.size)
		})
	}
}

func testQueued(t *testing.T, network string, size int) {
	srv, at := sut.StartOn(t, sut.Pubsubd(t), network, verbose...)
	s := &scene{Server: srv, admin: wire.DialTCP(t, srv.Addr)}
	s.admin.Send("HELLO", "3") // where an entry is a map
	s.admin.Read()
	sub := wire.Dial(t, at)
	sub.Send("CLIENT", "SETNAME", "victim")
	sub.Send("SUBSCRIBE", "news")
	sub.Want("+OK", `*3 "subscribe" "news" :1`)

	payload := strings.Repeat("x", size)
	const batch = 64
	requests := []byte(nil)
	for range batch {
		requests = wire.AppendRequest(requests, "PUBLISH", "news", payload)
	}
	queued := func() int { return s.admin.Clients("TYPE", "pubsub")[0].Number("omem") }
	published, begin := 0, time.Now()
	blocked := time.Time{}
	for n := queued(); n < 1<<20; n = queued() {
		if time.Since(begin) > wire.Patience {
			t.Fatalf("%d bytes are queued after %d messages", n, published)
		}
		if n == 0 {
			blocked = time.Now() // not yet
		}
		s.admin.Raw(string(requests))
		for range batch {
			s.admin.Read()
		}
		published += batch
	}
	const wait = 300 * time.Millisecond // to be told
	<-time.After(wait)
	killed := s.admin.Do("CLIENT", "KILL", "TYPE", "pubsub")
	if fmt.Sprint(killed) != ":1" {
		t.Fatalf("CLIENT KILL was answered %v", killed)
	}
	received := len(sub.Closed(wire.Patience))
	var e entry
	for _, c := range closures(t, s.admin) {
		if c["name"] == "victim" {
			e = c
		}
	}
	if e["reason"] != "killed" || e.number(t, "queued-messages") != int64(published-received) {
		t.Errorf("%d published, %d received: %v", published, received, e)
	}
	if bytes := e.number(t, "queued-bytes"); bytes < int64(published-received-1)*int64(size) || bytes > int64(published-received)*int64(size+64) {
		t.Errorf("%d messages of %d bytes are queued in %d bytes", published-received, size, bytes)
	}
	oldest := time.Duration(e.number(t, "oldest-ms")) * time.Millisecond
	if most := time.Since(blocked); oldest < wait-look || oldest > most {
		t.Errorf("the oldest has waited %v, it must be between %v and %v", oldest, wait, most)
	}
}

// A name that would split a line of the log, or a password, shows nowhere.
func TestNothingSecretIsTold(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.admin.Do("ACL", "SETUSER", "eve\n{\"forged\":1}", "on", ">topsecret", "+@all")
	c := s.dial(t)
	c.Do("AUTH", "default", "wrongsecret")
	c.Do("AUTH", "eve\n{\"forged\":1}", "topsecret")
	c.Raw("*2\r\n$4\r\nAUTH\r\n+topsecret\r\n")
	c.Closed(wire.Patience)
	e := closureOf(t, s.admin, c.LocalAddr().String())
	if e["reason"] != "protocol-error" || !strings.HasSuffix(e["detail"], "expected '$'") {
		t.Errorf("%v", e)
	}
	if text := s.Log() + fmt.Sprint(closures(t, s.admin)); strings.Contains(text, "secret") {
		t.Errorf("a password is in %s", text)
	}
	if lines := logLines(t, s.Server, "forged", "1"); len(lines) != 0 {
		t.Errorf("a line was forged: %v", lines)
	}
}

// Hundreds who come and go leave what an operator looks for where it is.
func TestStrangersDoNotPushOut(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	victim := s.dial(t)
	s.admin.Do("CLIENT", "KILL", victim.LocalAddr().String())
	for range 300 {
		nc, err := net.DialTimeout("tcp", s.Addr, wire.Patience)
		if err != nil {
			t.Fatal(err)
		}
		_ = nc.Close()
	}
	sut.Until(t, "all to be gone", func() bool { return s.admin.InfoNumber("connected_clients") == 1 })
	if e := closureOf(t, s.admin, victim.LocalAddr().String()); e["reason"] != "killed" {
		t.Errorf("%v", e)
	}
	if n := len(closures(t, s.admin)); n > 3*128 {
		t.Errorf("%d closures are kept", n)
	}
}
