package pubsubtest

import (
	"net"
	"sync"
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

// offer hands over a connection. It tells whether it will be accepted.
func (f *feed) offer(nc net.Conn) bool {
	select {
	case f.conns <- nc:
		return true
	case <-f.ended:
		return false
	}
}

// accept serves whoever connects until the listener is closed.
func (c *core) accept() {
	defer c.running.Done()
	for {
		nc, err := c.front.Accept()
		if err != nil {
			return
		}
		c.serve(nc)
	}
}

// serve has the server serve a connection, or resets it.
func (c *core) serve(nc net.Conn) {
	l := newLink(c, nc)
	c.mu.Lock()
	i := c.live
	l.partitioned = c.partitions > 0
	c.links[l] = struct{}{}
	c.mu.Unlock()
	switch {
	case Refusal(c.refuses.Load())&Connections != 0:
		l.reset("refused")
	case !i.feed.offer(l):
		l.reset("refused: the server is down")
	}
}

// admitted is told by the server that a connection is a client.
func (c *core) admitted(id uint64, nc net.Conn) {
	l := nc.(*link)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.id = id
	c.transcript.add(l, fault, "connected from "+l.RemoteAddr().String(), 0)
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
