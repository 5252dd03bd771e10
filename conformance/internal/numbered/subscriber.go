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
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/wire"
)

// A Subscriber reads messages until its connection ends or is closed, and
// checks that none is missing between the first and the last of each publisher.
type Subscriber struct {
	nc       net.Conn
	r        *bufio.Reader
	pace     func(n int)
	received atomic.Int64
	bytes    atomic.Int64

	mu   sync.Mutex
	next map[int]int // the number that comes next, by publisher

	done chan struct{} // closed when err is set
	err  error
}

// Subscribe starts a subscriber on a connection whose subscriptions have been
// confirmed.
func Subscribe(c *wire.Conn) *Subscriber { return SubscribePaced(c, nil) }

// SubscribePaced is Subscribe for one that waits: pace is called behind each
// message with the bytes of it.
func SubscribePaced(c *wire.Conn, pace func(n int)) *Subscriber {
	_ = c.SetDeadline(time.Time{})
	s := &Subscriber{nc: c.Conn, r: bufio.NewReaderSize(c.R, 32<<10), pace: pace, next: make(map[int]int), done: make(chan struct{})}
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
		if s.pace != nil {
			s.pace(size)
		}
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
