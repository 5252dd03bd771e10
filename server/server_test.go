package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

func TestShutdownSendsWhatIsQueued(t *testing.T) {
	s := newServer(t, func(c *Config) { c.PubsubOutput = OutputLimit{} })
	addr := listen(t, s)
	sub, pub := dial(t, addr), dial(t, addr)
	sub.ask("SUBSCRIBE c", "[subscribe c 1]")
	payload := strings.Repeat("x", 256<<10)
	const messages = 60 // more than sockets hold
	for range messages {
		pub.ask("PUBLISH c "+payload, "1")
	}
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(context.Background()) }()
	waitFor(t, "the listener to be closed", func() bool {
		nc, err := net.Dial("tcp", addr)
		if err == nil {
			_ = nc.Close()
		}
		return err != nil
	})
	got := sub.end()
	if len(got) != messages || got[messages-1] != "[message c "+payload+"]" {
		t.Errorf("%d messages before the end, want %d", len(got), messages)
	}
	if err := <-done; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if got := pub.end(); len(got) != 0 {
		t.Errorf("the publisher was sent %q", got)
	}
	if left := leftovers(); left != "" {
		t.Errorf("goroutines left behind:\n%s", left)
	}
	if err := s.Serve(deadListener{}); err != ErrServerClosed {
		t.Errorf("Serve after Shutdown: %v", err)
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Errorf("a second Shutdown: %v", err)
	}
}

type deadListener struct{ net.Listener }

func (deadListener) Close() error { return nil }

func TestShutdownReportsWhoHasNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		stalled, healthy := pipe(t, s), pipe(t, s)
		stalled.ask("CLIENT SETNAME stalled", "+OK")
		stalled.ask("SUBSCRIBE c", "[subscribe c 1]")
		healthy.ask("SUBSCRIBE d", "[subscribe d 1]")
		s.Broker().Publish("c", []byte("unread"))
		start := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		err := s.Shutdown(ctx)
		var unsent *UnsentError
		if !errors.As(err, &unsent) || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Shutdown: %v", err)
		}
		if len(unsent.Clients) != 1 || unsent.Clients[0].Name != "stalled" || unsent.Clients[0].Queued == 0 || unsent.Clients[0].Channels != 1 {
			t.Errorf("unsent: %+v", unsent.Clients)
		}
		if !strings.Contains(err.Error(), "1 clients") {
			t.Errorf("the error reads %q", err)
		}
		if took := time.Since(start); took < 3*time.Second || took > 4*time.Second {
			t.Errorf("it took %v", took)
		}
		if got := append(stalled.end(), healthy.end()...); len(got) != 0 {
			t.Errorf("sent at the end: %q", got)
		}
	})
}

// A client whose last reply cannot be sent holds up neither Close nor, beyond
// its context, Shutdown.
func TestShutdownDoesNotWaitForLastReplies(t *testing.T) {
	for _, last := range []string{"QUIT\r\n", "*x\r\n"} {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t)
			c := pipe(t, s)
			c.raw(last) // and its reply is never read
			synctest.Wait()
			start := time.Now()
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			var unsent *UnsentError
			if err := s.Shutdown(ctx); !errors.As(err, &unsent) || len(unsent.Clients) != 1 {
				t.Errorf("after %q, Shutdown: %v", last, err)
			}
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("after %q, Shutdown took %v", last, took)
			}
		})
	}
}

// A client that does not take its last reply is closed all the same.
func TestLastReplyIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		c := pipe(t, s)
		c.ask("SUBSCRIBE c", "[subscribe c 1]")
		c.raw("QUIT\r\n")
		synctest.Wait()
		if n := s.Broker().NumSub("c"); n != 0 {
			t.Errorf("%d subscribers after QUIT", n)
		}
		time.Sleep(lingerTimeout - time.Second)
		if n := len(s.Clients()); n != 1 {
			t.Fatalf("%d clients while the last reply waits", n)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if n := len(s.Clients()); n != 0 {
			t.Errorf("%d clients after the time for the last reply", n)
		}
	})
}

func TestMaxClients(t *testing.T) {
	s := newServer(t, func(c *Config) { c.MaxClients = 2 })
	addr := listen(t, s)
	one, two := dial(t, addr), dial(t, addr)
	one.ask("PING", "+PONG")
	two.ask("PING", "+PONG")
	if got := dial(t, addr).end(); !reflect.DeepEqual(got, []string{"-ERR max number of clients reached"}) {
		t.Errorf("the third is told %q", got)
	}
	if got := one.info("rejected_connections"); got != "1" {
		t.Errorf("rejected_connections:%s", got)
	}
	pipe(t, s).ask("PING", "+PONG") // not counted
	two.ask("QUIT", "+OK")
	two.end()
	one.ask("CONFIG SET maxclients 3", "+OK")
	waitFor(t, "room", func() bool { return len(s.Clients()) == 2 })
	dial(t, addr).ask("PING", "+PONG")
}

