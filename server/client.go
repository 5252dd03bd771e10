package server

import (
	"io"
	"iter"
	"net"
	"sync"
	"sync/atomic"
	"time"
	"unique"

	"github.com/pubsubd/pubsubd/acl"
	"github.com/pubsubd/pubsubd/broker"
)

// A client is one connection. Its goroutine, or that of an event loop, reads
// requests and runs them; what others have for it, they put into its outbox. There
// may be very many that do nothing: what is only needed while requests run is in a
// workspace.
type client struct {
	// Immutable after newClient.
	s       *Server
	id      uint64
	t       transport
	out     *outbox
	addr    string // host:port, or path:0 for a unix socket
	laddr   string
	created time.Duration // since the server's start
	fd      int32         // of the connection, -1 if it has none
	unix    bool

	// Owned by the read loop; no lock.
	resp3    bool // of the connection; out has its own for deliveries
	authed   bool
	failed   bool        // the request at hand was answered with an error
	outgrew  bool        // closed for the length of its replies
	ended    bool        // no further request is run
	ordered  bool        // holds monitors.order
	leftover bool        // requests were left that are not for the goroutine of an event loop
	late     bool        // time has passed since clock, which is not that of the next command
	joined   bool        // the run at hand waits in onLoop.runs, and the rest of the turn with it
	heavy    uint8       // batches still to be run by a goroutine of its own, as one on the loop took long
	weight   uint8       // heavy, as it was set last
	class    clientClass // that the outbox goes by
	replies  replyMode
	wrong    int32 // passwords since it connected or last logged in
	in       requestReader
	reply    []byte        // replies not yet queued in out
	onLoop   *loop         // whose goroutine has the client's turn, so that nothing may wait; nil if none has
	w        *workspace    // nil while no requests are run
	before   int64         // bytes it was sent or had queued when it was last logged out
	judged   *acl.Rules    // that the request at hand was allowed by
	tx       *transaction  // nil outside MULTI
	broker   operations    // the broker, or its Exclusive while EXEC runs
	longest  int           // bytes of the longest of the replies
	mark     int           // where the replies to the request at hand begin in reply
	clock    time.Duration // when the last command ended, or the batch began, since the server's start
	endWhy   closeReason   // set by the request at hand to close after its reply
	lostBy   error         // why the connection cannot be read any more
	linger   *time.Timer   // closes the connection if the last reply does not get out

	turnState  atomic.Uint32
	held       atomic.Bool // the request at hand waits for the end of a pause; others may look
	gone       atomic.Bool // closed: by others too; nothing of it is run any more
	quiet      atomic.Bool // no request is running and, while the server ends, none will
	monitoring atomic.Bool // has sent MONITOR
	muted      atomic.Bool // CLIENT REPLY OFF, for those who send it lines of MONITOR

	strangeSince atomic.Int64 // when it has connected without a login, or lost it, in nanoseconds since the server's start; 0 with one

	// Read by CLIENT LIST.
	last     atomic.Pointer[command] // last command; nil before the first
	active   atomic.Int64            // when it was last read from, in nanoseconds since the server's start
	buffered atomic.Int64            // bytes of the requests at hand
	room     atomic.Int64            // bytes free behind them
	argvMem  atomic.Int64            // bytes of the arguments of a request that is put off or looks at itself
	multiMem atomic.Int64            // bytes of the commands queued by MULTI
	large    atomic.Int64            // bytes that count in the server's queryBudget
	textMem  atomic.Int64            // bytes of its name, its library's, and the prefixes it tracks
	received atomic.Int64            // bytes
	calls    atomic.Int64            // commands run
	subs     atomic.Pointer[broker.Member]
	user     atomic.Pointer[acl.User]

	mu        sync.Mutex // guards the fields below; CLIENT LIST reads them
	proto     int8       // 2 or 3
	noEvict   bool
	noTouch   bool
	ending    bool      // closes after its last reply
	db        int32     // that SELECT has set
	queued    int32     // commands in tx; -1 outside MULTI
	accounted sync.Once // account has told of the end; without mu
	tracking  *tracking // nil without; set by the read loop, which may look without mu
	name      string
	lib       unique.Handle[library] // zero if it has not told
	reason    closeReason            // empty while open
	detail    string                 // what is known beside reason
}

// replyMode is what CLIENT REPLY has set.
type replyMode uint8

const (
	repliesOn       replyMode = iota
	repliesOff                // none until CLIENT REPLY ON
	repliesSkipNext           // none to the next command
	repliesSkip               // none to the command at hand
)

// operations are what commands need of the broker. They are the Broker itself
// or, within EXEC, its Exclusive.
type operations interface {
	PublishFrom(from any, k broker.Kind, channel string, payloads ...[]byte) int
	Names(k broker.Kind) iter.Seq[string]
	NumSub(channel string) int
	ShardNumSub(channel string) int
	NumPat() int
	Stats() broker.Stats
	Subscribe(m *broker.Member, k broker.Kind, name string) bool
	Unsubscribe(m *broker.Member, k broker.Kind, name string) bool
	UnsubscribeAll(m *broker.Member, k broker.Kind) int
	Subscriptions(m *broker.Member, k broker.Kind) []string
	Clear(m *broker.Member)
}

