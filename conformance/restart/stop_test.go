package restart

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/numbered"
	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
)

// Whatever a publisher was answered before the end, every subscriber receives.
func TestEndUnderLoad(t *testing.T) {
	sut.Parallel(t)
	rounds := 3
	if sut.Long() {
		rounds = 60
	}
	messages, lost := 0, 0
	for round := range rounds {
		s, at := sut.StartEverywhere(t, sut.Pubsubd(t), "--loglevel", "nothing")
		subs := subscribers(t, at)
		var pubs []*numbered.Publisher
		for id := range 8 {
			pubs = append(pubs, numbered.Publish(wire.Dial(t, at[id%len(at)]), numbered.Options{ID: id, Channel: "c", Size: 64, Window: 1 + id%3*20}))
		}
		sut.Until(t, "messages to flow", func() bool {
			for _, p := range pubs {
				if p.Answered() < 20+round {
					return false
				}
			}
			return true
		})
		s.Stop()
		for _, sub := range subs {
			if err := sub.Wait(); err != nil {
				t.Error(err)
			}
		}
		for id, p := range pubs {
			_ = p.Wait() // its connection has ended
			messages += p.Answered() * len(subs)
			for i, sub := range subs {
				if missing := p.Answered() - sub.Next(id); missing > 0 {
					lost += missing
					t.Errorf("round %d: subscriber %d lacks %d of %d messages that publisher %d was answered", round, i, missing, p.Answered(), id)
				}
			}
		}
	}
	t.Logf("R7: pubsubd ended %d times under load: %d of %d answered messages lost", rounds, lost, messages)
}

// backlog is what waits for slow readers at the end of a server.
type backlog struct {
	readers []*wire.Conn
	pub     *numbered.Publisher
}

// slowMessage is the size of the messages that pile up, of which there are
// slowMessages: 12 MB for each reader.
const (
	slowMessage  = 64 << 10
	slowMessages = 12 << 20 / slowMessage
)

// pileUp subscribes readers that do not read yet and publishes to them.
func pileUp(t *testing.T, addr string, readers int) backlog {
	t.Helper()
	var b backlog
	for range readers {
		c := wire.DialTCP(t, addr)
		c.Do("SUBSCRIBE", "c")
		b.readers = append(b.readers, c)
	}
	b.pub = numbered.Publish(wire.DialTCP(t, addr), numbered.Options{Channel: "c", Size: slowMessage, Count: slowMessages})
	if err := b.pub.Wait(); err != nil {
		t.Fatal(err)
	}
	return b
}

// lost reads what the first readers still receive, after a pause, and returns
// how many of the answered messages each lacks.
func (b backlog) lost(t *testing.T, readers int, pause time.Duration) (lost []int) {
	t.Helper()
	<-time.After(pause)
	var subs []*numbered.Subscriber
	for _, c := range b.readers[:readers] {
		subs = append(subs, numbered.Subscribe(c))
	}
	for _, sub := range subs {
		_ = sub.Wait() // within a message perhaps, when the server does not wait
		lost = append(lost, b.pub.Answered()-sub.Received())
	}
	return lost
}

// Those who read slowly, or pause for longer than a second, get all that is
// queued for them; one who never reads does not keep the server from ending in
// time.
func TestEndWaitsForSlowReaders(t *testing.T) {
	sut.Parallel(t)
	const readers, pause = 4, 2 * time.Second
	timeout := 4 * time.Second
	if !sut.Long() {
		timeout = 20 * time.Second // a busy machine needs more for the same
	}
	s := sut.Start(t, sut.Pubsubd(t), "--shutdown-timeout", fmt.Sprint(timeout.Seconds()))
	b := pileUp(t, s.Addr, readers+1)
	began := time.Now()
	if err := s.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	lost := b.lost(t, readers, pause)
	for i, n := range lost {
		if n != 0 {
			t.Errorf("reader %d lacks %d of %d messages", i, n, b.pub.Answered())
		}
	}
	select {
	case <-s.Exited():
	case <-time.After(patience):
	}
	took := time.Since(began)
	s.Stop() // wants exit code 0
	if took > sut.Within(timeout) {
		t.Errorf("it took %v to end, the shutdown-timeout is %v", took, timeout)
	}
	if !strings.Contains(s.Log(), "not everything queued could be sent") {
		t.Errorf("nothing was logged of the one who has not read:\n%s", s.Log())
	}
	t.Logf("R7: pubsubd with 12 MB queued for each of %d slow readers and one that never reads: lost %v of %d messages, ended after %v", readers, lost, b.pub.Answered(), took.Round(time.Millisecond))
}

