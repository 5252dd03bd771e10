//go:build linux

package slow

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/numbered"
	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
)

// The publishers of these tests: one waits for each answer, in the long form from
// a process of its own, the others publish in pipelines. Large messages are published by the first only: more of them are
// more than loopback and the readers carry, and whoever reads last falls behind.
const (
	lonely     = 0
	publishers = 3
)

// A crowd are the healthy subscribers of one server and who publishes to them.
type crowd struct {
	t       *testing.T
	s       *sut.Server
	at      []sut.Endpoint
	admin   *wire.Conn
	healthy []*numbered.Subscriber
	pubs    []publisher

	figures bool // it is a redis-server: what it does is told, not judged
}

// gather starts a server and so many healthy subscribers.
func gather(t *testing.T, binary string, healthy int, args ...string) *crowd {
	t.Helper()
	c := &crowd{t: t}
	c.s, c.at = sut.StartEverywhere(t, binary, args...)
	c.admin = wire.DialTCP(t, c.s.Addr)
	for _, conn := range join(t, c.at, healthy, "healthy", "c") {
		c.healthy = append(c.healthy, numbered.Subscribe(conn))
	}
	return c
}

// publish has messages of a size published at full speed.
func (c *crowd) publish(size int) {
	for id := range publishers {
		window := 64
		if id == lonely {
			if sut.Long() {
				c.pubs = append(c.pubs, publishOutside(c.t, c.s.Addr, size))
				continue
			}
			window = 1
		} else if size == mb {
			break
		}
		c.pubs = append(c.pubs, numbered.Publish(wire.DialTCP(c.t, c.s.Addr), numbered.Options{ID: id, Channel: "c", Size: size, Window: window, Gate: c.gate(id, size)}))
	}
}

// gate keeps a publisher from getting so far ahead, on a machine that has no time
// for the healthy to read, that they would be slow too. The long form, on a quiet
// one, has none.
func (c *crowd) gate(id, size int) func(sent int) {
	if sut.Long() {
		return nil
	}
	ahead := max(1, mb/4/(size+frame))
	return func(sent int) {
		for _, sub := range c.healthy {
			for sub.Next(id) < sent-ahead && sub.Err() == nil {
				<-time.After(time.Millisecond)
			}
		}
	}
}

// stop ends the publishers. The healthy must have got everything.
func (c *crowd) stop() {
	c.t.Helper()
	for id, p := range c.pubs {
		if err := p.Stop(); err != nil {
			c.t.Errorf("publisher %d: %v", id, err)
		}
	}
	if !c.figures {
		checkComplete(c.t, c.healthy, c.pubs)
	}
}

// lost is how many of the healthy have been closed.
func (c *crowd) lost() (n int) {
	for _, sub := range c.healthy {
		if sub.Err() != nil {
			n++
		}
	}
	return n
}

// rate is how many messages a second the healthy get while something is done.
func (c *crowd) rate(during func()) float64 {
	received := func() (n int) {
		for _, sub := range c.healthy {
			n += sub.Received()
		}
		return n
	}
	before, began := received(), time.Now()
	during()
	return float64(received()-before) / time.Since(began).Seconds()
}

// A sipping connection gives a little to read ten times a second.
type sipping struct {
	net.Conn
	tick <-chan time.Time
}

const sip = 1 << 10 // bytes

func (s sipping) Read(p []byte) (int, error) {
	<-s.tick
	return s.Conn.Read(p[:min(len(p), sip)])
}

// slowOnes subscribes five that do not read, which are returned, and five that
// read 10 KB a second.
func (c *crowd) slowOnes() (stalled []*wire.Conn) {
	c.t.Helper()
	tick := time.NewTicker(time.Second / 10 / 5)
	c.t.Cleanup(tick.Stop)
	for i, conn := range join(c.t, c.at, 10, "slow", "c") {
		if !sut.Long() {
			narrow(c.t, conn)
		}
		if i%2 == 0 {
			stalled = append(stalled, conn)
			continue
		}
		slow := sipping{conn.Conn, tick.C}
		numbered.Subscribe(&wire.Conn{Conn: slow, R: bufio.NewReader(slow)})
	}
	return stalled
}

// narrow makes the system keep little for a connection that is not read from, so
// that its limit is reached soon.
func narrow(t *testing.T, c *wire.Conn) {
	t.Helper()
	nc := c.Conn
	if secure, ok := nc.(*tls.Conn); ok {
		nc = secure.NetConn()
	}
	if err := nc.(interface{ SetReadBuffer(bytes int) error }).SetReadBuffer(8 << 10); err != nil {
		t.Fatal(err)
	}
}

// awaitCut waits until the slow ones are closed, and wants that no more is queued
// for anybody meanwhile than the limit and one message.
func (c *crowd) awaitCut(limit, message int) {
	c.t.Helper()
	const most = 2 * time.Minute
	tick := time.NewTicker(look())
	defer tick.Stop()
	for deadline := time.Now().Add(most); ; <-tick.C {
		slow := 0
		for _, m := range c.admin.Clients() {
			if m["name"] == "slow" {
				slow++
			}
			omem, oll := m.Number("omem"), m.Number("oll")
			if !c.figures && (omem < 0 || omem > limit+message || oll < 0 || (omem > 0) != (oll > 0)) {
				c.t.Errorf("omem %d, oll %d with a limit of %d and messages of %d", omem, oll, limit, message)
			}
		}
		switch {
		case slow == 0:
			return
		case time.Now().Before(deadline):
		case c.figures:
			c.t.Logf("%d of the slow ones are not closed after %v", slow, most)
			return
		default:
			c.t.Fatalf("%d of the slow ones are not closed after %v", slow, most)
		}
	}
}

