package server

import (
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/tidwall/redcon"
)

const (
	acceptPause    = 10 * time.Millisecond // after the first failure to accept; doubles
	maxAcceptPause = time.Second
)

// mayPass tells whether accepting may work again later: what the system refuses
// now, it may grant in a while.
func mayPass(err error) bool {
	var errno syscall.Errno
	var t interface{ Temporary() bool }
	return errors.As(err, &errno) || errors.As(err, &t) && t.Temporary()
}

// accept admits clients until the listener is closed. The error is nil if that
// was CONFIG SET.
func (s *Server) accept(ln *listener) error {
	defer s.running.Done()
	defer s.removeListener(ln)
	defer ln.Close()
	defer s.crashIfPanicking("accepting clients") // before the others, which take locks
	pause := time.Duration(0)
	for {
		nc, err := ln.Accept()
		if err == nil {
			pause = 0
			switch c, ok := s.admit(nc, ln); {
			case !ok:
			case c.looped() != nil:
				c.begin()
			default:
				go func() {
					defer s.running.Done()
					c.serve()
				}()
			}
			continue
		}
		s.mu.Lock()
		closed := s.closed
		s.mu.Unlock()
		switch {
		case closed:
			return ErrServerClosed
		case ln.dropped.Load():
			return nil
		case !mayPass(err):
			return fmt.Errorf("accepting on %s: %w", ln.Addr(), err)
		}
		pause = max(acceptPause, min(2*pause, maxAcceptPause))
		s.logCannotAccept(err)
		select {
		case <-s.quit:
			return ErrServerClosed
		case <-time.After(pause):
		}
	}
}

// admit makes a client of a connection or refuses and closes it. One that no
// listener has accepted is welcome whatever the limits are. The caller tells
// running when an admitted client is done.
func (s *Server) admit(nc net.Conn, ln *listener) (c *client, ok bool) {
	s.connections.Add(1)
	if tc, ok := nc.(*net.TCPConn); ok {
		watchPeer(tc, s.config().TCPKeepAlive)
	}
	refusal := errMaxClients
	if ln != nil && ln.isTLS() {
		refusal = "" // a client that waits for TLS cannot read it
	}
	if ln != nil && s.full() { // as a rule nothing need be made for one too many
		s.refuse(nc, nil, closedMaxClients, refusal)
		return nil, false
	}
	if ln != nil && ln.isTLS() {
		conf := s.config().TLS.AuthClients
		nc = newTLSConn(nc, s.tls.Load().configs[conf])
	} else if ln != nil && s.isProtected(nc) {
		s.refuse(nc, nil, closedProtected, errProtected)
		return nil, false
	}
	c = s.newClient(nc)
	if ln != nil && ln.path != "" {
		c.addr, c.laddr = ln.path+":0", ln.path+":0" // the socket was made under another name
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		s.refused(nc, c, closedShutdown)
		_ = nc.Close()
		return nil, false
	}
	if ln != nil && len(s.open)+s.joining >= s.config().MaxClients {
		s.mu.Unlock()
		s.refuse(nc, c, closedMaxClients, refusal)
		return nil, false
	}
	s.joining++
	s.running.Add(1)
	s.mu.Unlock()
	s.announce(c, nc)
	if ln != nil && !ln.isTLS() {
		s.joinLoop(c, nc)
	}
	s.mu.Lock()
	if s.joining--; s.closed {
		s.mu.Unlock()
		s.refused(nc, c, closedShutdown)
		c.t.close()
		s.running.Done()
		return nil, false
	}
	s.open[c.id] = c
	s.ordered = nil
	s.mu.Unlock()
	return c, true
}

// announce tells OnConnect of a client that is about to be open. If it does not return,
// as it has to, the connection is closed and takes no place.
func (s *Server) announce(c *client, nc net.Conn) {
	told := s.config().OnConnect
	if told == nil {
		return
	}
	returned := false
	defer func() {
		if returned {
			return
		}
		s.mu.Lock()
		s.joining--
		s.mu.Unlock()
		s.refused(nc, c, closedPanic)
		c.t.close()
		s.running.Done()
	}()
	told(c.id, nc)
	returned = true
}

// keepAliveProbes is how many probes go unanswered before a connection ends.
const keepAliveProbes = 3

// watchPeer makes the end of a connection show whose other side has gone without
// a word: after the period of silence and probes in about the same time again, if
// there is nothing to send to it, and after as long if there is, which the probes
// wait for. Zero means that it need not show. Linux also ends connections whose
// other side answers and makes no room for so long.
func watchPeer(tc *net.TCPConn, period time.Duration) {
	_ = tc.SetKeepAliveConfig(net.KeepAliveConfig{Enable: period > 0, Idle: period, Interval: max(period/keepAliveProbes, time.Second), Count: keepAliveProbes})
	if period > 0 {
		setUserTimeout(tc, 2*period)
	}
}

// full tells whether there are as many clients as there may be.
func (s *Server) full() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open) >= s.config().MaxClients
}

// isProtected tells whether protected mode refuses a connection: it comes from
// another host, and no password stands in its way.
func (s *Server) isProtected(nc net.Conn) bool {
	conf := s.config()
	if !conf.ProtectedMode || !s.users.Default().Rules().NoPass() {
		return false
	}
	addr, ok := nc.RemoteAddr().(*net.TCPAddr)
	return ok && !addr.IP.IsLoopback()
}

// refuseTimeout bounds the write of a refusal to a connection on which a write
// may wait.
const refuseTimeout = 10 * time.Millisecond

// refuse answers a connection with an error, unless it is empty, and closes it.
// The client is nil if it was not made one yet.
func (s *Server) refuse(nc net.Conn, c *client, why closeReason, text string) {
	s.rejected.Add(1)
	s.refused(nc, c, why)
	answerRefused(nc, text)
	_ = nc.Close()
}

// answerRefused sends the error of a refusal, unless it is empty.
func answerRefused(nc net.Conn, text string) {
	if text == "" {
		return
	}
	line := redcon.AppendError(nil, text)
	t := newTransport(nc)
	if _, mayWait := t.(interface{ waits() bool }); !mayWait {
		_, _ = t.tryWrite([][]byte{line}) // there is room: nothing was written before
		return
	}
	_ = nc.SetDeadline(time.Now().Add(refuseTimeout)) // of reads too: TLS shakes hands first
	_, _ = nc.Write(line)
}

// sharedText returns a text that is in the memory of the last equal one, as the local
// addresses of most clients are.
func (s *Server) sharedText(text string) string {
	if last := s.lastText.Load(); last != nil && *last == text {
		return *last
	}
	s.lastText.Store(&text)
	return text
}

// addresses returns the two ends of a connection as CLIENT LIST shows them.
func addresses(nc net.Conn) (addr, laddr string, unix bool) {
	if ua, ok := nc.LocalAddr().(*net.UnixAddr); ok {
		return ua.Name + ":0", ua.Name + ":0", true
	}
	return nc.RemoteAddr().String(), nc.LocalAddr().String(), false
}
