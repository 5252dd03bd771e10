package pubsubtest

import (
	"fmt"
	"slices"
	"time"

	"github.com/pubsubd/pubsubd/server"
)

// A Selection is some of the clients: those that are connected and match when one of
// its methods is called. The methods return how many that were. A client that connects
// later is not concerned.
type Selection struct {
	c     *core
	match func(server.ClientInfo) bool
}

// Client selects the client with a CLIENT ID.
func (s *Server) Client(id uint64) Selection {
	return s.Clients(func(c server.ClientInfo) bool { return c.ID == id })
}

// Named selects the clients with a name, set by CLIENT SETNAME or HELLO.
func (s *Server) Named(name string) Selection {
	return s.Clients(func(c server.ClientInfo) bool { return c.Name == name })
}

// Clients selects the clients that match, or all if match is nil.
func (s *Server) Clients(match func(server.ClientInfo) bool) Selection {
	if match == nil {
		match = func(server.ClientInfo) bool { return true }
	}
	return Selection{s.core, match}
}

// Kick is Named(name).Kick.
func (s *Server) Kick(name string) int { return s.Named(name).Kick() }

// List describes the clients in order of their IDs.
func (f Selection) List() []server.ClientInfo {
	return slices.DeleteFunc(f.c.current().srv.Clients(), func(c server.ClientInfo) bool { return !f.match(c) })
}

// each calls do with the link of each client, locked.
func (f Selection) each(do func(*link)) int {
	links := f.links()
	for _, l := range links {
		l.mu.Lock()
		do(l)
		l.changed.Broadcast()
		l.mu.Unlock()
	}
	return len(links)
}

func (f Selection) links() (list []*link) {
	chosen := make(map[uint64]bool)
	for _, c := range f.List() {
		chosen[c.ID] = true
	}
	for _, l := range f.c.openLinks() {
		l.mu.Lock()
		if chosen[l.id] && l.err == nil {
			list = append(list, l)
		}
		l.mu.Unlock()
	}
	return list
}

// Kick closes the connections as CLIENT KILL does. The client sees their end. A robust
// subscriber connects and subscribes again, without being asked to.
func (f Selection) Kick() int { return f.c.current().srv.Kick(f.match) }

// Reset breaks the connections off: the client sees ECONNRESET in place of an end,
// and what was on its way is lost. Unix sockets know no reset and just end. When Reset
// returns, the server has noticed and the subscriptions are gone. A robust subscriber
// takes it like any other end.
func (f Selection) Reset() int {
	links := f.links()
	for _, l := range links {
		l.reset("reset")
	}
	for _, l := range links {
		l.awaitLeft()
	}
	return len(links)
}

// awaitLeft waits until the server has let go of a client whose connection is broken.
func (l *link) awaitLeft() {
	srv := l.c.current().srv
	l.mu.Lock()
	id := l.id
	l.mu.Unlock()
	for slices.ContainsFunc(srv.Clients(), func(c server.ClientInfo) bool { return c.ID == id }) {
		<-time.After(lastLook)
	}
}

// Stall has the clients receive nothing more, as if they did not read: what is
// published to them is queued by the server until their output buffer limit is
// reached, and then they are closed. They can still send. A robust publisher does not
// notice; a robust subscriber, closed for it, subscribes again and knows that it has
// missed something.
func (f Selection) Stall() int {
	return f.each(func(l *link) { l.note("stalled"); l.stalled = true })
}

// Resume ends Stall, Delay, CutAfter, DropPong and Partition for the connections. What
// was held back is sent.
func (f Selection) Resume() int {
	links := f.links()
	for _, l := range links {
		l.lift()
	}
	return len(links)
}

// Delay has what the clients are sent from now on arrive later by d, in order. Zero
// ends the delay, also for what is on its way. A robust client waits longer than
// that for an answer, or finds out that it is too late: it must not take the answer
// to one request for that to the next.
func (f Selection) Delay(d time.Duration) int {
	return f.each(func(l *link) { l.note(fmt.Sprintf("delayed by %v", d)); l.setDelayLocked(max(0, d)) })
}

