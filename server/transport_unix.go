//go:build unix

package server

import (
	"io"
	"net"
	"syscall"

	"github.com/pubsubd/pubsubd/internal/nowait"
)

// A rawTransport reads and writes a socket by its descriptor: it knows when
// there is something to read before it needs a buffer, and how much the socket
// takes before it waits.
type rawTransport struct {
	nc    net.Conn
	rc    syscall.RawConn
	waker waker

	// Owned by the reading goroutine.
	in     inbox
	onRead func(fd uintptr) bool // readable, bound once
	nread  int
	rerr   error

	// Owned by the writing goroutine.
	chunks  [][]byte
	wait    bool
	onWrite func(fd uintptr) bool // writable, bound once
	nwrote  int
	werr    error
}

func newRawTransport(nc net.Conn, rc syscall.RawConn) transport {
	t := &rawTransport{nc: nc, rc: rc}
	t.onRead = t.readable
	t.onWrite = t.writable
	return t
}

func (t *rawTransport) read(in inbox) (int, error) {
	t.in = in
	if err := t.rc.Read(t.onRead); err != nil {
		return 0, t.waker.cause(t.nc, err)
	}
	return t.nread, t.rerr
}

// unixRoom is how many bytes the system is asked to keep for a subscriber on a unix
// socket, if it keeps less. Unlike those of TCP these buffers do not grow by
// themselves, and with a small one a large message waits for its reader again and
// again: who subscribes there would fall behind others.
const unixRoom = 1 << 20

func (t *rawTransport) widen() { _ = t.rc.Control(func(fd uintptr) { giveRoom(int(fd)) }) }

// giveRoom has the system keep more for the other side of a unix socket.
func giveRoom(fd int) {
	if n, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_SNDBUF); err == nil && n < unixRoom {
		_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_SNDBUF, unixRoom)
	}
}

func (t *rawTransport) wake() { t.waker.wake(t.nc) }

func (t *rawTransport) readable(fd uintptr) (done bool) {
	for {
		t.nread, t.rerr = nowait.Read(int(fd), t.in.space())
		if t.nread > 0 {
			return true
		}
		t.nread = 0
		switch {
		case t.rerr == syscall.EINTR:
			continue
		case t.rerr == syscall.EAGAIN:
			t.in.settle()
			return false
		case t.rerr == nil:
			t.rerr = io.EOF
		}
		t.in.settle()
		return true
	}
}

func (t *rawTransport) tryWrite(chunks [][]byte) (int, error) { return t.send(chunks, false) }

func (t *rawTransport) write(chunks [][]byte) (int, error) { return t.send(chunks, true) }

func (t *rawTransport) send(chunks [][]byte, wait bool) (int, error) {
	t.chunks, t.wait, t.nwrote, t.werr = chunks, wait, 0, nil
	err := t.rc.Write(t.onWrite)
	t.chunks = nil
	if err == nil {
		err = t.werr
	}
	return t.nwrote, err
}

func (t *rawTransport) writable(fd uintptr) (done bool) {
	n, err := nowait.WriteAll(int(fd), t.chunks)
	t.nwrote += n
	switch {
	case err == nil:
		return true
	case err == syscall.EAGAIN:
		if t.wait && n == 0 {
			return false
		}
		t.werr = errWouldBlock
	default:
		t.werr = err
	}
	return true
}

func (t *rawTransport) close() { _ = t.nc.Close() }

func (t *rawTransport) fd() int {
	fd := -1
	_ = t.rc.Control(func(d uintptr) { fd = int(d) })
	return fd
}

// unconfirmed is how many bytes have been sent to the other side and are not known to
// have arrived, as far as the system tells.
func (t *rawTransport) unconfirmed() int { return unconfirmedOf(t.nc, t.rc) }

// unconfirmedOf is unconfirmed for a connection. Of a Unix socket the system tells what
// its bookkeeping takes, which is another number and is bounded.
func unconfirmedOf(nc net.Conn, rc syscall.RawConn) (n int) {
	if _, isTCP := nc.(*net.TCPConn); isTCP {
		_ = rc.Control(func(fd uintptr) { n = unacknowledged(fd) })
	}
	return n
}

// canWriteNow tells that sockets can be written to without waiting.
const canWriteNow = true

// writeOut writes s.out.
func (s *tlsSocket) writeOut(fd uintptr) {
	if s.wrote, s.werr = nowait.Write(int(fd), s.out); s.werr == syscall.EAGAIN {
		s.werr = errWouldBlock
	}
}
