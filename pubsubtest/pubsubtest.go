// Package pubsubtest runs a pub/sub server inside a Go test, for code that
// talks to Redis.
//
//	srv := pubsubtest.RunT(t)
//	app := startApp(srv.Addr())
//	srv.WaitSubscribers("orders", 1) // not a sleep
//	srv.Publish("orders", "hello")
package pubsubtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/server"
)

// patience bounds every wait: for subscribers, and for clients to take what is
// queued for them when the test ends.
const patience = 5 * time.Second

// A Server is a pub/sub server on a free port of 127.0.0.1 that lives as long
// as its test. The Wait methods end a test that waits in vain, so they belong to
// its own goroutine; the others may be called from any.
type Server struct {
	t    testing.TB
	srv  *server.Server
	addr string
	done chan error // what Serve returned
}

// RunT starts a server and stops it when the test and its subtests are done.
// The test fails if the server cannot start. It also fails, with the names of
// the clients, if some have not read what was published to them within five
// seconds of the test's end: they hang.
func RunT(t testing.TB, options ...func(*server.Config)) *Server {
	t.Helper()
	conf := server.NewConfig()
	for _, o := range options {
		o(conf)
	}
	srv, err := server.New(conf)
	if err != nil {
		t.Fatalf("pubsubtest: %v", err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("pubsubtest: %v", err)
	}
	s := &Server{t: t, srv: srv, addr: ln.Addr().String(), done: make(chan error, 1)}
	go func() { s.done <- srv.Serve(ln) }()
	t.Cleanup(s.stop)
	return s
}

// Password makes clients authenticate.
func Password(password string) func(*server.Config) {
	return func(c *server.Config) { c.RequirePass = password }
}

// Addr returns the server's address, host:port.
func (s *Server) Addr() string { return s.addr }

// Server returns the server itself.
func (s *Server) Server() *server.Server { return s.srv }

// Publish publishes a message as a client would and returns its receivers.
func (s *Server) Publish(channel, message string) int {
	return s.srv.Broker().Publish(channel, []byte(message))
}

// Kick closes the connections of the clients with a name, set by CLIENT
// SETNAME or HELLO, and returns how many there were. It shows whether a client
// connects and subscribes again.
func (s *Server) Kick(name string) int {
	return s.srv.Kick(func(c server.ClientInfo) bool { return c.Name == name })
}

// WaitSubscribers waits until a channel has at least n subscribers by name.
// The test ends if that takes more than five seconds.
func (s *Server) WaitSubscribers(channel string, n int) {
	s.t.Helper()
	s.wait(n, fmt.Sprintf("subscribers of %q", channel), func() int { return s.srv.Broker().NumSub(channel) })
}

// WaitPatterns waits until there are at least n distinct patterns. The test
// ends if that takes more than five seconds.
func (s *Server) WaitPatterns(n int) {
	s.t.Helper()
	s.wait(n, "patterns", s.srv.Broker().NumPat)
}

// wait waits until count returns at least want.
func (s *Server) wait(want int, what string, count func() int) {
	s.t.Helper()
	const look = time.Millisecond
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		n := count()
		if n >= want {
			return
		}
		select {
		case <-time.After(look):
		case <-deadline.C:
			s.t.Fatalf("pubsubtest: waited %v for %d %s, there are %d", patience, want, what, n)
		}
	}
}

// stop ends the server and reports what hangs.
func (s *Server) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var unsent *server.UnsentError
	if errors.As(s.srv.Shutdown(ctx), &unsent) {
		for _, c := range unsent.Clients {
			s.t.Errorf("pubsubtest: client %d %q at %s hangs: it has not read %d bytes published to it", c.ID, c.Name, c.Addr, c.Queued)
		}
	}
	if err := <-s.done; err != server.ErrServerClosed {
		s.t.Errorf("pubsubtest: the server ended with %v", err)
	}
}
