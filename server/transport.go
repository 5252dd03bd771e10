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

// A streamTransport is any net.Conn: TLS, an in-memory pipe, a system without
// non-blocking sockets. It cannot write without waiting, so every flush leaves
// by the outbox's drain goroutine.
type streamTransport struct {
	nc  net.Conn
	buf []byte // joins small chunks into one write
}

// joinLimit is the length in bytes up to which chunks are joined: what fits
// into one TLS record.
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
	if len(chunks) == 1 || len(chunks[0]) >= joinLimit {
		return t.nc.Write(chunks[0])
	}
	t.buf = t.buf[:0]
	for _, c := range chunks {
		if len(t.buf)+len(c) > joinLimit {
			break
		}
		t.buf = append(t.buf, c...)
	}
	n, err := t.nc.Write(t.buf)
	t.buf = nil
	return n, err
}

func (t *streamTransport) close() { _ = t.nc.Close() }

func (t *streamTransport) fd() int { return -1 }
