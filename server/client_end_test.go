package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pubsubd/pubsubd/broker"
)

// halfClosed returns a client that has ended its side, does not read, and has
// sent a part of a large request behind one whose answer the connection does not
// take.
func halfClosed(t *testing.T, s *Server) *testConn {
	t.Helper()
	const large = 10_000_000
	c := dial(t, listen(t, s))
	c.raw("*2\r\n$4\r\nECHO\r\n$10000000\r\n" + strings.Repeat("x", large) + "\r\n*2\r\n$4\r\nECHO\r\n$10000000\r\n" + strings.Repeat("x", 1<<20))
	if err := c.nc.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the server to see the end of requests", func() bool {
		list := s.openClients()
		return len(list) == 1 && list[0].out.awaiting.Load()
	})
	return c
}

// A client that has ended its side and is still sent something counts as one,
// lets go of what it will not be answered, and does not hold the end up.
func TestHalfClosed(t *testing.T) {
	s := newServer(t)
	halfClosed(t, s)
	if got := s.queries.bytes.Load(); got != 0 {
		t.Errorf("%d bytes of a request are kept that will never be whole", got)
	}
	done, cancel := context.WithCancel(context.Background())
	cancel()
	err := s.Shutdown(done)
	if unsent, ok := err.(*UnsentError); !ok || len(unsent.Clients) != 1 { // and no error beside it
		t.Errorf("Shutdown: %v", err)
	}
}

// Shutdown waits for a client that has ended its side and still reads.
func TestShutdownSendsToHalfClosed(t *testing.T) {
	s := newServer(t)
	c := halfClosed(t, s)
	ended := make(chan error, 1)
	go func() { ended <- s.Shutdown(context.Background()) }()
	if got := c.end(); len(got) != 1 || len(got[0]) != 10_000_000 {
		t.Errorf("it was sent %d replies", len(got))
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// The memory of a client that has ended its side can be had for others.
func TestHalfClosedIsEvicted(t *testing.T) {
	s := newServer(t, func(c *Config) { c.MaxMemoryClients = 0 })
	halfClosed(t, s)
	boss := pipe(t, s)
	boss.ask("CONFIG SET maxmemory-clients 2mb", "+OK")
	waitFor(t, "it to be evicted", func() bool { return s.connected() == 1 })
	boss.ask("PING", "+PONG")
}

// What others are about to send is waited for as what they cannot send.
func TestAwaitSentAwaitsOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutboxRoom(outputLimits{}).open(-1)
		o.push([]byte("+one\r\n"))
		ended := make(chan int, 1)
		go func() {
			o.awaitSent()
			n, _ := o.pending()
			ended <- n
		}()
		synctest.Wait()
		o.flushAll()
		if n := <-ended; n != 0 {
			t.Errorf("%d bytes were not sent", n)
		}
	})
}

// A client of which nothing is run any more needs no room for more requests.
func TestEndedClientNeedsNoQueryRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, func(c *Config) { c.QueryBuffersLimit = 128 << 10 })
		nc, _ := net.Pipe()
		c := s.newClient(nc)
		c.in.received(len(c.in.space())) // full
		c.countBuffers()
		c.ended = true
		c.awaitQueryRoom() // for ever, if for room
		if c.in.memory() != 0 || s.queries.bytes.Load() != 0 {
			t.Errorf("%d bytes are kept, %d are counted", c.in.memory(), s.queries.bytes.Load())
		}
	})
}

// waitingForRoom returns a server one of whose clients waits for room that
// somebody else has.
func waitingForRoom(t *testing.T) *Server {
	t.Helper()
	const limit = 1 << 20
	s := newServer(t, func(c *Config) { c.QueryBuffersLimit = limit })
	s.queries.bytes.Add(limit)
	c := pipe(t, s)
	go func() { _, _ = c.nc.Write([]byte("*2\r\n$4\r\nECHO\r\n$100000\r\n" + strings.Repeat("x", 100_000))) }()
	synctest.Wait()
	if n := s.queries.waiting.Load(); n != 1 {
		t.Fatalf("%d clients wait", n)
	}
	t.Cleanup(func() { s.queries.bytes.Store(0) })
	return s
}

// Who waits for room looks again now and then: others may have taken it between
// its last look and the wait.
func TestQueryRoomIsLookedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := waitingForRoom(t)
		s.queries.bytes.Store(0) // unannounced
		time.Sleep(time.Second)
		synctest.Wait()
		if n := s.queries.waiting.Load(); n != 0 {
			t.Errorf("%d clients wait", n)
		}
	})
}

// Shutdown does not wait for who waits for room.
func TestShutdownEndsWaitForQueryRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := waitingForRoom(t)
		began := time.Now()
		if err := s.Shutdown(context.Background()); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if took := time.Since(began); took >= settleTime {
			t.Errorf("it took %v", took)
		}
	})
}

