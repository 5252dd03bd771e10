//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// readBuffer is shared by all subscribers of a loop. It is larger than
	// what a server writes at once and small enough for a core's own cache.
	readBuffer = 256 << 10

	// subscribeBatch is how many names go into one SUBSCRIBE. Their
	// confirmations must fit into socket buffers while the request is sent.
	subscribeBatch = 500
)

// A subscriber is one connection that checks and counts what it is sent.
type subscriber struct {
	// Immutable after openSubscriber.
	fd    int
	plan  *subscriberPlan
	index int

	observe func(first int64, n int) // see load.observe

	// Owned by the loop that reads.
	verifier *verifier
	rest     []byte // less than one frame, from the read before

	// received counts frames checked, for everybody.
	received atomic.Int64
}

// openSubscriber connects, subscribes, and checks the confirmations.
func openSubscriber(ctx context.Context, t target, p *plan, index int, patience time.Duration) (*subscriber, error) {
	nc, err := t.dial(ctx, patience)
	if err != nil {
		return nil, err
	}
	return newSubscriber(nc, t.proto, p, index, patience)
}

// newSubscriber makes a connection that of a subscriber of the plan. It takes
// care of nc, also on an error.
func newSubscriber(nc net.Conn, proto protocol, p *plan, index int, patience time.Duration) (*subscriber, error) {
	sp := &p.subscribers[index]
	if err := subscribe(nc, proto, sp.command, sp.names, patience); err != nil {
		nc.Close()
		return nil, err
	}
	fd, err := detach(nc)
	if err != nil {
		return nil, err
	}
	v := newVerifier(p.channels, sp.heads(proto, p), p.payload, p.publishers)
	return &subscriber{
		fd: fd, plan: sp, index: index,
		verifier: v, rest: make([]byte, 0, v.frameLen),
	}, nil
}

// subscribe subscribes to names, some of them at a time. nc has no
// subscriptions yet.
func subscribe(nc net.Conn, proto protocol, command string, names []string, patience time.Duration) error {
	for done := 0; done < len(names); done += subscribeBatch {
		batch := names[done:min(done+subscribeBatch, len(names))]
		// A deadline for each batch: patience is meant for one answer.
		if err := nc.SetDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
		if err := proto.subscribe(nc, command, batch, done); err != nil {
			return err
		}
	}
	return nil
}

// read takes one read's worth off the socket and checks it. buf is scratch.
func (s *subscriber) read(buf []byte) error {
	have := copy(buf, s.rest)
	n, err := readSome(s.fd, buf[have:])
	if err != nil {
		return fmt.Errorf("subscriber %d, after %d deliveries: %w", s.index, s.received.Load(), err)
	}
	if n == 0 {
		return nil
	}
	b := buf[:have+n]
	frames, err := s.verifier.check(b)
	if s.observe != nil {
		s.observe(s.received.Load(), frames)
	}
	s.received.Add(int64(frames))
	if err != nil {
		return fmt.Errorf("subscriber %d, after %d deliveries: %w", s.index, s.received.Load(), err)
	}
	s.rest = append(s.rest[:0], b[frames*s.verifier.frameLen:]...)
	return nil
}

func (s *subscriber) close() { syscall.Close(s.fd) }