// drained wants what a client that was closed can still read to be complete up
// to where it ends.
func drained(t *testing.T, conn *wire.Conn) {
	t.Helper()
	if err := numbered.Subscribe(conn).Wait(); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("one who did not read: %v", err)
	}
}

// frame is more than what is sent with a message beside its payload, in bytes.
const frame = 100

// Subscribers that do not keep up are closed at the hard limit, neither before
// nor much behind it, and nobody else notices.
func TestSlowConsumers(t *testing.T) {
	for _, size := range []int{64, 1 << 10, mb} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			w := slowWork{size: size, hard: mb + 2*size, healthy: 6, rounds: 1}
			if sut.Long() {
				w.hard, w.healthy, w.rounds = 32*mb, 50, 3
				redis := w
				redis.rounds = 1
				redis.run(t, "redis-server", sut.Redis(t))
			}
			c := w.run(t, "pubsubd", sut.Release(t))
			list := cuts(c.s)
			if n := c.admin.InfoNumber(outputCloses); len(list) != 10*w.rounds || n != len(list) {
				t.Errorf("%d lines in the log about slow consumers, and INFO counts %d, want %d", len(list), n, 10*w.rounds)
			}
			least, most := 2*w.hard, 0
			for _, cut := range list {
				omem := cut.client.Number("omem")
				least, most = min(least, omem), max(most, omem)
				if cut.reason != "output-buffer-hard-limit" || cut.client["name"] != "slow" {
					t.Errorf("closed for %s: %v", cut.reason, cut.client)
				}
			}
			t.Logf("R4: pubsubd, %d bytes: %d closed with %d to %d bytes queued, the limit is %d", size, len(list), least, most, w.hard)
			if least < w.hard || most > w.hard+mb+frame {
				t.Errorf("closed with %d to %d bytes queued, the limit is %d", least, most, w.hard)
			}
			if w.memory > w.memoryBound() {
				t.Errorf("%d MB resident, want at most %d", w.memory/mb, w.memoryBound()/mb)
			}
			// A large message to many takes longer than that by itself.
			if sut.Long() && (w.beside < 0.9*w.alone || w.slowest > max(50*time.Millisecond, 2*w.before)) {
				t.Errorf("%.0f %% of the throughput, slowest PUBLISH %v", 100*w.beside/w.alone, w.slowest)
			}
		})
	}
}

// slowWork is one run of TestSlowConsumers.
type slowWork struct {
	size    int // of a message
	hard    int // limit
	healthy int // subscribers
	rounds  int // in which ten slow ones come and are closed

	alone, beside float64       // messages a second that the healthy get, without and beside slow ones
	before        time.Duration // slowest PUBLISH until there were slow ones
	slowest       time.Duration // PUBLISH
	memory        int64         // resident, in bytes
}

// memoryBound is the most memory that the server may have resident, in bytes.
func (w *slowWork) memoryBound() int64 { return int64(10*w.hard + 64*mb) }

func (w *slowWork) run(t *testing.T, name, binary string) *crowd {
	t.Helper()
	c := gather(t, binary, w.healthy, "--client-output-buffer-limit", fmt.Sprintf("pubsub %d 0 0", w.hard))
	c.figures = name != "pubsubd"
	largest := sut.WatchMemory(t, c.s)
	c.publish(w.size)
	alone := func() float64 { return c.rate(func() { <-time.After(measured()) }) }
	w.alone = alone() / 2
	w.before = c.pubs[lonely].Slowest()
	var stalled []*wire.Conn
	w.beside = c.rate(func() {
		for range w.rounds {
			stalled = append(stalled, c.slowOnes()...)
			c.awaitCut(w.hard, w.size+frame)
		}
	})
	w.alone += alone() / 2 // the machine may have changed meanwhile
	c.stop()
	w.slowest, w.memory = c.pubs[lonely].Slowest(), largest()
	if sut.Long() { // the others have little to read, and the system takes its time for that
		for _, conn := range stalled {
			drained(t, conn)
		}
	}
	t.Logf("R4: %s, %d bytes, %d healthy: %.0f messages/s alone, %.0f (%.0f %%) beside slow ones; slowest PUBLISH %v alone, %v beside; %d of the healthy closed; %d MB resident",
		name, w.size, w.healthy, w.alone, w.beside, 100*w.beside/w.alone, w.before, w.slowest, c.lost(), w.memory/mb)
	return c
}

// look is the time from one look at the clients to the next. Where throughput is
// measured it must take little of that.
func look() time.Duration {
	if sut.Long() {
		return 50 * time.Millisecond
	}
	return 5 * time.Millisecond
}

// measured is how long a rate is measured.
func measured() time.Duration {
	if sut.Long() {
		return 5 * time.Second
	}
	return 200 * time.Millisecond
}
