package server

import (
	"sync"
	"sync/atomic"
	"time"
)

// An outbox is what waits to be sent to one client.
//
//  1. Queueing never waits for the connection.
//  2. What is queued in one call leaves whole, in the order of the calls.
//  3. A client over its output buffer limit is closed, and what is queued for
//     it is dropped.
//  4. One goroutine writes at a time, and no lock is held while it writes.
//  5. Without anything queued it holds no buffer.
//
// Whoever makes an outbox dirty sees to it that it is flushed: the client's
// own read loop, an event loop, a publisher, the flusher. Once the connection takes no more,
// a goroutine of the outbox waits for it and nobody else needs to.
type outbox struct {
	// Immutable after newOutbox.
	t     transport
	conf  *outboxConfig
	owner outboxOwner // nil in tests
	slow  bool        // every write may wait, so there is no point in the flusher

	mu       sync.Mutex
	state    outboxState
	closed   bool // nothing is queued or sent any more
	emptying bool // awaitRoom waits for an empty queue
	deaf     bool // nothing is delivered any more
	ending   bool // the connection closes when the queue is empty
	monitor  bool // its client has sent MONITOR
	holding  bool // deliveries wait in held, not in queue
	class    clientClass
	resp3    bool // deliveries are pushes of RESP3
	authed   bool // replies may grow past the first buffer

	queue   []chunk
	held    []chunk
	writing []chunk // taken from queue by who writes
	queued  int     // bytes of queue and held, and of what is being written
	owed    int     // of them, those of before the client was logged out

	lost    *lostOutput // what was queued when the client was closed; nil until then
	failure error       // of a write; nil if none has failed

	care      int   // bytes counted in the flusher's backlog
	softSince int64 // second since which the soft limit is exceeded; 0 if it is not

	room     chan struct{} // closed when awaitRoom may return; nil if nobody waits
	awaiting atomic.Bool   // set while awaitRoom waits

	sent   atomic.Int64 // bytes
	active atomic.Int64 // when some were last, as conf.clock tells
}

type outboxState uint8

const (
	outboxIdle    outboxState = iota // nothing queued, or nobody told yet
	outboxDirty                      // somebody will flush it
	outboxWriting                    // somebody writes
	outboxBlocked                    // drain waits for the connection
)

// outboxConfig is what all outboxes of a server share.
type outboxConfig struct {
	limits   atomic.Pointer[outputLimits]
	now      func() int64 // seconds, never 0
	clock    func() time.Duration
	lagging  func(*outbox) // told of an outbox that gets over its soft limit
	caughtUp func(*outbox) // told of one that is not any more
	spawn    func(func())  // runs a goroutine that Shutdown waits for
	backlog  *atomic.Int64 // bytes that wait for the flusher
	crowded  *atomic.Int64 // outboxes of more than maxCare of them
	sent     atomic.Int64  // bytes
	writes   atomic.Int64  // that sent any
	piled    growth        // what the connections do not take
	counting sync.Mutex    // held by who counts what was queued for a client that is closed
}

// An outboxOwner is the client of an outbox.
type outboxOwner interface {
	// because keeps why the client will be closed. It is called with mu held.
	because(why closeReason, detail string) bool

	// close closes the client. It is called without mu held.
	close(why closeReason) bool

	// leave has the client forgotten before the other side sees the end.
	leave()
}

func newOutbox(t transport, conf *outboxConfig, owner outboxOwner) *outbox {
	w, ok := t.(interface{ waits() bool })
	slow := ok && w.waits()
	return &outbox{t: t, conf: conf, owner: owner, slow: slow}
}

// push queues bytes that are the client's own: replies and confirmations, of
// which the longest has so many bytes. They are copied. The caller flushes.
func (o *outbox) push(p []byte, longest int) {
	o.mu.Lock()
	o.pushLocked(p, longest)
	o.mu.Unlock()
}

func (o *outbox) pushLocked(p []byte, longest int) {
	if o.closed || len(p) == 0 {
		return
	}
	o.queue = appendChunk(o.queue, p)
	o.pushedLocked(len(p), longest)
}

// pushChunks is push of one reply of n bytes, which becomes the outbox's own.
func (o *outbox) pushChunks(q []chunk, n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		freeChunks(q)
		return
	}
	o.queue = append(o.queue, q...)
	o.pushedLocked(n, n)
}

// pushedLocked follows the queueing of n bytes of replies.
func (o *outbox) pushedLocked(n, longest int) {
	o.queued += n
	o.markLocked()
	if o.state == outboxBlocked {
		o.conf.piled.add(n)
		o.stampLocked()
	}
	if !o.authed && o.queued > o.owed+freeOutput {
		o.failLocked(closedUnauthLimit)
		return
	}
	o.checkLocked(longest)
}