// CutAfter closes the connections after n more bytes were sent, wherever in a message
// that is. A robust subscriber gives up the piece of a message that it has.
func (f Selection) CutAfter(n int) int {
	return f.each(func(l *link) { l.note(fmt.Sprintf("cut off after %d bytes", n)); l.cut = max(0, n) })
}

// FullOutputBuffer closes the clients as those are that have reached their output
// buffer limit: what is queued for them is lost, and CLIENT CLOSED and INFO tell of
// slow consumers. A robust subscriber subscribes again and knows that it has missed
// something.
func (f Selection) FullOutputBuffer() int { return f.c.current().srv.Overflow(f.match) }

// DropPong leaves the PINGs of the clients unanswered, as on a connection that is
// half open; all else goes on. Requests that have begun to arrive are not concerned.
// A robust subscriber PINGs when it has heard nothing for a while, and connects again
// when the answer does not come.
func (f Selection) DropPong() int {
	return f.each(func(l *link) { l.note("its PINGs are dropped"); l.dropPings = true })
}

// Partition cuts the clients off from the server without either side noticing: nothing
// arrives, not even the end of the connection, until Resume. A robust subscriber finds
// out by a PING without an answer; a robust publisher has a time limit.
func (f Selection) Partition() int {
	return f.each(func(l *link) { l.note("partitioned"); l.partitioned = true })
}

// note writes of a fault into the transcript. The caller holds l.mu.
func (l *link) note(what string) { l.c.transcript.add(l, fault, what, 0) }

// Partition is Partition of all clients, and of those that connect meanwhile: their
// connections are made, as the system does that, and nothing is heard on them. It ends
// for all when heal is called, which may be called more than once.
func (s *Server) Partition() (heal func()) {
	s.mu.Lock()
	s.partitions++
	s.mu.Unlock()
	s.Clients(nil).Partition()
	healed := false
	return func() {
		s.mu.Lock()
		if !healed {
			healed = true
			s.partitions--
		}
		over := s.partitions == 0
		s.mu.Unlock()
		if !over {
			return
		}
		for _, l := range s.openLinks() {
			l.mu.Lock()
			l.healLocked()
			l.mu.Unlock()
		}
	}
}

// Refuse has the server refuse something, such as Connections or Hello|Auth, until
// accept is called, which may be called more than once. Who is connected stays. A
// robust client tries again, each time a little later, and falls back to RESP2 when
// there is no HELLO.
func (s *Server) Refuse(what Refusal) (accept func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusing = append(s.refusing, what)
	s.sumRefusals()
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if i := slices.Index(s.refusing, what); i >= 0 {
			s.refusing = slices.Delete(s.refusing, i, i+1)
		}
		what = 0
		s.sumRefusals()
	}
}

// sumRefusals puts in force what is refused. The caller holds c.mu.
func (c *core) sumRefusals() {
	var all Refusal
	for _, r := range c.refusing {
		all |= r
	}
	c.refuses.Store(int32(all))
}

// Restart ends the server and starts another at the same address, as after a crash:
// all clients see the end of their connections, what was queued for them is lost, and
// so are all subscriptions but those of Subscribe. Who connects meanwhile is reset. A
// robust subscriber connects again, and subscribes to all that it was subscribed to.
func (s *Server) Restart() {
	s.helper()()
	s.restarts.Lock()
	defer s.restarts.Unlock()
	if s.closed {
		s.fatalf("Restart after Close")
		return
	}
	if err := s.current().close(); err != nil {
		s.fatalf("Restart: %v", err)
		return
	}
	next, err := s.newInstance()
	if err != nil {
		s.fatalf("Restart: %v", err)
		return
	}
	s.transcript.write("the server was restarted")
	s.mu.Lock()
	s.live = next
	list := make([]*Subscriber, 0, len(s.subscribers))
	for u := range s.subscribers {
		list = append(list, u)
	}
	s.mu.Unlock()
	for _, u := range list {
		u.join(next)
	}
}
