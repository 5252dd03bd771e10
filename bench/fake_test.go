//go:build linux

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A fakeServer is a small pub/sub server that can be told to misbehave.
type fakeServer struct {
	addr string

	// deliver, if not nil, returns what is sent to a subscriber in place of
	// its n-th frame, counted from 0.
	deliver func(n int, frame string) string
	// answer, if not nil, returns what is sent in place of the n-th reply to
	// PUBLISH on all connections. An empty string sends nothing.
	answer func(n int, reply string) string
	// confirm, if not nil, returns what is sent in place of a confirmation.
	confirm func(confirmation string) string
	// forget, if not nil, tells of a channel whether SUBSCRIBE has no effect.
	forget func(name string) bool
	// keep, if not nil, tells of a channel whether UNSUBSCRIBE leaves it alone.
	keep func(name string) bool
	// hangUp, if not nil, tells whether to close a subscriber's connection
	// in place of its n-th frame.
	hangUp func(n int) bool
	// only, if not zero, is the number of the only subscriber that deliver and
	// hangUp are asked about, the first to subscribe being 1.
	only int
	// nats has it speak the protocol of NATS, where deliver, only and hangUp
	// mean the same and answer is about every PONG.
	nats bool

	mu        sync.Mutex // guards the rest
	conns     map[net.Conn]*fakeClient
	joined    int // connections that have subscribed
	published int
}

// A fakeClient is one connection. Like a real server's, what is sent to it
// waits in a queue, so that one which does not read is in nobody's way.
type fakeClient struct {
	names     []string
	confirmed int // subscriptions it has been told of
	pattern   bool
	frames    int
	number    int // as a subscriber, from 1

	queue []byte
	last  bool          // close the connection behind the queue
	ready chan struct{} // the queue has changed; closed with the connection
}

// send queues text. The server's lock is held.
func (c *fakeClient) send(text string) {
	c.queue = append(c.queue, text...)
	select {
	case c.ready <- struct{}{}:
	default: // has been told already
	}
}

// serve makes s listen on loopback until the test ends.
func (s *fakeServer) serve(t *testing.T) *fakeServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	s.conns = make(map[net.Conn]*fakeClient)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			c := &fakeClient{ready: make(chan struct{}, 1)}
			s.mu.Lock()
			s.conns[nc] = c
			s.mu.Unlock()
			serving.Go(func() { s.serveConn(nc) })
			serving.Go(func() { s.write(nc, c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		s.mu.Lock()
		for nc := range s.conns {
			nc.Close()
		}
		s.mu.Unlock()
		serving.Wait()
	})
	return s
}

// target returns the server as something to drive; its process is ours.
func (s *fakeServer) target() target {
	t := target{addr: s.addr, proto: resp{}, probe: probe{pid: os.Getpid()}}
	if s.nats {
		t.proto = nats{firstPing: time.Millisecond}
	}
	return t
}

func (s *fakeServer) serveConn(nc net.Conn) {
	defer func() {
		s.mu.Lock()
		close(s.conns[nc].ready)
		delete(s.conns, nc)
		s.mu.Unlock()
		nc.Close()
	}()
	read, handle := readRequest, s.handleLocked
	if s.nats {
		read, handle = readNATSRequest, s.handleNATSLocked
		s.mu.Lock()
		s.conns[nc].send("INFO {}\r\n")
		s.mu.Unlock()
	}
	r := bufio.NewReader(nc)
	for {
		request, err := read(r)
		if err != nil {
			return
		}
		s.mu.Lock()
		handle(s.conns[nc], request)
		s.mu.Unlock()
	}
}

// write sends what is queued for one connection until it ends.
func (s *fakeServer) write(nc net.Conn, c *fakeClient) {
	for range c.ready {
		s.mu.Lock()
		b, last := c.queue, c.last
		c.queue = nil
		s.mu.Unlock()
		nc.Write(b)
		if last {
			nc.Close()
		}
	}
}

