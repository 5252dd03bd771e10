//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"time"
)

// A publisher is an asker whose requests are PUBLISH.
type publisher struct {
	asker

	// requests holds a PUBLISH for each channel in turn, and then the first
	// ones again, so that any window is one slice of it. Only sequence numbers
	// change from one sending to the next.
	requests   []byte
	requestLen int
	seqAt      int // within a request
	replyLen   int

	sent    []uint64 // messages sent, by channel
	channel int      // of the next request
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
	pub := &publisher{
		asker: asker{fd: fd, name: fmt.Sprintf("publisher %d", index), command: "PUBLISH", window: p.inFlight},
		sent:  make([]uint64, len(p.channels)),
	}
	pub.next = func() []byte { return pub.requestsOf(pub.window) }
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
	pub.expect(p.receivers)
	// Publishers start apart, so that they meet on a channel by chance only.
	pub.channel = index * len(p.channels) / p.publishers
	return pub, nil
}

// expect sets what every PUBLISH must answer. No window is under way.
func (p *publisher) expect(receivers int) {
	reply := appendInteger(nil, receivers)
	p.replyLen = len(reply)
	p.replies = bytes.Repeat(reply, p.window)
}

// beginPart makes n requests ready to be sent, at most a window of them, while
// earlier ones may not be answered yet. All of those have been written.
func (p *publisher) beginPart(n int) {
	p.unsent = p.requestsOf(n)
	p.owed += n * p.replyLen
}

// requestsOf returns the next n requests, at most a window of them. They are
// overwritten by the next call.
func (p *publisher) requestsOf(n int) []byte {
	first := p.channel * p.requestLen
	requests := p.requests[first : first+n*p.requestLen]
	for at := p.seqAt; at < len(requests); at += p.requestLen {
		binary.LittleEndian.PutUint64(requests[at:], p.sent[p.channel])
		p.sent[p.channel]++
		if p.channel++; p.channel == len(p.sent) {
			p.channel = 0
		}
	}
	return requests
}