// What becomes of the same in redis-server, as a figure.
func TestEndOfRedis(t *testing.T) {
	sut.Parallel(t)
	const readers = 4
	s := sut.Start(t, sut.Redis(t))
	b := pileUp(t, s.Addr, readers)
	s.Stop()
	lost := b.lost(t, readers, 0)
	t.Logf("R7: redis-server with 12 MB queued for each of %d slow readers: lost %v of %d messages", readers, lost, b.pub.Answered())
	if total := lost[0] + lost[1] + lost[2] + lost[3]; total == 0 {
		t.Error("redis-server lost nothing: the readers are not slow")
	}
}

// waiting returns a server that would wait for a minute for one who never
// reads.
func waiting(t *testing.T) *sut.Server {
	t.Helper()
	s := sut.Start(t, sut.Pubsubd(t), "--shutdown-timeout", "60")
	pileUp(t, s.Addr, 1)
	return s
}

// ended waits for the end and returns the exit code.
func ended(t *testing.T, s *sut.Server) string {
	t.Helper()
	select {
	case <-s.Exited():
	case <-time.After(patience):
		t.Fatal("still running")
	}
	if err := s.Wait(); err != nil {
		return strings.SplitN(err.Error(), ";", 2)[0]
	}
	return "exit status 0"
}

// A second SIGINT ends the server at once, a second SIGTERM changes nothing.
func TestSecondSignal(t *testing.T) {
	sut.Parallel(t)
	for _, first := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(first.String(), func(t *testing.T) {
			s := waiting(t)
			signal := func(sig syscall.Signal, logged string) {
				t.Helper()
				if err := s.Signal(sig); err != nil {
					t.Fatal(err)
				}
				sut.Until(t, "the log to say: "+logged, func() bool { return strings.Contains(s.Log(), logged) })
			}
			signal(first, "received a signal, shutting down")
			signal(syscall.SIGTERM, "already shutting down")
			signal(syscall.SIGINT, "exiting at once")
			if got, want := ended(t, s), "the server ended with exit status 1"; got != want {
				t.Errorf("%s, want %s", got, want)
			}
			s.Kill() // so that its exit status is no failure
		})
	}
}

// SHUTDOWN NOW waits for nobody.
func TestShutdownNow(t *testing.T) {
	sut.Parallel(t)
	s := waiting(t)
	c := wire.DialTCP(t, s.Addr)
	c.Send("SHUTDOWN", "NOW")
	c.Want("eof")
	if got := ended(t, s); got != "exit status 0" {
		t.Error(got)
	}
}

// The other words change nothing, and an end under way cannot be aborted.
func TestShutdownWords(t *testing.T) {
	sut.Parallel(t)
	for _, words := range []string{"", "SAVE", "NOSAVE", "FORCE", "nosave now force"} {
		s := sut.Start(t, sut.Pubsubd(t))
		c, other := wire.DialTCP(t, s.Addr), wire.DialTCP(t, s.Addr)
		other.Do("PING") // it has been accepted
		if got := fmt.Sprint(c.Do("SHUTDOWN", "ABORT")); got != "-ERR No shutdown in progress." {
			t.Errorf("SHUTDOWN ABORT: %s", got)
		}
		c.Send(append([]string{"SHUTDOWN"}, strings.Fields(words)...)...)
		c.Want("eof")
		other.Want("eof")
		if got := ended(t, s); got != "exit status 0" {
			t.Errorf("SHUTDOWN %s: %s", words, got)
		}
	}
}
