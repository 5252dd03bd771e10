//go:build linux

package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"
)

// A publisher is an asker whose requests are PUBLISH.
type publisher struct {
	asker
	proto protocol

	// requests holds a PUBLISH for each channel in turn, and then the first
	// ones again, so that any window is one slice of it. Only sequence numbers
	// change from one sending to the next.
	requests   []byte
	requestLen int
	seqAt      int // within a request
	replyLen   int // of one request

	tail  []byte // what ends a window, behind its requests
	whole []byte // a window with its tail

	sent    []uint64 // messages sent, by channel
	channel int      // of the next request
}

// openPublisher connects.
func openPublisher(ctx context.Context, t target, p *plan, index int, patience time.Duration) (*publisher, error) {
	fd, err := t.open(ctx, patience)
	if err != nil {
		return nil, err
	}
	pub := &publisher{
		asker: asker{fd: fd, name: fmt.Sprintf("publisher %d", index), command: "PUBLISH", window: p.inFlight},
		proto: t.proto,
		sent:  make([]uint64, len(p.channels)),
	}
	pub.next = pub.nextWindow
	for i := range len(p.channels) + p.inFlight {
		channel := i % len(p.channels)
		stream := uint32(index*len(p.channels) + channel)
		payload := newPayload(p.payload, stream)
		pub.requests = t.proto.appendPublish(pub.requests, p.channels[channel], payload)
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
	p.tail, p.replies = p.proto.replies(receivers, p.window)
	p.replyLen = len(p.replies) / p.window
}

// nextWindow returns a window of requests and what ends it.
func (p *publisher) nextWindow() []byte {
	requests := p.requestsOf(p.window)
	if len(p.tail) == 0 {
		return requests
	}
	p.whole = append(append(p.whole[:0], requests...), p.tail...)
	return p.whole
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
