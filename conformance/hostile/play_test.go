package hostile

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
	"github.com/pubsubd/pubsubd/conformance/transcript"
)

// password is that of the servers under test.
const password = "secret"

// A player plays cases on one server over one network.
type player struct {
	t    testing.TB
	at   sut.Endpoint
	tls  *tls.Config
	list *lister
}

// connect opens a connection and logs it in if it is to be.
func (p *player) connect(l login) (net.Conn, error) {
	var nc net.Conn
	var err error
	dialer := &net.Dialer{Timeout: wire.Patience}
	if p.tls != nil {
		nc, err = tls.DialWithDialer(dialer, "tcp", p.at.Address, p.tls)
	} else {
		nc, err = dialer.Dial(p.at.Network, p.at.Address)
	}
	if err != nil || l == before {
		return nc, err
	}
	_ = nc.SetDeadline(time.Now().Add(wire.Patience))
	ok := make([]byte, len("+OK\r\n"))
	if _, err = io.WriteString(nc, authRequest); err == nil {
		_, err = io.ReadFull(nc, ok)
	}
	if err == nil && string(ok) != "+OK\r\n" {
		err = fmt.Errorf("AUTH was answered %q", ok)
	}
	if err != nil {
		nc.Close()
		return nil, err
	}
	return nc, nil
}

var authRequest = string(wire.AppendRequest(nil, "AUTH", password))

// send writes all that a case has for the server. That the server may have
// closed the connection by then is no error.
func (c *hostileCase) send(nc net.Conn) error {
	_ = nc.SetWriteDeadline(time.Now().Add(wire.Patience))
	for _, w := range c.writes {
		pieces := []string{w.bytes}
		if w.each {
			pieces = pieces[:0]
			for i := range len(w.bytes) {
				pieces = append(pieces, w.bytes[i:i+1])
			}
		}
		for _, piece := range pieces {
			if _, err := io.WriteString(nc, piece); err != nil {
				if errors.Is(err, os.ErrDeadlineExceeded) {
					return err
				}
				return nil
			}
		}
	}
	return nil
}

// part leaves without a word.
func part(nc net.Conn, how string) {
	if how == "reset" {
		reset(nc)
		return
	}
	nc.Close()
}

// reset closes a connection so that the other side sees a RST.
func reset(nc net.Conn) {
	if c, ok := nc.(*tls.Conn); ok {
		nc = c.NetConn()
	}
	if c, ok := nc.(*net.TCPConn); ok {
		_ = c.SetLinger(0)
	}
	nc.Close()
}

// play plays a case of which want is to come, and returns what is wrong.
func (p *player) play(c *hostileCase, l login, want outcome) error {
	nc, err := p.connect(l)
	if err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	defer nc.Close()
	sent := make(chan error, 1)
	go func() { sent <- c.send(nc) }()
	if c.leave != "" {
		err := <-sent
		part(nc, c.leave)
		return err
	}
	got, err := p.outcome(nc, c, l, want, sent)
	if err != nil {
		return fmt.Errorf("%w; the answer so far: %.300q", err, got.reply)
	}
	if digest(got.reply) != want.reply || got.closed != want.closed {
		return fmt.Errorf("answered %.300v, want %.300v", got, want)
	}
	return nil
}

// outcome reads what comes of a case. That a connection is open is true when
// the server has read all that was sent and still has it.
func (p *player) outcome(nc net.Conn, c *hostileCase, l login, want outcome, sent <-chan error) (got outcome, err error) {
	_ = nc.SetReadDeadline(time.Now().Add(wire.Patience))
	if want.closed {
		got.reply, err = readAll(nc)
		got.closed = err == nil
		return got, errors.Join(err, <-sent)
	}
	if err := <-sent; err != nil {
		return got, err
	}
	bytes := c.size()
	if l == after {
		bytes += len(authRequest)
	}
	if err := p.list.await(nc.LocalAddr().String(), bytes); err != nil {
		got.reply, _ = readAll(nc)
		return got, err
	}
	if err := nc.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		return got, fmt.Errorf("closing the sending side: %w", err)
	}
	got.reply, err = readAll(nc)
	return got, err
}

// readAll reads until the other side has closed the connection, in whatever
// way.
func readAll(nc net.Conn) (string, error) {
	b, err := io.ReadAll(nc)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return string(b), errors.New("the connection is not closed")
	}
	return string(b), nil
}

// silence is how long a redis-server that is being recorded says nothing when
// it has nothing more to say.
const silence = 500 * time.Millisecond

// observe plays a case whose outcome is not known.
func (p *player) observe(c *hostileCase, l login) (got outcome, err error) {
	nc, err := p.connect(l)
	if err != nil {
		return got, err
	}
	defer nc.Close()
	sent := make(chan error, 1)
	go func() { sent <- c.send(nc) }()
	if c.leave != "" {
		err := <-sent
		part(nc, c.leave)
		return got, err
	}
	var b strings.Builder
	quiet := false
	buf := make([]byte, 64<<10)
	for {
		_ = nc.SetReadDeadline(time.Now().Add(silence))
		n, err := nc.Read(buf)
		b.Write(buf[:n])
		quiet = quiet && n == 0
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			if quiet {
				return outcome{digest(b.String()), false}, <-sent
			}
			quiet = len(sent) > 0 // all is sent: once more, from here
		case err != nil:
			return outcome{digest(b.String()), true}, <-sent
		}
	}
}

// A lister asks the server who is connected, for many at once.
type lister struct {
	mu   sync.Mutex // one at a time asks
	conn *wire.Conn
}

func newLister(t testing.TB, at sut.Endpoint) *lister {
	conn := wire.Dial(t, at)
	conn.Send("AUTH", password)
	conn.Want("+OK")
	return &lister{conn: conn}
}

// clients returns the fields of each client, by address.
func (l *lister) clients() (map[string]map[string]string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.conn.SetWriteDeadline(time.Now().Add(wire.Patience))
	if _, err := l.conn.Write(wire.AppendRequest(nil, "CLIENT", "LIST")); err != nil {
		return nil, err
	}
	v, err := l.conn.Try(wire.Patience)
	if err != nil || v.Kind != transcript.BulkString {
		return nil, fmt.Errorf("CLIENT LIST was answered %.80v, %v", v, err)
	}
	all := map[string]map[string]string{}
	for line := range strings.Lines(v.Text) {
		fields := map[string]string{}
		for field := range strings.FieldsSeq(line) {
			k, v, _ := strings.Cut(field, "=")
			fields[k] = v
		}
		all[fields["addr"]] = fields
	}
	return all, nil
}

// await waits until the server has read n bytes of a client, and fails if it
// does not have that client, then or a moment later.
func (l *lister) await(addr string, n int) error {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	seen, all := false, false
	for deadline := time.Now().Add(wire.Patience); time.Now().Before(deadline); <-tick.C {
		clients, err := l.clients()
		if err != nil {
			return err
		}
		c, ok := clients[addr]
		switch {
		case !ok && seen:
			return errors.New("the connection was closed")
		case !ok: // not accepted yet
			continue
		}
		seen = true
		read, err := strconv.Atoi(c["tot-net-in"])
		if err != nil { // redis-server does not tell
			return nil
		}
		if read >= n {
			if all {
				return nil
			}
			all = true
		}
	}
	if !seen {
		return errors.New("the connection is not there")
	}
	return fmt.Errorf("of %d bytes not all were read", n)
}
