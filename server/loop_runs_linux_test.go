package server

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pubsubd/pubsubd/broker"
)

// A runCollector keeps the runs that are delivered to it, the messages of each joined
// by blanks.
type runCollector struct {
	bystander
	runs []string
}

func (o *runCollector) Deliver(d *broker.Delivery) {
	var list []string
	for _, payload := range d.Payloads {
		list = append(list, d.Channel+"="+string(payload))
	}
	o.runs = append(o.runs, strings.Join(list, " "))
}

// A heldLoop is a server with one event loop, whose goroutine can be held up.
type heldLoop struct {
	s    *Server
	addr string
	sub  *runCollector // of the channels c and d
	busy *testConn
}

func newHeldLoop(t *testing.T) *heldLoop {
	l := &heldLoop{sub: &runCollector{}}
	l.s, l.addr = loopServer(t)
	m := l.s.broker.Join(l.sub)
	for _, name := range []string{"c", "d"} {
		l.s.broker.Subscribe(m, broker.Channel, name)
	}
	l.busy = l.dial(t)
	return l
}

// dial returns a client of the loop.
func (l *heldLoop) dial(t *testing.T) *testConn {
	c := dial(t, l.addr)
	c.ask("PING", "+PONG")
	return c
}

// client is the server's side of a connection.
func (l *heldLoop) client(t *testing.T, conn *testConn) *client {
	for _, c := range l.s.clients() {
		if c.addr == conn.nc.LocalAddr().String() {
			return c
		}
	}
	t.Fatal("the server has no such client")
	return nil
}

// meanwhile calls prepare while the loop's goroutine waits for the broker, so that
// it finds all at once what has come in.
func (l *heldLoop) meanwhile(t *testing.T, prepare func()) {
	t.Helper()
	busy := l.client(t, l.busy)
	l.s.broker.Exclusive(nil, func(*broker.Exclusive) {
		l.busy.send("PUBLISH nobody x")
		waitFor(t, "the loop to be busy", func() bool { return busy.turnState.Load() != turnIdle })
		prepare()
	})
	l.busy.want("0")
}

// send sends requests, and returns when they have come in.
func (l *heldLoop) send(t *testing.T, conn *testConn, requests ...string) {
	t.Helper()
	fd := int(l.client(t, conn).fd)
	conn.send(requests...)
	waitFor(t, "a request to come in", func() bool {
		n, err := unix.IoctlGetInt(fd, unix.TIOCINQ)
		return err == nil && n > 0
	})
}

// onLoop has a function called by the loop's goroutine in its turn.
func (l *heldLoop) onLoop(t *testing.T, run func()) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fds[0]) })
	begun := make(chan struct{})
	h := &loopHandler{run: func() {
		select {
		case <-begun:
		default:
			close(begun)
			run()
		}
	}}
	sock, err := l.s.loops.list[0].Add(fds[1], h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sock.Close)
	if _, err := unix.Write(fds[0], []byte("x")); err != nil {
		t.Fatal(err)
	}
}

type loopHandler struct{ run func() }

func (h *loopHandler) Ready() { h.run() }

// What many clients publish to one channel at the same time is one run, and each
// has its reply behind those before.
func TestRunsOfManyClientsAreJoined(t *testing.T) {
	l := newHeldLoop(t)
	a, b, c, d := l.dial(t), l.dial(t), l.dial(t), l.dial(t)
	l.meanwhile(t, func() {
		l.send(t, a, "PUBLISH c 1", "PUBLISH c 2")
		l.send(t, b, "PUBLISH d 3", "ECHO b", "PUBLISH c 4")
		l.send(t, c, "PUBLISH c 5", "PING")
		l.send(t, d, "PUBLISH c 6")
	})
	a.want("1", "1")
	b.want("1", "b", "1")
	c.want("1", "+PONG")
	d.want("1")
	// Of b the first, and of c the one, are followed by something else.
	if want := []string{"d=3", "c=5", "c=1 c=2 c=4 c=6"}; !slices.Equal(l.sub.runs, want) {
		t.Errorf("delivered %q, want %q", l.sub.runs, want)
	}
	if n := l.s.stats[publishCommand.index].calls.Load(); n != 7 {
		t.Errorf("%d calls are counted, want 7", n)
	}
	for _, conn := range []*testConn{a, b, c, d} {
		conn.ask("PUBLISH c again", "1") // their turns have ended
	}
}

