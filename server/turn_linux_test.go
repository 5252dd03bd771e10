package server

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pubsubd/pubsubd/broker"
)

// loopServer returns a server with a single event loop, and its address.
func loopServer(t testing.TB) (*Server, string) {
	s := newServer(t, func(c *Config) { c.EventLoops = 1 })
	return s, listen(t, s)
}

// What has to wait, or may take long, keeps nobody waiting who has the same loop.
func TestLoopGoesOn(t *testing.T) {
	for what, keepBusy := range map[string]func(t *testing.T, s *Server, busy *testConn, meanwhile func()){
		"a command that waits for a lock": func(t *testing.T, s *Server, busy *testConn, meanwhile func()) {
			c := s.clients()[0]
			s.broker.Exclusive(c.join(), func(*broker.Exclusive) {
				busy.send("PUBSUB NUMSUB c")
				waitFor(t, "the command to begin", func() bool { return c.turnState.Load() != turnIdle })
				meanwhile()
			})
			busy.want("[c 0]")
		},
		"a client that does not read its replies": func(t *testing.T, s *Server, busy *testConn, meanwhile func()) {
			const num, size = 2 * maxUnsent / (1 << 20), 1 << 20
			request := encode("ECHO", strings.Repeat("x", size))
			sent := make(chan error, 1)
			go func() {
				for range num {
					if _, err := busy.nc.Write(request); err != nil {
						sent <- err
						return
					}
				}
				sent <- nil
			}()
			waitFor(t, "replies to be too many", func() bool { return s.clients()[0].out.awaiting.Load() })
			meanwhile()
			for range num {
				if f := busy.next(); len(f.text) != size {
					t.Fatalf("a reply of %d bytes", len(f.text))
				}
			}
			if err := <-sent; err != nil {
				t.Error(err)
			}
		},
		"a large request on its way": func(t *testing.T, s *Server, busy *testConn, meanwhile func()) {
			text := strings.Repeat("x", 1<<20)
			request := string(encode("ECHO", text))
			for i := 0; i < len(request); i += 100_000 {
				busy.raw(request[i:min(i+100_000, len(request))])
				meanwhile()
			}
			if f := busy.next(); f.text != text {
				t.Errorf("an echo of %d bytes", len(f.text))
			}
		},
		"half a request": func(t *testing.T, s *Server, busy *testConn, meanwhile func()) {
			busy.raw("*1\r\n$4\r\nPI")
			meanwhile()
			busy.raw("NG\r\n")
			busy.want("+PONG")
		},
	} {
		t.Run(what, func(t *testing.T) {
			s, addr := loopServer(t)
			busy := dial(t, addr)
			busy.ask("PING", "+PONG")
			other := dial(t, addr)
			keepBusy(t, s, busy, func() {
				other.ask("PING", "+PONG")
				other.ask("ECHO x", "x")
			})
			busy.ask("PING", "+PONG")
		})
	}
}

// Replies stay in the order of the requests, whoever runs these.
func TestLoopKeepsTheOrder(t *testing.T) {
	_, addr := loopServer(t)
	c := dial(t, addr)
	var requests, want []string
	for i := range 300 {
		n := fmt.Sprint(i)
		requests = append(requests, "ECHO "+n, "PUBSUB NUMSUB "+n, "PUBLISH c "+n, "MULTI", "PING "+n, "EXEC")
		want = append(want, n, "["+n+" 0]", "0", "+OK", "+QUEUED", "["+n+"]")
	}
	go c.send(requests...)
	c.want(want...)
	for i, request := range requests { // and one by one
		c.ask(request, want[i])
	}
}

// A client that nothing happens to has no goroutine, whatever it has done before.
func TestLoopClientsHaveNoGoroutines(t *testing.T) {
	const num = 50
	s, addr := loopServer(t)
	first := dial(t, addr)
	first.ask("SUBSCRIBE c", "[subscribe c 1]")
	before := runtime.NumGoroutine()
	for range num {
		c := dial(t, addr)
		c.ask("PUBSUB NUMPAT", "0")
		c.ask("SUBSCRIBE c", "[subscribe c 1]")
	}
	waitFor(t, "goroutines to end", func() bool { return runtime.NumGoroutine() < before+num/5 })
	if n := s.broker.Publish("c", []byte("x")); n != num+1 {
		t.Errorf("published to %d", n)
	}
	first.want("[message c x]")
}