// lingerTimeout is how long a client that is to be closed after its last reply
// may take to receive it.
const lingerTimeout = 30 * time.Second

func (s *Server) newClient(nc net.Conn) *client {
	c := &client{s: s, id: s.lastID.Add(1), t: newTransport(nc), created: s.uptime(), queued: -1, proto: 2, broker: s.broker}
	c.addr, c.laddr, c.unix = addresses(nc)
	c.laddr = s.sharedText(c.laddr)
	c.fd = int32(c.t.fd())
	c.out = newOutbox(c.t, &s.out, c)
	c.in.limits = s.requestLimits.Load()
	c.logout()
	c.active.Store(int64(s.uptime()))
	c.quiet.Store(true)
	return c
}

// member returns the client's place in the broker, nil if it has never
// subscribed. When it has left without, it is Server.departed.
func (c *client) member() *broker.Member { return c.subs.Load() }

// join returns the client's place in the broker.
func (c *client) join() *broker.Member {
	if m := c.member(); m != nil {
		return m
	}
	c.subs.CompareAndSwap(nil, c.s.broker.Join(c)) // unless it has just left
	return c.member()
}

// subscriptions returns the number of subscriptions of all kinds.
func (c *client) subscriptions() int {
	if m := c.member(); m != nil {
		return m.Total()
	}
	return 0
}

// count returns the number of subscriptions of a kind.
func (c *client) count(k broker.Kind) int {
	if m := c.member(); m != nil {
		return m.Count(k)
	}
	return 0
}

// serve reads and runs requests until the connection ends.
func (c *client) serve() {
	defer c.s.crashIfPanicking("tearing a client down")
	defer c.teardown()
	defer func() {
		if p := recover(); p != nil {
			c.panicked(p)
		}
	}()
	if !c.shakeHands() {
		return
	}
	c.quiet.Store(false)
	if c.s.draining.Load() { // who woke it may have done so before the handshake took the deadline away
		c.t.wake()
	}
	for {
		c.awaitQueryRoom()
		n, err := c.t.read(&c.in)
		if err == errWoken {
			c.wokenUp()
			continue
		}
		if n > 0 && !c.took(n) {
			return
		}
		if err != nil {
			c.lost(err)
			return
		}
	}
}

// wokenUp is called after wake.
func (c *client) wokenUp() {
	c.resume()
	c.batch()
	c.tellQuiet()
}

// tellQuiet tells whoever ends the server, and has woken the client, that it will run
// no request any more.
func (c *client) tellQuiet() {
	if !c.leftover {
		c.quiet.Store(c.s.draining.Load())
	}
}

// took has the requests run that are whole with the n bytes read last. It tells
// whether there may be more.
func (c *client) took(n int) bool {
	c.in.received(n)
	c.received.Add(int64(n))
	c.s.netInput.Add(int64(n))
	c.s.reads.Add(1)
	switch {
	case c.heldBytes() > c.s.requestLimits.Load().query:
		c.drop(closedQueryLimit)
		return false
	case c.ended || c.s.draining.Load():
		c.dropInput()
	case c.held.Load():
		c.countBuffers()
	case c.runAll() && !c.joins():
		c.endBatch()
	}
	return true
}

// lost ends a client whose connection cannot be read any more.
func (c *client) lost(err error) {
	if err == io.EOF {
		c.dropInput()
		c.leaveBroker()
		c.lingers()
		c.out.awaitSent() // it may still be reading, and is a client for as long
	}
	why := failureReason(err, closedReadError)
	c.because(why, failureDetail(err))
	c.detach() // before the other side sees the end
	c.close(why)
}

// batch runs the requests that have arrived, and sends what came of them.
func (c *client) batch() {
	if c.runAll() {
		c.endBatch()
	}
}

// runAll runs the requests that have arrived, but for a run of which there may be
// more. It tells whether the batch is to be ended; otherwise it goes on elsewhere.
func (c *client) runAll() bool {
	c.clock = c.s.uptime()
	c.active.Store(int64(c.clock))
	c.in.limits = c.s.requestLimits.Load()
	if !c.authed { // which may not be needed any more, or again
		c.out.setAuthed(!c.needsAuth())
	}
	if c.s.out.piled.wanted.Load() {
		c.countBuffers()
	}
	c.work()
	if c.onLoop != nil {
		c.w.spent = c.onLoop.spent
	}
	c.late = false
	began := c.clock
	c.w.began = c.clock
	for !c.ended && !c.held.Load() && !c.gone.Load() && !c.s.draining.Load() && !c.leftover {
		if !c.runsOn() && !c.runNext() {
			break
		}
		if len(c.reply) > keptReply/2 && cap(c.reply) < maxReplies {
			c.reserve(maxReplies) // many more, as a rule, and no garbage on the way there
		}
		if c.onLoop != nil {
			c.onLoop.sendLateAnswers(c.clock)
			c.excuse()
			if c.clock-c.w.began > maxHeld {
				c.leftover = true
				c.weigh(true)
				c.heavy++ // for the rest of this one
			}
		}
		if len(c.reply)+c.w.pieced > maxReplies || c.w.fanned > maxFanned || c.clock-began > maxHeld {
			c.finishRun()
			c.countBuffers() // before anything is waited for
			c.deliverAll()
			c.makeRoom()
			c.clock = c.s.uptime() // it may have waited
			began = c.clock
		}
	}
	return !c.leftover
}

