package pubsubtest

import (
	"crypto/tls"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// A link is the server's side of a connection as the server sees it. Everything that
// a client sends and is sent goes through it, so that it can be written down,
// exchanged, delayed or lost; the server knows nothing of that.
type link struct {
	// Immutable once the server has it.
	c     *core
	raw   net.Conn      // a socket or a pipeEnd
	conn  net.Conn      // raw, or TLS over it
	gone  chan struct{} // closed with conn
	hurry chan struct{} // the delay is another

	mu      sync.Mutex // guards the fields below
	changed sync.Cond

	id   uint64 // CLIENT ID, 0 until it has one
	name string // that it has given itself

	err   error // of reads and writes, for the server: it has closed the connection, or a fault has
	ended bool  // conn is closed, or is to be as soon as it may
	shut  bool  // conn is closed

	// What the client sends.
	in      stream
	ready   []byte // passed on and not read yet
	readErr error  // that comes behind it
	read    deadline

	// What it is sent.
	out   stream
	later delayed
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

// A refusal is a reply that is still to be exchanged.
type refusal struct {
	number int
	reply  string
}

func newLink(c *core, raw net.Conn) *link {
	l := &link{c: c, raw: raw, conn: raw, cut: -1, gone: make(chan struct{}), hurry: make(chan struct{}, 1)}
	l.changed.L = &l.mu
	if c.tls != nil {
		l.conn = tls.Server(raw, c.tls.server)
	}
	l.in.scan.requests = true
	l.in.whole = l.tookRequest
	l.out.whole = l.tookReply
	return l
}

func (l *link) LocalAddr() net.Addr  { return l.raw.LocalAddr() }
func (l *link) RemoteAddr() net.Addr { return l.raw.RemoteAddr() }

// Read reads what the client has sent, once nothing holds it back.
func (l *link) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		switch {
		case l.err != nil:
			return 0, l.err
		case l.read.over:
			return 0, os.ErrDeadlineExceeded
		case l.partitioned:
			l.changed.Wait()
			continue
		case len(l.ready) > 0:
			n := copy(p, l.ready)
			if l.ready = l.ready[n:]; len(l.ready) == 0 {
				l.ready = nil
			}
			return n, nil
		case l.readErr != nil:
			return 0, l.readErr
		}
		l.mu.Unlock()
		n, err := l.conn.Read(p)
		l.mu.Lock()
		if n > 0 {
			l.ready = append(l.ready, l.in.pass(p[:n], l.judges())...)
		}
		if ne, ok := err.(net.Error); err != nil && !(ok && ne.Timeout()) { // of time-outs l.read knows
			l.readErr = err
		}
	}
}

// judges tells whether requests are looked at before the server gets them. The
// caller holds l.mu.
func (l *link) judges() bool { return l.dropPings || l.c.refuses.Load() != 0 }

// tookRequest is called with each request. The caller holds l.mu.
func (l *link) tookRequest(request []byte, size int, held bool) []byte {
	argv := words(request)
	l.c.transcript.add(l, fromClient, showRequest(request), size)
	l.learnName(argv)
	if !held {
		return nil
	}
	if l.dropPings && len(argv) > 0 && isWord(argv[0], "PING") {
		l.c.transcript.add(l, fault, "dropped", 0)
		return nil
	}
	if reply, refused := Refusal(l.c.refuses.Load()).refused(argv); refused {
		l.refused++
		l.refusals = append(l.refusals, refusal{l.refused, reply})
		return standRequest(l.refused)
	}
	return request
}

// learnName keeps the name that a client gives itself, for when it is gone.
func (l *link) learnName(argv [][]byte) {
	if len(argv) < 3 {
		return
	}
	if isWord(argv[0], "CLIENT") && isWord(argv[1], "SETNAME") {
		l.name = string(argv[2])
	}
	if isWord(argv[0], "HELLO") {
		for i := 2; i < len(argv)-1; i++ {
			if isWord(argv[i], "SETNAME") {
				l.name = string(argv[i+1])
			}
		}
	}
}