// Whatever ends a connection, its client goes.
func TestLoopClientsLeave(t *testing.T) {
	for what, leave := range map[string]func(c *testConn){
		"a close": func(c *testConn) { _ = c.nc.Close() },
		"a reset": func(c *testConn) {
			if err := c.nc.(*net.TCPConn).SetLinger(0); err != nil {
				t.Error(err)
			}
			_ = c.nc.Close()
		},
		"a half-close": func(c *testConn) {
			if err := c.nc.(*net.TCPConn).CloseWrite(); err != nil {
				t.Error(err)
			}
		},
		"QUIT":          func(c *testConn) { c.send("QUIT") },
		"nonsense":      func(c *testConn) { c.raw("*x\r\n") },
		"half requests": func(c *testConn) { c.raw("*2\r\n$4\r\nEC"); _ = c.nc.Close() },
		"more than is read": func(c *testConn) {
			go func() { _, _ = io.WriteString(c.nc, strings.Repeat("PUBSUB CHANNELS\r\nPING\r\n", 10_000)) }()
			c.next()
			_ = c.nc.Close()
		},
	} {
		t.Run(what, func(t *testing.T) {
			s, addr := loopServer(t)
			for range 5 {
				c := dial(t, addr)
				c.ask("SUBSCRIBE c", "[subscribe c 1]")
				c.ask("UNSUBSCRIBE c", "[unsubscribe c 0]")
				leave(c)
			}
			waitFor(t, "clients to go", func() bool { return s.connected() == 0 })
		})
	}
}

// A request that is handed over is run once, and as itself, whatever stood before it.
func TestLoopHandsOverAfterPublish(t *testing.T) {
	_, addr := loopServer(t)
	sub, c := dial(t, addr), dial(t, addr)
	sub.ask("SUBSCRIBE c", "[subscribe c 1]")
	c.send("PUBLISH c 1", "PUBSUB NUMSUB c", "PUBLISH c 2", "PUBLISH c 3", "NONSENSE c 4", "ECHO end")
	c.want("1", "[c 1]", "1", "1", "-ERR unknown command 'NONSENSE'…", "end")
	sub.want("[message c 1]", "[message c 2]", "[message c 3]")
	sub.ask("PING", "[pong ]")
}

// A client that does not read keeps nobody from what it has published before, also if
// the request behind that is for a goroutine of its own.
func TestLoopHandsOverWithoutKeepingOthers(t *testing.T) {
	s, addr := loopServer(t)
	slow, other, pub := dial(t, addr), dial(t, addr), dial(t, addr)
	if err := slow.nc.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	slow.ask("SUBSCRIBE x", "[subscribe x 1]")
	out := s.clients()[0].out
	other.ask("SUBSCRIBE y", "[subscribe y 1]")
	large := strings.Repeat("x", 1<<20)
	for queued := 0; queued <= maxUnsent; queued, _ = out.pending() {
		pub.ask("PUBLISH x "+large, "1")
	}
	slow.send("UNSUBSCRIBE x", "PUBLISH y m", "PING", "INFO") // which is not for the loop
	other.want("[message y m]")
}

// A loop that cannot be made now does not end loops for ever.
func TestLoopsCanBeMissing(t *testing.T) {
	s := newServer(t)
	s.loops.num = 1
	var limit, none unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	none.Max = limit.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	first := s.loops.pick(s)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if first != nil {
		t.Fatal("a loop without descriptors")
	}
	if s.loops.pick(s) == nil {
		t.Error("no loop although there are descriptors")
	}
}

// slowReceiver is a subscriber that takes its time.
type slowReceiver struct{ bystander }

