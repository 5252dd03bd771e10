package server

import (
	"context"
	"net"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/pubsubd/pubsubd/internal/testcert"
)

// A doorman is an OnConnect that holds each client up until let is called.
type doorman struct {
	told chan net.Conn
	let  func()
	gate chan struct{}
}

func newDoorman() *doorman {
	d := &doorman{told: make(chan net.Conn, 10), gate: make(chan struct{})}
	d.let = sync.OnceFunc(func() { close(d.gate) })
	return d
}

func (d *doorman) configure(c *Config) {
	c.OnConnect = func(_ uint64, nc net.Conn) {
		d.told <- nc
		<-d.gate
	}
}

// joiningNow is how many clients are about to be open.
func (s *Server) joiningNow() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.joining
}

// A client that OnConnect is being told of takes one of the places there are.
func TestMaxClientsWhileJoining(t *testing.T) {
	d := newDoorman()
	s := newServer(t, d.configure, func(c *Config) { c.MaxClients = 1 })
	one, two := listen(t, s), listen(t, s)
	t.Cleanup(d.let) // before the server ends
	first := dial(t, one)
	<-d.told
	if got := dial(t, two).end(); len(got) != 1 || got[0] != "-ERR max number of clients reached" {
		t.Errorf("a client too many is told %q", got)
	}
	d.let()
	first.ask("PING", "+PONG")
	if got := first.info("rejected_connections"); got != "1" {
		t.Errorf("rejected_connections:%s", got)
	}
	if n := s.joiningNow(); n != 0 {
		t.Errorf("%d clients are about to be open, want none", n)
	}
}

// notAdmitted fails the test unless a connection was closed, as the server was, before
// it became a client.
func notAdmitted(t *testing.T, s *Server, c *testConn, why closeReason) {
	t.Helper()
	if got := c.end(); len(got) != 0 {
		t.Errorf("it was sent %q", got)
	}
	if clients, joining := len(s.Clients()), s.joiningNow(); clients != 0 || joining != 0 {
		t.Errorf("%d clients, %d about to be; want none", clients, joining)
	}
	if list := s.Closures(); len(list) != 1 || list[0].ID != 1 || list[0].Reason != string(why) {
		t.Errorf("closures %+v, want that of client 1 for %s", list, why)
	}
}

// A server that ends while OnConnect is told of a client waits for that, and closes the
// connection.
func TestShutdownWhileJoining(t *testing.T) {
	ca := testcert.New(t)
	pair := ca.Issue("server")
	served := func(serve func(*Server, net.Listener) error) func(t *testing.T, s *Server) *testConn {
		return func(t *testing.T, s *Server) *testConn {
			ln := newQueueListener()
			go func() { _ = serve(s, ln) }()
			return ln.connect(t, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1})
		}
	}
	for name, connect := range map[string]func(t *testing.T, s *Server) *testConn{
		"Serve":     served((*Server).Serve),
		"ServeTLS":  served((*Server).ServeTLS),
		"ServeConn": func(t *testing.T, s *Server) *testConn { return pipe(t, s) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDoorman()
				s := newServer(t, d.configure, withTLS(ca, pair))
				t.Cleanup(d.let)
				c := connect(t, s)
				<-d.told
				ended := make(chan error, 1)
				go func() { ended <- s.Shutdown(context.Background()) }()
				synctest.Wait()
				select {
				case err := <-ended:
					t.Fatalf("Shutdown has not waited for a client that joins: %v", err)
				default:
				}
				d.let()
				if err := <-ended; err != nil {
					t.Errorf("Shutdown: %v", err)
				}
				notAdmitted(t, s, c, closedShutdown)
			})
		})
	}
}

// The same holds for sockets, which an event loop may wait for.
func TestShutdownWhileJoiningOverTCP(t *testing.T) {
	d := newDoorman()
	s := newServer(t, d.configure)
	addr := listen(t, s)
	t.Cleanup(d.let)
	c := dial(t, addr)
	<-d.told
	ended := make(chan error, 1)
	go func() { ended <- s.Shutdown(context.Background()) }()
	waitFor(t, "the server to be closed", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.closed
	})
	d.let()
	if err := <-ended; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	notAdmitted(t, s, c, closedShutdown)
}

// OnConnect is told of clients of a TLS listener before they have said anything.
func TestOnConnectPrecedesHandshake(t *testing.T) {
	told := make(chan net.Conn, 1)
	b := newTLSBench(t, func(c *Config) {
		c.OnConnect = func(_ uint64, nc net.Conn) { told <- nc }
	})
	c := dial(t, b.addr)
	if nc := <-told; nc.RemoteAddr().String() != c.nc.LocalAddr().String() {
		t.Errorf("told of a client at %s, want %s", nc.RemoteAddr(), c.nc.LocalAddr())
	}
}

// An OnConnect that does not return leaves nothing behind.
func TestOnConnectThatDoesNotReturn(t *testing.T) {
	for name, leave := range map[string]func(){"panic": func() { panic("told") }, "Goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t, func(c *Config) { c.OnConnect = func(uint64, net.Conn) { leave() } })
				near, far := net.Pipe()
				defer near.Close()
				c := newTestConn(t, far)
				left := make(chan any)
				go func() {
					defer func() { left <- recover() }()
					s.ServeConn(near)
				}()
				if p := <-left; p != nil && p != "told" {
					panic(p)
				}
				notAdmitted(t, s, c, closedPanic)
				if err := s.Shutdown(context.Background()); err != nil {
					t.Errorf("Shutdown: %v", err)
				}
			})
		})
	}
}
