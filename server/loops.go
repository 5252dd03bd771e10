package server

import (
	"errors"
	"runtime"
	"sync"
	"time"

	"github.com/pubsubd/pubsubd/internal/eventloop"
)

// A loop is an event loop and what the requests of its clients have put into the
// outboxes of others since it last waited: of several clients that publish to the
// same receivers, these hear in one write.
type loop struct {
	*eventloop.Loop
	s *Server

	// Owned by the loop's goroutine.
	dirty  []*outbox
	since  time.Duration // when the first of dirty became it, since the server's start
	before time.Duration // since, of those sent last

	runs     joinedRuns
	spent    time.Duration // on what waited for others when it was a client's turn
	spending bool          // between lend and lent

	answers  []*outbox     // of clients with short replies
	answered time.Duration // when the first of answers was put there
}

// maxAnswerHeld is how long short replies wait for those to others, unless a single
// request takes longer.
const maxAnswerHeld = 500 * time.Microsecond

// answer keeps the outbox of a client with replies: what has come in together is
// answered together, so that the other sides, which may be one process, are woken
// up once. The time is now.
func (l *loop) answer(o *outbox, now time.Duration) {
	if len(l.answers) == 0 {
		l.answered = now
	}
	l.answers = append(l.answers, o)
}

// sendAnswers sends the replies that have been kept.
func (l *loop) sendAnswers() {
	l.s.flusher.flush(l.answers)
	if l.answers = l.answers[:0]; cap(l.answers) > maxKeptDirty {
		l.answers = nil
	}
}

// lend begins with what is done for others in a client's turn, and lent ends it.
// Excuse takes it off the time that the client's own requests have taken.
func (l *loop) lend() (start time.Duration) {
	if l.spending {
		return -1
	}
	l.spending = true
	return l.s.uptime()
}

func (l *loop) lent(start time.Duration) {
	if start >= 0 {
		l.spent += l.s.uptime() - start
		l.spending = false
	}
}

// sendLateAnswers is publish and sendAnswers if they have been kept for long. The time
// is now.
func (l *loop) sendLateAnswers(now time.Duration) {
	if len(l.runs.clients) > 0 && now-l.runs.since > maxAnswerHeld {
		start := l.lend()
		l.publish()
		l.lent(start)
	}
	if len(l.answers) > 0 && now-l.answered > maxAnswerHeld {
		start := l.lend()
		l.sendAnswers()
		l.lent(start)
	}
}

// add keeps outboxes for sendOthers. The time is now.
func (l *loop) add(list []*outbox, now time.Duration) {
	if len(l.dirty) == 0 {
		l.since = now
	}
	l.dirty = append(l.dirty, list...)
	if late := now-l.since > maxHeld; late || l.s.flusher.backlog.Load() > maxFanned {
		start := l.lend()
		l.sendAll(late)
		l.lent(start)
	}
}

// sendLate sends what has been kept for long.
func (l *loop) sendLate() {
	if len(l.answers)+len(l.dirty)+len(l.runs.clients) == 0 {
		return
	}
	now := l.s.uptime()
	l.sendLateAnswers(now)
	if len(l.dirty) > 0 && now-l.since > maxHeld {
		l.sendAll(true)
	}
}

// sendOthers is called when all that had happened is done.
func (l *loop) sendOthers() { l.sendAll(false) }

// sendAll sends all that has been kept, and has the flusher see to its part at once if
// that is late already.
func (l *loop) sendAll(late bool) {
	l.publish()
	l.sendAnswers()
	if len(l.dirty) > 0 {
		many := l.s.flushFew(l.dirty, l.writes(len(l.dirty)))
		if late {
			l.s.flusher.add(many...)
		} else {
			l.s.flusher.leave(many)
		}
		l.before = l.since
		clear(l.dirty)
		if l.dirty = l.dirty[:0]; cap(l.dirty) > maxKeptDirty {
			l.dirty = nil
		}
	}
}

// directRest is how much later than the last messages those for several receivers
// must come, for each of these, that a loop writes them itself: about twice as long as
// a write takes. Under more load the loop had better go on.
const directRest = 16 * time.Microsecond

// writes tells whether what is queued for so many receivers is written by the loop.
func (l *loop) writes(receivers int) bool {
	switch {
	case receivers == 1:
		return true
	case receivers <= directReceivers && l.since-l.before >= time.Duration(receivers)*directRest:
		return true
	case receivers > leftReceivers || l.s.flusher.backlog.Load() < int64(receivers)*directBytes:
		return false
	}
	return l.dirty[0].cares() >= directBytes && eventloop.Crowded()
}

// loops are the event loops of a server.
type loops struct {
	num int // at most; set before the first pick

	mu   sync.Mutex
	list []*loop
	next int
	none bool // there are none to be had, or no more
}

// eventLoops is how many event loops a server has.
func (c *Config) eventLoops() int {
	if c.EventLoops >= 0 {
		return c.EventLoops
	}
	return (runtime.GOMAXPROCS(0) + 1) / 2
}

// pick returns a loop for one more connection, nil if there is none.
func (l *loops) pick(s *Server) *loop {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.none || l.num == 0 {
		return nil
	}
	if len(l.list) < l.num {
		one := &loop{s: s}
		var err error
		if one.Loop, err = eventloop.New(func() { s.guarded("an event loop", one.sendOthers) }, one.flushSome); err == nil {
			l.list = append(l.list, one)
			s.flusher.wake() // which may have to be rung for in another way from now on
		}
		if len(l.list) == 0 { // the system has none, or not now
			l.none = errors.Is(err, errors.ErrUnsupported)
			return nil
		}
	}
	l.next = (l.next + 1) % len(l.list)
	return l.list[l.next]
}

// close ends the loops, which nobody uses any more.
func (l *loops) close() {
	l.mu.Lock()
	list := l.list
	l.list, l.none = nil, true
	l.mu.Unlock()
	for _, one := range list {
		one.Close()
	}
}
