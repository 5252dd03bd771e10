package transcript

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"time"
)

// A conn is one client of a running script.
type conn struct {
	name    string
	nc      net.Conn
	r       *bufio.Reader
	timeout time.Duration

	last   Value  // the value last received
	unread *Value // received by until, not yet by the script
	held   []byte // kept back until the next request
	eof    bool   // the server has closed
	shut   bool   // the sending half is closed
	closed bool   // closed by the script
}

// split returns the network of an address and the address within it: a host
// and port, or the path of a Unix socket, which holds a slash or follows
// "unix:".
func split(addr string) (network, within string) {
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		return "unix", path
	}
	if strings.Contains(addr, "/") {
		return "unix", addr
	}
	return "tcp", addr
}

// Connect connects to addr as a Player does, with TLS if secure is not nil.
func Connect(addr string, secure *tls.Config, timeout time.Duration) (net.Conn, error) {
	network, addr := split(addr)
	dialer := &net.Dialer{Timeout: timeout}
	if secure != nil {
		return tls.DialWithDialer(dialer, network, addr, secure)
	}
	return dialer.Dial(network, addr)
}

// An observed connection tells what goes over it.
type observed struct {
	net.Conn
	client  string
	observe func(client string, sent bool, b []byte)
}

func (o observed) Write(b []byte) (int, error) {
	o.observe(o.client, true, b)
	return o.Conn.Write(b)
}

func (o observed) Read(b []byte) (int, error) {
	n, err := o.Conn.Read(b)
	if n > 0 {
		o.observe(o.client, false, b[:n])
	}
	return n, err
}

// dial connects the client called name, and logs in if it must. In RESP3 it sends HELLO 3 first, which
// the script does not show.
func (p Player) dial(name string, proto int) (*conn, error) {
	nc, err := Connect(p.Addr, p.TLS, p.Timeout)
	if err != nil {
		return nil, fmt.Errorf("%s cannot connect: %w", name, err)
	}
	if p.Observe != nil {
		nc = observed{Conn: nc, client: name, observe: p.Observe}
	}
	c := &conn{name: name, nc: nc, r: bufio.NewReader(nc), timeout: p.Timeout}
	if len(p.Login) > 0 {
		c.send(encodeCommand(p.Login), 0, nil)
		v, err := c.receive()
		if err == nil && (v.Kind == SimpleError || v.Kind == EOF) {
			err = fmt.Errorf("%s was answered %v", p.Login[0], v)
		}
		if err != nil {
			nc.Close()
			return nil, fmt.Errorf("%s cannot log in: %w", name, err)
		}
	}
	if proto != 3 {
		return c, nil
	}
	c.send(encodeCommand([]string{"HELLO", "3"}), 0, nil)
	v, err := c.receive()
	if err == nil && v.Kind != Map {
		err = fmt.Errorf("HELLO 3 was answered %v", v)
	}
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("%s cannot switch to RESP3: %w", name, err)
	}
	return c, nil
}

// send writes b in pieces of chunk bytes, or in one if chunk is zero, and
// calls between before each piece but the first. A server may close at any
// byte, so a write that fails is no error: what the client then receives is.
func (c *conn) send(b []byte, chunk int, between func() error) error {
	b = append(c.held, b...)
	c.held = nil
	if chunk == 0 {
		chunk = len(b)
	}
	for first := true; len(b) > 0; first = false {
		if !first && between != nil {
			if err := between(); err != nil {
				return err
			}
		}
		n := min(chunk, len(b))
		c.nc.SetWriteDeadline(time.Now().Add(c.timeout))
		if _, err := c.nc.Write(b[:n]); err != nil {
			return nil
		}
		b = b[n:]
	}
	return nil
}

// receive returns the next value. It fails when none comes in time.
func (c *conn) receive() (Value, error) {
	if c.unread != nil {
		c.last, c.unread = *c.unread, nil
		return c.last, nil
	}
	if c.eof {
		return Value{Kind: EOF}, nil
	}
	c.nc.SetReadDeadline(time.Now().Add(c.timeout))
	v, err := ReadValue(c.r)
	if err != nil {
		return Value{}, fmt.Errorf("%s: %w", c.name, err)
	}
	c.last, c.eof = v, v.Kind == EOF
	return v, nil
}

// shutdown closes the sending half of the connection.
func (c *conn) shutdown() error {
	c.shut = true
	nc := c.nc
	if o, ok := nc.(observed); ok {
		nc = o.Conn
	}
	if half, ok := nc.(interface{ CloseWrite() error }); ok {
		if err := half.CloseWrite(); err != nil && !c.eof {
			return fmt.Errorf("%s: closing the sending half: %w", c.name, err)
		}
	}
	return nil
}

// extraLimit is the most values that rest returns, so that a server that
// never stops sending ends the check.
const extraLimit = 100

// rest returns the values that the script has not asked for. Unless the
// sending half is closed it sends a PING and takes its answer as the mark
// before which nothing else may come; then it closes the sending half and
// reads up to the end of the stream.
func (c *conn) rest() ([]Value, error) {
	if c.closed || c.eof {
		return nil, nil
	}
	var extra []Value
	if !c.shut {
		mark := "end of " + c.name
		c.send(encodeCommand([]string{"PING", mark}), 0, nil)
		for {
			v, err := c.receive()
			if err != nil {
				return extra, fmt.Errorf("waiting for the answer to the last PING: %w", err)
			}
			if v.Kind == EOF {
				return append(extra, v), nil
			}
			if answersPing(v, mark) {
				break
			}
			extra = append(extra, v)
			if len(extra) == extraLimit {
				return extra, nil
			}
		}
		if err := c.shutdown(); err != nil {
			return extra, err
		}
	}
	for len(extra) < extraLimit {
		v, err := c.receive()
		if err != nil {
			return extra, fmt.Errorf("waiting for the end of the stream: %w", err)
		}
		if v.Kind == EOF {
			break
		}
		extra = append(extra, v)
	}
	return extra, nil
}

// answersPing reports whether v is how PING mark is answered in some state: by
// the mark, or by a refusal before login, or by QUEUED in a transaction. The
// last two do not show the mark, but a value too many is then left over after
// the one taken for the answer.
func answersPing(v Value, mark string) bool {
	switch v.Kind {
	case BulkString:
		return v.Text == mark
	case Array:
		return len(v.Elems) == 2 && v.Elems[0].Text == "pong" && v.Elems[1].Text == mark
	case SimpleError:
		return strings.HasPrefix(v.Text, "NOAUTH ") || strings.HasPrefix(v.Text, "NOPERM ")
	case SimpleString:
		return v.Text == "QUEUED"
	}
	return false
}
