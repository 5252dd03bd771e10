package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"go.uber.org/zap"
)

// A listenerKind is the directive that asks for a listener.
type listenerKind string

const (
	listenerGiven listenerKind = ""           // by Serve
	listenerTLS   listenerKind = "given-tls"  // by ServeTLS
	listenerPort  listenerKind = "port"       // by port and bind
	listenerTPort listenerKind = "tls-port"   // by tls-port and bind
	listenerUnix  listenerKind = "unixsocket" // by unixsocket
)

// A listener is one of the server's.
type listener struct {
	net.Listener
	kind listenerKind
	host string // of Bind, without the dash; empty unless Bind asks for it
	port int
	path string // of a Unix socket that unixsocket asks for

	dropped atomic.Bool // CONFIG SET has closed it
	socket  socketFile
}

// Addr returns where clients connect to.
func (ln *listener) Addr() net.Addr {
	if ln.path != "" {
		return &net.UnixAddr{Name: ln.path, Net: "unix"}
	}
	return ln.Listener.Addr()
}

// Close stops listening and removes the file of a Unix socket.
func (ln *listener) Close() error {
	ln.socket.remove()
	return ln.Listener.Close()
}

// isTLS tells whether clients speak TLS.
func (ln *listener) isTLS() bool { return ln.kind == listenerTLS || ln.kind == listenerTPort }

// ErrNowhere is what ListenAndServe returns when the Config names no port and
// no Unix socket, or no address of Bind exists.
var ErrNowhere = errors.New("server: configured to not listen anywhere")

// A ListenError is what ListenAndServe returns when it cannot listen where the
// Config says.
type ListenError struct {
	Directive string // "port", "tls-port" or "unixsocket"
	Port      int    // of the first two
	Addr      string // host:port, or the path of the Unix socket
	Err       error  // what the system says, in the words of strerror if it is known
}

func (e *ListenError) Error() string { return fmt.Sprintf("listening on %s: %v", e.Addr, e.Err) }

func (e *ListenError) Unwrap() error { return e.Err }

// A TLSError is what ListenAndServe and ServeTLS return when the TLS fields of
// the Config make no sense or a file they name cannot be used.
type TLSError struct{ Err error }

func (e *TLSError) Error() string { return "configuring TLS: " + e.Err.Error() }

func (e *TLSError) Unwrap() error { return e.Err }

// portOf returns the port that a directive asks for.
func portOf(conf *Config, kind listenerKind) int {
	if kind == listenerTPort {
		return conf.TLS.Port
	}
	return conf.Port
}

// listen opens the listeners that a configuration asks for.
func (s *Server) listen(conf *Config) (list []*listener, err error) {
	defer func() {
		if err != nil {
			closeAll(list)
			list = nil
		}
	}()
	if conf.TLS.Port != 0 {
		if err := s.loadTLS(conf); err != nil {
			return nil, &TLSError{err}
		}
		s.tlsInForce = s.tls.Load()
	}
	for _, kind := range []listenerKind{listenerPort, listenerTPort} {
		opened, err := s.openPort(conf, kind, nil)
		list = append(list, opened...)
		if err != nil {
			return list, err
		}
	}
	if conf.UnixSocket != "" {
		ln, err := listenUnix(conf.Path(conf.UnixSocket), conf.UnixSocketPerm, conf.TCPBacklog)
		if err != nil {
			return list, &ListenError{Directive: "unixsocket", Addr: conf.UnixSocket, Err: plainError(err)}
		}
		list = append(list, ln)
	}
	if len(list) == 0 {
		return nil, ErrNowhere
	}
	return list, nil
}

// openPort opens the listeners that a configuration asks for by port or tls-port,
// but for those that are kept. The listeners it has opened are returned with an
// error too.
func (s *Server) openPort(conf *Config, kind listenerKind, kept []*listener) (list []*listener, err error) {
	port := portOf(conf, kind)
	if port == 0 {
		return nil, nil
	}
	kept = slices.Clone(kept)
	for _, bind := range conf.Bind {
		host, optional := strings.CutPrefix(bind, "-")
		if i := slices.IndexFunc(kept, func(ln *listener) bool { return ln.host == host }); i >= 0 {
			kept = slices.Delete(kept, i, i+1)
			continue
		}
		nl, err := listenTCP(host, port, conf.TCPBacklog)
		switch {
		case err == nil:
			list = append(list, &listener{Listener: nl, kind: kind, host: host, port: port})
			continue
		case isUnsupported(err), optional && isNoAddress(err):
			s.log.Debug("not listening on an address", zap.String("bind", bind), zap.Int("port", port), zap.Error(err))
			continue
		}
		addr := net.JoinHostPort(host, strconv.Itoa(port))
		return list, &ListenError{string(kind), port, addr, bindError{plainError(err)}}
	}
	return list, nil
}

// A bindError is an error of listening on an address, as redis-server words it.
type bindError struct{ error }

func (e bindError) Error() string { return "bind: " + e.error.Error() }

func (e bindError) Unwrap() error { return e.error }

