package transcript

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"
)

// A conn is one client of a running script.
type conn struct {
	name    string
	ctx     context.Context // of the play
	nc      net.Conn
	unwatch func() bool // ends the watch over ctx
	r       *bufio.Reader
	timeout time.Duration
	stays   bool // Player.Stays

	ping   standing
	last   Value  // the value last received
	unread *Value // received by until, not yet by the script
	held   []byte // kept back until the next request
	eof    bool   // the server has closed
	reset  bool   // and has thrown away what it was sent
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

// Connect connects to addr as a Player does, with TLS if secure is not nil. The
// end of ctx, or of timeout, ends the attempt.
func Connect(ctx context.Context, addr string, secure *tls.Config, timeout time.Duration) (net.Conn, error) {
	network, addr := split(addr)
	dialer := &net.Dialer{Timeout: timeout}
	if secure == nil {
		return dialer.DialContext(ctx, network, addr)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return (&tls.Dialer{NetDialer: dialer, Config: secure}).DialContext(ctx, network, addr)
}

// An observed connection tells what goes over it.
type observed struct {
	net.Conn
	client  string
	secret  bool // what goes over it now is not to be told
	observe func(client string, sent bool, b []byte)
}

func (o *observed) Write(b []byte) (int, error) {
	if !o.secret {
		o.observe(o.client, true, b)
	}
	return o.Conn.Write(b)
}

func (o *observed) Read(b []byte) (int, error) {
	n, err := o.Conn.Read(b)
	if n > 0 && !o.secret {
		o.observe(o.client, false, b[:n])
	}
	return n, err
}

// dial connects the client called name, and logs in if it must, which is not
// observed. In RESP3 it sends HELLO 3 first, which the script does not show. The
// end of ctx closes the connection.
func (p Player) dial(ctx context.Context, name string, proto int) (*conn, error) {
	nc, err := Connect(ctx, p.Addr, p.TLS, p.Timeout)
	if err != nil {
		return nil, fmt.Errorf("%s cannot connect: %w", name, err)
	}
	watched := &observed{Conn: nc, client: name, secret: true, observe: p.Observe}
	c := &conn{
		name: name, ctx: ctx, nc: nc, r: bufio.NewReader(watched), timeout: p.Timeout, stays: p.Stays,
		unwatch: context.AfterFunc(ctx, func() { nc.Close() }),
		ping:    newStanding(proto, len(p.Login) > 0, p.Pongs),
	}
	if err := c.begin(p.Login, proto, func() {
		if p.Observe != nil {
			c.nc, watched.secret = watched, false
		}
	}); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// begin logs in, calls whenIn, and switches to proto.
func (c *conn) begin(login []string, proto int, whenIn func()) error {
	if len(login) > 0 {
		c.send(encodeCommand(login), 0, nil)
		v, err := c.receive()
		switch {
		case err != nil:
			err = HideMalformed(err)
		case v.Kind == SimpleError || v.Kind == BulkError || v.Kind == EOF:
			v.Text = Redact(v.Text, login) // before it is quoted
			err = fmt.Errorf("%s was answered %v", login[0], v)
		}
		if err != nil {
			return fmt.Errorf("%s cannot log in: %w", c.name, err)
		}
	}
	whenIn()
	if proto != 3 {
		return nil
	}
	c.send(encodeCommand([]string{"HELLO", "3"}), 0, nil)
	v, err := c.receive()
	if err == nil && v.Kind != Map {
		err = fmt.Errorf("HELLO 3 was answered %v", v)
	}
	if err != nil {
		return fmt.Errorf("%s cannot switch to RESP3: %w", c.name, err)
	}
	return nil
}

// close closes the connection. It is no error to close it twice.
func (c *conn) close() {
	c.closed = true
	c.unwatch()
	c.nc.Close()
}

// send writes b in pieces of chunk bytes, or in one if chunk is zero, and
// calls between before each piece but the first. A server may close at any
// byte, so a write that fails is no error: what the client then receives is.
func (c *conn) send(b []byte, chunk int, between func() error) error {
	if len(c.held) > 0 {
		b = append(c.held, b...)
		c.held = nil
	}
	c.ping.sent(b)
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
	if _, err := c.r.Peek(1); errors.Is(err, syscall.ECONNRESET) {
		c.reset = true
	}
	v, err := ReadValueWithin(c.r, MaxValue)
	if err != nil {
		if ended := context.Cause(c.ctx); ended != nil {
			err = ended
		}
		return Value{}, fmt.Errorf("%s: %w", c.name, err)
	}
	c.ping.received(v)
	c.last, c.eof = v, v.Kind == EOF
	return v, nil
}

// shutdown closes the sending half of the connection.
func (c *conn) shutdown() error {
	c.shut = true
	nc := c.nc
	if o, ok := nc.(*observed); ok {
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
// reads up to the end of the stream, or what has come already where the server stays. The error is a wrongPingError if the answer is
// not one that the state of the connection asks for, or that of keep, which is given
// each value returned.
func (c *conn) rest(keep func(Value) error) ([]Value, error) {
	if c.closed || c.eof {
		return nil, nil
	}
	var extra []Value
	if !c.shut {
		mark := "end of " + c.name
		c.send(encodeCommand([]string{"PING", mark}), 0, nil)
		for {
			ping := c.ping // before the answer
			v, err := c.receive()
			if err != nil {
				return extra, fmt.Errorf("waiting for the answer to the last PING: %w", err)
			}
			if v.Kind == EOF {
				return append(extra, v), nil
			}
			if ping.answers(v, mark) {
				break
			}
			if echoes(v, mark) {
				return extra, wrongPingError{want: ping.answer(mark), got: v}
			}
			if err := keep(v); err != nil {
				return extra, err
			}
			extra = append(extra, v)
			if len(extra) == extraLimit {
				return extra, nil
			}
		}
		if !c.stays {
			if err := c.shutdown(); err != nil {
				return extra, err
			}
		}
	}
	for len(extra) < extraLimit && (c.shut || c.r.Buffered() > 0) {
		v, err := c.receive()
		if err != nil {
			return extra, fmt.Errorf("waiting for the end of the stream: %w", err)
		}
		if v.Kind == EOF {
			break
		}
		if err := keep(v); err != nil {
			return extra, err
		}
		extra = append(extra, v)
	}
	return extra, nil
}
