package pubsubtest_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pubsubd/pubsubd/server"

	"github.com/pubsubd/pubsubd/pubsubtest"
)

// In memory it is known what a client has not read, however little that is.
func TestCleanupNamesClientsThatHangInMemory(t *testing.T) {
	for _, opts := range [][]pubsubtest.Option{{pubsubtest.InMemory()}, {pubsubtest.InMemory(), pubsubtest.TLS()}} {
		synctest.Test(t, func(t *testing.T) {
			r := &recorder{TB: t}
			srv := pubsubtest.RunT(r, append(opts, pubsubtest.Patience(time.Minute))...)
			sub, reader, idle := connect(t, srv), connect(t, srv), connect(t, srv)
			sub.subscribe("sleeper", "orders")
			reader.subscribe("reader", "orders")
			idle.send("PING")
			idle.expect("+PONG\r\n")
			srv.Publish("orders", "hello")
			reader.expect(message("orders", "hello"))
			began := time.Now()
			r.finish()
			if took := time.Since(began); took < time.Minute || took > time.Minute+time.Second {
				t.Errorf("it took %v, want a minute", took)
			}
			if len(r.failures) != 1 || !strings.Contains(r.failures[0], `"sleeper"`) || !strings.Contains(r.failures[0], "hangs") || strings.Count(r.failures[0], "client ") != 1 {
				t.Errorf("failures %q, want one that names the sleeper alone", r.failures)
			}
		})
	}
}

// A client has the patience to read what it was sent.
func TestCleanupWaitsForReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{TB: t}
		srv := pubsubtest.RunT(r, pubsubtest.InMemory())
		sub := connect(t, srv)
		sub.subscribe("app", "orders")
		srv.Publish("orders", "hello")
		read := make(chan error)
		go func() {
			time.Sleep(5 * time.Second)
			_, err := io.ReadFull(sub.r, make([]byte, len(message("orders", "hello"))))
			read <- err
		}()
		r.finish()
		if err := <-read; err != nil {
			t.Error(err)
		}
		if len(r.failures) > 0 {
			t.Errorf("failures %q, want none", r.failures)
		}
	})
}

// Who closes the server again while it is being closed waits, and so does who subscribes,
// until the clients that hang have had their time.
func TestCloseAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, err := pubsubtest.Start(pubsubtest.InMemory(), pubsubtest.Patience(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		observer := srv.Subscribe("news")
		connect(t, srv).subscribe("sleeper", "orders")
		srv.Publish("orders", "hello")
		began := time.Now()
		errs := make(chan error)
		for range 2 {
			go func() { errs <- srv.Close() }()
		}
		go func() { observer.Close(); errs <- nil }()
		var all []error
		for range 3 {
			if err := <-errs; err != nil {
				all = append(all, err)
			}
		}
		if took := time.Since(began); took < time.Minute || took > time.Minute+time.Second {
			t.Errorf("it took %v, want a minute", took)
		}
		if len(all) != 1 || !strings.Contains(all[0].Error(), `"sleeper"`) {
			t.Errorf("errors %v, want one that names the sleeper", all)
		}
	})
}

// What can only be in vain with a server that is closed ends the test at once.
func TestUseAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{TB: t}
		srv := pubsubtest.RunT(r, pubsubtest.InMemory())
		observer := srv.Subscribe("orders")
		srv.Publish("orders", "before")
		waiting := srv.Subscribe("news")
		began := time.Now()
		closer := srv.For(t) // a recorder is for one goroutine
		time.AfterFunc(time.Second, func() { _ = closer.Close() })
		const want = "the server is closed"
		r.fails(t, func() { waiting.Next() }, want)
		if took := time.Since(began); took > time.Second+time.Millisecond {
			t.Errorf("Next took %v when the server was closed after a second", took)
		}
		if n := srv.Publish("orders", "after") + srv.SPublish("orders", "after"); n != 0 {
			t.Errorf("%d receivers after Close", n)
		}
		began = time.Now()
		observer.Expect("orders", "before") // had come
		observer.ExpectNothing()
		r.fails(t, func() { observer.Expect("orders", "after") }, want)
		r.fails(t, func() { srv.Subscribe("late") }, want, "late")
		r.fails(t, func() { srv.WaitSubscribers("orders", 1) }, want, "there are 0")
		r.fails(t, func() { srv.WaitClosed(1) }, want)
		r.fails(t, srv.Restart, "after Close")
		r.failures = nil
		srv.WaitSubscribers("orders", 0)
		srv.WaitClients(0)
		srv.WaitIdle()
		if took := time.Since(began); took > 10*time.Millisecond {
			t.Errorf("it took %v, want nothing", took)
		}
		observer.Close()
		r.finish()
		if len(r.failures) > 0 {
			t.Errorf("failures %q, want none", r.failures)
		}
	})
}

