package server

import (
	"cmp"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// A Closure tells how and why a connection ended.
type Closure struct {
	ID     uint64 // of the client; 0 if it was refused before it had one
	Addr   string // as in ClientInfo
	Name   string // of the client, cut to 128 bytes; may be empty
	User   string // it was logged in as, cut likewise; empty if it was refused
	Reason string // one of a fixed set, such as "killed" or "output-buffer-hard-limit"
	Detail string // what the system or the parser said, cut likewise; mostly empty

	At  time.Time     // when it was closed
	Age time.Duration // how long it was connected

	// What was queued for the client and dropped. A message that was sent in
	// part counts, and what was just being written, since that may have left or
	// not. For a client of subscriptions the messages are exact; of
	// replies longer than 64 KiB that were sent in part only one is counted,
	// and with it those that share its last piece.
	QueuedBytes    int
	QueuedMessages int

	// Oldest is how long the oldest of these messages had waited for the
	// client: since its connection took no more, or since the message was
	// queued after that. It is exact for a client that takes nothing. For one
	// that takes some it may be too long by the time between two of its reads,
	// never too short. Zero if the connection had not refused anything.
	Oldest time.Duration
}

// keptClosures is how many closures of each sort are kept.
const keptClosures = 128

// A closureLog keeps the latest closures of each sort, and counts all.
type closureLog struct {
	counts []atomic.Int64 // by the index of the reason
	logged []atomic.Int64 // by the same, the second in which a line was last written that is not to be written often

	mu    sync.Mutex // guards the fields below
	rings [closureSorts]closureRing
	seq   uint64
}

// A closureRing is the latest closures of one sort.
type closureRing struct {
	list []numberedClosure // grows up to keptClosures
	next int               // where the next goes when list is full
}

type numberedClosure struct {
	Closure
	seq uint64 // grows from one closure to the next
}

func newClosureLog() closureLog {
	return closureLog{counts: make([]atomic.Int64, len(closeReasons)), logged: make([]atomic.Int64, len(closeReasons))}
}

// add keeps a closure in place of the oldest of its sort.
func (l *closureLog) add(sort closureSort, e *Closure) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq++
	n, r := numberedClosure{*e, l.seq}, &l.rings[sort]
	if len(r.list) < keptClosures {
		r.list = append(r.list, n)
		return
	}
	r.list[r.next] = n
	r.next = (r.next + 1) % keptClosures
}

// latest returns the latest closures of all sorts, at most n, the latest first;
// all that are kept if n is negative.
func (l *closureLog) latest(n int64) []Closure {
	l.mu.Lock()
	var all []numberedClosure
	for i := range l.rings {
		all = append(all, l.rings[i].list...)
	}
	l.mu.Unlock()
	slices.SortFunc(all, func(a, b numberedClosure) int { return cmp.Compare(b.seq, a.seq) })
	if n >= 0 && n < int64(len(all)) {
		all = all[:n]
	}
	list := make([]Closure, len(all))
	for i := range all {
		list[i] = all[i].Closure
	}
	return list
}

// count returns how many closures had one of these reasons.
func (l *closureLog) count(reasons ...closeReason) (n int64) {
	for _, why := range reasons {
		n += l.counts[reasonIndexes[why]].Load()
	}
	return n
}

// reset sets the counts to zero. What is kept stays.
func (l *closureLog) reset() {
	for i := range l.counts {
		l.counts[i].Store(0)
	}
}

// Closures returns how the latest connections ended, the latest first. Of those
// that clients ended, of those that the server ended and of those whose client
// was refused or had not logged in it keeps 128 each, so that none of the three
// pushes out another.
func (s *Server) Closures() []Closure { return s.closures.latest(-1) }

// noteClosure counts, keeps and logs a closure. A line that anybody can cause is
// written at most once a second for each reason; the rest of them at the level
// of what clients do themselves.
func (s *Server) noteClosure(e *Closure, sort closureSort, more ...zap.Field) {
	at := reasonIndexes[closeReason(e.Reason)]
	entry := &closeReasons[at]
	if entry.sort == byStranger {
		sort = byStranger
	}
	s.closures.counts[at].Add(1)
	s.closures.add(sort, e)
	level := entry.level
	if sort == byStranger && level > zapcore.DebugLevel {
		if now := s.out.now(); s.closures.logged[at].Swap(now) == now {
			level = zapcore.DebugLevel
		}
	}
	if line := s.log.Check(level, entry.text); line != nil {
		line.Write(append(e.fields(), more...)...)
	}
}