// Write sends something to the client, once nothing holds it back.
func (l *link) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		if l.err != nil {
			return 0, l.err
		}
		if l.write.over {
			return 0, os.ErrDeadlineExceeded
		}
		if !l.stalled && !l.partitioned && l.later.hasRoom() {
			break
		}
		l.changed.Wait()
	}
	q := l.out.pass(p, len(l.refusals) > 0)
	if l.delay > 0 || l.later.waiting() {
		l.later.add(l, q)
		return len(p), nil
	}
	if err := l.sendLocked(q); err != nil {
		return 0, err
	}
	return len(p), nil
}

// tookReply is called with each reply, confirmation and message. The caller holds
// l.mu.
func (l *link) tookReply(reply []byte, size int, held bool) []byte {
	if held && len(l.refusals) > 0 && isStandReply(reply, l.refusals[0].number) {
		reply = []byte(l.refusals[0].reply)
		size = len(reply)
		l.refusals = l.refusals[1:]
	}
	l.c.transcript.add(l, toClient, render(reply[:min(len(reply), maxKept)]), size)
	return reply
}

// sendLocked writes to the connection, with l.mu released meanwhile.
func (l *link) sendLocked(p []byte) error {
	cut := l.cut >= 0 && len(p) >= l.cut
	if cut {
		p = p[:l.cut]
	}
	if l.cut >= 0 {
		l.cut -= len(p)
	}
	if len(p) > 0 {
		l.mu.Unlock()
		_, err := l.conn.Write(p)
		l.mu.Lock()
		if err != nil {
			return err
		}
	}
	if cut {
		l.breakLocked("cut off", syscall.ECONNRESET)
		l.finishLocked()
		return l.err
	}
	return nil
}

// Close is the server's. What a client that nothing holds back was sent before, it
// still gets.
func (l *link) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.c.transcript.add(l, fault, "closed", 0)
		l.err = net.ErrClosed
	}
	l.ended = true
	l.changed.Broadcast()
	if !l.partitioned && !l.later.waiting() {
		l.finishLocked()
	}
	return nil
}

// breakLocked has the server's reads and writes fail from here on.
func (l *link) breakLocked(how string, err error) {
	if l.err == nil {
		l.c.transcript.add(l, fault, how, 0)
		l.err = err
	}
	l.changed.Broadcast()
}

// finishLocked closes the connection itself, with l.mu released meanwhile.
func (l *link) finishLocked() {
	if l.shut {
		return
	}
	l.shut, l.ended = true, true
	close(l.gone)
	l.changed.Broadcast()
	l.mu.Unlock()
	_ = l.conn.Close()
	l.c.forget(l)
	l.mu.Lock()
}

// reset breaks the connection off, so that the client sees a reset.
func (l *link) reset(how string) {
	switch raw := l.raw.(type) {
	case *net.TCPConn:
		_ = raw.SetLinger(0)
	case *pipeEnd:
		raw.reset()
	}
	_ = l.raw.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.breakLocked(how, syscall.ECONNRESET)
	l.finishLocked()
}

// abandon closes the connection whatever holds it back.
func (l *link) abandon() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = net.ErrClosed
	}
	l.finishLocked()
}

// lift ends all faults.
func (l *link) lift() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stalled, l.dropPings, l.cut = false, false, -1
	l.setDelayLocked(0)
	l.healLocked()
}

// healLocked ends a partition.
func (l *link) healLocked() {
	l.partitioned = false
	l.changed.Broadcast()
	if l.ended && !l.later.waiting() {
		l.finishLocked()
	}
}

// unsent is how many bytes the server has sent and the client has not been.
func (l *link) unsent() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.later.bytes
}

func (l *link) SetDeadline(t time.Time) error {
	_ = l.SetReadDeadline(t)
	return l.SetWriteDeadline(t)
}

func (l *link) SetReadDeadline(t time.Time) error {
	l.mu.Lock()
	l.read.setTo(t, &l.changed)
	l.mu.Unlock()
	return l.conn.SetReadDeadline(t)
}

func (l *link) SetWriteDeadline(t time.Time) error {
	l.mu.Lock()
	l.write.setTo(t, &l.changed)
	l.mu.Unlock()
	return l.conn.SetWriteDeadline(t)
}