// Who publishes what takes long is soon served by a goroutine of its own, and others
// of the loop wait no longer than for the first of it.
func TestLoopLeavesHeavyPublishers(t *testing.T) {
	s, addr := loopServer(t)
	held, waiting := make(chan struct{}), make(chan struct{})
	release := sync.OnceFunc(func() { close(held) })
	defer release()
	deliveries := 0
	slow := slowReceiver{bystander{func() {
		switch deliveries++; deliveries {
		case 1: // longer than a turn may take
			<-time.After(2 * maxHeld)
		case 2:
			close(waiting)
			<-held
		}
	}}}
	s.broker.Subscribe(s.broker.Join(&slow), broker.Channel, "c")
	c, other := dial(t, addr), dial(t, addr)
	other.ask("PING", "+PONG")
	c.send("PUBLISH c 1", "ECHO x", "PUBLISH c 2", "ECHO y") // an ECHO ends a run
	<-waiting
	other.ask("PING", "+PONG")
	release()
	c.want("1", "x", "1", "y")
}

// What arrives by a unix socket that keeps packets apart is read to the end.
func TestLoopReadsUnixSocketsToTheEnd(t *testing.T) {
	s, addr := loopServer(t)
	ln, err := net.Listen("unixpacket", t.TempDir()+"/s")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(ln)
	nc, err := net.Dial("unixpacket", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c, pub, sub := newTestConn(t, nc), dial(t, addr), dial(t, addr)
	sub.ask("SUBSCRIBE d", "[subscribe d 1]")
	c.send("CLIENT REPLY OFF") // so that nothing else happens to the socket
	c.send("PUBLISH d 1")
	sub.want("[message d 1]")
	held, waiting := make(chan struct{}), make(chan struct{})
	busy := slowReceiver{bystander{func() {
		close(waiting)
		<-held
	}}}
	s.broker.Subscribe(s.broker.Join(&busy), broker.Channel, "c")
	pub.send("PUBLISH c 1")
	<-waiting // the loop
	c.send("PUBLISH d 2")
	c.send("PUBLISH d 3")
	close(held)
	sub.want("[message d 2]", "[message d 3]")
}

// A client with many subscriptions that leaves keeps nobody waiting.
func TestLoopLeavesEndings(t *testing.T) {
	for what, request := range map[string]string{"QUIT": "QUIT\r\n", "nonsense": "*x\r\n"} {
		t.Run(what, func(t *testing.T) {
			s, addr := loopServer(t)
			c, other := dial(t, addr), dial(t, addr)
			c.ask("SUBSCRIBE c", "[subscribe c 1]")
			other.ask("PING", "+PONG")
			leaver := s.clients()[0]
			s.broker.Exclusive(s.broker.Join(&bystander{}), func(*broker.Exclusive) { // no subscription can end
				c.raw(request)
				waitFor(t, "its end to begin", func() bool { return leaver.isEnding() })
				other.ask("PING", "+PONG")
			})
			waitFor(t, "it to go", func() bool { return s.connected() == 1 })
		})
	}
}

func (c *client) isEnding() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ending
}

// What was published in a turn is not kept while others of the loop have long ones.
func TestLoopSendsMeanwhile(t *testing.T) {
	s := newServer(t)
	room := newOutboxRoom(outputLimits{})
	o := room.open(-1)
	o.send("c", "x")
	o.mu.Lock()
	o.state = outboxDirty
	o.queue = appendChunk(nil, []byte("+x\r\n"))
	o.queued = len(o.queue[0].data)
	o.mu.Unlock()
	l := &loop{s: s}
	l.add([]*outbox{o.outbox}, s.uptime())
	if l.sendLate(); len(l.dirty) != 1 {
		t.Error("sent at once")
	}
	l.since -= 2 * maxHeld
	if l.sendLate(); len(l.dirty) != 0 {
		t.Error("kept for long")
	}
}