// endBatch finishes what runAll has left, and sends what came of all.
func (c *client) endBatch() {
	c.finishRun()
	if c.in.settle(); c.ended {
		c.in.release() // nothing of it is run any more
	}
	c.countBuffers()
	c.deliverAll()
	if !c.authed {
		c.checkUnread()
	}
	long := c.clock-c.w.began > maxHeld
	c.endWork()
	c.weigh(long)
	c.s.checkClientMemory(c)
	c.makeRoom()
}

// runNext runs the next request. It tells whether there may be more.
func (c *client) runNext() bool {
	c.w.run.follows = false // its time does not count in that of the run
	argv, err := c.in.next(!c.needsAuth())
	if err == errIncomplete {
		return false
	}
	if err != nil {
		c.finishRun()
		c.because(closedProtocol, loggedError(err))
		c.fail("ERR " + err.Error())
		c.end(closedProtocol)
		return false
	}
	c.dispatch(argv)
	if !c.authed && len(c.reply) > freeOutput && c.needsAuth() {
		c.drop(closedUnauthLimit)
		return false
	}
	return true
}

// makeRoom waits while too much is queued for the client, or leaves that to a
// goroutine that may wait.
func (c *client) makeRoom() {
	if c.onLoop == nil {
		c.out.awaitRoom()
	} else if c.out.isCrowded() {
		c.leftover = true
	}
}

// countBuffers keeps what others, CLIENT LIST and client eviction, know of what
// the client has sent. It is called when a batch is over and, if somebody adds
// up what clients hold, before. As a rule nothing has changed then.
func (c *client) countBuffers() {
	n, room := int64(c.in.buffered()), int64(c.in.room())
	if before := c.buffered.Load(); n != before {
		c.buffered.Store(n)
		c.s.out.piled.add(int(max(0, n-before)))
	}
	if room != c.room.Load() {
		c.room.Store(room)
	}
	c.countLarge()
}

// countRequest keeps what CLIENT LIST tells of the client that sends it: the
// bytes of the batch and the arguments of the request at hand.
func (c *client) countRequest(argv [][]byte) {
	c.buffered.Store(int64(c.in.end)) // since the batch began
	c.room.Store(int64(c.in.room()))
	c.argvMem.Store(argvBytes(argv))
}

// heldBytes is what the client has sent and the server keeps for it.
func (c *client) heldBytes() int {
	n := c.in.buffered()
	if c.tx != nil {
		n += c.tx.bytes
	}
	return n
}

const (
	// maxReplies and maxFanned are how many bytes of own replies and of
	// deliveries may pile up before a batch sends them on its way.
	maxReplies = 64 << 10
	maxFanned  = 1 << 20

	// maxHeld is how long deliveries wait for the rest of a batch: others may
	// have published to the same receivers and rely on them being sent.
	maxHeld = 5 * time.Millisecond

	// keptReply is the capacity of the reply buffer kept from one batch to the
	// next, in bytes.
	keptReply = 4 << 10
)

// lastActive is when the client was last read from or written to.
func (c *client) lastActive() time.Duration {
	return time.Duration(max(c.active.Load(), c.out.active.Load()))
}

// setProto makes the client speak RESP2 or RESP3 behind the replies so far.
func (c *client) setProto(resp3 bool) {
	if c.resp3 == resp3 {
		return
	}
	c.resp3 = resp3
	c.mu.Lock()
	c.proto = 2
	if resp3 {
		c.proto = 3
	}
	c.mu.Unlock()
	if c.alone() {
		c.out.speak(resp3, nil, 0) // EXEC queues its whole reply at once
		return
	}
	p, longest := c.takeReply()
	c.out.speak(resp3, p, longest)
}

// alone tells whether the client runs EXEC and has the broker for itself.
func (c *client) alone() bool { return c.broker != operations(c.s.broker) }

// kind is the class that output buffer limits, CLIENT LIST TYPE and CLIENT KILL
// TYPE go by.
func (c *client) kind() clientClass {
	if c.subscriptions() > 0 {
		return classPubsub
	}
	return classNormal
}

// setClass follows the client's subscribed state.
func (c *client) setClass() {
	if k := c.kind(); k != c.class {
		c.class = k
		c.out.setClass(k)
	}
}