func (s *fakeServer) handleLocked(c *fakeClient, request []string) {
	switch command := strings.ToLower(request[0]); command {
	case "subscribe", "psubscribe":
		c.pattern = command == "psubscribe"
		if c.number == 0 {
			s.joined++
			c.number = s.joined
		}
		for _, name := range request[1:] {
			c.confirmed++
			if s.forget == nil || !s.forget(name) {
				c.names = append(c.names, name)
			}
			confirmation := string(appendConfirmation(nil, command, name, c.confirmed))
			if s.confirm != nil {
				confirmation = s.confirm(confirmation)
			}
			c.send(confirmation)
		}
	case "unsubscribe":
		for _, name := range request[1:] {
			c.confirmed--
			if s.keep == nil || !s.keep(name) {
				c.names = slices.DeleteFunc(c.names, func(n string) bool { return n == name })
			}
			confirmation := string(appendConfirmation(nil, command, name, c.confirmed))
			if s.confirm != nil {
				confirmation = s.confirm(confirmation)
			}
			c.send(confirmation)
		}
	case "publish":
		receivers := 0
		for _, subscriber := range s.conns {
			receivers += s.deliverLocked(subscriber, request[1], request[2])
		}
		reply := string(appendInteger(nil, receivers))
		if s.answer != nil {
			reply = s.answer(s.published, reply)
		}
		s.published++
		c.send(reply)
	case "ping":
		if c.confirmed > 0 {
			c.send(string(pongToSubscriber))
		} else {
			c.send(string(pong))
		}
	}
}

// deliverLocked sends a message to one client as often as it subscribed.
func (s *fakeServer) deliverLocked(c *fakeClient, channel, payload string) (receivers int) {
	for i, name := range c.names {
		var frame string
		switch {
		case s.nats:
			if !natsMatches(name, channel) {
				continue
			}
			frame = natsFrame(channel, i, payload)
		case c.pattern:
			if ok, _ := path.Match(name, channel); !ok {
				continue
			}
			frame = string(appendArray(nil, "pmessage", name, channel, payload))
		default:
			if name != channel {
				continue
			}
			frame = string(appendArray(nil, "message", channel, payload))
		}
		receivers++
		s.sendFrameLocked(c, frame)
	}
	return receivers
}

// sendFrameLocked sends a delivery, or what is to come in its place.
func (s *fakeServer) sendFrameLocked(c *fakeClient, frame string) {
	asked := s.only == 0 || s.only == c.number
	if asked && s.hangUp != nil && s.hangUp(c.frames) {
		c.last = true
		c.send("")
	}
	if c.last {
		return
	}
	if asked && s.deliver != nil {
		frame = s.deliver(c.frames, frame)
	}
	c.frames++
	c.send(frame)
}

// readRequest reads an array of bulk strings.
func readRequest(r *bufio.Reader) ([]string, error) {
	count, err := readLength(r, '*')
	if err != nil {
		return nil, err
	}
	request := make([]string, count)
	for i := range request {
		n, err := readLength(r, '$')
		if err != nil {
			return nil, err
		}
		b := make([]byte, n+len("\r\n"))
		if _, err := io.ReadFull(r, b); err != nil {
			return nil, err
		}
		request[i] = string(b[:n])
	}
	return request, nil
}

func readLength(r *bufio.Reader, kind byte) (int, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return 0, err
	}
	if line[0] != kind {
		return 0, fmt.Errorf("line %q does not begin with %q", line, kind)
	}
	return strconv.Atoi(strings.TrimSpace(line[1:]))
}

// at is what a fakeServer does that is wrong once, at the nth frame.
func at(n int, bad func(frame string) string) func(int, string) string {
	return func(i int, frame string) string {
		if i == n {
			return bad(frame)
		}
		return frame
	}
}

// lost is what becomes of a frame that does not come.
func lost(string) string { return "" }
