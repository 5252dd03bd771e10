//go:build linux

package server

import (
	"io"
	"net"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/pubsubd/pubsubd/internal/eventloop"
	"github.com/pubsubd/pubsubd/internal/nowait"
)

// A loopTransport is a plain socket that an event loop waits for. Its read does not
// wait: the error is errWouldBlock if nothing has arrived.
type loopTransport struct {
	// Immutable once the client is open.
	c    *client
	loop *loop
	sock *eventloop.Socket
	tcp  bool

	woken atomic.Bool
	rest  bool // there may be more to read; owned by who reads
}

// Ready is called by the event loop.
func (t *loopTransport) Ready() {
	defer t.c.s.crashIfPanicking("an event loop")
	t.c.ready(t.loop)
}

func (t *loopTransport) read(in inbox) (int, error) {
	if t.woken.Load() && t.woken.Swap(false) {
		return 0, errWoken
	}
	p := in.space()
	n, err := t.sock.Read(p)
	switch {
	case err == nil:
		// A unix socket may return less than has arrived, if it keeps packets apart.
		t.rest = !t.tcp || n == len(p) || t.sock.Ended()
		return n, nil
	case err == eventloop.ErrAgain:
		err = errWouldBlock
	case err == eventloop.ErrClosed:
		err = net.ErrClosed
	case err != io.EOF:
		err = &net.OpError{Op: "read", Net: "tcp", Err: err}
	}
	in.settle()
	return 0, err
}

func (t *loopTransport) widen() {
	if fd, ok := t.sock.Hold(); ok {
		giveRoom(fd)
		t.sock.Release()
	}
}

func (t *loopTransport) mayHaveMore() bool { return t.rest }

func (t *loopTransport) call() { t.sock.Call() }

func (t *loopTransport) wake() {
	t.woken.Store(true)
	t.sock.Call()
}

func (t *loopTransport) tryWrite(chunks [][]byte) (int, error) {
	fd, ok := t.sock.Hold()
	if !ok {
		return 0, net.ErrClosed
	}
	defer t.sock.Release()
	n, err := nowait.WriteAll(fd, chunks)
	if err == syscall.EAGAIN {
		err = errWouldBlock
	}
	return n, err
}

func (t *loopTransport) write(chunks [][]byte) (int, error) {
	for {
		t.sock.Arm()
		n, err := t.tryWrite(chunks)
		if n > 0 || err != errWouldBlock {
			return n, err
		}
		t.sock.Await()
	}
}

func (t *loopTransport) close() { t.sock.Close() }

func (t *loopTransport) fd() int {
	fd, ok := t.sock.Hold()
	if !ok {
		return -1
	}
	t.sock.Release()
	return fd
}

func (t *loopTransport) unconfirmed() int {
	if !t.tcp {
		return 0
	}
	fd, ok := t.sock.Hold()
	if !ok {
		return 0
	}
	defer t.sock.Release()
	return unacknowledged(uintptr(fd))
}

// joinLoop has an event loop wait for a client's connection in place of a goroutine,
// and closes nc. It tells whether it does; otherwise nothing has changed.
func (s *Server) joinLoop(c *client, nc net.Conn) bool {
	var rc syscall.RawConn
	var err error
	tcp := false
	switch nc := nc.(type) {
	case *net.TCPConn:
		rc, err = nc.SyscallConn()
		tcp = true
	case *net.UnixConn:
		rc, err = nc.SyscallConn()
	default:
		return false
	}
	if err != nil {
		return false
	}
	l := s.loops.pick(s)
	if l == nil {
		return false
	}
	fd := -1
	if rc.Control(func(d uintptr) { fd, err = unix.FcntlInt(d, unix.F_DUPFD_CLOEXEC, 0) }) != nil || err != nil {
		return false
	}
	t := &loopTransport{c: c, loop: l, tcp: tcp, rest: true}
	c.turnState.Store(turnBusy) // until it is ready for what happens
	sock, err := l.Add(fd, t)
	if err != nil {
		_ = unix.Close(fd)
		return false
	}
	t.sock = sock
	c.t, c.out.t, c.fd = t, t, int32(fd)
	c.in.widens = true
	_ = nc.Close()
	return true
}
