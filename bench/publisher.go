//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"syscall"
	"time"
)

// A publisher is one connection that sends windows of PUBLISH requests and
// checks their replies. All of it is owned by the loop that drives it, except
// between rounds.
type publisher struct {
	// Immutable after openPublisher.
	fd     int
	index  int
	window int

	// requests holds a PUBLISH for each channel in turn, and then the first
	// ones again, so that any window is one slice of it. Only sequence numbers
	// change from one sending to the next.
	requests   []byte
	requestLen int
	seqAt      int // within a request
	replies    []byte
	replyLen   int

	sent    []uint64 // messages sent, by channel
	channel int      // of the next request

	unsent   []byte // of the window under way
	answered int    // bytes of its replies read and found right

	blocked bool      // waits for the socket to take more
	held    time.Time // since when the gate holds it; zero when it does not
}

// openPublisher connects.
func openPublisher(ctx context.Context, addr string, p *plan, index int, patience time.Duration) (*publisher, error) {
	nc, err := dial(ctx, addr, patience)
	if err != nil {
		return nil, err
	}
	fd, err := detach(nc)
	if err != nil {
		return nil, err
	}
	pub := &publisher{fd: fd, index: index, window: p.inFlight, sent: make([]uint64, len(p.channels))}
	for i := range len(p.channels) + p.inFlight {
		channel := i % len(p.channels)
		stream := uint32(index*len(p.channels) + channel)
		payload := newPayload(p.payload, stream)
		pub.requests = appendArray(pub.requests, "PUBLISH", p.channels[channel], string(payload))
		if i == 0 {
			pub.requestLen = len(pub.requests)
			pub.seqAt = pub.requestLen - len("\r\n") - p.payload + seqOffset
		}
	}
	reply := appendInteger(nil, p.receivers)
	pub.replyLen = len(reply)
	pub.replies = bytes.Repeat(reply, p.inFlight)
	// Publishers start apart, so that they meet on a channel by chance only.
	pub.channel = index * len(p.channels) / p.publishers
	return pub, nil
}

// begin makes the next window ready to be sent.
func (p *publisher) begin() {
	first := p.channel * p.requestLen
	p.unsent = p.requests[first : first+p.window*p.requestLen]
	for at := p.seqAt; at < len(p.unsent); at += p.requestLen {
		binary.LittleEndian.PutUint64(p.unsent[at:], p.sent[p.channel])
		p.sent[p.channel]++
		if p.channel++; p.channel == len(p.sent) {
			p.channel = 0
		}
	}
	p.answered = 0
}

// write sends what the socket takes of the window.
func (p *publisher) write() error {
	n, err := writeSome(p.fd, p.unsent)
	p.unsent = p.unsent[n:]
	if err != nil {
		return fmt.Errorf("publisher %d: %w", p.index, err)
	}
	return nil
}

// read checks the replies that have come and tells whether the window is
// complete. buf is scratch.
func (p *publisher) read(buf []byte) (complete bool, err error) {
	n, err := readSome(p.fd, buf)
	if err != nil {
		return false, fmt.Errorf("publisher %d: %w", p.index, err)
	}
	if n == 0 {
		return false, nil
	}
	got, due := buf[:n], p.replies[p.answered:]
	if most := min(n, len(due)); !bytes.Equal(got[:most], due[:most]) {
		return false, fmt.Errorf("publisher %d: PUBLISH answered %s, want %q", p.index, excerpt(got), p.replies[:p.replyLen])
	}
	if n > len(due) {
		return false, fmt.Errorf("publisher %d: got %s beyond the replies to %d requests", p.index, excerpt(got[len(due):]), p.window)
	}
	p.answered += n
	return p.answered == len(p.replies), nil
}

func (p *publisher) close() { syscall.Close(p.fd) }
