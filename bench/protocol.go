//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"time"
)

// A protocol is the language of a server, as far as the traffic of a plan
// needs it. Payloads are followed by CR LF in every one of them, in requests and
// in deliveries.
type protocol interface {
	// greet says and reads what comes first on a new connection.
	greet(nc net.Conn) error
	// settle waits until the server will say nothing unasked but deliveries.
	// All connections are given; none of them has anything else under way.
	settle(ctx context.Context, fds []int) error
	// ping returns a request that is always answered, and the answer to a
	// connection that has subscriptions or not.
	ping(subscribed bool) (request, answer []byte)

	// subscribe subscribes to names and makes sure that it worked; command is
	// "subscribe" or "psubscribe". The connection has before subscriptions.
	subscribe(nc net.Conn, command string, names []string, before int) error
	// head returns what precedes the payload when a message of a channel is
	// delivered for the name that was the n-th to be subscribed to.
	head(command, name string, n int, channel string, payload int) []byte

	// appendPublish appends a request to publish.
	appendPublish(dst []byte, channel string, payload []byte) []byte
	// replies returns what has to be sent behind a window of n such requests,
	// and the replies to all of it, where each message has so many receivers.
	replies(receivers, n int) (tail, replies []byte)
}

// protocolOf returns the protocol of a server by the name of its program.
func protocolOf(name string) protocol {
	if strings.HasPrefix(name, "nats-server") {
		return nats{firstPing: natsFirstPing}
	}
	return resp{}
}

// resp is the protocol of Redis, version 2.
type resp struct{}

func (resp) greet(net.Conn) error { return nil }

func (resp) settle(context.Context, []int) error { return nil }

func (resp) ping(subscribed bool) (request, answer []byte) {
	if subscribed {
		return pingRequest, pongToSubscriber
	}
	return pingRequest, pong
}

func (resp) subscribe(nc net.Conn, command string, names []string, before int) error {
	var want []byte
	for i, name := range names {
		want = appendConfirmation(want, command, name, before+i+1)
	}
	if _, err := nc.Write(appendArray(nil, append([]string{command}, names...)...)); err != nil {
		return fmt.Errorf("sending %s: %w", command, err)
	}
	if err := expect(nc, want); err != nil {
		return fmt.Errorf("confirmation of %s: %w", command, err)
	}
	return nil
}

func (resp) head(command, name string, _ int, channel string, payload int) []byte {
	if command == "psubscribe" {
		return frameHead(payload, "pmessage", name, channel)
	}
	return frameHead(payload, "message", channel)
}

func (resp) appendPublish(dst []byte, channel string, payload []byte) []byte {
	return appendArray(dst, "PUBLISH", channel, string(payload))
}

func (resp) replies(receivers, n int) (tail, replies []byte) {
	return nil, bytes.Repeat(appendInteger(nil, receivers), n)
}

// A target is a server that is driven.
type target struct {
	addr  string
	proto protocol
	probe probe // of its process
}

// dial opens a connection to the server, whose reads and writes fail after
// patience.
func (t target) dial(ctx context.Context, patience time.Duration) (net.Conn, error) {
	nc, err := dial(ctx, t.addr, patience)
	if err != nil {
		return nil, err
	}
	if err := t.proto.greet(nc); err != nil {
		nc.Close()
		return nil, fmt.Errorf("beginning a connection: %w", err)
	}
	return nc, nil
}

// open is dial for a connection that an event loop of the generator waits for.
func (t target) open(ctx context.Context, patience time.Duration) (fd int, err error) {
	nc, err := t.dial(ctx, patience)
	if err != nil {
		return -1, err
	}
	return detach(nc)
}
