package pubsubtest

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pubsubd/pubsubd/server"
)

// A Selection is some of the clients: those that are connected and match when one of
// its methods is called. The methods return how many that were, which the transcript
// tells too. It is no error if there are none, so a test that wants some looks at the
// number. A client that connects later is not concerned. They may be called from any
// goroutine; a Selection is of no use without a Server.
//
// A fault begins with the next that is written to or read from a connection. A write
// that is under way goes on, which is one of 16 KiB at most, and what a connection has
// taken already arrives, which may be some 64 KiB in memory and more in a socket.
type Selection struct {
	s     *Server
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

// Clients selects the clients that match, or all if match is nil. Match is called by
// each method, from the goroutine that calls it, once for each client, and once more for
// one that is closed meanwhile and has not heard of it.
func (s *Server) Clients(match func(server.ClientInfo) bool) Selection {
	if match == nil {
		match = func(server.ClientInfo) bool { return true }
	}
	return Selection{s, match}
}

// Kick is Named(name).Kick.
func (s *Server) Kick(name string) int { return s.Named(name).Kick() }

// List describes the clients in order of their IDs.
func (f Selection) List() []server.ClientInfo { return f.list(f.s.current()) }

func (f Selection) list(i *instance) []server.ClientInfo {
	return slices.DeleteFunc(i.srv.Clients(), func(c server.ClientInfo) bool { return !f.match(c) })
}

// each calls do with the link of each client, locked.
func (f Selection) each(fault string, do func(*link)) int {
	return f.noted(fault, withEach(f.pick().links, do))
}

func withEach(links []*link, do func(*link)) int {
	for _, l := range links {
		l.mu.Lock()
		do(l)
		l.changed.Broadcast()
		l.mu.Unlock()
	}
	return len(links)
}

// noted has the transcript tell to how many clients a fault was done.
func (f Selection) noted(fault string, n int) int {
	switch n {
	case 0:
		fault += ": nobody matched"
	case 1:
		fault += ": 1 client"
	default:
		fault += fmt.Sprintf(": %d clients", n)
	}
	f.s.transcript.note(nil, fault)
	return n
}

// A pick is what a Selection selects at present.
type pick struct {
	f       Selection
	i       *instance
	clients map[uint64]server.ClientInfo // all that are connected
	chosen  map[uint64]bool              // those of them that match
	links   []*link                      // of those, but for connections of other listeners
}

// pick asks once of each client whether it matches: the next answer may be another.
func (f Selection) pick() *pick {
	p := &pick{f: f, i: f.s.current(), clients: make(map[uint64]server.ClientInfo), chosen: make(map[uint64]bool)}
	for _, c := range p.i.srv.Clients() {
		p.clients[c.ID] = c
		p.chosen[c.ID] = f.match(c)
	}
	for _, l := range f.s.openLinks() {
		c, ok := p.client(l)
		if !ok || !p.chosen[c.ID] {
			continue
		}
		l.mu.Lock()
		if !l.isOver() {
			l.seen = c
			l.who.name.Store(&c.Name)
			p.links = append(p.links, l)
		}
		l.mu.Unlock()
	}
	return p
}

// client returns the client of a connection, if it is connected.
func (p *pick) client(l *link) (c server.ClientInfo, ok bool) {
	c, ok = p.clients[l.who.id.Load()]
	return c, ok && l.i == p.i
}

func (p *pick) has(c server.ClientInfo) bool { return p.chosen[c.ID] }

// left returns the connections that the server is done with, or just about to be, and
// whose clients have not heard of it, because a fault holds that back. They match as
// they were when a fault has found them last.
func (p *pick) left() (list []*link) {
	for _, l := range p.f.s.openLinks() {
		_, ok := p.client(l)
		l.mu.Lock()
		was, unheard := l.seen, (!ok || l.isOver()) && !l.shut
		l.mu.Unlock()
		if unheard && was.ID != 0 && !slices.Contains(p.links, l) && p.f.match(was) {
			list = append(list, l)
		}
	}
	return list
}

// isOver tells whether the server is done with the connection. The caller holds l.mu.
func (l *link) isOver() bool { return l.closed || l.err != nil }

// Kick closes the connections as CLIENT KILL does. The client sees their end. When Kick
// returns, the subscriptions are gone. A robust subscriber connects and subscribes
// again, without being asked to.
func (f Selection) Kick() int {
	p := f.pick()
	return f.noted("Kick", p.i.srv.Kick(p.has))
}

// Reset breaks the connections off: the client sees ECONNRESET in place of an end,
// and what was on its way is lost. Unix sockets know no reset and just end. When Reset
// returns, the server has noticed and the subscriptions are gone. Behind a Partition the
// client sees the reset when that is over. A robust subscriber takes it like any other
// end.
func (f Selection) Reset() int {
	links := f.pick().links
	for _, l := range links {
		l.reset("reset")
	}
	p := newPatience(f.s.t, resetPatience, lastWords)
	for _, l := range links {
		if !p.looksUntil(l.isForgotten) {
			f.s.errorf("Reset: %s for the server to let go of %s, which it has not", p.waited(), l.who)
		}
	}
	return f.noted("Reset", len(links))
}

// resetPatience is how long Reset waits for the server, whatever the patience of the
// test is: there is nobody else who could keep it waiting.
const resetPatience = 10 * time.Second

// isForgotten tells whether the server has let go of a client whose connection is
// broken.
func (l *link) isForgotten() bool {
	return !slices.ContainsFunc(l.i.srv.Clients(), func(c server.ClientInfo) bool { return c.ID == l.who.id.Load() })
}

// Stall has the clients receive nothing more, as if they did not read: what is
// published to them is queued by the server until their output buffer limit is
// reached, and then they are closed. They can still send; one that ends by QUIT is
// closed after 30 seconds, which the server gives it to read the answer. A robust
// publisher does not notice; a robust subscriber, closed for it, subscribes again and
// knows that it has missed something.
func (f Selection) Stall() int {
	return f.each("Stall", func(l *link) { l.note("stalled"); l.stalled = true })
}

// Resume ends Stall, Delay, CutAfter, DropPong and the Partition of a Selection for the
// connections. What was held back is sent. That concerns also clients that the server
// has closed meanwhile, which then see what was on its way and the end. They match as
// they were when the last fault was done to them, and they count.
func (f Selection) Resume() int {
	p := f.pick()
	links := append(p.links, p.left()...)
	for _, l := range links {
		l.lift()
	}
	return f.noted("Resume", len(links))
}

// Delay has what the clients are sent from now on arrive later by d, in order, and so
// the end of their connections; but a reset and a cut are seen at once. Zero,
// or less, ends the delay, also for what is on its way and for clients that the server
// has closed meanwhile. At most 1 MiB is on its way to a client; the server queues the
// rest. A robust client waits longer than that for an answer, or finds out that it is
// too late: it must not take the answer to one request for that to the next.
func (f Selection) Delay(d time.Duration) int {
	d = max(0, d)
	p := f.pick()
	links := p.links
	if d == 0 {
		links = append(links, p.left()...)
	}
	n := withEach(links, func(l *link) { l.note(fmt.Sprintf("delayed by %v", d)); l.setDelayLocked(d) })
	return f.noted("Delay", n)
}

// CutAfter closes the connections after n more bytes were sent, wherever in a message
// that is; at once if n is 0 or less, which clients behind a Partition see when that is
// over. With TLS these are bytes before they are encrypted. A
// robust subscriber gives up the piece of a message that it has.
func (f Selection) CutAfter(n int) int {
	return f.each("CutAfter", func(l *link) {
		if n <= 0 {
			l.cutOffLocked()
			return
		}
		l.note(fmt.Sprintf("to be cut off after %d bytes", n))
		l.cut = n
	})
}

// FullOutputBuffer closes the clients as those are that have reached their output
// buffer limit: what is queued for them is lost, and CLIENT CLOSED and INFO tell of
// slow consumers. When it returns, the subscriptions are gone. A robust subscriber
// subscribes again and knows that it has missed something.
func (f Selection) FullOutputBuffer() int {
	p := f.pick()
	return f.noted("FullOutputBuffer", p.i.srv.Overflow(p.has))
}

// DropPong leaves the PINGs of the clients unanswered, as on a connection that is
// half open; all else goes on. Requests that have begun to arrive are not concerned.
// A robust subscriber PINGs when it has heard nothing for a while, and connects again
// when the answer does not come.
func (f Selection) DropPong() int {
	return f.each("DropPong", func(l *link) { l.note("its PINGs are dropped"); l.dropPings = true })
}

// Partition cuts the clients off from the server without either side noticing: nothing
// arrives, not even the end of the connection, however it has ended, until Resume. A robust subscriber finds
// out by a PING without an answer; a robust publisher has a time limit.
func (f Selection) Partition() int {
	return f.each("Partition", func(l *link) { l.note("partitioned"); l.partitioned = true })
}

// Offline is Partition of all clients, and of those that connect meanwhile: their
// connections are made, as the system does that, and nothing is heard on them, not even
// an answer to the handshake of TLS. It ends when heal is called, which may be called
// more than once and from any goroutine. If Offline was called several times it ends
// with the last; the Partition of a Selection goes on until its Resume.
func (s *Server) Offline() (heal func()) {
	s.addOfflines(1)
	return sync.OnceFunc(func() { s.addOfflines(-1) })
}

func (c *core) addOfflines(n int) {
	c.mu.Lock()
	c.offlines += n
	offline := c.offlines > 0 && !c.ending
	was := c.offline.Swap(offline)
	c.mu.Unlock()
	if offline == was {
		return
	}
	if offline {
		c.transcript.note(nil, "the server is offline")
	} else {
		c.transcript.note(nil, "the server is online again")
	}
	for _, l := range c.openLinks() {
		l.mu.Lock()
		l.wakeLocked()
		l.mu.Unlock()
	}
}

// Refuse has the server refuse something, such as RefuseConnections or
// RefuseHello|RefuseAuth, until accept is called, which may be called more than once
// and from any goroutine. Who is connected stays. What several calls refuse is refused
// until accept of each was called. While the server is Offline, connections that are
// refused are not heard of before it is online again. A robust client tries again, each time a little
// later, and falls back to RESP2 when there is no HELLO.
func (s *Server) Refuse(what Refusal) (accept func()) {
	mine := &what
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusing = append(s.refusing, mine)
	s.sumRefusals()
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.refusing = slices.DeleteFunc(s.refusing, func(r *Refusal) bool { return r == mine })
		s.sumRefusals()
	}
}

// sumRefusals puts in force what is refused. The caller holds c.mu.
func (c *core) sumRefusals() {
	var all Refusal
	for _, r := range c.refusing {
		all |= *r
	}
	c.refuses.Store(int32(all))
}

// Restart ends the server and starts another at the same address, as after a crash:
// all clients see the end of their connections, those behind a Partition or a Delay when
// that lets it through. What was queued for them is lost, and so are all subscriptions
// but those of Subscribe. Who connects meanwhile is reset. A robust subscriber connects
// again, and subscribes to all that it was subscribed to.
func (s *Server) Restart() {
	s.helper()()
	s.checkBubble()
	defer s.alone()()
	s.learnNames()
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
	s.transcript.note(nil, "the server was restarted")
	s.mu.Lock()
	defer s.mu.Unlock()
	for u := range s.subscribers { // before anybody can publish there
		u.joinLocked(next)
	}
	s.live = next
}
