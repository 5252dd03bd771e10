//go:build linux

package main

import (
	"context"
	"fmt"
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
func openSubscriber(ctx context.Context, addr string, p *plan, index int, patience time.Duration) (*subscriber, error) {
	sp := &p.subscribers[index]
	nc, err := dial(ctx, addr, patience)
	if err != nil {
		return nil, err
	}
	for done := 0; done < len(sp.names); done += subscribeBatch {
		names := sp.names[done:min(done+subscribeBatch, len(sp.names))]
		var want []byte
		for i, name := range names {
			want = appendConfirmation(want, sp.command, name, done+i+1)
		}
		request := appendArray(nil, append([]string{sp.command}, names...)...)
		// A deadline for each batch: patience is meant for one answer.
		if err := nc.SetDeadline(time.Now().Add(patience)); err != nil {
			nc.Close()
			return nil, err
		}
		if _, err := nc.Write(request); err != nil {
			nc.Close()
			return nil, fmt.Errorf("sending %s: %w", sp.command, err)
		}
		if err := expect(nc, want); err != nil {
			nc.Close()
			return nil, fmt.Errorf("confirmation of %s: %w", sp.command, err)
		}
	}
	fd, err := detach(nc)
	if err != nil {
		return nil, err
	}
	v := newVerifier(p.channels, sp.heads, p.payload, p.publishers)
	return &subscriber{
		fd: fd, plan: sp, index: index,
		verifier: v, rest: make([]byte, 0, v.frameLen),
	}, nil
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