// Short replies are kept while those to others of the loop come soon.
func TestLoopAnswersTogether(t *testing.T) {
	s := newServer(t)
	to := newFakeTransport(-1)
	c := localClient(s, to)
	c.onLoop = &loop{s: s}
	run := func(words ...string) {
		t.Helper()
		c.in.received(copy(c.in.space(), encode(words...)))
		c.work()
		c.batch()
	}
	run("PING")
	c.onLoop.answered = s.uptime() + time.Hour
	if c.onLoop.sendLate(); len(to.frames(t)) != 0 {
		t.Error("answered at once")
	}
	c.onLoop.answered = s.uptime() - 2*maxAnswerHeld
	if c.onLoop.sendLate(); !slices.Equal(to.frames(t), []string{"+PONG"}) {
		t.Errorf("sent %q after a while", to.frames(t))
	}
	run("PING", "again")
	if c.onLoop.sendOthers(); !slices.Equal(to.frames(t), []string{"+PONG", "again"}) {
		t.Errorf("sent %q when all had had their turn", to.frames(t))
	}
	run("PING", strings.Repeat("x", keptReply))
	if got := to.frames(t); len(got) != 3 {
		t.Errorf("a long reply is kept: %.30q", got)
	}
	c.onLoop = nil
}

// Clients are not evicted by a loop, whose other clients would wait.
func TestLoopDoesNotEvict(t *testing.T) {
	s := newServer(t, func(c *Config) { c.MaxMemoryClients = 1 << 20 })
	c := localClient(s, discardTransport{})
	s.budget.due.Store(1 << 10)
	s.out.piled.bytes.Store(1 << 10)
	c.onLoop = &loop{s: s}
	if c.batch(); !c.leftover || s.out.piled.bytes.Load() == 0 {
		t.Error("a loop has looked at the memory of all clients")
	}
	c.onLoop, c.leftover = nil, false
	c.work()
	if c.batch(); c.leftover || s.out.piled.bytes.Load() != 0 {
		t.Error("a goroutine has not")
	}
}

// A loop does not help the flusher: it leaves that to the publisher's own goroutine.
func TestLoopDoesNotHelp(t *testing.T) {
	s := newServer(t)
	c := localClient(s, discardTransport{})
	l := &loop{s: s}
	for _, test := range []struct {
		backlog int64
		want    bool
	}{{minBacklog, false}, {minBacklog + 1, true}} {
		s.flusher.backlog.Store(test.backlog)
		c.onLoop, c.leftover = l, false
		if c.batch(); c.leftover != test.want {
			t.Errorf("with %d bytes waiting for the flusher, left to a goroutine: %v", test.backlog, c.leftover)
		}
		c.onLoop = nil
	}
	s.flusher.backlog.Store(0)
}

// Urgent data, which nobody asks for, hide nothing that comes behind them.
func TestLoopReadsBehindUrgentData(t *testing.T) {
	_, addr := loopServer(t)
	c := dial(t, addr)
	c.ask("PING", "+PONG")
	rc, err := c.nc.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if err := rc.Control(func(fd uintptr) {
			if err := unix.Sendto(int(fd), []byte("PING\r\n!"), unix.MSG_OOB, nil); err != nil {
				t.Error(err)
			}
		}); err != nil {
			t.Fatal(err)
		}
		c.send("PING")
		c.want("+PONG", "+PONG")
	}
}

// Of a client whose requests take long, the loop tries fewer and fewer.
func TestWeightOfRequests(t *testing.T) {
	s := newServer(t)
	c := localClient(s, discardTransport{})
	l := &loop{s: s}
	publish := publishCommand
	argv := [][]byte{[]byte("PUBLISH"), []byte("c"), []byte("x")}
	tries := func(batches int, long bool) (n int) {
		for range batches {
			if c.onLoop = nil; c.isQuick(publish, argv) {
				c.onLoop = l
				n++
			}
			c.weigh(long)
		}
		c.onLoop = nil
		return n
	}
	if n := tries(1000, false); n != 1000 {
		t.Errorf("%d of 1000 quick batches are tried by the loop", n)
	}
	if n, most := tries(1000, true), 1000/maxWeight+8; n > most {
		t.Errorf("%d of 1000 batches that take long are tried by the loop, want %d at most", n, most)
	}
	if n, least := tries(1000, false), 1000-maxWeight; n < least {
		t.Errorf("%d of 1000 quick batches are tried by the loop after long ones, want %d at least", n, least)
	}
	tries(1, true)
	if n := tries(10, false); n != 9 {
		t.Errorf("%d of 10 quick batches are tried by the loop after a single long one, want 9", n)
	}
}
