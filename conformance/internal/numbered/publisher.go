package numbered

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/wire"
)

// A Publisher publishes numbered messages until it is told to stop, has
// published as many as it was asked for, or its connection ends.
type Publisher struct {
	nc   net.Conn
	opts Options

	answered  atomic.Int64
	receivers atomic.Int64
	slowest   atomic.Int64 // nanoseconds
	stop      atomic.Bool
	done      chan struct{} // closed when err is set
	err       error
}

// Options say what a Publisher publishes.
type Options struct {
	ID      int    // tells publishers apart
	Channel string // on which it publishes
	Size    int    // bytes of a message; at least those of its numbers
	Window  int    // messages sent before their answers are waited for; 0 means 1
	Count   int    // of messages; 0 means until Stop
	// Gate, if not nil, is called before each window with the number of messages
	// sent until then. It returns when there may be more.
	Gate func(sent int)
}

// Publish starts a publisher on a connection on which nothing is awaited. The
// connection stays open.
func Publish(c *wire.Conn, opts Options) *Publisher {
	opts.Window = max(opts.Window, 1)
	p := &Publisher{nc: c.Conn, opts: opts, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.err = p.run()
	}()
	return p
}

func (p *Publisher) run() error {
	r := bufio.NewReader(p.nc)
	verb, channel := []byte("PUBLISH"), []byte(p.opts.Channel)
	message := bytes.Repeat([]byte("x"), p.opts.Size)
	var out []byte
	for n := 0; !p.stop.Load() && (p.opts.Count == 0 || n < p.opts.Count); {
		if p.opts.Gate != nil {
			p.opts.Gate(n)
		}
		window := p.opts.Window
		if p.opts.Count > 0 {
			window = min(window, p.opts.Count-n)
		}
		out = out[:0]
		for range window {
			head := fmt.Appendf(message[:0], "%d %d ", p.opts.ID, n)
			if len(head) > len(message) {
				message = head
			}
			out = wire.AppendRequest(out, verb, channel, message)
			n++
		}
		began := time.Now()
		_ = p.nc.SetDeadline(began.Add(wire.Patience))
		if _, err := p.nc.Write(out); err != nil {
			return err
		}
		for range window {
			var got int64
			line, err := r.ReadString('\n')
			if err != nil {
				return err
			}
			if _, err := fmt.Sscanf(line, ":%d\r\n", &got); err != nil {
				return fmt.Errorf("PUBLISH was answered %q", line)
			}
			p.receivers.Add(got)
			p.answered.Add(1)
		}
		p.slowest.Store(max(p.slowest.Load(), int64(time.Since(began))))
	}
	return nil
}

// Stop makes the publisher stop once what it has sent is answered, and waits
// until it has. The error is that of its connection.
func (p *Publisher) Stop() error {
	p.stop.Store(true)
	return p.Wait()
}

// Wait waits until the publisher has stopped. The error is that of its
// connection.
func (p *Publisher) Wait() error {
	<-p.done
	return p.err
}

// Answered is how many messages were answered so far: those with the lower
// numbers.
func (p *Publisher) Answered() int { return int(p.answered.Load()) }

// Receivers is the sum of the answers.
func (p *Publisher) Receivers() int { return int(p.receivers.Load()) }

// Slowest is the longest that a window has taken to be answered.
func (p *Publisher) Slowest() time.Duration { return time.Duration(p.slowest.Load()) }
