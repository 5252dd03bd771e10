package server

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pubsubd/pubsubd/internal/eventloop"
)

// A flusher sends what publishers have queued for others, so that a publisher
// with many receivers answers and reads on instead of writing to each. While
// it goes round, further messages for the same receivers pile up behind it and
// leave in one write. Nothing waits for a timer: batches grow with the load. Where processors
// are few, event loops take its place first (loop_flush.go).
type flusher struct {
	backlog atomic.Int64 // bytes delivered and not yet offered to a connection
	waiting atomic.Int64 // outboxes in dirty
	round   atomic.Int64 // and how many there were when the last round began
	crowded atomic.Int64 // outboxes with more than maxCare of the backlog

	guard   func(what string, run func()) // runs what must not panic; set before the first add, may be nil
	helpers int                           // how many publishers may flush beside it; set before the first add

	mu      sync.Mutex // guards the fields below, but for done
	dirty   []*outbox  // in the order they became dirty; taken from next
	next    int
	added   uint64 // how many have ever been in dirty
	started bool   // run has been started, by the first add
	asleep  bool   // run waits for the bell, or is about to: what is in dirty is left to event loops
	direct  bool   // how it is to be rung then, fixed as asleep is set
	closed  bool
	watch   *time.Timer   // calls late; made by the first watchLocked
	watched bool          // it is going to
	due     uint64        // of the list, up to where late wants it taken
	helping int           // publishers that flush beside it
	relief  chan struct{} // closed when those who wait in help may go on; nil if nobody does
	bell    *doorbell     // made by the first add
	done    chan struct{} // closed when run has ended
}

const (
	// minBacklog to maxBacklog is the number of bytes that may wait for the flusher
	// before publishers are slowed down: backlogEach for each receiver that waits or
	// has in this round, so that writes to many are not smaller than to few.
	minBacklog  = 4 << 20
	maxBacklog  = 32 << 20
	backlogEach = 32 << 10

	// maxCare is how much of it may be for one receiver while there is more than
	// minBacklog, so that nobody is offered too much at once.
	maxCare = 4 << 20

	// flushLot is how many outboxes are taken from the list at a time, and smallLot if
	// others have to wait until these are written to, unless writes are long.
	flushLot = 32
	smallLot = 8

	// directReceivers is the number of receivers up to which a publisher
	// writes to them itself, which has the least latency. An event loop does so
	// only if messages do not come fast, or for one.
	directReceivers = 16

	// maxKeptDirty is the capacity of a list of receivers kept between batches.
	maxKeptDirty = 1 << 10
)

// flushFew sends what is queued in outboxes that others have made dirty if it is to be
// direct, and returns those which the flusher had better see to. The list is used up.
func (s *Server) flushFew(list []*outbox, direct bool) (many []*outbox) {
	if direct {
		s.flusher.flush(list)
		return nil
	}
	many = list[:0]
	for _, o := range list {
		if !o.slow {
			many = append(many, o)
		} else if o.flush(s.uptime()) {
			s.flusher.add(o)
		}
	}
	return many
}

// add hands outboxes to the flusher.
func (f *flusher) add(list ...*outbox) {
	if len(list) == 0 {
		return
	}
	f.mu.Lock()
	f.addLocked(list)
	ring, direct := f.rouseLocked(true)
	f.mu.Unlock()
	if ring {
		f.bell.ring(direct)
	}
}

// rouseLocked tells whether, and how, the caller has to ring once it has released mu, so
// that run looks at the list: if it is to and is asleep.
func (f *flusher) rouseLocked(wake bool) (ring, direct bool) {
	if !wake || !f.asleep {
		return false, false
	}
	f.asleep = false
	return true, f.direct
}

// addLocked puts outboxes into the list, and starts run if these are the first.
func (f *flusher) addLocked(list []*outbox) {
	if f.next > len(f.dirty)/2 { // never empty under load: reuse the memory of what was taken
		n := copy(f.dirty, f.dirty[f.next:])
		clear(f.dirty[n:])
		f.dirty, f.next = f.dirty[:n], 0
	}
	f.dirty = append(f.dirty, list...)
	f.added += uint64(len(list))
	f.waiting.Store(int64(len(f.dirty) - f.next))
	if !f.started {
		f.started = true
		f.done = make(chan struct{})
		if f.bell == nil {
			f.bell = newDoorbell()
		}
		if f.guard != nil {
			go f.guard("the flusher", f.run)
		} else {
			go f.run()
		}
	}
}

// wake has run look at the list.
func (f *flusher) wake() {
	f.mu.Lock()
	ring, direct := f.rouseLocked(true)
	f.mu.Unlock()
	if ring {
		f.bell.ring(direct)
	}
}

