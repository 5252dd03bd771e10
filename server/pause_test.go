package server

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// flagsOf returns the flags of the clients of CLIENT LIST, in order of ID.
func flagsOf(c *testConn) (flags []string) {
	for _, line := range strings.Split(strings.TrimSpace(c.do("CLIENT LIST")), "\n") {
		_, rest, _ := strings.Cut(line, " flags=")
		word, _, _ := strings.Cut(rest, " ")
		flags = append(flags, word)
	}
	return flags
}

// What is held back is run when the time is over and not before, and what was
// published behind it in the same write comes behind it.
func TestPauseEndsByItself(t *testing.T) {
	for _, request := range []string{"CLIENT PAUSE 5000 WRITE", "CLIENT PAUSE 5000", "CLIENT PAUSE 5000 all"} {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t)
			admin, pub, sub := pipe(t, s), pipe(t, s), pipe(t, s)
			sub.ask("SUBSCRIBE c", "[subscribe c 1]")
			began := time.Now()
			admin.ask(request, "+OK")
			pub.send("PUBLISH c one", "PUBLISH c two", "ECHO three", "SPUBLISH c four", "PUBLISH c five")
			synctest.Wait()
			if got := s.heldBack(); got != 1 {
				t.Errorf("%d clients are held back", got)
			}
			s.Broker().Publish("c", []byte("not of a client")) // subscribers receive on
			sub.want("[message c not of a client]", "[message c one]", "[message c two]", "[message c five]")
			pub.want("1", "1", "three", "0", "1")
			if took := time.Since(began); took != 5*time.Second {
				t.Errorf("%s was over after %v", request, took)
			}
			if s.modes.Load() != 0 || s.heldBack() != 0 {
				t.Errorf("%b, %d held back after the end", s.modes.Load(), s.heldBack())
			}
		})
	}
}

// A second pause makes the first longer and stricter, not shorter nor milder.
func TestPauseGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		admin, c := pipe(t, s), pipe(t, s)
		began := time.Now()
		send := func(request string, after time.Duration) {
			t.Helper()
			admin.send(request)
			admin.want("+OK")
			c.send("PUBLISH c x")
			c.want("0")
			if took := time.Since(began); took != after {
				t.Errorf("%s was over after %v, want %v", request, took, after)
			}
		}
		admin.ask("CLIENT PAUSE 2000 WRITE", "+OK")
		send("CLIENT PAUSE 1000 WRITE", 2*time.Second)
		began = time.Now()
		admin.ask("CLIENT PAUSE 1000 WRITE", "+OK")
		send("CLIENT PAUSE 3000 WRITE", 3*time.Second)
		began = time.Now()
		admin.ask("CLIENT PAUSE 2000 WRITE", "+OK")
		admin.ask("CLIENT PAUSE 10 ALL", "+OK")
		c.ask("PING", "+PONG")
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("PING was answered after %v", took)
		}
		send("CLIENT PAUSE 0 ALL", 2*time.Second) // which is over at once
	})
}

// One that is held back goes when it is killed, when it leaves, when it has sent
// too much and when the server ends; nothing of it is run any more.
func TestHeldBackAndGone(t *testing.T) {
	s := newServer(t, func(c *Config) { c.QueryBufferLimit = 1 << 20 })
	addr := listen(t, s)
	for _, connect := range []func() *testConn{func() *testConn { return dial(t, addr) }, func() *testConn { return pipe(t, s) }} {
		admin, sub := connect(), connect()
		sub.ask("SUBSCRIBE c", "[subscribe c 1]")
		killed, left, rude := connect(), connect(), connect()
		id := killed.do("CLIENT ID")
		admin.ask("CLIENT PAUSE 3600000 WRITE", "+OK")
		for i, c := range []*testConn{killed, left, rude} {
			c.send("PUBLISH c never")
			waitFor(t, "PUBLISH to be held back", func() bool { return s.heldBack() == i+1 })
		}
		if flags := strings.Join(flagsOf(admin), " "); strings.Count(flags, "b") != 3 {
			t.Errorf("flags: %s", flags)
		}
		admin.ask("CLIENT KILL ID "+id, "1")
		if got := killed.end(); len(got) != 0 {
			t.Errorf("the killed one was sent %q", got)
		}
		_ = left.nc.Close()
		go func() { _, _ = rude.nc.Write(make([]byte, 2<<20)) }()
		if got := rude.end(); len(got) != 0 {
			t.Errorf("the one that sent too much was sent %q", got)
		}
		waitFor(t, "all three to be gone", func() bool { return s.heldBack() == 0 })
		late := connect()
		late.send("PUBLISH c late")
		waitFor(t, "PUBLISH to be held back", func() bool { return s.heldBack() == 1 })
		admin.ask("CLIENT UNPAUSE", "+OK")
		late.want("1")
		sub.want("[message c late]")
		_, _, _ = admin.nc.Close(), sub.nc.Close(), late.nc.Close()
		waitFor(t, "the clients to be gone", func() bool { return len(s.clients()) == 0 })
	}
	admin, last := dial(t, addr), dial(t, addr)
	admin.ask("CLIENT PAUSE 3600000", "+OK")
	last.send("PING")
	waitFor(t, "PING to be held back", func() bool { return s.heldBack() == 1 })
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if got := last.end(); len(got) != 0 {
		t.Errorf("the server ended and answered %q", got)
	}
}

// Commands that come while others are held back, and come and go as pauses do,
// are each run once and in order.
func TestPausesLoseNothing(t *testing.T) {
	s := newServer(t)
	addr := listen(t, s)
	admin, pub, sub := dial(t, addr), dial(t, addr), dial(t, addr)
	sub.ask("SUBSCRIBE c", "[subscribe c 1]")
	const messages = 3000
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; n < messages; n += 10 {
			var requests []string
			for i := range 10 {
				requests = append(requests, fmt.Sprintf("PUBLISH c %d", n+i))
			}
			pub.send(requests...)
			for range requests {
				pub.want("1")
			}
		}
	}()
	for n := range messages {
		if n%50 == 0 && n < messages-100 {
			admin.ask("CLIENT PAUSE 3600000 WRITE", "+OK")
			admin.ask("CLIENT UNPAUSE", "+OK")
		}
		sub.want(fmt.Sprintf("[message c %d]", n))
	}
	<-done
}

func TestIdleTimeoutSparesThoseWhoCannotHelpIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, func(c *Config) { c.Timeout = 10 * time.Second })
		admin, idle, monitor, held, sub := pipe(t, s), pipe(t, s), pipe(t, s), pipe(t, s), pipe(t, s)
		idle.ask("PING", "+PONG")
		monitor.ask("MONITOR", "+OK")
		sub.ask("SUBSCRIBE c", "[subscribe c 1]")
		monitor.want("+…")
		admin.ask("CLIENT PAUSE 30000 WRITE", "+OK")
		held.send("PUBLISH c x")
		<-time.After(20 * time.Second)
		idle.end()
		admin.end()
		if n := len(s.clients()); n != 3 {
			t.Errorf("%d clients are left", n)
		}
		held.want("1")
		sub.want("[message c x]")
	})
}

// A pause that begins while the server ends leaves nothing behind.
func TestPauseBehindTheEnd(t *testing.T) {
	s := newServer(t)
	s.stop()
	s.pause(time.Hour, true)
	if s.modes.Load() != 0 || s.paused.timer != nil {
		t.Errorf("modes %b, timer %v", s.modes.Load(), s.paused.timer)
	}
}
