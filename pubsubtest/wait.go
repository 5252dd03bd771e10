package pubsubtest

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/broker"
	"github.com/pubsubd/pubsubd/server"
)

const (
	// defaultPatience is how long waits go on by default.
	defaultPatience = 10 * time.Second

	// lastWords is how long before the deadline of the test a wait gives up, so that
	// the test can say why.
	lastWords = time.Second

	// lastLooks is how long before it the end of the test does not wait for clients
	// any more: half of what a wait in vain has left of it.
	lastLooks = lastWords / 2

	// failedPatience is how long the end of a test that has failed waits for clients.
	failedPatience = 100 * time.Millisecond
)

// fatalf ends the test or, without one, panics.
func (s *Server) fatalf(format string, args ...any) {
	text := "pubsubtest: " + fmt.Sprintf(format, args...)
	if s.t == nil {
		panic(text)
	}
	s.t.Helper()
	if s.home != goroutine() {
		text += fmt.Sprintf(" (This is not the goroutine of %s, which is to end: a subtest needs the server that For returns for it.)", s.t.Name())
	}
	s.t.Fatal(text)
}

// goroutine returns what tells the goroutine of the caller from others, in errors.
func goroutine() string {
	var buf [64]byte
	number, _, _ := strings.Cut(string(buf[:runtime.Stack(buf[:], false)]), " [")
	return number
}

// errorf has the test fail, from any goroutine, or, without one, panics.
func (s *Server) errorf(format string, args ...any) {
	text := "pubsubtest: " + fmt.Sprintf(format, args...)
	if s.t == nil {
		panic(text)
	}
	s.t.Helper()
	s.t.Errorf("%s", text)
}

// helper is T.Helper if there is a T.
func (s *Server) helper() func() {
	if s.t == nil {
		return func() {}
	}
	return s.t.Helper
}

// checkBubble ends the test if it is inside of a bubble and the server was started outside
// of one, or the other way round.
func (s *Server) checkBubble() {
	s.helper()()
	if err := s.bubbleError(); err != nil {
		s.fatalf("%v", err)
	}
}

// A patience is how long a wait goes on.
type patience struct {
	began, until time.Time
	why          string // it ends when it does, beside that the patience is over
}

// patience begins a wait.
func (s *Server) patience() patience { return newPatience(s.t, s.opts.patience, lastWords) }

// lastPatience begins the wait for clients at the end of a test, which may be nil.
func (c *core) lastPatience(t testing.TB) patience {
	if t != nil && t.Failed() && c.opts.patience > failedPatience {
		p := newPatience(t, failedPatience, lastLooks)
		p.why += ", since the test has failed,"
		return p
	}
	return newPatience(t, c.opts.patience, lastLooks)
}

// newPatience begins a wait of a test, which may be nil, that goes on for a time, but
// ends so long before the deadline of the test.
func newPatience(t testing.TB, d, before time.Duration) patience {
	now := time.Now()
	p := patience{began: now, until: now.Add(d)}
	if end, ok := testDeadline(t); ok && end.Add(-before).Before(p.until) {
		p.until, p.why = end.Add(-before), ", until shortly before the deadline of the test,"
	}
	return p
}

// testDeadline is T.Deadline. In a bubble of testing/synctest there is none: T.Deadline
// panics, since its clock is another.
func testDeadline(t testing.TB) (end time.Time, ok bool) {
	with, ok := t.(interface{ Deadline() (time.Time, bool) })
	if !ok || inBubble() {
		return end, false
	}
	return with.Deadline()
}

func (p *patience) left() time.Duration { return max(0, time.Until(p.until)) }

// waited says for an error how long the wait was.
func (p *patience) waited() string {
	return fmt.Sprintf("waited %v%s", time.Since(p.began).Round(time.Millisecond), p.why)
}

const (
	firstLook = 20 * time.Microsecond // between looks, doubled each time
	lastLook  = time.Millisecond
)

// looksUntil waits until holds tells so, or the patience is over.
func (p *patience) looksUntil(holds func() bool) bool {
	for pause := firstLook; !holds(); pause = min(2*pause, lastLook) {
		left := p.left()
		if left == 0 {
			return false
		}
		<-time.After(min(pause, left))
	}
	return true
}

// wait waits until holds tells so. When it does not in time, the test ends with what
// was waited for and what is seen instead.
func (s *Server) wait(holds func() bool, what string, seen func() string) {
	s.helper()()
	s.checkBubble()
	p, held := s.patience(), false
	p.looksUntil(func() bool { held = holds(); return held || s.isOver() })
	switch {
	case held:
	case s.isOver():
		s.fatalf("the server is closed; %s for %s; %s", p.waited(), what, seen())
	default:
		s.fatalf("%s for %s; %s", p.waited(), what, seen())
	}
}

// enough is what the Wait methods want of a number: at least n, or none if n is 0.
func enough(have, n int) bool { return have >= n && (n > 0 || have == 0) }

func wanted(n int, what string) string {
	if n == 0 {
		return "no " + what
	}
	return fmt.Sprintf("%d %s", n, what)
}

// WaitSubscribers waits until a channel has at least n subscribers by name, or none
// if n is 0. Those of Subscribe do not count.
func (s *Server) WaitSubscribers(channel string, n int) {
	s.helper()()
	count := func() int { return s.others(broker.Channel, channel, (*broker.Broker).NumSub) }
	s.wait(func() bool { return enough(count(), n) }, wanted(n, fmt.Sprintf("subscribers of %q", channel)), func() string {
		return fmt.Sprintf("there are %d. %s", count(), s.scene(broker.Channel))
	})
}

