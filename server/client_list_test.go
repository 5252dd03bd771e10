package server

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pubsubd/pubsubd/broker"
)

// listedClients adds clients of all sorts to a server and returns one that can
// ask for them.
func listedClients(s *Server, n int) (c *client) {
	for i := range n {
		c = localClient(s, discardTransport{})
		c.setName(fmt.Appendf(nil, "name-%d", i))
		if i%3 == 0 && i < n-1 {
			s.broker.Subscribe(c.join(), broker.Channel, fmt.Sprintf("c%d", i))
		}
		s.mu.Lock()
		s.open[c.id] = c
		s.ordered = nil
		s.mu.Unlock()
	}
	return c
}

// A line of CLIENT LIST costs no allocation.
func TestClientListAllocates(t *testing.T) {
	s := newServer(t)
	c := listedClients(s, 100)
	t.Cleanup(func() {
		for _, c := range s.clients() {
			c.detach()
		}
	})
	var text []byte
	if got := testing.AllocsPerRun(100, func() {
		text = text[:0]
		for _, o := range s.clients() {
			text = append(o.appendInfo(text), '\n')
		}
	}); got > 1 { // the list
		t.Errorf("%v allocations for 100 clients", got)
	}
	c.dispatch([][]byte{[]byte("CLIENT"), []byte("LIST")})
	if n := strings.Count(string(c.reply), " flags="); n != 100 {
		t.Errorf("%d clients are listed", n)
	}
	if len(text)/100 > infoBytes {
		t.Errorf("a line takes %d bytes, more than is made room for", len(text)/100)
	}
}

func BenchmarkClientList(b *testing.B) {
	s := newServer(b)
	c := listedClients(s, 1000)
	argv := [][]byte{[]byte("CLIENT"), []byte("LIST")}
	b.ReportAllocs()
	for b.Loop() {
		c.dispatch(argv)
		c.deliverAll()
	}
	for _, c := range s.clients() {
		c.detach()
	}
}

// What a request looks at itself by: its own bytes and arguments.
func TestClientListOfItself(t *testing.T) {
	s := newServer(t)
	c := dial(t, listen(t, s))
	for _, want := range []string{"qbuf=26 ", "argv-mem=10 ", "events=r ", "cmd=client|list ", "redir=-1 ", "resp=2 ", "multi-mem=0 ", "omem=0 "} {
		if got := c.do("CLIENT LIST"); !strings.Contains(got, " "+want) {
			t.Errorf("no %q in %s", want, got)
		}
	}
	c.send("MULTI", "PING", "CLIENT LIST", "EXEC")
	c.want("+OK", "+QUEUED", "+QUEUED")
	if got := c.next().String(); !strings.Contains(got, " multi=2 ") || strings.Contains(got, " multi-mem=0 ") || !strings.Contains(got, "flags=x ") {
		t.Error(got)
	}
	if got := c.do("CLIENT INFO"); !strings.Contains(got, " multi-mem=0 ") || !strings.Contains(got, " argv-mem=10 ") {
		t.Error(got)
	}
	idle := dial(t, s.Addr().String())
	idle.ask("ECHO x", "x")
	if got := strings.Split(c.do("CLIENT LIST"), "\n"); !strings.Contains(got[1], " qbuf=0 qbuf-free=0 argv-mem=0 ") {
		t.Error(got[1])
	}
}

// Nobody is idle while a request of its own runs, however long it had been, nor
// when a pause that held it back is just over.
func TestClientIsNotIdleToItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		c, other := pipe(t, s), pipe(t, s)
		other.ask("PING", "+PONG")
		time.Sleep(5 * time.Second)
		if got := c.do("CLIENT LIST"); strings.Count(got, " idle=0 ") != 1 || strings.Count(got, " idle=5 ") != 1 {
			t.Error(got)
		}
		c.ask("CLIENT PAUSE 5000", "+OK")
		other.send("CLIENT INFO")
		if got := other.next().String(); !strings.Contains(got, " idle=0 ") {
			t.Error(got)
		}
	})
}

// Who is sent something is not idle: a message of another, or a reply.
func TestClientIsActiveWhenSentSomething(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		c, sub := pipe(t, s), pipe(t, s)
		sub.ask("SUBSCRIBE news", "[subscribe news 1]")
		time.Sleep(5 * time.Second)
		c.ask("PUBLISH news x", "1")
		sub.next()
		synctest.Wait()
		for _, one := range s.clients() {
			if at := time.Duration(one.out.active.Load()); s.uptime()-at != 0 {
				t.Errorf("sent something, and active %v ago", s.uptime()-at)
			}
		}
		if got := c.do("CLIENT LIST"); strings.Count(got, " idle=0 ") != 2 {
			t.Error(got)
		}
	})
}

// So is who is sent a reply at once.
func TestClientIsActiveWhenAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		c := clientOf(t, s, newFakeTransport(-1), "+ping")
		time.Sleep(5 * time.Second)
		c.in.received(copy(c.in.space(), encode("PING")))
		c.batch()
		if at := time.Duration(c.out.active.Load()); at != s.uptime() {
			t.Errorf("active at %v, want %v", at, s.uptime())
		}
	})
}
