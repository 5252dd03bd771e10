package server

import (
	"errors"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// A transport is how the bytes of a client's connection arrive and leave. What
// a connection is, client.go knows; this seam keeps the two apart.
type transport interface {
	// read waits until bytes have arrived, reads them into space and returns their
	// number. One goroutine reads at a time.
	read(in inbox) (int, error)

	// wake makes the read under way, or the next, return errWoken once. It may
	// be called from any goroutine.
	wake()

	// tryWrite writes as much of the chunks as the connection takes at once.
	// The error is errWouldBlock if that is not all.
	tryWrite(chunks [][]byte) (int, error)

	// write waits until the connection takes bytes and writes as much of the
	// chunks as it then takes, which may not be all. One goroutine uses
	// tryWrite and write at a time.
	write(chunks [][]byte) (int, error)

	// close ends the connection at once. What is being read or written fails.
	// It may be called from any goroutine and more than once.
	close()

	// fd is the file descriptor of the connection, -1 if it has none.
	fd() int
}

// A widener is a transport that can make room for what a subscriber on a unix socket
// is sent.
type widener interface {
	// widen has the system keep more for the other side before the connection takes
	// no more.
	widen()
}

// An inbox is where what is read goes.
type inbox interface {
	// space is called only when there is something to read, where the system can
	// tell.
	space() []byte

	// settle is called after space if there was nothing after all.
	settle()
}

// errWoken means that nothing has arrived, but somebody has called wake.
var errWoken = errors.New("woken up")

var errWouldBlock = errors.New("the connection takes no more bytes now")

// newTransport returns the best transport for a connection.
func newTransport(nc net.Conn) transport {
	var rc syscall.RawConn
	var err error
	switch nc := nc.(type) { // these only: others may wrap one and do more than it
	case *tlsConn:
		return newTLSTransport(nc)
	case *net.TCPConn:
		rc, err = nc.SyscallConn()
	case *net.UnixConn:
		rc, err = nc.SyscallConn()
	}
	if rc != nil && err == nil {
		if t := newRawTransport(nc, rc); t != nil {
			return t
		}
	}
	return &streamTransport{nc: nc}
}

// A waker wakes up the reader of a connection by a deadline in the past.
type waker struct {
	mu    sync.Mutex // guards woken and the deadline
	woken bool
}

func (w *waker) wake(nc net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.woken = true
	_ = nc.SetReadDeadline(time.Unix(1, 0)) // of a closed connection, whose reader is awake
}

// cause is what a read that failed has failed by: errWoken after wake.
func (w *waker) cause(nc net.Conn, err error) error {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.woken {
		return err
	}
	w.woken = false
	_ = nc.SetReadDeadline(time.Time{})
	return errWoken
}

// A streamTransport is any net.Conn: an in-memory pipe, a system without
// non-blocking sockets. It cannot write without waiting, so every flush leaves
// by the outbox's drain goroutine.
type streamTransport struct {
	nc    net.Conn
	waker waker
	buf   *buffer // joins small chunks into one write
}

// joinLimit is the length in bytes up to which chunks are joined and of which
// at most a write is: what fits into one TLS record. Who waits for a write to
// end sees that something is taken.
const joinLimit = 16 << 10

func (t *streamTransport) read(in inbox) (int, error) {
	n, err := t.nc.Read(in.space())
	if n > 0 {
		return n, nil
	}
	in.settle()
	return 0, t.waker.cause(t.nc, err)
}

func (t *streamTransport) wake() { t.waker.wake(t.nc) }

func (t *streamTransport) tryWrite([][]byte) (int, error) { return 0, errWouldBlock }

func (t *streamTransport) write(chunks [][]byte) (int, error) {
	n, err := t.nc.Write(t.join(chunks))
	t.joined()
	return n, err
}

// join returns the beginning of chunks as one piece, valid until joined.
func (t *streamTransport) join(chunks [][]byte) []byte {
	if first := chunks[0]; len(chunks) == 1 || len(first)+len(chunks[1]) > joinLimit {
		return first[:min(len(first), joinLimit)]
	}
	t.buf = getBuffer(joinLimit)
	for _, c := range chunks {
		if len(t.buf.b)+len(c) > joinLimit {
			break
		}
		t.buf.b = append(t.buf.b, c...)
	}
	return t.buf.b
}

// joined lets go of what join has returned.
func (t *streamTransport) joined() {
	if t.buf != nil {
		t.buf.free()
		t.buf = nil
	}
}

// waits tells whether every write may wait.
func (t *streamTransport) waits() bool { return true }

func (t *streamTransport) close() { _ = t.nc.Close() }

func (t *streamTransport) fd() int { return -1 }
