package server

import (
	"errors"
	"net"
	"syscall"
)

// A transport is how the bytes of a client's connection arrive and leave. What
// a connection is, client.go knows; this seam keeps the two apart.
type transport interface {
	// read waits until bytes have arrived, reads them into what space returns
	// and returns their number. Space is called only when there is something
	// to read, where the system can tell; then free is called if there was
	// nothing after all. One goroutine reads at a time.
	read(space func() []byte, free func()) (int, error)

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

// A streamTransport is any net.Conn: an in-memory pipe, a system without
// non-blocking sockets. It cannot write without waiting, so every flush leaves
// by the outbox's drain goroutine.
type streamTransport struct {
	nc  net.Conn
	buf *buffer // joins small chunks into one write
}

// joinLimit is the length in bytes up to which chunks are joined and of which
// at most a write is: what fits into one TLS record. Who waits for a write to
// end sees that something is taken.
const joinLimit = 16 << 10

func (t *streamTransport) read(space func() []byte, free func()) (int, error) {
	n, err := t.nc.Read(space())
	if n > 0 {
		return n, nil
	}
	free()
	return 0, err
}

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
