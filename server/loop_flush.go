package server

import "github.com/pubsubd/pubsubd/internal/eventloop"

// Where loops have all processors but one, or all, a flusher beside them has none to
// itself: it would take turns with them, with the receivers on the same machine and with
// the system's own work, at a switch of threads each. So the loops leave it asleep and go
// through its list themselves, some of it whenever there is nothing to read and now and
// then when there is. It is woken up when that does not suffice: if much is left, or if
// some has been for about maxHeld.

const (
	// leftReceivers is how many outboxes may be left to the loops at a time: with more it
	// pays to read and write at the same time, as it does with more than minBacklog bytes.
	leftReceivers = 128

	// manyBytes is how many bytes a write must have, on average, that a loop writes to
	// others at once instead of reading what else there is for them.
	manyBytes = 4 << 10
)

// leave is add for an event loop. It tells whether the list is left to that, and where
// it ends. What is left must be taken before the loop waits.
func (f *flusher) leave(list []*outbox) (end uint64, left bool) {
	if len(list) == 0 {
		return 0, false
	}
	f.mu.Lock()
	f.addLocked(list)
	ring, direct := f.asleep && f.isMuchLocked(), f.direct
	if ring {
		f.asleep = false
	}
	end, left = f.added, f.asleep
	f.mu.Unlock()
	if ring {
		f.bell.ring(direct)
	}
	return end, left
}

// isMuchLocked tells whether the list is more than is left to loops.
func (f *flusher) isMuchLocked() bool {
	return len(f.dirty)-f.next > leftReceivers || f.backlog.Load() > minBacklog || eventloop.Left() > 1
}

// flushSome sends what is queued in some outboxes of a list that is left to the loops.
// It returns how far the list has been taken and where it ends, and whether there was
// any left to them.
func (f *flusher) flushSome() (taken, end uint64, did bool) {
	var lot [smallLot]*outbox
	for n := 0; n < flushLot; n += smallLot {
		f.mu.Lock()
		ring, direct := f.asleep && f.isMuchLocked(), f.direct
		if ring {
			f.asleep = false
		}
		num := 0
		if f.asleep {
			num = f.takeLocked(lot[:])
		}
		end = f.added
		taken = end - uint64(len(f.dirty)-f.next)
		f.mu.Unlock()
		if ring {
			f.bell.ring(direct)
		}
		if num == 0 {
			break
		}
		before := f.backlog.Load()
		f.flush(lot[:num])
		did = true
		if before > minBacklog {
			f.mu.Lock()
			f.relieveLocked()
			f.mu.Unlock()
		}
		if before-f.backlog.Load() < int64(num)*manyBytes {
			break
		}
	}
	return taken, end, did
}

// leave hands outboxes to the flusher.
func (l *loop) leave(list []*outbox) {
	if end, left := l.s.flusher.leave(list); left && l.leftSince == 0 {
		l.left, l.leftSince = end, l.s.uptime()
	}
}

// flushSome writes to some of those that are left to the loop. It tells whether there
// were any.
func (l *loop) flushSome() (did bool) {
	if l.s.flusher.waiting.Load() == 0 {
		l.leftSince = 0
		return false
	}
	l.s.guarded("an event loop", func() {
		var taken, end uint64
		taken, end, did = l.s.flusher.flushSome()
		switch {
		case !did || taken == end:
			l.leftSince = 0
		case l.leftSince == 0 || taken >= l.left:
			l.left, l.leftSince = end, l.s.uptime()
		}
	})
	return did
}