// run flushes until close, and then what is left.
func (f *flusher) run() {
	defer close(f.done)
	defer f.bell.close()
	var lot [flushLot]*outbox
	for {
		f.mu.Lock()
		for f.next == len(f.dirty) && !f.closed {
			direct := eventloop.NoneLeft()
			f.asleep, f.direct = true, direct
			f.mu.Unlock()
			f.bell.wait(direct)
			f.mu.Lock()
			f.asleep = false
		}
		round := len(f.dirty) - f.next
		f.round.Store(int64(round))
		f.mu.Unlock()
		if round == 0 {
			return
		}
		size, yields := flushLot, eventloop.NoneLeft()
		if yields {
			size = smallLot
		}
		for turn := 0; round > 0; {
			f.mu.Lock()
			n := f.takeLocked(lot[:min(round, size)])
			f.mu.Unlock()
			if n == 0 {
				break // others have helped
			}
			long := f.flushTurn(lot[:n])
			round -= n
			turn += n
			f.mu.Lock()
			f.relieveLocked()
			f.mu.Unlock()
			if yields && (!long || turn >= flushLot) {
				runtime.Gosched() // so that an event loop reads and answers meanwhile
				turn = 0
			}
		}
	}
}

// takeLocked moves outboxes from the list to lot and returns their number.
func (f *flusher) takeLocked(lot []*outbox) int {
	n := copy(lot, f.dirty[f.next:])
	clear(f.dirty[f.next : f.next+n])
	f.next += n
	f.waiting.Store(int64(len(f.dirty) - f.next))
	if f.next == len(f.dirty) {
		f.dirty, f.next = f.dirty[:0], 0
		f.relieveLocked()
	}
	return n
}

// flush sends what is queued in outboxes, and forgets them.
func (f *flusher) flush(lot []*outbox) {
	if len(lot) == 0 {
		return
	}
	now := lot[0].conf.clock()
	for i, o := range lot {
		if o.flush(now) {
			f.add(o)
		}
		lot[i] = nil
	}
}

// flushTurn is flush, and tells whether the writes were so long that they had better not be
// interrupted by others.
func (f *flusher) flushTurn(lot []*outbox) (long bool) {
	before := f.backlog.Load()
	f.flush(lot)
	return before-f.backlog.Load() >= int64(len(lot))*manyBytes
}

// isBehind tells whether publishers have to help.
func (f *flusher) isBehind() bool {
	n := f.backlog.Load()
	return n > minBacklog && (f.crowded.Load() > 0 || n > min(maxBacklog, backlogEach*max(f.waiting.Load(), f.round.Load())))
}

// flushHelpers is how many publishers may flush beside the flusher: together they have
// half of the processors. The others are for what is published next, and for receivers
// on the same machine, from whom more writers would only take the processors that they
// need to read.
func flushHelpers() int { return max(0, runtime.GOMAXPROCS(0)/2-1) }

// help is how a publisher that is faster than its receivers' connections is slowed
// down: the caller flushes until the backlog is within its bound or, if others do
// already, waits once until it is, or until what is left is none of the flusher's. As the
// end waits for publishers, none of the locks that a flush needs may be held, nor any that
// a loop may wait for.
func (f *flusher) help() {
	if !f.isBehind() {
		return
	}
	f.mu.Lock()
	ring, direct := f.rouseLocked(f.next < len(f.dirty))
	waits := f.helping >= f.helpers && !f.closed
	var relief <-chan struct{}
	if waits {
		relief = f.reliefLocked()
	} else {
		f.helping++
	}
	f.mu.Unlock()
	if ring {
		f.bell.ring(direct)
	}
	if waits {
		if relief != nil {
			<-relief
		}
		return
	}
	var lot [flushLot]*outbox
	for f.isBehind() {
		f.mu.Lock()
		n := f.takeLocked(lot[:])
		f.mu.Unlock()
		if n == 0 {
			break
		}
		f.flush(lot[:n])
	}
	f.mu.Lock()
	f.helping--
	f.relieveLocked()
	f.mu.Unlock()
}

// reliefLocked returns what to wait for until relieveLocked closes it, nil if there is
// nothing to wait for. Run, which must have been roused, does not sleep before.
func (f *flusher) reliefLocked() <-chan struct{} {
	if f.next == len(f.dirty) || !f.isBehind() {
		return nil
	}
	if f.relief == nil {
		f.relief = make(chan struct{})
	}
	return f.relief
}

// relieveLocked lets those go on who wait, if there is nothing to wait for any more.
func (f *flusher) relieveLocked() {
	if f.relief != nil && (f.next == len(f.dirty) || !f.isBehind()) {
		close(f.relief)
		f.relief = nil
	}
}

// close flushes what is left and ends the flusher's goroutine.
func (f *flusher) close() {
	f.mu.Lock()
	f.closed = true
	started := f.started
	if f.watch != nil {
		f.watch.Stop()
	}
	ring, direct := f.rouseLocked(true)
	f.mu.Unlock()
	if ring {
		f.bell.ring(direct)
	}
	if started {
		<-f.done
	}
}
