// Package numbered publishes messages that bear numbers, and checks that
// subscribers get them all and in order.
package numbered

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
	"github.com/pubsubd/pubsubd/conformance/transcript"
)

// A Subscriber reads messages until its connection ends or is closed, and
// checks that none is missing between the first and the last of each publisher.
type Subscriber struct {
	nc       net.Conn
	r        *bufio.Reader
	received atomic.Int64
	bytes    atomic.Int64

	mu   sync.Mutex
	next map[int]int // the number that comes next, by publisher

	done chan struct{} // closed when err is set
	err  error
}

// Join connects, takes a name if it is not empty, and subscribes: to the channel
// or, if that ends in a star, to the pattern.
func Join(t testing.TB, at sut.Endpoint, proto int, name, channel string) *wire.Conn {
	t.Helper()
	c := wire.Dial(t, at)
	if name != "" {
		if got := c.Do("CLIENT", "SETNAME", name); got.Text != "OK" {
			t.Fatalf("CLIENT SETNAME %s: %v", name, got)
		}
	}
	if proto == 3 {
		if got := c.Do("HELLO", "3"); got.Kind != transcript.Map {
			t.Fatalf("HELLO 3: %v", got)
		}
	}
	verb := "SUBSCRIBE"
	if strings.HasSuffix(channel, "*") {
		verb = "PSUBSCRIBE"
	}
	if got := c.Do(verb, channel); len(got.Elems) != 3 {
		t.Fatalf("%s %s: %v", verb, channel, got)
	}
	return c
}

// buffered is how many bytes a subscriber reads at a time.
const buffered = 32 << 10

// Subscribe starts a subscriber on a connection whose subscriptions have been
// confirmed.
func Subscribe(c *wire.Conn) *Subscriber {
	_ = c.SetDeadline(time.Time{})
	s := &Subscriber{nc: c.Conn, r: bufio.NewReaderSize(c.R, buffered), next: make(map[int]int), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		s.err = s.run()
	}()
	return s
}

func (s *Subscriber) run() error {
	for {
		from, n, size, err := s.read()
		if err != nil {
			return err
		}
		s.mu.Lock()
		want, seen := s.next[from]
		s.next[from] = n + 1
		s.mu.Unlock()
		if seen && n != want {
			return fmt.Errorf("message %d of publisher %d where %d should be", n, from, want)
		}
		s.received.Add(1)
		s.bytes.Add(int64(size))
	}
}

// read reads one message: an array or push whose last element bears the
// numbers.
func (s *Subscriber) read() (from, n, size int, err error) {
	elems, size, err := s.header('*', '>')
	if err != nil {
		return 0, 0, 0, err
	}
	for i := range elems {
		length, header, err := s.header('$')
		if err != nil {
			return 0, 0, 0, unexpected(err)
		}
		size += header + length + 2
		if i == elems-1 {
			head, err := s.r.Peek(min(length, 24))
			if err != nil {
				return 0, 0, 0, unexpected(err)
			}
			words := strings.SplitN(string(head), " ", 3)
			if len(words) < 3 {
				return 0, 0, 0, fmt.Errorf("the message %q has no numbers", head)
			}
			if from, err = strconv.Atoi(words[0]); err == nil {
				n, err = strconv.Atoi(words[1])
			}
			if err != nil {
				return 0, 0, 0, err
			}
		}
		if _, err := s.r.Discard(length + 2); err != nil {
			return 0, 0, 0, unexpected(err)
		}
	}
	return from, n, size, nil
}

// header reads a line of a type and a number, and returns its length too.
func (s *Subscriber) header(kinds ...byte) (n, size int, err error) {
	line, err := s.r.ReadSlice('\n')
	if err != nil {
		if len(line) > 0 {
			err = unexpected(err)
		}
		return 0, 0, err
	}
	for _, kind := range kinds {
		if line[0] == kind {
			n, err := strconv.Atoi(string(line[1 : len(line)-2]))
			return n, len(line), err
		}
	}
	return 0, 0, fmt.Errorf("received %q where one of %q should begin", line, kinds)
}

// unexpected is what an error is in the middle of a message.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Received is how many messages have come so far.
func (s *Subscriber) Received() int { return int(s.received.Load()) }

// Bytes is how many bytes they took on the wire.
func (s *Subscriber) Bytes() int64 { return s.bytes.Load() }

// Next is the number that comes next from a publisher, 0 before its first.
func (s *Subscriber) Next(id int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.next[id]
}

// Done is closed when the subscriber reads no more.
func (s *Subscriber) Done() <-chan struct{} { return s.done }

// Wait waits until the subscriber reads no more and says why: nil when the
// server has closed the connection behind a whole message.
func (s *Subscriber) Wait() error {
	<-s.done
	if errors.Is(s.err, io.EOF) {
		return nil
	}
	return s.err
}

// Err is Wait for one that may still read, which is no error.
func (s *Subscriber) Err() error {
	select {
	case <-s.done:
		if s.err == nil || errors.Is(s.err, io.EOF) {
			return errors.New("the server has closed the connection")
		}
		return s.err
	default:
		return nil
	}
}
