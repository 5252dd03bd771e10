package server

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// A tlsSocket is what a TLS connection is laid over: a socket on which, once
// the handshake is done, no write waits. What it does not take stays in
// pending, so that TLS works with the outbox like a plain socket does, and
// nobody can make the server wait with a lock of package tls held.
type tlsSocket struct {
	net.Conn
	rc syscall.RawConn // nil if the connection has no descriptor: then writes wait

	// Owned by the reading goroutine.
	only bool // read what has arrived in package tls, do not wait for more

	mu      sync.Mutex // guards the fields below
	direct  bool       // the handshake is done; set if rc is not nil
	closing bool       // no deadline is moved any more
	gather  int        // what is written, about so many bytes, is kept in pending until drain; 0 if it is not
	pending *buffer    // nil if the socket has taken everything
	from    int        // first byte of pending not taken
	handed  int64      // bytes that Write was handed, in all
	taken   int64      // of them, those that the socket has taken
	err     error      // of a write; nothing is written any more

	// For one call of rc.Control.
	out   []byte
	wrote int
	werr  error
	write func(fd uintptr) // writeOut, bound once
}

// gathered is about how many bytes of records are written at once to a socket
// that has taken all it was offered.
const gathered = 64 << 10

// recordOverhead is more than the bytes of a record beside what is encrypted.
const recordOverhead = 64

// maxPending is the most bytes that wait, beside what is gathered, for a socket
// that package tls writes to on its own account, as when it answers what the other
// side sends.
const maxPending = 64 << 10

// errOnly is what a read of more than has arrived returns. Package tls goes on
// after it, because it is temporary.
var errOnly error = temporaryError{}

type temporaryError struct{}

func (temporaryError) Error() string   { return "nothing more has arrived" }
func (temporaryError) Timeout() bool   { return true }
func (temporaryError) Temporary() bool { return true }

var errPending = errors.New("the client sends and does not read")

func newTLSSocket(nc net.Conn) *tlsSocket {
	s := &tlsSocket{Conn: nc}
	if sc, ok := nc.(syscall.Conn); ok && canWriteNow {
		if rc, err := sc.SyscallConn(); err == nil {
			s.rc, s.write = rc, s.writeOut
		}
	}
	return s
}

func (s *tlsSocket) Read(p []byte) (int, error) {
	if s.only {
		return 0, errOnly
	}
	return s.Conn.Read(p)
}

func (s *tlsSocket) Write(p []byte) (int, error) {
	s.mu.Lock()
	if !s.direct {
		s.mu.Unlock()
		return s.Conn.Write(p)
	}
	defer s.mu.Unlock()
	n := 0
	switch {
	case s.err != nil:
		return 0, s.err
	case s.gather > 0:
	case s.pending == nil:
		if n, s.err = s.writeNowLocked(p); s.err == errWouldBlock {
			s.err = nil
		}
	case len(s.pending.b)-s.from+len(p) > gathered+maxPending:
		s.err = errPending
	}
	if s.err != nil {
		return n, s.err
	}
	s.handed += int64(len(p))
	if n < len(p) {
		s.keepLocked(p[n:])
	}
	return len(p), nil
}

// writeNowLocked writes as much as the socket takes at once. The error is
// errWouldBlock if that is not all.
func (s *tlsSocket) writeNowLocked(p []byte) (int, error) {
	s.out, s.wrote, s.werr = p, 0, nil
	err := s.rc.Control(s.write)
	s.out = nil
	if err != nil {
		return 0, err
	}
	s.taken += int64(s.wrote)
	return s.wrote, s.werr
}

// keepLocked puts bytes behind those that wait.
func (s *tlsSocket) keepLocked(p []byte) {
	var waiting []byte
	if s.pending != nil {
		waiting = s.pending.b[s.from:]
		if s.from == 0 && cap(s.pending.b)-len(s.pending.b) >= len(p) {
			s.pending.b = append(s.pending.b, p...)
			return
		}
	}
	more := getBuffer(max(len(waiting)+len(p), s.gather))
	more.b = append(append(more.b, waiting...), p...)
	s.dropLocked()
	s.pending = more
}

// dropLocked lets go of what waits.
func (s *tlsSocket) dropLocked() {
	if s.pending != nil {
		s.pending.free()
	}
	s.pending, s.from = nil, 0
}

