package pubsubtest

import (
	"fmt"
	"strings"
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
)

// fatalf ends the test or, without one, panics.
func (s *Server) fatalf(format string, args ...any) {
	text := "pubsubtest: " + fmt.Sprintf(format, args...)
	if s.t == nil {
		panic(text)
	}
	s.t.Helper()
	s.t.Fatal(text)
}

// helper is T.Helper if there is a T.
func (s *Server) helper() func() {
	if s.t == nil {
		return func() {}
	}
	return s.t.Helper
}

// deadline is when to give up a wait that begins now, and how long that is.
func (s *Server) deadline() (at time.Time, patience time.Duration) {
	now := time.Now()
	patience = s.opts.patience
	if t, ok := s.t.(interface{ Deadline() (time.Time, bool) }); ok && s.opts.network != memory { // in a bubble it may not be asked for
		if end, ok := t.Deadline(); ok {
			patience = min(patience, max(0, end.Add(-lastWords).Sub(now)))
		}
	}
	return now.Add(patience), patience
}

const (
	firstLook = 20 * time.Microsecond // between looks, doubled each time
	lastLook  = time.Millisecond
)

// wait waits until holds tells so. When it does not in time, the test ends with what
// was waited for and what is seen instead.
func (s *Server) wait(holds func() bool, what string, seen func() string) {
	s.helper()()
	deadline, patience := s.deadline()
	for pause := firstLook; !holds(); pause = min(2*pause, lastLook) {
		if !time.Now().Before(deadline) {
			s.fatalf("waited %v for %s; %s", patience.Round(time.Millisecond), what, seen())
			return
		}
		<-time.After(pause)
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
	count := func() int {
		return s.current().srv.Broker().NumSub(channel) - s.own(broker.Channel, channel)
	}
	s.wait(func() bool { return enough(count(), n) }, wanted(n, fmt.Sprintf("subscribers of %q", channel)), func() string {
		return fmt.Sprintf("there are %d. %s", count(), s.scene(broker.Channel))
	})
}

// WaitShardSubscribers is WaitSubscribers for a shard channel.
func (s *Server) WaitShardSubscribers(channel string, n int) {
	s.helper()()
	count := func() int {
		return s.current().srv.Broker().ShardNumSub(channel) - s.own(broker.ShardChannel, channel)
	}
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

// WaitIdle waits until everything published so far has left for the clients: their
// connections have taken it, and what Delay holds back was sent. Whether the
// clients have read it, only they know.
func (s *Server) WaitIdle() {
	s.helper()()
	s.wait(func() bool { return len(s.owed()) == 0 }, "all that was published to leave", func() string {
		return "there wait " + strings.Join(s.owed(), ", ")
	})
}

// owed says what waits for whom.
func (s *Server) owed() (list []string) {
	waiting := make(map[uint64]int)
	for _, l := range s.openLinks() {
		if n := l.unsent(); n > 0 {
			l.mu.Lock()
			waiting[l.id] = n
			l.mu.Unlock()
		}
	}
	for _, c := range s.current().srv.Clients() {
		if n := c.Queued + waiting[c.ID]; n > 0 {
			list = append(list, fmt.Sprintf("%d bytes for client %d %q", n, c.ID, c.Name))
		}
	}
	return list
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
