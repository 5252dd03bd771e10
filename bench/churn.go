//go:build linux

package main

import (
	"context"
	"fmt"
	"syscall"
	"time"
)

// churnPayload is what is published to look at what churners left behind.
const churnPayload = "after the churn"

// A churner is an asker that subscribes to some channels of its own in one
// half of each window and unsubscribes from them in the other.
type churner struct {
	asker
	channels []string
}

// openChurner connects.
func openChurner(ctx context.Context, t target, p *plan, index int, patience time.Duration) (*churner, error) {
	fd, err := t.open(ctx, patience)
	if err != nil {
		return nil, err
	}
	c := &churner{asker: asker{
		fd: fd, name: fmt.Sprintf("churner %d", index), command: "SUBSCRIBE or UNSUBSCRIBE", window: p.inFlight,
	}}
	for i := range p.inFlight / 2 {
		c.channels = append(c.channels, fmt.Sprintf("bench:churn:%d:%d", index, i))
	}
	var requests []byte
	for i, channel := range c.channels {
		requests = appendArray(requests, "SUBSCRIBE", channel)
		c.replies = appendConfirmation(c.replies, "subscribe", channel, i+1)
	}
	for i, channel := range c.channels {
		requests = appendArray(requests, "UNSUBSCRIBE", channel)
		c.replies = appendConfirmation(c.replies, "unsubscribe", channel, len(c.channels)-i-1)
	}
	c.next = func() []byte { return requests }
	return c, nil
}

// checkChurn makes sure that the server did what it confirmed: each churner
// subscribes to its first channel once more, and a message to that one must
// reach it alone, while one to any other of its channels reaches nobody.
func (l *load) checkChurn() error {
	if len(l.churners) == 0 {
		return nil
	}
	fd, err := l.connect()
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	for _, c := range l.churners {
		first := c.channels[0]
		if err := exchange(c.fd, appendArray(nil, "SUBSCRIBE", first), appendConfirmation(nil, "subscribe", first, 1), l.patience); err != nil {
			return fmt.Errorf("%s, SUBSCRIBE at the end: %w", c.name, err)
		}
		var requests, replies []byte
		for i, channel := range c.channels {
			receivers := 0
			if i == 0 {
				receivers = 1
			}
			requests = appendArray(requests, "PUBLISH", channel, churnPayload)
			replies = appendInteger(replies, receivers)
		}
		if err := exchange(fd, requests, replies, l.patience); err != nil {
			return fmt.Errorf("PUBLISH to the channels of %s: %w", c.name, err)
		}
	}
	for _, c := range l.churners {
		want := appendArray(nil, "message", c.channels[0], churnPayload)
		if err := exchange(c.fd, pingRequest, append(want, pongToSubscriber...), l.patience); err != nil {
			return fmt.Errorf("%s at the end: %w", c.name, err)
		}
	}
	return nil
}

// connect opens one more connection to the server.
func (l *load) connect() (fd int, err error) {
	return l.target.open(context.Background(), l.patience)
}