func TestDialAfterClose(t *testing.T) {
	srv, err := pubsubtest.Start(pubsubtest.InMemory())
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := srv.Dial(context.Background(), "", ""); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("Dial after Close: %v, want %v", err, syscall.ECONNREFUSED)
	}
}

// A server that belongs to another clock is not used: the error says so.
func TestServerOfAnotherBubble(t *testing.T) {
	outside := pubsubtest.RunT(t, pubsubtest.InMemory())
	var inside *pubsubtest.Server
	synctest.Test(t, func(t *testing.T) {
		const want = "started outside of the bubble"
		if _, err := outside.Dial(t.Context(), "", ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Dial: %v", err)
		}
		r := &recorder{TB: t}
		mine := outside.For(r)
		r.fails(t, func() { mine.WaitClients(0) }, want)
		r.fails(t, func() { mine.Subscribe("orders") }, want)
		r.fails(t, mine.Restart, want)
		if _, err := pubsubtest.Start(); err == nil || !strings.Contains(err.Error(), "InMemory") {
			t.Errorf("a server with a port in a bubble: %v", err)
		}
		inside = pubsubtest.RunT(t, pubsubtest.InMemory())
	})
	if _, err := inside.Dial(t.Context(), "", ""); err == nil || !strings.Contains(err.Error(), "used outside") {
		t.Errorf("Dial: %v", err)
	}
}

// hasty is a test with little time left.
type hasty struct {
	*recorder
	end time.Time
}

func (h hasty) Deadline() (time.Time, bool) { return h.end, true }

// No wait goes on until the deadline of the test, in memory either, and the error says
// why it was so short.
func TestDeadlineOfTest(t *testing.T) {
	srv := pubsubtest.RunT(t, pubsubtest.InMemory(), pubsubtest.Patience(time.Hour))
	for _, left := range []time.Duration{1100 * time.Millisecond, -time.Second} {
		r := &recorder{TB: t}
		mine := srv.For(hasty{r, time.Now().Add(left)})
		r.fails(t, func() { mine.WaitClients(1) }, "shortly before the deadline of the test", "1 clients; there are 0")
		orders := mine.Subscribe("orders")
		r.fails(t, func() { orders.Next() }, "shortly before the deadline of the test")
		orders.Close()
	}
}

// Nor does the end of the test, which then says which clients hang.
func TestDeadlineAtTheEndOfTest(t *testing.T) {
	for _, left := range []time.Duration{600 * time.Millisecond, -time.Second} {
		r := &recorder{TB: t}
		end := time.Now().Add(left)
		srv := pubsubtest.RunT(hasty{r, end}, pubsubtest.InMemory(), pubsubtest.Patience(time.Hour))
		connect(t, srv).subscribe("sleeper", "orders")
		srv.Publish("orders", "hello")
		r.finish()
		if left > 0 && time.Now().After(end) {
			t.Errorf("it was over %v after the deadline", time.Since(end))
		}
		if len(r.failures) != 1 || !strings.Contains(r.failures[0], `"sleeper"`) || !strings.Contains(r.failures[0], "shortly before the deadline of the test") {
			t.Errorf("failures %q, want one that names the sleeper and the deadline", r.failures)
		}
		if len(r.logs) != 1 || !strings.Contains(r.logs[0], "PUBLISH orders hello") {
			t.Errorf("printed is %q, want the transcript", r.logs)
		}
	}
}