// hold makes deliveries wait until release, so that the replies of the
// command at hand come before what it publishes to its own client.
func (o *outbox) hold() {
	o.mu.Lock()
	o.holding = true
	o.mu.Unlock()
}

// release queues the replies p, as push does, and then what was held.
func (o *outbox) release(p []byte, longest int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.pushLocked(p, longest)
	o.holding = false
	if len(o.held) > 0 && !o.closed {
		o.queue = append(o.queue, o.held...)
		o.markLocked()
	}
	freeList(o.held)
	o.held = nil
}

// speak queues the replies p, as push does, and makes deliveries from there on
// speak RESP2 or RESP3.
func (o *outbox) speak(resp3 bool, p []byte, longest int) {
	o.mu.Lock()
	o.resp3 = resp3
	o.pushLocked(p, longest)
	o.mu.Unlock()
}

// setClass selects the output buffer limit.
func (o *outbox) setClass(c clientClass) {
	o.mu.Lock()
	o.class = c
	o.mu.Unlock()
}

// setAuthed lifts or imposes the bound on replies of an unauthenticated client.
// What is queued already does not count towards it.
func (o *outbox) setAuthed(authed bool) {
	o.mu.Lock()
	if o.authed && !authed {
		o.owed = o.queued
	}
	o.authed = authed
	o.mu.Unlock()
}

// markLocked makes an idle outbox dirty.
func (o *outbox) markLocked() bool {
	if o.state != outboxIdle {
		return false
	}
	o.state = outboxDirty
	return true
}

// maxUnoffered is how many bytes may wait for a first offer to the connection
// without counting towards the limit.
const maxUnoffered = 16 << 20

// checkLocked closes the client if what was queued last has brought it over
// its limit. What the connection has not been offered yet counts only if one
// message alone, of n bytes, is too much, or if it is far more than a publisher
// lets pile up: that it still waits is our doing, not the client's.
func (o *outbox) checkLocked(n int) {
	counted := countedOutput(max(n, o.queued-maxUnoffered))
	if o.state == outboxBlocked {
		counted = countedOutput(o.queued)
	}
	l := o.conf.limits.Load().of(o.class, o.monitor)
	switch {
	case l.overHard(counted):
		o.failLocked(closedHardLimit)
	case o.state != outboxBlocked || !l.overSoft(counted):
		o.softSince = 0
	case o.softSince == 0:
		o.softSince = o.conf.now()
		o.conf.lagging(o)
	case l.expired(o.softSince, o.conf.now()):
		o.failLocked(closedSoftLimit)
	}
}

// checkSoft is the timer's look at an outbox over its soft limit. It tells
// whether the timer will look again. That is decided with mu held, so that
// nobody gets over the limit between the look and the end of looking.
func (o *outbox) checkSoft() (again bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.closed && o.softSince != 0 {
		o.checkLocked(0)
	}
	if again = !o.closed && o.softSince != 0; !again {
		o.conf.caughtUp(o)
	}
	return again
}

// recheck looks at the limit again after it has changed.
func (o *outbox) recheck() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.closed {
		o.checkLocked(0)
	}
}

// failLocked drops what is queued and has the client closed.
func (o *outbox) failLocked(why closeReason) {
	o.owner.because(why, "") // before the client's own goroutine can wake up and find another
	o.closeLocked()
	o.conf.spawn(func() { o.owner.close(why) }) // not here: locks are held
}

// brokenLocked is failLocked for a connection that cannot be written.
func (o *outbox) brokenLocked(err error) {
	o.failure = err
	o.failLocked(failureReason(err, closedWriteError))
}

// close drops what is queued. Nothing is sent any more.
func (o *outbox) close() {
	o.mu.Lock()
	o.closeLocked()
	o.mu.Unlock()
}

func (o *outbox) closeLocked() {
	if o.closed {
		return
	}
	o.closed = true
	o.keepRemainderLocked()
	o.queued, o.softSince = 0, 0
	o.uncareLocked()
	o.roomLocked()
}

// uncareLocked takes the outbox's bytes out of the flusher's backlog.
func (o *outbox) uncareLocked() {
	if o.care == 0 {
		return
	}
	o.conf.backlog.Add(-int64(o.care))
	if o.care > maxCare {
		o.conf.crowded.Add(-1)
	}
	o.care = 0
}

// cares returns how many bytes of the flusher's backlog are the outbox's.
func (o *outbox) cares() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.care
}

// isShort tells whether what is to be flushed is so little that it may wait for the
// replies to others.
func (o *outbox) isShort() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.state == outboxDirty && o.queued <= keptReply
}