// Runs to other channels, of other commands, or of too many messages are not joined.
func TestRunsThatAreNotJoined(t *testing.T) {
	l := newHeldLoop(t)
	var conns []*testConn
	for range 6 {
		conns = append(conns, l.dial(t))
	}
	many := slices.Repeat([]string{"PUBLISH c x"}, maxRun-1)
	l.meanwhile(t, func() {
		l.send(t, conns[0], "PUBLISH c 1")
		l.send(t, conns[1], "PUBLISH d 2")
		l.send(t, conns[2], "PUBLISH d 3")
		l.send(t, conns[3], "SPUBLISH d 4")
		l.send(t, conns[4], many...)
		l.send(t, conns[5], "PUBLISH c 5", "PUBLISH c 6")
	})
	for i, want := range []string{"1", "1", "1", "0"} {
		conns[i].want(want)
	}
	conns[4].want(slices.Repeat([]string{"1"}, len(many))...)
	conns[5].want("1", "1")
	want := []string{"c=1", "d=2 d=3", strings.TrimSuffix(strings.Repeat("c=x ", maxRun-1), " "), "c=5 c=6"}
	if !slices.Equal(l.sub.runs, want) {
		t.Errorf("delivered %q, want %q", l.sub.runs, want)
	}
}

// A client that is closed while its run waits publishes nothing, the others do.
func TestJoinedClientIsClosed(t *testing.T) {
	l := newHeldLoop(t)
	a, b, c := l.dial(t), l.dial(t), l.dial(t)
	killed := l.client(t, b)
	l.meanwhile(t, func() {
		l.send(t, a, "PUBLISH c 1")
		l.send(t, b, "PUBLISH c 2")
		l.onLoop(t, func() {
			if !killed.joined {
				t.Error("the run does not wait")
			}
			killed.close(closedKilled)
		})
		l.send(t, c, "PUBLISH c 3")
	})
	a.want("1")
	c.want("1")
	if got := b.end(); len(got) != 0 {
		t.Errorf("one that is closed is answered %q", got)
	}
	if got := strings.Join(l.sub.runs, " "); got != "c=1 c=3" {
		t.Errorf("delivered %q", got)
	}
	waitFor(t, "the client to be gone", func() bool { return len(l.s.clients()) == 3 })
}

// MONITOR shows runs that waited when it came, each in its place.
func TestJoinedRunsAreMonitored(t *testing.T) {
	l := newHeldLoop(t)
	a, b := l.dial(t), l.dial(t)
	monitor := pipe(t, l.s) // which has a goroutine of its own
	l.meanwhile(t, func() {
		l.send(t, a, "PUBLISH c 1")
		l.onLoop(t, func() { monitor.ask("MONITOR", "+OK") })
		l.send(t, b, "PUBLISH c 2")
	})
	a.want("1")
	b.want("1")
	for _, payload := range []string{"1", "2"} {
		if got := monitor.next().String(); !strings.HasSuffix(got, fmt.Sprintf(`"PUBLISH" "c" "%s"`, payload)) {
			t.Errorf("a monitor sees %s", got)
		}
	}
}

// Runs do not wait for long behind what others have the loop do.
func TestJoinedRunsDoNotWaitLong(t *testing.T) {
	l := newHeldLoop(t)
	a, b, c := l.dial(t), l.dial(t), l.dial(t)
	l.meanwhile(t, func() {
		l.send(t, a, "PUBLISH c 1")
		l.onLoop(t, func() { l.s.loops.list[0].runs.since -= 2 * maxAnswerHeld })
		l.send(t, b, "ECHO b")
		l.onLoop(t, func() {
			if got := strings.Join(l.sub.runs, " "); got != "c=1" {
				t.Errorf("delivered %q", got)
			}
		})
		l.send(t, c, "PUBLISH c 2")
	})
	a.want("1")
	b.want("b")
	c.want("1")
}