// What a client has queued for EXEC goes with its last reply, not when that has
// been read.
func TestEndedClientLetsGoOfItsTransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		c := pipe(t, s)
		c.send("MULTI", "ECHO "+strings.Repeat("x", 1<<20))
		c.want("+OK", "+QUEUED")
		if s.queries.bytes.Load() == 0 {
			t.Error("the transaction is not counted")
		}
		c.raw("*x\r\n")
		synctest.Wait() // it does not read the error
		if got := s.queries.bytes.Load(); got != 0 {
			t.Errorf("%d bytes are kept of a client of which nothing is run any more", got)
		}
		if got := c.end(); len(got) != 1 {
			t.Errorf("sent at the end: %q", got)
		}
	})
}

// Why an outbox has its client closed is known before the client's goroutine can
// find that it has nothing to wait for any more.
func TestOutboxTellsWhyBeforeItCloses(t *testing.T) {
	s := newServer(t)
	halfClosed(t, s)
	c := s.openClients()[0]
	spawn := c.out.conf.spawn
	later := make(chan func(), 1)
	c.out.mu.Lock()
	c.out.conf.spawn = func(run func()) { later <- run } // nobody else spawns: its connection is full
	c.out.failLocked(closedHardLimit)
	c.out.conf.spawn = spawn
	c.out.mu.Unlock()
	waitFor(t, "its goroutine to end", func() bool { return s.connected() == 0 })
	(<-later)()
	if got := s.closures.latest(1)[0].Reason; got != string(closedHardLimit) {
		t.Errorf("it was closed for %q", got)
	}
}

// Who has ended its side and does not read until its time is over has left.
func TestHalfClosedThatLingersTooLong(t *testing.T) {
	s := newServer(t)
	halfClosed(t, s)
	c := s.openClients()[0]
	waitFor(t, "its last bytes to get their time", func() bool { return c.linger.Reset(0) })
	waitFor(t, "it to be closed", func() bool { return s.connected() == 0 && s.closures.count(closedByPeer) == 1 })
}

// The last message comes by all subscriptions of a client that leaves, although
// they end one by one, or by none.
func TestNothingComesByWhatIsLeft(t *testing.T) {
	names := make([]string, 10_000) // which take their time to end
	for i := range names {
		names[i] = fmt.Sprint("name:", i)
	}
	for what, leave := range map[string]func(c, boss *testConn){
		"QUIT":        func(c, _ *testConn) { c.send("QUIT") },
		"CLIENT KILL": func(_, boss *testConn) { boss.ask("CLIENT KILL TYPE pubsub", "1") },
		"a half-close": func(c, _ *testConn) {
			if err := c.nc.(*net.TCPConn).CloseWrite(); err != nil {
				t.Error(err)
			}
		},
	} {
		s := newServer(t)
		addr := listen(t, s)
		c, boss := dial(t, addr), dial(t, addr)
		c.send("SUBSCRIBE c " + strings.Join(names, " "))
		for range len(names) + 1 {
			c.next()
		}
		c.ask("PSUBSCRIBE ?", fmt.Sprintf("[psubscribe ? %d]", len(names)+2))
		leaving, gone := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(gone)
			for n := 0; s.broker.Publish("c", []byte("x")) > 0; n++ {
				if n == 3 {
					close(leaving)
				}
			}
		}()
		<-leaving
		leave(c, boss)
		before := ""
		for _, f := range c.end() {
			got := fmt.Sprint(f)
			if got == "[pmessage ? c x]" && before != "[message c x]" {
				t.Errorf("%s: a message came by the pattern, and before it %q", what, before)
				break
			}
			before = got
		}
		<-gone
	}
}

// A bystander receives what others do and has something happen meanwhile.
type bystander struct{ meanwhile func() }

func (*bystander) Subscribed(broker.Kind, string, int)   {}
func (*bystander) Unsubscribed(broker.Kind, string, int) {}
func (b *bystander) Deliver(*broker.Delivery)            { b.meanwhile() }

// A client that leaves between two deliveries of one message has both.
func TestLeavingWithinAMessage(t *testing.T) {
	s := newServer(t)
	sub := dial(t, listen(t, s))
	sub.ask("SUBSCRIBE c", "[subscribe c 1]")
	sub.ask("PSUBSCRIBE ?", "[psubscribe ? 2]")
	c := s.openClients()[0]
	left := make(chan struct{})
	other := &bystander{func() {
		go func() {
			defer close(left)
			c.leaveBroker()
		}()
		for range 1000 { // in which it leaves, unless it waits for the message
			runtime.Gosched()
		}
	}}
	s.broker.Subscribe(s.broker.Join(other), broker.Channel, "c")
	if n := s.broker.Publish("c", []byte("x")); n != 3 {
		t.Errorf("%d deliveries, want 3", n)
	}
	<-left
	sub.want("[message c x]", "[pmessage ? c x]")
	if n := s.broker.Publish("d", []byte("x")); n != 0 {
		t.Errorf("%d deliveries to a client that has left", n)
	}
}