// end closes the connection when everything queued so far has been sent.
// Nothing is delivered from here on.
func (o *outbox) end() {
	o.mu.Lock()
	o.deaf, o.ending = true, true
	idle := o.state == outboxIdle
	o.mu.Unlock()
	if idle {
		o.shut()
		return
	}
	for o.flush(o.conf.clock()) { // nothing more comes
	}
}

// shut closes the connection of an outbox that has come to its end.
func (o *outbox) shut() {
	o.owner.leave()
	o.t.close()
}

// maxRounds is how often flush takes what has come in while it wrote before it
// lets others have their turn.
const maxRounds = 4

// flush sends what is queued as far as the connection takes it at once. It
// tells whether the outbox is still dirty and the caller's to flush. The time is
// about now: who flushes many asks for it once.
func (o *outbox) flush(now time.Duration) (again bool) {
	o.mu.Lock()
	again = o.flushLocked(now)
	o.mu.Unlock()
	return again
}

// flushLocked is flush. As in drain, the lock is not let go of by defer: it is
// not held while something is written, and a panic there must stay what it is.
func (o *outbox) flushLocked(now time.Duration) (again bool) {
	if o.state != outboxDirty {
		return false
	}
	o.state = outboxWriting
	for round := 0; ; round++ {
		if len(o.queue) == 0 || o.closed {
			o.state = outboxIdle
			o.roomLocked()
			o.endLocked()
			return false
		}
		if round == maxRounds {
			o.state = outboxDirty
			return true
		}
		n, err := o.sendLocked(false)
		if n > 0 {
			o.active.Store(int64(now))
		}
		if o.closed { // meanwhile: the client may be gone, so nothing may be spawned
			o.state = outboxIdle
			return false
		}
		switch err {
		case nil:
		case errWouldBlock:
			o.state = outboxBlocked
			o.stampLocked()
			o.conf.piled.add(o.queued)
			o.checkLocked(0)
			o.conf.spawn(o.drain)
			return false
		default:
			o.state = outboxIdle
			o.brokenLocked(err)
			return false
		}
	}
}

// drain sends what is queued as the connection takes it, until nothing is left.
func (o *outbox) drain() {
	o.mu.Lock()
	o.drainLocked()
	o.mu.Unlock()
}

func (o *outbox) drainLocked() {
	for len(o.queue) > 0 && !o.closed {
		n, err := o.sendLocked(true)
		if n > 0 {
			o.active.Store(int64(o.conf.clock()))
		}
		if err != nil && err != errWouldBlock {
			o.state = outboxIdle
			o.brokenLocked(err)
			return
		}
		if o.softSince != 0 {
			o.checkLocked(0)
		}
		o.roomLocked()
	}
	o.state = outboxIdle
	o.softSince = 0
	o.roomLocked()
	o.endLocked()
}

// endLocked closes the connection of an ending outbox that has sent all.
func (o *outbox) endLocked() {
	if o.ending && !o.closed {
		o.conf.spawn(o.shut) // not here: it may take long, as that of TLS does
	}
}

// sendLocked has the queue written, waiting for the connection or not, with mu
// released meanwhile, and keeps what was not taken. It returns how many bytes were.
func (o *outbox) sendLocked(wait bool) (n int, err error) {
	taken := o.queue
	o.queue, o.writing = nil, taken
	o.uncareLocked()
	vec := writeVectors.Get().(*writeVector)
	for _, c := range taken[:min(len(taken), maxVector)] {
		vec.list = append(vec.list, c.data[c.sent:])
	}

	o.mu.Unlock()
	write := o.t.tryWrite
	if wait {
		write = o.t.write
	}
	n, err = write(vec.list)
	vec.free()
	o.sent.Add(int64(n))
	if n > 0 {
		o.conf.writes.Add(1)
	}
	o.conf.sent.Add(int64(n))
	o.mu.Lock()

	o.writing = nil
	if o.closed { // who closed it has kept what was taken
		return n, err
	}
	o.queued -= n
	o.owed = max(0, o.owed-n)
	rest := dropBytes(taken, n)
	if len(rest) > 0 {
		more := o.queue
		o.queue = append(rest, more...)
		freeList(more)
		return n, err
	}
	freeList(taken)
	return n, err
}

// A writeVector is memory of what a write is handed.
type writeVector struct{ list [][]byte }

var writeVectors = sync.Pool{New: func() any { return new(writeVector) }}

// maxVector is how many pieces a write is handed at most, which is more than the
// connection of a client that is slow takes at once.
const maxVector = 256

func (v *writeVector) free() {
	clear(v.list)
	if v.list = v.list[:0]; cap(v.list) <= maxVector {
		writeVectors.Put(v)
	}
}
