package server

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

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

// Nor are so many that they are too long together.
func TestLongRunsAreNotJoined(t *testing.T) {
	const size = maxRunBytes/6 - 10
	l := newHeldLoop(t)
	var conns []*testConn
	for range 7 {
		conns = append(conns, l.dial(t))
	}
	var payloads []string
	l.meanwhile(t, func() {
		for i, conn := range conns {
			payload := strings.Repeat(strconv.Itoa(i), size)
			payloads = append(payloads, "c="+payload)
			l.send(t, conn, "PUBLISH c "+payload)
			fd := int(l.client(t, conn).fd)
			waitFor(t, "all of a request to come in", func() bool {
				n, err := unix.IoctlGetInt(fd, unix.TIOCINQ)
				return err == nil && n > size
			})
		}
	})
	for _, conn := range conns {
		conn.want("1")
	}
	// How many are joined depends on how long they take, too.
	if got := strings.Join(l.sub.runs, " "); got != strings.Join(payloads, " ") {
		t.Errorf("delivered %d bytes, want %d messages of %d", len(got), len(conns), size)
	}
	for _, run := range l.sub.runs {
		if n := strings.Count(run, "c="); n > 6 {
			t.Errorf("a run of %d messages of %d bytes", n, size)
		}
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

// MONITOR shows runs that waited when it came, in the order in which they are published.
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
	for _, run := range l.sub.runs {
		if got := monitor.next().String(); !strings.HasSuffix(got, fmt.Sprintf(`"PUBLISH" "c" "%s"`, strings.TrimPrefix(run, "c="))) {
			t.Errorf("a monitor sees %s, where %s is published", got, run)
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

// Runs are looked at again if the rules of a client have changed or a pause has come
// while they waited: whoever did that may have been answered.
func TestJoinedRunsAreJudgedAgain(t *testing.T) {
	l := newHeldLoop(t)
	a, b := l.dial(t), l.dial(t)
	l.meanwhile(t, func() {
		l.send(t, a, "PUBLISH d 1", "PUBLISH c 2", "PUBLISH c 3")
		l.onLoop(t, func() {
			if _, err := l.s.users.Set("default", false, "resetchannels", "&d"); err != nil {
				t.Error(err)
			}
		})
		l.send(t, b, "PUBLISH c 4")
		b.raw("*3\r\n$7\r\nPUBLISH\r\n$1\r\nd\r\n$1")
	})
	const denied = "-NOPERM No permissions to access a channel"
	a.want("1", denied, denied)
	b.want(denied)
	b.raw("\r\n5\r\n")
	b.want("1")
	if want := []string{"d=1", "d=5"}; !slices.Equal(l.sub.runs, want) {
		t.Errorf("delivered %q, want %q", l.sub.runs, want)
	}
	if n := l.s.stats[publishCommand.index].calls.Load(); n != 3 {
		t.Errorf("%d calls are counted, want 3", n)
	}
	if n := l.s.channelDenied.Load(); n != 3 {
		t.Errorf("%d refusals are counted, want 3", n)
	}
}

func TestJoinedRunsArePaused(t *testing.T) {
	l := newHeldLoop(t)
	a, b := l.dial(t), l.dial(t)
	l.meanwhile(t, func() {
		l.send(t, a, "ECHO a", "PUBLISH c 1", "PUBLISH c 2")
		l.onLoop(t, func() { l.s.pause(time.Hour, false) })
		l.send(t, b, "PUBLISH c 3")
	})
	a.want("a")
	waitFor(t, "both to be held back", func() bool { return l.s.heldBack() == 2 })
	if len(l.sub.runs) != 0 {
		t.Errorf("in a pause %q was delivered", l.sub.runs)
	}
	l.s.unpause()
	a.want("1", "1")
	b.want("1")
	if n := l.s.stats[publishCommand.index].calls.Load(); n != 4 {
		t.Errorf("%d calls are counted, want 4", n)
	}
}

// Of clients whose joined runs take long, one after the other leaves the loop, and what
// took long is not held against who had nothing to do with it.
func TestJoinedRunsThatTakeLong(t *testing.T) {
	l := newHeldLoop(t)
	slow := &slowSubscriber{}
	l.s.broker.Subscribe(l.s.broker.Join(slow), broker.Channel, "slow")
	a, b, c := l.dial(t), l.dial(t), l.dial(t)
	for round, want := range [][3]bool{{true, false, false}, {true, true, false}} {
		l.meanwhile(t, func() {
			l.send(t, a, "PUBLISH slow 1")
			l.send(t, b, "PUBLISH slow 2")
			l.onLoop(t, func() { l.s.loops.list[0].runs.since -= 2 * maxAnswerHeld })
			l.send(t, c, "PUBLISH d 1", "PUBLISH nobody 1", "PUBLISH nobody 2")
		})
		a.want("1")
		b.want("1")
		c.want("1", "0", "0")
		for i, conn := range []*testConn{a, b, c} {
			cl := l.client(t, conn)
			waitFor(t, "the turn to end", func() bool { return cl.turnState.Load() == turnIdle })
			if heavy := cl.weight > 0; heavy != want[i] {
				t.Errorf("client %d is found heavy: %v", i, heavy)
			}
		}
		took := time.Duration(l.s.stats[publishCommand.index].nanos.Load())
		if round == 0 && (slow.calls != 1 || took >= 2*slowness) {
			t.Errorf("%d deliveries that take %v each are counted as %v", slow.calls, slowness, took)
		}
	}
}

// slowness is how long a slowSubscriber takes for a delivery.
const slowness = 4 * maxHeld

type slowSubscriber struct {
	bystander
	calls int
}

func (o *slowSubscriber) Deliver(*broker.Delivery) {
	o.calls++
	for start := time.Now(); time.Since(start) < slowness; {
		runtime.Gosched()
	}
}

// Nor is a client charged for runs of others that had to go before its own.
func TestJoinedRunsOfOthersAreNotCharged(t *testing.T) {
	l := newHeldLoop(t)
	slow := &slowSubscriber{}
	l.s.broker.Subscribe(l.s.broker.Join(slow), broker.Channel, "slow")
	a, b := l.dial(t), l.dial(t)
	l.meanwhile(t, func() {
		l.send(t, a, "PUBLISH slow 1")
		l.send(t, b, "PUBLISH d 2", "PUBLISH nobody 3")
	})
	a.want("1")
	b.want("1", "0")
	second := l.client(t, b)
	waitFor(t, "the turn to end", func() bool { return second.turnState.Load() == turnIdle })
	if second.weight > 0 {
		t.Error("a client is found heavy for what others have published")
	}
	if took := time.Duration(l.s.stats[publishCommand.index].nanos.Load()); slow.calls != 1 || took >= 2*slowness {
		t.Errorf("%d deliveries that take %v each are counted as %v", slow.calls, slowness, took)
	}
}
