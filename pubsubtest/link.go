package pubsubtest

import (
	"crypto/tls"
	"errors"
	"math"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pubsubd/pubsubd/server"
)

// A link is the server's side of a connection as the server sees it. Everything that
// a client sends and is sent goes through it, so that it can be written down,
// exchanged, delayed or lost; the server knows nothing of that.
//
// A goroutine of its own reads from the connection. So the deadlines of the server
// never reach crypto/tls, which would not read on after one that has passed within a
// handshake.
type link struct {
	// Immutable once the server has it.
	c      *core
	i      *instance
	who    *party
	raw    net.Conn  // a socket or a pipeEnd
	conn   net.Conn  // raw, or secure
	secure *tls.Conn // over raw; nil without TLS
	parts  *parting  // between the two
	gone   chan struct{}
	hurry  chan struct{} // the delay is another

	mu      sync.Mutex // guards the fields below
	changed sync.Cond

	seen server.ClientInfo // as a fault has found the client last, for when it has left

	err    error // of reads and writes: a fault has broken the connection, or a write has
	noted  bool  // the transcript tells how it has ended
	closed bool  // the server has closed it
	ended  bool  // conn is to be closed as soon as nothing holds anything back
	resets bool  // the client is to see a reset then, and nothing of what is on its way
	cutOff bool  // nothing of what is on its way arrives, but the end
	shut   bool  // conn is closed, or is just being closed
	owes   uint64

	// What the client sends.
	pumps   bool   // fetch runs, or has
	shaken  bool   // the handshake of TLS is over
	arrived []byte // not looked at yet
	in      stream
	ready   []byte // passed on and not read yet
	readErr error  // that comes behind both
	read    deadline

	// What it is sent.
	out   stream // in which refusals are exchanged
	later delayed
	sends bool   // a Write is writing to conn
	sent  stream // what has gone to conn, for the transcript
	write deadline

	// Faults.
	stalled     bool
	partitioned bool
	delay       time.Duration
	cut         int // bytes to go until the connection is cut off; -1 for never
	dropPings   bool

	refusals []refusal // that the server has not answered yet
	refused  int       // how many there were
}

// A party is whom a line of the transcript is about. It outlives the connection.
type party struct {
	id   atomic.Uint64 // CLIENT ID, 0 until it has one
	name atomic.Pointer[string]
}

func newLink(c *core, raw net.Conn) *link {
	l := &link{c: c, who: new(party), raw: raw, conn: raw, cut: -1, gone: make(chan struct{}), hurry: make(chan struct{}, 1)}
	l.changed.L = &l.mu
	if c.tls != nil {
		l.parts = &parting{Conn: raw, l: l}
		l.secure = tls.Server(l.parts, c.tls)
		l.conn = l.secure
	}
	l.in.scan.requests = true
	l.in.whole = l.tookRequest
	l.in.most = int(min(c.opts.conf.MaxBulkLen, math.MaxInt-maxArrived)) + maxArrived
	l.out.whole = l.exchange
	l.sent.whole = l.tookReply
	return l
}

func (l *link) LocalAddr() net.Addr  { return l.raw.LocalAddr() }
func (l *link) RemoteAddr() net.Addr { return l.raw.RemoteAddr() }

// offline tells whether nothing arrives at either side. The caller holds l.mu.
func (l *link) offline() bool { return l.partitioned || l.c.offline.Load() }

// maxArrived is how many bytes of a client the server has not asked for are taken
// from its connection.
const maxArrived = 64 << 10

// fetch has somebody read from the connection. The caller holds l.mu.
func (l *link) fetch() {
	if l.pumps || l.shut {
		return
	}
	l.pumps = true
	l.c.running.Go(func() {
		err := l.pump()
		l.mu.Lock()
		defer l.mu.Unlock()
		l.readErr = err
		l.changed.Broadcast()
	})
}