// listenTCP listens on one address of Bind.
func listenTCP(host string, port, backlog int) (net.Listener, error) {
	network := "tcp"
	switch host {
	case "*":
		network, host = "tcp4", ""
	case "::*":
		network, host = "tcp6", ""
	case "":
		return nil, errNoName
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(context.Background(), network, net.JoinHostPort(host, strconv.Itoa(port)))
	if err == nil {
		setBacklog(ln, backlog)
	}
	return ln, err
}

// These are worded as strerror and its like do: scripts look for them.
const (
	errInUse  = syscallError("Address already in use")
	errNoName = syscallError("Name or service not known")
)

type syscallError string

func (e syscallError) Error() string { return string(e) }

// plainError is what the system said of an operation, without where.
func plainError(err error) error {
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case isInUse(err):
		return errInUse
	case errors.As(err, &dns) && dns.IsNotFound:
		return errNoName
	case errors.As(err, &op):
		return op.Err
	}
	return err
}

func closeAll(list []*listener) {
	for _, ln := range list {
		_ = ln.Close()
	}
}

// addListeners makes the server close listeners when it ends. It refuses, and
// closes them, if the server has ended.
func (s *Server) addListeners(list ...*listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		closeAll(list)
		return false
	}
	s.listeners = append(s.listeners, list...)
	s.running.Add(len(list))
	return true
}

// removeListener takes a listener off the list.
func (s *Server) removeListener(ln *listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners = slices.DeleteFunc(s.listeners, func(l *listener) bool { return l == ln })
}

// listenersOf returns the listeners of a kind.
func (s *Server) listenersOf(kind listenerKind) []*listener {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.listeners), func(ln *listener) bool { return ln.kind != kind })
}

// acceptAll accepts clients of listeners that the Config asks for, until they
// are dropped or the server ends.
func (s *Server) acceptAll(list []*listener) {
	for _, ln := range list {
		go func() {
			if err := s.accept(ln); err != nil && err != ErrServerClosed {
				select {
				case s.failed <- err:
				default: // ListenAndServe has been told of another
				}
			}
		}()
	}
}

// relisten has the server listen as another configuration says: it opens what
// is new, then closes what is not wanted any more. When that fails all is as it
// was. Clients stay. Setting is held.
func (s *Server) relisten(next *Config, kind listenerKind) error {
	if !s.listening {
		return errors.New("the server listens where the program that runs it says")
	}
	port := portOf(next, kind)
	var kept, dropped []*listener
	for _, ln := range s.listenersOf(kind) {
		if ln.port == port && slices.ContainsFunc(next.Bind, func(bind string) bool { return strings.TrimPrefix(bind, "-") == ln.host }) {
			kept = append(kept, ln)
		} else {
			dropped = append(dropped, ln)
		}
	}
	opened, err := s.openPort(next, kind, kept)
	if errors.Is(err, errInUse) && slices.ContainsFunc(dropped, func(ln *listener) bool { return ln.port == port }) {
		// What is in the way may be our own: 127.0.0.1 where * is wanted now.
		closeAll(opened)
		s.drop(dropped)
		if opened, err = s.openPort(next, kind, kept); err != nil {
			closeAll(opened)
			s.reopen(dropped, next.TCPBacklog)
			return err
		}
		dropped = nil
	}
	if err != nil {
		closeAll(opened)
		return err
	}
	if !s.addListeners(opened...) {
		return ErrServerClosed
	}
	s.acceptAll(opened)
	s.drop(dropped)
	return nil
}

// drop closes listeners that are not wanted any more.
func (s *Server) drop(list []*listener) {
	for _, ln := range list {
		ln.dropped.Store(true)
		_ = ln.Close()
		s.removeListener(ln)
	}
}

// reopen listens again where listeners were dropped.
func (s *Server) reopen(list []*listener, backlog int) {
	var opened []*listener
	for _, ln := range list {
		nl, err := listenTCP(ln.host, ln.port, backlog)
		if err != nil {
			s.log.Error("cannot listen any more where the server did", zap.String("addr", net.JoinHostPort(ln.host, strconv.Itoa(ln.port))), zap.Error(err))
			continue
		}
		opened = append(opened, &listener{Listener: nl, kind: ln.kind, host: ln.host, port: ln.port})
	}
	if s.addListeners(opened...) {
		s.acceptAll(opened)
	}
}

// putPort, putTLSPort and putBind are the apply of these directives.
func (s *Server) putPort(next *Config) string {
	return s.relistened(next, listenerPort, "Unable to listen on this port. Check server logs.")
}

func (s *Server) putTLSPort(next *Config) string {
	if s.config().TLS.Port == 0 { // nobody has looked at the other directives yet
		if text := s.putTLS(next); text != "" {
			return text
		}
	}
	return s.relistened(next, listenerTPort, "Unable to listen on this port. Check server logs.")
}

func (s *Server) putBind(next *Config) string {
	const failed = "Failed to bind to specified addresses."
	was := s.config()
	if text := s.relistened(next, listenerPort, failed); text != "" {
		return text
	}
	if was.TLS.Port == 0 {
		return "" // if there is one now, that is for tls-port, in the same CONFIG SET
	}
	text := s.relistened(next, listenerTPort, failed)
	if text != "" {
		_ = s.relistened(was, listenerPort, failed)
	}
	return text
}

// relistened is relisten with a text to answer when it fails.
func (s *Server) relistened(next *Config, kind listenerKind, failed string) string {
	if was := s.config(); !s.listening && portOf(was, kind) == portOf(next, kind) && slices.Equal(was.Bind, next.Bind) {
		return "" // nothing changes
	}
	if err := s.relisten(next, kind); err != nil {
		s.log.Warn("cannot listen as CONFIG SET asks", zap.Error(err))
		return failed
	}
	return ""
}