// A strangeConn comes from where it says.
type strangeConn struct {
	net.Conn
	from net.Addr
}

func (c strangeConn) RemoteAddr() net.Addr { return c.from }

// A queueListener accepts what is put into it.
type queueListener struct {
	conns chan net.Conn
	errs  chan error
	done  chan struct{}
	once  sync.Once
}

func newQueueListener() *queueListener {
	return &queueListener{conns: make(chan net.Conn), errs: make(chan error), done: make(chan struct{})}
}

func (l *queueListener) Accept() (net.Conn, error) {
	select {
	case nc := <-l.conns:
		return nc, nil
	case err := <-l.errs:
		return nil, err
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *queueListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *queueListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 6379} }

// connect returns a client of a listener that comes from an address.
func (l *queueListener) connect(t testing.TB, from net.Addr) *testConn {
	mine, theirs := net.Pipe()
	l.conns <- strangeConn{theirs, from}
	return newTestConn(t, mine)
}

func TestProtectedMode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		ln := newQueueListener()
		go s.Serve(ln)
		stranger := &net.TCPAddr{IP: net.IPv4(203, 0, 113, 9), Port: 1}
		refused := func(from net.Addr) bool {
			c := ln.connect(t, from)
			f, err := c.read()
			refused := err == nil
			if refused && !strings.HasPrefix(f.String(), "-DENIED Redis is running in protected mode") {
				t.Errorf("%v is told %q", from, f)
			}
			if refused {
				if got := c.end(); len(got) != 0 {
					t.Errorf("and then %q", got)
				}
			}
			return refused
		}
		welcome := func(from net.Addr, want string) {
			t.Helper()
			c := ln.connect(t, from)
			c.ask("PING", want)
			c.nc.Close()
		}
		if !refused(stranger) || !refused(&net.TCPAddr{IP: net.ParseIP("2001:db8::1")}) || !refused(&net.TCPAddr{IP: net.IPv4(10, 0, 0, 1)}) {
			t.Error("a stranger was let in")
		}
		local := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 2}
		welcome(local, "+PONG")
		welcome(&net.TCPAddr{IP: net.IPv6loopback}, "+PONG")
		welcome(&net.UnixAddr{Name: "/run/x"}, "+PONG")
		admin := ln.connect(t, local)
		admin.ask("CONFIG SET protected-mode no", "+OK")
		welcome(stranger, "+PONG")
		admin.ask("CONFIG SET protected-mode yes requirepass secret", "+OK")
		welcome(stranger, "-NOAUTH Authentication required.")
		admin.ask("CONFIG SET requirepass x", "+OK")
		if got := admin.info("rejected_connections"); got != "3" {
			t.Errorf("rejected_connections:%s", got)
		}
	})
}

func TestAcceptErrorsBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, logs := logger()
		s := newServer(t, func(c *Config) { c.Logger = log })
		ln := newQueueListener()
		served := make(chan error, 1)
		go func() { served <- s.Serve(ln) }()
		full := &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
		var pauses []time.Duration
		ln.errs <- full
		for range 10 {
			start := time.Now()
			ln.errs <- full
			pauses = append(pauses, time.Since(start))
		}
		const ms = time.Millisecond
		want := []time.Duration{10 * ms, 20 * ms, 40 * ms, 80 * ms, 160 * ms, 320 * ms, 640 * ms, time.Second, time.Second, time.Second}
		if !reflect.DeepEqual(pauses, want) {
			t.Errorf("paused %v, want %v", pauses, want)
		}
		c := ln.connect(t, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
		c.ask("PING", "+PONG")
		ln.errs <- full
		start := time.Now()
		ln.errs <- full
		if took := time.Since(start); took != 10*ms {
			t.Errorf("after a success it paused %v", took)
		}
		if n := logs.FilterMessage("cannot accept clients, trying again").Len(); n == 0 || n > 6 {
			t.Errorf("%d lines in the log for 13 errors", n)
		}
		synctest.Wait()
		broken := errors.New("broken")
		ln.errs <- broken
		if err := <-served; !errors.Is(err, broken) {
			t.Errorf("Serve: %v", err)
		}
	})
}

func TestIdleTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, func(c *Config) { c.Timeout = 10 * time.Second })
		idle, busy, sub := pipe(t, s), pipe(t, s), pipe(t, s)
		idle.ask("PING", "+PONG")
		sub.ask("SUBSCRIBE c", "[subscribe c 1]")
		for range 4 {
			busy.ask("PING", "+PONG")
			time.Sleep(6 * time.Second)
		}
		if got := idle.end(); len(got) != 0 {
			t.Errorf("the idle client was sent %q", got)
		}
		busy.ask("PUBLISH c x", "1")
		sub.want("[message c x]")
		sub.ask("UNSUBSCRIBE", "[unsubscribe c 0]") // no longer spared
		time.Sleep(12 * time.Second)
		if got := sub.end(); len(got) != 0 {
			t.Errorf("sent %q", got)
		}
		last := pipe(t, s)
		last.ask("CONFIG SET timeout 0", "+OK")
		time.Sleep(time.Hour)
		last.ask("PING", "+PONG")
	})
}

func TestPanicClosesOneClient(t *testing.T) {
	log, logs := logger()
	log = log.WithOptions(zap.Hooks(func(e zapcore.Entry) error {
		if e.Message == "user requested shutdown" {
			panic("injected") // while a command runs
		}
		return nil
	}))
	s := newServer(t, func(c *Config) { c.Logger = log })
	addr := listen(t, s)
	sub, victim, other := dial(t, addr), dial(t, addr), dial(t, addr)
	sub.ask("SUBSCRIBE c", "[subscribe c 1]")
	victim.send("PUBLISH c before", "SHUTDOWN", "PUBLISH c after")
	victim.end()
	sub.want("[message c before]") // was queued, so it is sent
	other.ask("PUBLISH c x", "1")
	sub.want("[message c x]")
	if got := other.info("recovered_panics"); got != "1" {
		t.Errorf("recovered_panics:%s", got)
	}
	lines := logs.FilterMessage("panic while serving a client").All()
	if len(lines) != 1 || lines[0].ContextMap()["panic"] != "injected" || !strings.Contains(fmt.Sprint(lines[0].ContextMap()["stack"]), "cmdShutdown") {
		t.Errorf("logged %v", lines)
	}
	waitFor(t, "the victim to be gone", func() bool { return len(s.Clients()) == 2 })
	waitFor(t, "the backlog to be 0", func() bool { return s.flusher.backlog.Load() == 0 })
}

// A panicConn panics when it is read.
type panicConn struct{ net.Conn }

func (panicConn) Read([]byte) (int, error) { panic("injected") }

func TestPanicOfConnection(t *testing.T) {
	s := newServer(t)
	mine, theirs := net.Pipe()
	s.ServeConn(panicConn{theirs}) // returns
	if _, err := mine.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the connection is not closed: %v", err)
	}
	if n := s.panics.Load(); n != 1 {
		t.Errorf("%d panics counted", n)
	}
	pipe(t, s).ask("PING", "+PONG")
}

func TestNewRefusesNonsense(t *testing.T) {
	for name, spoil := range map[string]func(*Config){
		"MaxClients": func(c *Config) { c.MaxClients = 0 }, "Databases": func(c *Config) { c.Databases = 0 },
		"MaxBulkLen": func(c *Config) { c.MaxBulkLen = 0 }, "QueryBufferLimit": func(c *Config) { c.QueryBufferLimit = 0 },
		"MaxMultibulkLen": func(c *Config) { c.MaxMultibulkLen = -1 },
	} {
		conf := NewConfig()
		spoil(conf)
		if s, err := New(conf); err == nil {
			_ = s.Close()
			t.Errorf("New accepts a Config whose %s makes no sense", name)
		}
	}
	s, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	if a := s.Addr(); a != nil {
		t.Errorf("a server that does not listen has the address %v", a)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if got := pipe(t, s).end(); len(got) != 0 {
		t.Errorf("a closed server answers %q", got)
	}
}

func TestListenAndServe(t *testing.T) {
	taken := freePort(t) // which nobody is given when it is free again
	ln, err := net.Listen("tcp", local(taken))
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t, func(c *Config) { c.Port, c.Bind = taken, []string{"127.0.0.1"} })
	if err := s.ListenAndServe(); err == nil || !strings.Contains(err.Error(), "Address already in use") {
		t.Errorf("on a port that is taken: %v", err)
	}
	_ = ln.Close()
	log, logs := logger()
	free := newServer(t, func(c *Config) {
		c.Logger, c.Port, c.Bind = log, taken, []string{"127.0.0.1", "-192.0.2.1"}
	})
	done := make(chan error, 1)
	go func() { done <- free.ListenAndServe() }()
	waitFor(t, "the server to be ready", func() bool { return logs.FilterMessage("Ready to accept connections").Len() == 1 })
	dial(t, free.Addr().String()).ask("PING", "+PONG")
	if err := free.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; err != ErrServerClosed {
		t.Errorf("ListenAndServe: %v", err)
	}
	none := newServer(t, func(c *Config) { c.Port = 0 })
	if err := none.ListenAndServe(); err != ErrNowhere {
		t.Errorf("without a port: %v", err)
	}
}