// gathering has what is written from now on, about n bytes, wait for drain, or with
// n = 0 none of it.
func (s *tlsSocket) gathering(n int) {
	s.mu.Lock()
	s.gather = n
	s.mu.Unlock()
}

// progress is how many bytes the socket was handed, and how many it has taken.
func (s *tlsSocket) progress() (handed, taken int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.handed, s.taken
}

// drain writes what waits and tells whether the socket has taken all of it.
func (s *tlsSocket) drain() (done bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil || s.pending == nil {
		return s.err == nil, s.err
	}
	n, err := s.writeNowLocked(s.pending.b[s.from:])
	s.from += n
	switch {
	case err == errWouldBlock:
		return false, nil
	case err != nil:
		s.err = err
		return false, err
	}
	s.dropLocked()
	return true, nil
}

// await waits until the socket takes some of what waits, if anything does.
func (s *tlsSocket) await() error {
	return s.rc.Write(func(uintptr) bool {
		s.mu.Lock()
		from, waits := s.from, s.pending != nil
		s.mu.Unlock()
		if !waits {
			return true
		}
		done, err := s.drain()
		if done || err != nil {
			return true
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.from > from
	})
}

// closeWait bounds the writes that are under way when a connection without a
// descriptor is closed, the goodbye of TLS among them.
const closeWait = 10 * time.Millisecond

// hurry makes writes end soon, whatever deadline package tls sets.
func (s *tlsSocket) hurry() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
	if !s.direct {
		_ = s.Conn.SetWriteDeadline(time.Now().Add(closeWait))
	}
}

func (s *tlsSocket) SetWriteDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return nil
	}
	return s.Conn.SetWriteDeadline(t)
}

// A tlsConn is a TLS connection of a client, server side.
type tlsConn struct {
	*tls.Conn
	socket *tlsSocket
}

func newTLSConn(nc net.Conn, conf *tls.Config) *tlsConn {
	socket := newTLSSocket(nc)
	return &tlsConn{tls.Server(socket, conf), socket}
}

// A tlsTransport is a TLS connection. Over a socket it writes without waiting,
// as plain TCP does; over anything else it is a streamTransport.
type tlsTransport struct {
	streamTransport
	tls    *tlsConn
	socket *tlsSocket

	first [1]byte // owned by the reading goroutine

	vec [][]byte // memory of what a write has left to do; owned by the writing goroutine

	// owed are bytes of the chunks that have been handed to package tls and not been
	// taken by the socket in full. They count as not written, and come first in the
	// chunks of the next write. Owned by the writing goroutine.
	owed []owedPiece
}

// An owedPiece is some bytes and where their records end, among all bytes that the
// socket was handed.
type owedPiece struct {
	plain int
	end   int64
}

func newTLSTransport(tc *tlsConn) *tlsTransport {
	return &tlsTransport{streamTransport: streamTransport{nc: tc}, tls: tc, socket: tc.socket}
}

// waits tells whether every write may wait.
func (t *tlsTransport) waits() bool { return t.socket.rc == nil }

// handshake agrees on keys with the client, within a time if it is not zero.
func (t *tlsTransport) handshake(within time.Duration) error {
	if within > 0 {
		_ = t.socket.Conn.SetDeadline(time.Now().Add(within))
	}
	err := t.tls.Handshake()
	if err != nil {
		return err
	}
	t.socket.mu.Lock()
	defer t.socket.mu.Unlock()
	if !t.socket.closing {
		_ = t.socket.Conn.SetDeadline(time.Time{})
	}
	t.socket.direct = t.socket.rc != nil
	return nil
}

// read waits for the first byte without a buffer and then takes what has been
// decrypted with it.
func (t *tlsTransport) read(in inbox) (int, error) {
	n, err := t.tls.Read(t.first[:])
	if n == 0 {
		return 0, t.waker.cause(t.nc, err)
	}
	p := in.space()
	p[0] = t.first[0]
	if err != nil {
		return 1, err
	}
	t.socket.only = true
	n, err = t.tls.Read(p[1:])
	t.socket.only = false
	if errors.Is(err, errOnly) {
		err = nil
	}
	return 1 + n, err
}

