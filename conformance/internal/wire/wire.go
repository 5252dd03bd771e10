// Package wire is a client for tests that have a say in every byte: it sends
// what it is told and reads values as they come.
package wire

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/tidwall/redcon"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/transcript"
)

// Patience bounds every wait of a Conn.
const Patience = 20 * time.Second

// A Conn is one connection. Its methods fail the test when they cannot do what
// they are for; they must be called from the goroutine that runs the test, but
// for Try and Write.
type Conn struct {
	net.Conn
	// R reads from Conn; whoever reads past it loses bytes.
	R *bufio.Reader

	t   testing.TB
	buf []byte
}

// Dial connects to an endpoint. The connection is closed when the test ends.
func Dial(t testing.TB, at sut.Endpoint) *Conn {
	t.Helper()
	c, err := Connect(t, at, at.TLSConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// DialTCP connects to an address of the loopback interface.
func DialTCP(t testing.TB, addr string) *Conn {
	t.Helper()
	return Dial(t, sut.Endpoint{Network: sut.TCP, Address: addr})
}

// Connect is Dial for those who take an error. Conf is used if the endpoint's
// network is TLS.
func Connect(t testing.TB, at sut.Endpoint, conf *tls.Config) (*Conn, error) {
	dialer := &net.Dialer{Timeout: Patience}
	var nc net.Conn
	var err error
	switch at.Network {
	case sut.TLS:
		nc, err = tls.DialWithDialer(dialer, "tcp", at.Address, conf)
	default:
		nc, err = dialer.Dial(at.Network, at.Address)
	}
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { nc.Close() })
	return &Conn{Conn: nc, R: bufio.NewReader(nc), t: t}, nil
}

// Send sends one request.
func (c *Conn) Send(args ...string) {
	c.t.Helper()
	c.buf = AppendRequest(c.buf[:0], args...)
	c.Raw(string(c.buf))
}

// AppendRequest appends a request as clients send it.
func AppendRequest[Bytes string | []byte](b []byte, args ...Bytes) []byte {
	b = redcon.AppendArray(b, len(args))
	for _, arg := range args {
		b = strconv.AppendInt(append(b, '$'), int64(len(arg)), 10)
		b = append(b, "\r\n"...)
		b = append(b, arg...)
		b = append(b, "\r\n"...)
	}
	return b
}

// Raw sends bytes.
func (c *Conn) Raw(b string) {
	c.t.Helper()
	_ = c.SetWriteDeadline(time.Now().Add(Patience))
	if _, err := io.WriteString(c.Conn, b); err != nil {
		c.t.Fatalf("sending %.80q: %v", b, err)
	}
}

// Read returns the next value. Its Kind is transcript.EOF when the server has
// closed the connection.
func (c *Conn) Read() transcript.Value {
	c.t.Helper()
	v, err := c.Try(Patience)
	if err != nil {
		c.t.Fatalf("reading: %v", err)
	}
	return v
}

// Try returns the next value, or an error if none comes in time or what comes
// is not one.
func (c *Conn) Try(within time.Duration) (transcript.Value, error) {
	if err := c.SetReadDeadline(time.Now().Add(within)); err != nil {
		return transcript.Value{}, err
	}
	return transcript.ReadValue(c.R)
}

// Do sends a request and returns its reply.
func (c *Conn) Do(args ...string) transcript.Value {
	c.t.Helper()
	c.Send(args...)
	return c.Read()
}

// Want reads values and fails the test unless they are those, as
// transcript.Value prints them.
func (c *Conn) Want(values ...string) {
	c.t.Helper()
	for _, want := range values {
		if got := fmt.Sprint(c.Read()); got != want {
			c.t.Fatalf("received %.200s, want %.200s", got, want)
		}
	}
}

// Closed reads on until the server has closed the connection and returns what
// came before. It fails the test when the server does not close it in time.
func (c *Conn) Closed(within time.Duration) []transcript.Value {
	c.t.Helper()
	var list []transcript.Value
	for deadline := time.Now().Add(within); ; {
		v, err := c.Try(time.Until(deadline))
		var timeout net.Error
		switch {
		case errors.As(err, &timeout) && timeout.Timeout():
			c.t.Fatalf("the connection was not closed within %v", within)
		case err != nil || v.Kind == transcript.EOF:
			return list
		}
		list = append(list, v)
	}
}