// pump reads until that fails.
func (l *link) pump() error {
	if l.secure != nil {
		if err := l.secure.Handshake(); err != nil {
			return err
		}
		l.mu.Lock()
		l.shaken = true
		l.changed.Broadcast()
		l.mu.Unlock()
	}
	buf := make([]byte, 4<<10)
	for {
		n, err := l.conn.Read(buf)
		l.mu.Lock()
		l.arrived = append(l.arrived, buf[:n]...)
		l.changed.Broadcast()
		for len(l.arrived) >= maxArrived && !l.shut {
			l.changed.Wait()
		}
		l.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

// Read reads what the client has sent, once nothing holds it back.
func (l *link) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fetch()
	for {
		switch {
		case l.closed:
			return 0, net.ErrClosed
		case l.err != nil:
			return 0, l.err
		case len(p) == 0:
			return 0, nil
		case l.read.over:
			return 0, os.ErrDeadlineExceeded
		case l.offline():
		case len(l.ready) > 0:
			n := copy(p, l.ready)
			if l.ready = l.ready[n:]; len(l.ready) == 0 {
				l.ready = nil
			}
			return n, nil
		case len(l.arrived) > 0:
			p := l.arrived
			l.arrived = nil
			l.ready = l.in.pass(p, l.judges())
			l.changed.Broadcast()
			continue
		case l.readErr != nil:
			return 0, l.readErr
		}
		l.changed.Wait()
	}
}

// Write sends something to the client, once nothing holds it back. An error of the
// connection, a time limit that has passed in the middle of it among them, is that of
// all later writes.
//
// Why a connection is refused is not said to one that waits for TLS and could not read
// it: the listener of package server knows, the feed is a plain one.
func (l *link) Write(p []byte) (int, error) {
	if l.secure != nil && l.who.id.Load() == 0 {
		return len(p), nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.secure != nil {
		l.fetch() // which shakes hands
	}
	for {
		if err := l.cannotWrite(); err != nil {
			return 0, err
		}
		if l.mayWrite() {
			break
		}
		l.changed.Wait()
	}
	q := l.out.pass(p, len(l.refusals) > 0)
	if l.delay > 0 || l.later.waiting() {
		l.later.add(l, q)
		return len(p), nil
	}
	l.sends = true
	n, err := l.sendLocked(q)
	l.sends = false
	if err != nil {
		return min(n, len(p)), err
	}
	return len(p), nil
}

func (l *link) cannotWrite() error {
	switch {
	case l.closed:
		return net.ErrClosed
	case l.err != nil:
		return l.err
	case l.secure != nil && !l.shaken && l.readErr != nil:
		return l.readErr
	case l.write.over:
		return os.ErrDeadlineExceeded
	}
	return nil
}

func (l *link) mayWrite() bool {
	return !l.stalled && !l.offline() && l.later.hasRoom() && (l.secure == nil || l.shaken)
}

// sendLocked writes to the connection, with l.mu released meanwhile. It returns how
// much it has taken.
func (l *link) sendLocked(p []byte) (n int, err error) {
	for len(p) > 0 {
		part := p
		if l.cut >= 0 {
			part = p[:min(len(p), l.cut)]
			l.cut -= len(part)
		}
		l.sent.pass(part, false)
		l.mu.Unlock()
		taken, err := l.conn.Write(part)
		l.mu.Lock()
		n += taken
		if err != nil {
			if l.err == nil {
				l.err = err
				l.changed.Broadcast()
			}
			return n, l.err
		}
		p = p[len(part):]
		if l.cut == 0 { // and was not lifted meanwhile
			l.cutOffLocked()
			return n, l.err
		}
	}
	return n, nil
}

func (l *link) SetDeadline(t time.Time) error {
	return errors.Join(l.SetReadDeadline(t), l.SetWriteDeadline(t))
}

func (l *link) SetReadDeadline(t time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return net.ErrClosed
	}
	l.read.setTo(t, &l.changed)
	return nil
}

func (l *link) SetWriteDeadline(t time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return net.ErrClosed
	}
	l.write.setTo(t, &l.changed)
	return l.conn.SetWriteDeadline(t)
}