// fields are the facts of a closure as the log shows them.
func (e *Closure) fields() []zap.Field {
	f := []zap.Field{
		zap.String("reason", e.Reason), zap.Uint64("id", e.ID), zap.String("addr", e.Addr), zap.String("name", e.Name), zap.String("user", e.User),
		zap.Duration("age", e.Age), zap.Int("queued_bytes", e.QueuedBytes), zap.Int("queued_messages", e.QueuedMessages), zap.Duration("oldest", e.Oldest),
	}
	if e.Detail != "" {
		f = append(f, zap.String("detail", e.Detail))
	}
	return f
}

// refused tells of a connection that was closed before it was served. The
// client is nil if it was never made one.
func (s *Server) refused(nc net.Conn, c *client, why closeReason) {
	e := &Closure{Reason: string(why), At: time.Now()}
	if c != nil {
		e.ID, e.Addr = c.id, c.addr
	} else {
		e.Addr, _, _ = addresses(nc)
	}
	s.noteClosure(e, byStranger)
}

// because keeps why the connection ends, with what is known beside it. It may
// be called from any goroutine and more than once: the first reason stays, and
// first tells whether it is this one.
func (c *client) because(why closeReason, detail string) (first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if first = c.reason == ""; first {
		c.reason, c.detail = why, cut(detail, maxLoggedName)
	}
	return first
}

// account tells, once, of the end of the client. Who returns from it knows that
// it was told. It is called when nothing is queued for the client any more and
// before the client sees its end.
func (c *client) account() { c.accounted.Do(c.accountNow) }

func (c *client) accountNow() {
	now := c.s.uptime()
	lost := c.out.takeRemainder(now)
	e := &Closure{ID: c.id, Addr: c.addr, At: time.Now(), Age: now - c.created, QueuedBytes: lost.bytes, QueuedMessages: lost.messages, Oldest: lost.oldest}
	e.User = cut(c.user.Load().Name(), maxLoggedName)
	c.mu.Lock()
	why, detail := c.reason, c.detail
	e.Name = cut(c.name, maxLoggedName)
	c.mu.Unlock()
	if detail == "" && lost.err != nil && isFailure(why) {
		detail = cut(lost.err.Error(), maxLoggedName)
	}
	e.Reason, e.Detail = string(why), detail
	sort := closeReasons[reasonIndexes[why]].sort
	if !lost.authed {
		sort = byStranger
	}
	if why.overOutputLimit() || why == closedEvicted {
		c.s.noteClosure(e, sort, zap.String("client", cut(string(c.appendInfo(nil)), maxLoggedInfo)))
		return
	}
	c.s.noteClosure(e, sort)
}

// closeAside is close for those who hold the broker, or may not wait for another
// reason: what takes time is left to a goroutine, which also detaches the
// client.
func (c *client) closeAside(why closeReason) (first bool) {
	c.gone.Store(true)
	first = c.because(why, "")
	c.out.close()
	c.s.spawn(func() {
		c.close(why)
		c.detach()
	})
	return first
}

// isFailure tells whether a connection ended by itself.
func isFailure(why closeReason) bool {
	switch why {
	case closedReset, closedVanished, closedReadError, closedWriteError:
		return true
	}
	return false
}

// failureReason tells which reason an error of a connection is; other is for
// those that are none in particular.
func failureReason(err error, other closeReason) closeReason {
	var errno syscall.Errno
	switch {
	case err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF):
		return closedByPeer
	case errors.Is(err, io.ErrClosedPipe): // of an in-memory pipe
		return closedReset
	case errors.Is(err, os.ErrDeadlineExceeded):
		return other
	case errors.As(err, &errno) && isReset(errno):
		return closedReset
	case errors.As(err, &errno) && isLost(errno):
		return closedVanished
	}
	return other
}

// failureDetail is what is told of an error of a connection beside its reason.
func failureDetail(err error) string {
	if err == io.EOF {
		return ""
	}
	return err.Error()
}

// infoClosures counts closures by their reason.
func (s *Server) infoClosures(w *infoWriter) {
	for _, entry := range closeReasons {
		name := strings.ReplaceAll(string(entry.why), "-", "_")
		w.field("closed_"+strings.TrimPrefix(name, "closed_"), s.closures.count(entry.why))
	}
}
