package pubsubtest

import (
	"net"
	"sync/atomic"
	"syscall"
	"time"
)

// Close is the server's. What a client that nothing holds back was sent before, it
// still gets.
func (l *link) Close() error {
	reason, name := l.i.ending(l.who.id.Load())
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return net.ErrClosed
	}
	if name != "" {
		l.who.name.Store(&name)
		l.seen.Name = name
	}
	l.noteEnd("closed" + reason)
	l.closed = true
	l.endDeadlines()
	if l.delay > 0 && !l.ended {
		l.later.add(l, nil) // the end takes as long as what is sent
	}
	l.endLocked()
	return nil
}

// endLocked has the connection closed as soon as nothing holds its end back. The server
// does not wait for that: a Write of its own that is under way returns.
func (l *link) endLocked() {
	l.ended = true
	l.changed.Broadcast()
	if l.mayFinish() {
		l.finishLocked()
		return
	}
	if l.resets || l.cutOff {
		l.setDelayLocked(l.delay) // to wake up who waits to deliver what is lost
	}
	if l.sends {
		_ = l.conn.SetWriteDeadline(time.Unix(1, 0))
	}
}

// mayFinish tells whether nothing holds back the end of the connection. The caller
// holds l.mu.
func (l *link) mayFinish() bool {
	return !l.offline() && (l.resets || l.cutOff || !l.later.waiting())
}

// ending returns why the server has closed a client, for the transcript, and the name
// that the client had. Both are empty if it is not known yet.
func (i *instance) ending(id uint64) (reason, name string) {
	if id == 0 {
		return "", ""
	}
	for _, e := range i.srv.Closures() {
		if e.ID == id {
			return ": " + e.Reason, e.Name
		}
	}
	return "", ""
}

// noteEnd writes into the transcript how the connection has ended, once.
func (l *link) noteEnd(how string) {
	if !l.noted {
		l.noted = true
		l.note(how)
	}
}

// endDeadlines leaves no timer behind.
func (l *link) endDeadlines() {
	l.read.setTo(time.Time{}, &l.changed)
	l.write.setTo(time.Time{}, &l.changed)
}

// breakLocked has the server's reads and writes fail from here on.
func (l *link) breakLocked(how string, err error) {
	if l.err == nil && !l.closed {
		l.err = err
	}
	l.noteEnd(how)
	l.changed.Broadcast()
}

// cutOffLocked ends the connection for both sides, for the client when no partition
// holds that back.
func (l *link) cutOffLocked() {
	l.breakLocked("cut off", syscall.ECONNRESET)
	l.cutOff = true
	l.endLocked()
}

// finishLocked closes the connection itself, with l.mu released meanwhile.
func (l *link) finishLocked() {
	if l.shut {
		return
	}
	l.shut, l.ended = true, true
	if near, ok := l.raw.(*pipeEnd); ok {
		l.owes = near.out.total() // without the good-bye of TLS, which few read
	}
	close(l.gone)
	l.changed.Broadcast()
	if l.resets {
		l.breakOff()
	}
	l.mu.Unlock()
	if l.parts != nil {
		l.parts.now.Store(true)
	}
	_ = l.conn.Close()
	l.c.forget(l)
	l.mu.Lock()
}

// reset breaks the connection off, so that the client sees a reset when no partition
// holds that back. The server is to see one too, so its error is set first.
func (l *link) reset(how string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.breakLocked(how, syscall.ECONNRESET)
	l.resets = true
	l.endLocked()
}

// breakOff has the client see a reset.
func (l *link) breakOff() {
	switch raw := l.raw.(type) {
	case *net.TCPConn:
		_ = raw.SetLinger(0)
	case *pipeEnd:
		raw.reset()
	}
	_ = l.raw.Close()
}

// abandon closes the connection whatever holds it back.
func (l *link) abandon() {
	_ = l.raw.Close() // before that of TLS, which would wait to say good-bye
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = net.ErrClosed
	}
	l.finishLocked()
}

// lift ends all faults of the connection.
func (l *link) lift() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stalled, l.partitioned, l.dropPings, l.cut = false, false, false, -1
	l.setDelayLocked(0)
	l.wakeLocked()
}

// wakeLocked is called when a partition may be over.
func (l *link) wakeLocked() {
	l.changed.Broadcast()
	if l.ended && l.mayFinish() {
		l.finishLocked()
	}
}

// unsent is how many bytes the server has sent and the client has not been.
func (l *link) unsent() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.later.bytes
}

// unread is how many bytes the client has not read when all was sent to it. Of
// sockets it is not known, so that is 0. Over says whether the server is done with the
// connection.
func (l *link) unread() (n int, over bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n = l.later.bytes
	if near, ok := l.raw.(*pipeEnd); ok && l.shut {
		n += near.out.unread(l.owes)
	}
	return n, l.shut
}

// hasEnded tells whether the connection is to be closed when nothing holds it back.
func (l *link) hasEnded() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ended
}

// goodbyeTime is how long the good-bye of TLS may take to a client that reads nothing.
const goodbyeTime = 50 * time.Millisecond

// A parting is a connection under TLS, which is given seconds by crypto/tls to say
// good-bye. Its handshake waits for the end of a partition.
type parting struct {
	net.Conn
	l   *link
	now atomic.Bool
}

func (p *parting) Read(b []byte) (int, error) {
	p.l.awaitOnline()
	return p.Conn.Read(b)
}

func (p *parting) Write(b []byte) (int, error) {
	p.l.awaitOnline()
	return p.Conn.Write(b)
}

// awaitOnline waits, before the handshake is over, until no partition holds it back.
func (l *link) awaitOnline() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for !l.shaken && !l.shut && l.offline() {
		l.changed.Wait()
	}
}

func (p *parting) SetWriteDeadline(t time.Time) error {
	if p.now.Load() {
		t = time.Now().Add(goodbyeTime)
	}
	return p.Conn.SetWriteDeadline(t)
}
