package server

import (
	"runtime"
	"time"

	"github.com/pubsubd/pubsubd/internal/eventloop"
)

// Where there are no more than two processors and loops, a flusher beside them has none to
// itself: it would take turns with them, with the receivers on the same machine and with
// the system's own work, at a switch of threads each. So the loops leave it asleep and go
// through its list themselves, some of it whenever there is nothing to read and now and
// then when there is. It is woken up when that does not suffice: if much is left, or if
// some has been for one to two times maxHeld.

const (
	// leftReceivers is how many outboxes may be left to the loops at a time: with more it
	// pays to read and write at the same time, as it does with more than minBacklog bytes.
	leftReceivers = 128

	// loopLot is how many outboxes a loop takes from the list at a time: clients whose
	// requests come meanwhile wait until these are written to.
	loopLot = 8

	// manyBytes is how many bytes a write must have, on average, that a loop, or a flusher
	// in its way, writes to others at once instead of reading what else there is for them.
	manyBytes = 4 << 10

	// directBytes is how many bytes there must be for each receiver, as for the first, that
	// a loop writes them itself: more would not make the writes cheaper, and what has just
	// been read is in the processor's cache still.
	directBytes = 16 << 10

	// lateEvery is how often it is looked whether some of the list is left for long: it may
	// be for up to twice that. Where many receivers are gone through all the time, a round
	// takes milliseconds.
	lateEvery = maxHeld
)

// leave is add for an event loop, which has to call flushSome until there is nothing left
// before it waits. Somebody else's list is left to it as well.
func (f *flusher) leave(list []*outbox) {
	if len(list) == 0 {
		return
	}
	f.mu.Lock()
	f.addLocked(list)
	ring, direct := f.rouseLocked(f.isMuchLocked())
	if f.asleep && !f.watched {
		f.watchLocked()
	}
	f.mu.Unlock()
	if ring {
		f.bell.ring(direct)
	}
}

// isMuchLocked tells whether the list is more than is left to loops.
func (f *flusher) isMuchLocked() bool {
	return len(f.dirty)-f.next > leftReceivers || f.backlog.Load() > minBacklog || !eventloop.Crowded()
}

// watchLocked has late called in a while: it is not to be left to loops for long that
// always have something to read, or take long over it.
func (f *flusher) watchLocked() {
	f.watched, f.due = true, f.added
	if f.watch == nil {
		f.watch = time.AfterFunc(lateEvery, f.late)
		return
	}
	f.watch.Reset(lateEvery)
}

// late wakes the flusher up if some of the list has been left to loops since watchLocked.
func (f *flusher) late() {
	f.mu.Lock()
	num := len(f.dirty) - f.next
	ring, direct := f.rouseLocked(num > 0 && f.added-uint64(num) < f.due)
	f.watched = false
	if f.asleep && num > 0 {
		f.watchLocked()
	}
	f.mu.Unlock()
	if ring {
		f.bell.ring(direct)
	}
}

// flushSome sends what is queued in some outboxes of a list that is left to the loops.
// It tells whether there were any.
func (f *flusher) flushSome() (did bool) {
	if f.waiting.Load() == 0 {
		return false
	}
	var lot [loopLot]*outbox
	for n := 0; n < flushLot; n += loopLot {
		f.mu.Lock()
		ring, direct := f.rouseLocked(f.isMuchLocked())
		num := 0
		if f.asleep {
			num = f.takeLocked(lot[:])
		}
		f.mu.Unlock()
		if ring {
			f.bell.ring(direct)
		}
		if num == 0 {
			break
		}
		did = true
		if !f.flushTurn(lot[:num]) {
			break
		}
	}
	return did
}

// flushSome writes to some of those that are left to loops or, where none of the processors
// is left for the flusher, lets that do it: a loop that waits for sockets would keep it from
// going on for up to 10 ms. It tells whether any were written to.
func (l *loop) flushSome() (did bool) {
	f := l.s.flusher
	if f.waiting.Load() == 0 {
		return false
	}
	l.s.guarded("an event loop", func() { did = f.flushSome() })
	if !did && eventloop.NoneLeft() {
		before := f.waiting.Load()
		runtime.Gosched()
		did = f.waiting.Load() != before
	}
	return did
}
