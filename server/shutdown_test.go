package server

import (
	"context"
	"errors"
	"net"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pubsubd/pubsubd/broker"
)

// A request that runs when the end comes is finished: its reply and what it
// published are sent.
func TestShutdownFinishesWhatRuns(t *testing.T) {
	s := newServer(t)
	addr := listen(t, s)
	sub, pub := dial(t, addr), dial(t, addr)
	sub.ask("SUBSCRIBE c", "[subscribe c 1]")
	held, release := make(chan struct{}), make(chan struct{})
	go s.Broker().Exclusive(nil, func(*broker.Exclusive) {
		close(held)
		<-release
	})
	<-held
	pub.send("PUBLISH c x") // waits for the broker
	waitFor(t, "the request to run", func() bool {
		for _, c := range s.clients() {
			if c.lastName() == "publish" {
				return true
			}
		}
		return false
	})
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(context.Background()) }()
	select {
	case err := <-done:
		done <- err
		t.Error("Shutdown did not wait for the request")
	case <-time.After(settleTime / 10):
	}
	close(release)
	if got := sub.end(); len(got) != 1 || got[0] != "[message c x]" {
		t.Errorf("the subscriber was sent %q", got)
	}
	if got := pub.end(); len(got) != 1 || got[0] != "1" {
		t.Errorf("the publisher was sent %q", got)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A request that is held back by a pause is not run and not waited for.
func TestShutdownWakesWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		admin, held := pipe(t, s), pipe(t, s)
		admin.ask("CLIENT PAUSE 100000", "+OK")
		held.send("PUBLISH c x")
		synctest.Wait()
		if n := s.heldBack(); n != 1 {
			t.Fatalf("%d requests are held back", n)
		}
		began := time.Now()
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took >= settleTime {
			t.Errorf("it took %v", took)
		}
		if got := held.end(); len(got) != 0 {
			t.Errorf("answered %q", got)
		}
	})
}

// The end of the server is not what is wrong with a TLS client that it finds
// shaking hands.
func TestShutdownDuringTheHandshake(t *testing.T) {
	b := newTLSBench(t)
	nc, err := net.Dial("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	waitFor(t, "the client", func() bool { return b.connected() == 1 })
	b.stop()
	waitFor(t, "its end", func() bool { return b.connected() == 0 })
	if got := b.closures.latest(1)[0].Reason; got != string(closedShutdown) {
		t.Errorf("it was closed for %q", got)
	}
}

// A client that begins to be served while the server ends is not waited for,
// whatever has become of the word that it does.
func TestShutdownFindsWhoBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.draining.Store(true)
		pipe(t, s)
		synctest.Wait()
		if s.openClients()[0].isRunning() {
			t.Error("it may still be running something")
		}
	})
}

// While Shutdown waits for one client the others are not listed again and again.
func TestShutdownWaitsCheaply(t *testing.T) {
	const clients, looks = 1000, 100
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		var last *client
		for range clients {
			near, far := net.Pipe()
			defer far.Close()
			last = s.newClient(near)
			s.open[last.id] = last
		}
		last.out.push([]byte("+OK\r\n"), 5) // which nobody sends
		allocated := func(run func()) uint64 {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			run()
			runtime.ReadMemStats(&after)
			return after.TotalAlloc - before.TotalAlloc
		}
		one := allocated(func() { s.Clients() })
		ctx, cancel := context.WithTimeout(context.Background(), looks*drainLook)
		defer cancel()
		var err error
		if got := allocated(func() { err = s.drained(ctx) }); got > looks/4*one {
			t.Errorf("%d bytes are allocated, %d for one list", got, one)
		}
		var unsent *UnsentError
		if !errors.As(err, &unsent) || len(unsent.Clients) != 1 || unsent.Clients[0].ID != last.id {
			t.Errorf("drained: %v", err)
		}
	})
}