// A test that has failed does not wait for clients that hang as well.
func TestEndOfFailedTest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{TB: t}
		srv := pubsubtest.RunT(r, pubsubtest.InMemory(), pubsubtest.Patience(time.Minute))
		connect(t, srv).subscribe("sleeper", "orders")
		srv.Publish("orders", "hello")
		r.Errorf("for another reason")
		began := time.Now()
		r.finish()
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %v, want a tenth of a second", took)
		}
		if len(r.failures) != 2 || !strings.Contains(r.failures[1], `"sleeper"`) || !strings.Contains(r.failures[1], "since the test has failed") {
			t.Errorf("failures %q, want another that names the sleeper", r.failures)
		}
	})
}

// A test may have the server listen elsewhere too. Who connects there is served,
// without faults.
func TestListenerOfTheTest(t *testing.T) {
	srv := pubsubtest.RunT(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Server().Serve(ln) }()
	nc, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	other := newPeer(t, nc)
	other.subscribe("elsewhere", "orders")
	hit(t, srv.Named("elsewhere").Stall(), 0)
	hit(t, srv.Named("elsewhere").Kick(), 1)
	other.expectEnd()
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
	if err := <-served; err != server.ErrServerClosed {
		t.Errorf("Serve: %v", err)
	}
}

// PINGs are dropped in RESP3 too and within a transaction, where they are not queued.
func TestDropPongElsewhere(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *pubsubtest.Server, _ *peer) {
		p := connect(t, srv)
		p.send("HELLO 3 SETNAME three")
		p.until("modules\r\n*0\r\n")
		hit(t, srv.Named("three").DropPong(), 1)
		p.send("PING\r\nMULTI\r\nPING\r\nECHO a\r\nEXEC\r\nSUBSCRIBE news\r\nPING")
		p.expect("+OK\r\n+QUEUED\r\n*1\r\n$1\r\na\r\n>3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n")
		p.expectSilence(time.Minute)
	})
}

// The faults are the same whatever the connection is.
func TestFaultsEverywhere(t *testing.T) {
	for name, opts := range networks {
		t.Run(name, func(t *testing.T) {
			srv := pubsubtest.RunT(t, opts...)
			app := srv.Named("app")
			again := func() *peer {
				p := connect(t, srv)
				p.subscribe("app", "orders")
				return p
			}
			sub := again()
			hit(t, app.Stall(), 1)
			srv.Publish("orders", "1")
			sub.send("PING stalled")
			hit(t, app.Resume(), 1)
			sub.expect(message("orders", "1") + "*2\r\n$4\r\npong\r\n$7\r\nstalled\r\n")
			hit(t, app.Partition(), 1)
			srv.Publish("orders", "2")
			hit(t, app.Resume(), 1)
			sub.expect(message("orders", "2"))
			hit(t, app.Delay(time.Millisecond), 1)
			srv.Publish("orders", "3")
			srv.WaitIdle()
			sub.expect(message("orders", "3"))
			hit(t, app.Resume(), 1)
			hit(t, app.DropPong(), 1)
			sub.send("PING\r\nSUBSCRIBE more")
			sub.expect(bulks("subscribe", "more") + ":2\r\n")
			hit(t, app.CutAfter(3), 1)
			srv.Publish("orders", "4")
			sub.expect("*3\r")
			sub.expectGone()
			srv.WaitClients(0)
			sub = again()
			hit(t, app.CutAfter(0), 1)
			sub.expectGone()
			srv.WaitClients(0)
			sub = again()
			hit(t, app.FullOutputBuffer(), 1)
			sub.expectGone()
			sub = again()
			hit(t, app.Reset(), 1)
			sub.expectGone()
			sub = again()
			hit(t, app.Kick(), 1)
			sub.expectGone()
			sub = again()
			srv.Restart()
			sub.expectGone()
			again()
		})
	}
}