// WaitShardSubscribers is WaitSubscribers for a shard channel.
func (s *Server) WaitShardSubscribers(channel string, n int) {
	s.helper()()
	count := func() int { return s.others(broker.ShardChannel, channel, (*broker.Broker).ShardNumSub) }
	s.wait(func() bool { return enough(count(), n) }, wanted(n, fmt.Sprintf("subscribers of shard channel %q", channel)), func() string {
		return fmt.Sprintf("there are %d. %s", count(), s.scene(broker.ShardChannel))
	})
}

// WaitPatterns waits until there are at least n distinct patterns, as PUBSUB NUMPAT
// counts them, or none if n is 0. Those of PSubscribe count.
func (s *Server) WaitPatterns(n int) {
	s.helper()()
	count := func() int { return s.current().srv.Broker().NumPat() }
	s.wait(func() bool { return enough(count(), n) }, wanted(n, "patterns"), func() string {
		return fmt.Sprintf("there are %d. %s", count(), s.scene(broker.Pattern))
	})
}

// WaitClients waits until at least n clients are connected, or none if n is 0.
func (s *Server) WaitClients(n int) {
	s.helper()()
	count := func() int { return len(s.current().srv.Clients()) }
	s.wait(func() bool { return enough(count(), n) }, wanted(n, "clients"), func() string {
		return fmt.Sprintf("there are %d. %s", count(), s.scene(broker.Channel))
	})
}

// WaitFor waits until the connected clients are as holds wants them: to be back with
// another ID, say. What names that for the error. Holds is called often.
func (s *Server) WaitFor(what string, holds func(clients []server.ClientInfo) bool) {
	s.helper()()
	s.wait(func() bool { return holds(s.current().srv.Clients()) }, what, func() string { return s.scene(broker.Channel) })
}

// WaitClosed waits until the server has closed the client with a CLIENT ID and nothing
// is left of its subscriptions, and returns why it was closed and what was lost with it.
// Unlike a wait for 0 subscribers or clients it does not miss the end of one that
// connects again at once. What has ended before the call counts too, as far as
// Server.Closures of package server tells: of each sort the latest 128. With a Restart
// IDs begin at 1 again: one from before it names another client. Who was refused has no
// ID, so that 0 names nobody and ends the test.
func (s *Server) WaitClosed(id uint64) (end server.Closure) {
	s.helper()()
	if id == 0 {
		s.fatalf("WaitClosed: 0 is no client's ID")
		return end
	}
	closed := func() bool {
		srv := s.current().srv
		ends := srv.Closures()
		i := slices.IndexFunc(ends, func(c server.Closure) bool { return c.ID == id })
		if i < 0 || slices.ContainsFunc(srv.Clients(), func(c server.ClientInfo) bool { return c.ID == id }) {
			return false
		}
		end = ends[i]
		return true
	}
	s.wait(closed, fmt.Sprintf("client %d to be closed", id), func() string { return s.scene(broker.Channel) })
	return end
}

// WaitIdle waits until everything published so far has left for the clients: their
// connections have taken it, and what Delay holds back was sent, also to those that the
// server has closed meanwhile. Whether the clients have read it, only they know.
func (s *Server) WaitIdle() {
	s.helper()()
	s.wait(func() bool { return len(s.owed()) == 0 }, "all that was published to leave", func() string {
		return "there wait " + list(s.owed())
	})
}

// owed says what waits for whom. The server is asked before the connections, so that
// what goes from one to the other meanwhile is seen.
func (s *Server) owed() (list []string) {
	i := s.current()
	clients := i.srv.Clients()
	delayed := make(map[uint64]int)
	var left []string
	for _, l := range s.openLinks() {
		n, id := l.unsent(), l.who.id.Load()
		if n == 0 {
			continue
		}
		if l.i == i && slices.ContainsFunc(clients, func(c server.ClientInfo) bool { return c.ID == id }) {
			delayed[id] += n
			continue
		}
		left = append(left, fmt.Sprintf("%d bytes for %s, which is closed", n, l.who))
	}
	for _, c := range clients {
		if n := c.Queued + delayed[c.ID]; n > 0 {
			list = append(list, fmt.Sprintf("%d bytes for client %d %q", n, c.ID, c.Name))
		}
	}
	return append(list, left...)
}

// maxScene is how many clients or names an error lists.
const maxScene = 10

// scene says who is there and what they are subscribed to.
func (s *Server) scene(k broker.Kind) string {
	srv := s.current().srv
	var clients, names []string
	for _, c := range srv.Clients() {
		clients = append(clients, fmt.Sprintf("%d %q (%d channels, %d patterns, %d shard channels)", c.ID, c.Name, c.Channels, c.Patterns, c.ShardChannels))
	}
	for name := range srv.Broker().Names(k) {
		names = append(names, fmt.Sprintf("%q", name))
	}
	return fmt.Sprintf("Clients: %s. With subscribers, %ss: %s.", list(clients), k, list(names))
}

// list joins words, of many the first.
func list(words []string) string {
	switch n := len(words) - maxScene; {
	case len(words) == 0:
		return "none"
	case n > 0:
		return fmt.Sprintf("%s and %d more", strings.Join(words[:maxScene], ", "), n)
	}
	return strings.Join(words, ", ")
}
