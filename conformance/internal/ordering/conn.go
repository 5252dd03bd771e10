package ordering

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/transcript"
)

// Patience bounds every wait for a server.
const Patience = 30 * time.Second

// Dial connects to an endpoint. Conf is used if its network is TLS.
func Dial(at sut.Endpoint, conf *tls.Config) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: Patience}
	if at.Network == sut.TLS {
		return tls.DialWithDialer(dialer, "tcp", at.Address, conf)
	}
	return dialer.Dial(at.Network, at.Address)
}

// A Client is a stream with its connection. It reads all the time. What it asks
// for must be asked for by one goroutine.
type Client struct {
	*Stream

	nc   net.Conn
	gone chan struct{} // closed when nothing more comes
	err  error         // why, once gone is closed

	closing atomic.Bool // Close was called
}

// Join returns a client on a connection.
func Join(nc net.Conn, s *Stream) *Client {
	c := &Client{Stream: s, nc: nc, gone: make(chan struct{})}
	go c.read()
	return c
}

func (c *Client) read() {
	defer close(c.gone)
	defer c.End()
	r := bufio.NewReaderSize(c.nc, 16<<10)
	for {
		v, err := transcript.ReadValue(r)
		if err == nil && v.Kind == transcript.EOF {
			err = errClosed
		}
		if err != nil {
			c.err = err
			if !c.Forgive && !c.closing.Load() {
				c.report(RuleClosed, "%v", err)
			}
			return
		}
		c.Frame(v)
	}
}

var (
	errClosed = errors.New("the server has closed the connection")
	errLate   = fmt.Errorf("no answer within %v", Patience)
)

// Do sends requests in one write and waits until all of them are answered.
func (c *Client) Do(tickets ...Ticket) error {
	if err := c.Send(tickets...); err != nil {
		return err
	}
	late := time.NewTimer(Patience)
	defer late.Stop()
	for _, t := range tickets {
		select {
		case <-t.Done:
		case <-c.gone:
			return c.err
		case <-late.C:
			if !c.Forgive {
				c.report(RuleConfirm, "%v", errLate)
			}
			return errLate
		}
	}
	return nil
}

// Send sends requests in one write.
func (c *Client) Send(tickets ...Ticket) error {
	var b []byte
	for _, t := range tickets {
		b = append(b, t.Bytes...)
	}
	if err := c.nc.SetWriteDeadline(time.Now().Add(Patience)); err != nil {
		return err
	}
	_, err := c.nc.Write(b)
	return err
}

// Gone returns a channel that is closed when nothing more comes.
func (c *Client) Gone() <-chan struct{} { return c.gone }

// Conn returns the connection.
func (c *Client) Conn() net.Conn { return c.nc }

// Close closes the connection and waits until nothing more comes.
func (c *Client) Close() {
	c.closing.Store(true)
	c.nc.Close()
	<-c.gone
}

// A Publisher is an author with a connection, for one goroutine.
type Publisher struct {
	*Author

	nc  net.Conn
	r   *bufio.Reader
	buf []byte
}

// NewPublisher returns a publisher on a connection.
func NewPublisher(nc net.Conn, a *Author) *Publisher {
	return &Publisher{Author: a, nc: nc, r: bufio.NewReader(nc)}
}

// Do makes a request that is answered by reply, as transcript.Value prints it,
// or by anything but an error if reply is empty.
func (p *Publisher) Do(reply string, args ...string) error {
	if err := p.send(appendRequest(p.buf[:0], args...)); err != nil {
		return err
	}
	v, err := p.read()
	if err == nil && (v.Kind == transcript.SimpleError || reply != "" && v.String() != reply) {
		err = fmt.Errorf("%q is answered %.200v", args[0], v)
	}
	return err
}

// Publish publishes one message of fill bytes and more on each of the places,
// in one write, and takes the answers.
func (p *Publisher) Publish(fill int, places ...int) error {
	b := p.buf[:0]
	for _, place := range places {
		b = p.Next(b, place, fill)
	}
	if err := p.send(b); err != nil {
		return err
	}
	for range places {
		if err := p.takeCount(p.read()); err != nil {
			return err
		}
	}
	return nil
}

// PublishExec is Publish in a transaction.
func (p *Publisher) PublishExec(fill int, places ...int) error {
	if err := p.send(p.Exec(p.buf[:0], fill, places...)); err != nil {
		return err
	}
	for i := range 1 + len(places) {
		want := "+QUEUED"
		if i == 0 {
			want = "+OK"
		}
		if v, err := p.read(); err != nil || v.String() != want {
			return fmt.Errorf("a transaction is answered %.200v, %w", v, err)
		}
	}
	v, err := p.read()
	if err != nil || v.Kind != transcript.Array || len(v.Elems) != len(places) {
		return fmt.Errorf("EXEC is answered %.200v, %w", v, err)
	}
	for _, e := range v.Elems {
		if err := p.takeCount(e, nil); err != nil {
			return err
		}
	}
	return nil
}

func (p *Publisher) takeCount(v transcript.Value, err error) error {
	if err != nil {
		return err
	}
	n, ok := parseCount(v)
	if !ok {
		return fmt.Errorf("PUBLISH is answered %.200v", v)
	}
	p.Answered(n)
	return nil
}

func (p *Publisher) send(b []byte) error {
	p.buf = b
	if err := p.nc.SetDeadline(time.Now().Add(Patience)); err != nil {
		return err
	}
	_, err := p.nc.Write(b)
	return err
}

func (p *Publisher) read() (transcript.Value, error) {
	v, err := transcript.ReadValue(p.r)
	if err == nil && v.Kind == transcript.EOF {
		err = errClosed
	}
	return v, err
}

// Close closes the connection.
func (p *Publisher) Close() { p.nc.Close() }

// Done waits for all of the group, and returns false if that takes longer than
// within.
func Done(group *sync.WaitGroup, within time.Duration) bool {
	done := make(chan struct{})
	go func() {
		group.Wait()
		close(done)
	}()
	select {
	case <-done:
		return true
	case <-time.After(within):
		return false
	}
}
