package pubsubtest

import (
	"context"
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// A feed is the listener of one instance: it accepts what it is given.
type feed struct {
	c     *core
	conns chan net.Conn
	once  sync.Once
	ended chan struct{}
}

func newFeed(c *core) *feed {
	return &feed{c: c, conns: make(chan net.Conn), ended: make(chan struct{})}
}

// Accept waits for a connection.
func (f *feed) Accept() (net.Conn, error) {
	select {
	case nc := <-f.conns:
		return nc, nil
	case <-f.ended:
		return nil, net.ErrClosed
	}
}

func (f *feed) Close() error {
	f.once.Do(func() { close(f.ended) })
	return nil
}

// Addr returns where clients connect to.
func (f *feed) Addr() net.Addr {
	if f.c.front != nil {
		return f.c.front.Addr()
	}
	return memoryAddr("memory:0")
}

// offer hands over a connection. The error is net.ErrClosed if nobody accepts any
// more, or that of ctx.
func (f *feed) offer(ctx context.Context, nc net.Conn) error {
	select {
	case f.conns <- nc:
		return nil
	case <-f.ended:
		return net.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

const (
	firstPause = time.Millisecond // after the first failure to accept; doubles
	lastPause  = 100 * time.Millisecond
)

// accept serves whoever connects until the listener is closed. What the system
// refuses now, such as one more file, it may grant in a while.
func (c *core) accept(ln net.Listener) {
	pause := firstPause
	for {
		nc, err := ln.Accept()
		switch {
		case err == nil:
			pause = firstPause
			_ = c.serve(context.Background(), nc) // who connects sees a reset
			continue
		case errors.Is(err, net.ErrClosed):
			return
		}
		c.transcript.note(nil, "cannot accept: "+err.Error())
		<-time.After(pause)
		pause = min(2*pause, lastPause)
	}
}

// serve has the server serve a connection, or resets it. The error is
// syscall.ECONNREFUSED once the server is closed, or that of ctx.
func (c *core) serve(ctx context.Context, nc net.Conn) error {
	l := newLink(c, nc)
	c.mu.Lock()
	l.i = c.live
	ending := c.ending
	if !ending {
		c.links[l] = struct{}{}
	}
	c.mu.Unlock()
	if ending {
		l.breakOff()
		return syscall.ECONNREFUSED
	}
	if Refusal(c.refuses.Load())&RefuseConnections != 0 {
		l.reset("refused")
		return nil
	}
	switch err := l.i.feed.offer(ctx, l); {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		l.reset("given up by the client")
		return err
	}
	l.reset("refused: the server is down")
	return nil
}

// admitted is told by the server that a connection becomes a client.
func (c *core) admitted(id uint64, nc net.Conn) {
	l, ok := nc.(*link)
	if !ok {
		return // of a listener that CONFIG SET has opened
	}
	l.who.id.Store(id)
	c.transcript.note(l.who, "connected from "+l.RemoteAddr().String())
}

// forget lets go of a link whose connection is closed.
func (c *core) forget(l *link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.links, l)
}

// current returns the server proper.
func (c *core) current() *instance {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.live
}

// openLinks returns the connections that are not closed, in no order.
func (c *core) openLinks() []*link {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]*link, 0, len(c.links))
	for l := range c.links {
		list = append(list, l)
	}
	return list
}
