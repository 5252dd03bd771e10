package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/tidwall/redcon"
)

// listen opens the listeners that Bind and Port ask for.
func (s *Server) listen() ([]net.Listener, error) {
	conf := s.config()
	if conf.Port == 0 {
		return nil, nil
	}
	var listeners []net.Listener
	for _, bind := range conf.Bind {
		host, optional := strings.CutPrefix(bind, "-")
		ln, err := listenTCP(host, conf.Port, conf.TCPBacklog)
		switch {
		case err == nil:
			listeners = append(listeners, ln)
		case optional && !isInUse(err):
			s.log.Debug("not listening on an optional address", zap.String("bind", bind), zap.Error(err))
		default:
			for _, ln := range listeners {
				_ = ln.Close()
			}
			return nil, fmt.Errorf("listening on %s:%d: bind: %w", host, conf.Port, plainError(err))
		}
	}
	if len(listeners) == 0 && len(conf.Bind) > 0 {
		return nil, fmt.Errorf("no address of %q could be bound", conf.Bind)
	}
	return listeners, nil
}

// listenTCP listens on one address of Bind.
func listenTCP(host string, port, backlog int) (net.Listener, error) {
	network := "tcp"
	switch host {
	case "*":
		network, host = "tcp4", ""
	case "::*":
		network, host = "tcp6", ""
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(context.Background(), network, net.JoinHostPort(host, strconv.Itoa(port)))
	if err == nil {
		setBacklog(ln, backlog)
	}
	return ln, err
}

// errInUse is worded as strerror does: scripts look for it.
var errInUse = syscallError("Address already in use")

type syscallError string

func (e syscallError) Error() string { return string(e) }

// plainError is what the system said of an operation, without where.
func plainError(err error) error {
	if isInUse(err) {
		return errInUse
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

// addListeners makes the server close listeners when it ends. It refuses, and
// closes them, if the server has ended.
func (s *Server) addListeners(list ...net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		for _, ln := range list {
			_ = ln.Close()
		}
		return false
	}
	s.listeners = append(s.listeners, list...)
	s.running.Add(len(list))
	return true
}

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

// accept admits clients until the listener is closed.
func (s *Server) accept(ln net.Listener) error {
	defer s.running.Done()
	defer ln.Close()
	pause := time.Duration(0)
	for {
		nc, err := ln.Accept()
		if err == nil {
			pause = 0
			if c, ok := s.admit(nc, false); ok {
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
		if closed {
			return ErrServerClosed
		}
		if !mayPass(err) {
			return fmt.Errorf("accepting on %s: %w", ln.Addr(), err)
		}
		if pause = max(acceptPause, min(2*pause, maxAcceptPause)); pause >= maxAcceptPause || pause == acceptPause {
			s.log.Warn("cannot accept a client", zap.Error(err), zap.Duration("pause", pause))
		}
		select {
		case <-s.quit:
			return ErrServerClosed
		case <-time.After(pause):
		}
	}
}

// admit makes a client of a connection or refuses and closes it. The caller
// tells running when an admitted client is done.
func (s *Server) admit(nc net.Conn, trusted bool) (c *client, ok bool) {
	s.connections.Add(1)
	if tc, ok := nc.(*net.TCPConn); ok {
		period := s.config().TCPKeepAlive
		_ = tc.SetKeepAliveConfig(net.KeepAliveConfig{Enable: period > 0, Idle: period, Interval: max(period/3, time.Second), Count: 3})
	}
	if !trusted && s.isProtected(nc) {
		s.refuse(nc, errProtected)
		return nil, false
	}
	c = s.newClient(nc)
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		_ = nc.Close()
		return nil, false
	}
	if !trusted && len(s.open) >= s.config().MaxClients {
		s.mu.Unlock()
		s.refuse(nc, errMaxClients)
		return nil, false
	}
	s.open[c.id] = c
	s.running.Add(1)
	s.mu.Unlock()
	return c, true
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

// refuseTimeout bounds the write of a refusal.
const refuseTimeout = 10 * time.Millisecond

// refuse answers a connection with an error and closes it.
func (s *Server) refuse(nc net.Conn, text string) {
	s.rejected.Add(1)
	_ = nc.SetDeadline(time.Now().Add(refuseTimeout)) // of reads too: TLS shakes hands first
	_, _ = nc.Write(redcon.AppendError(nil, text))
	_ = nc.Close()
}