func (t *tlsTransport) tryWrite(chunks [][]byte) (int, error) {
	if t.waits() {
		return t.streamTransport.tryWrite(chunks)
	}
	done, err := t.socket.drain()
	n := t.written()
	switch {
	case err != nil:
		return n, err
	case !done:
		return n, errWouldBlock
	}
	t.vec = append(t.vec[:0], chunks...)
	rest := dropPrefix(t.vec, n)
	// One record first: to a client that does not read no more is encrypted in vain.
	for room := joinLimit; err == nil && len(rest) > 0; room = gathered {
		if rest, err = t.encrypt(rest, room); err != nil {
			break
		}
		if done, err = t.socket.drain(); err == nil && !done {
			err = errWouldBlock
		}
		n += t.written()
	}
	if clear(t.vec); cap(t.vec) > manyChunks {
		t.vec = nil
	}
	return n, err
}

// written is how many of the bytes owed the socket has taken since the last call.
func (t *tlsTransport) written() (n int) {
	_, taken := t.socket.progress()
	left := t.owed
	for len(left) > 0 && left[0].end <= taken {
		n += left[0].plain
		left = left[1:]
	}
	t.owed = t.owed[:copy(t.owed, left)]
	return n
}

// encrypt leaves with the socket records with the first bytes of chunks, as many
// as fit into so many bytes but one at least, and returns what is left of the
// chunks.
func (t *tlsTransport) encrypt(chunks [][]byte, room int) (rest [][]byte, err error) {
	length := 0
	for i := 0; i < len(chunks) && length < room; i++ {
		length += len(chunks[i])
	}
	t.socket.gathering(min(length+recordOverhead*(1+length/joinLimit), room))
	defer t.socket.gathering(0)
	n := 0
	for len(chunks) > 0 && (n == 0 || n+joinLimit+recordOverhead*(1+room/joinLimit) <= room) {
		piece := t.join(chunks)
		_, err = t.tls.Write(piece)
		t.joined()
		if err != nil {
			break
		}
		n += len(piece)
		handed, _ := t.socket.progress()
		t.owed = append(t.owed, owedPiece{len(piece), handed})
		chunks = dropPrefix(chunks, len(piece))
	}
	return chunks, err
}

func (t *tlsTransport) write(chunks [][]byte) (int, error) {
	if t.waits() {
		return t.streamTransport.write(chunks)
	}
	if err := t.socket.await(); err != nil {
		return 0, err
	}
	return t.tryWrite(chunks)
}

// close ends the connection at once. It says goodbye, which is a few bytes, if
// the socket takes them.
func (t *tlsTransport) close() {
	t.socket.hurry()
	_ = t.tls.Close()
	_ = t.socket.Close() // the first may have been called before, and be under way
}

// unconfirmed is how many bytes have been sent to the client and are not known to have
// arrived, as far as the system tells.
func (t *tlsTransport) unconfirmed() int {
	if t.socket.rc == nil {
		return 0
	}
	return unconfirmedOf(t.socket.Conn, t.socket.rc)
}

func (t *tlsTransport) fd() int {
	fd := -1
	if t.socket.rc != nil {
		_ = t.socket.rc.Control(func(d uintptr) { fd = int(d) })
	}
	return fd
}

// dropPrefix drops the first n bytes of chunks.
func dropPrefix(chunks [][]byte, n int) [][]byte {
	for len(chunks) > 0 && n >= len(chunks[0]) {
		n -= len(chunks[0])
		chunks = chunks[1:]
	}
	if n > 0 {
		chunks[0] = chunks[0][n:]
	}
	return chunks
}

// shakeHands does what has to be done before a client is read from, and tells
// whether it may be.
func (c *client) shakeHands() bool {
	t, ok := c.t.(*tlsTransport)
	if !ok {
		return true
	}
	if err := t.handshake(c.s.config().TLS.HandshakeTimeout); err != nil {
		if c.s.draining.Load() { // by wake
			c.close(closedShutdown)
			return false
		}
		c.because(closedHandshake, err.Error())
		c.close(closedHandshake)
		return false
	}
	if c.s.isProtected(t.tls) {
		c.s.rejected.Add(1)
		c.because(closedProtected, "")
		answerRefused(t.tls, errProtected)
		c.close(closedProtected)
		return false
	}
	c.logout() // the default user may need a password by now
	return true
}
