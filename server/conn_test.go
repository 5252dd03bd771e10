package server

import (
	"bufio"
	"flag"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// newServer returns a server that is closed when the test ends. It listens
// nowhere.
var eventLoops = flag.Int("event-loops", -1, "the event loops that servers have")

func newServer(t testing.TB, change ...func(*Config)) *Server {
	t.Helper()
	conf := NewConfig()
	conf.EventLoops = *eventLoops
	for _, f := range change {
		f(conf)
	}
	s, err := New(conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if n := s.flusher.backlog.Load(); n != 0 {
			t.Errorf("%d bytes are still counted as waiting for the flusher", n)
		}
		if err := s.broker.Check(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// listen has a server listen on a free loopback port.
func listen(t testing.TB, s *Server) (addr string) {
	t.Helper()
	return listenWith(t, s, s.Serve)
}

// listenWith is listen with another method than Serve.
func listenWith(t testing.TB, s *Server, serve func(net.Listener) error) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- serve(ln) }()
	t.Cleanup(func() {
		_ = s.Close()
		if err := <-done; err != ErrServerClosed {
			t.Errorf("Serve: %v", err)
		}
	})
	return ln.Addr().String()
}

// A testConn is a client that fails its test when something goes wrong.
type testConn struct {
	t  testing.TB
	nc net.Conn
	r  *bufio.Reader
}

func newTestConn(t testing.TB, nc net.Conn) *testConn {
	t.Cleanup(func() { _ = nc.Close() })
	return &testConn{t, nc, bufio.NewReader(nc)}
}

// dial connects over loopback.
func dial(t testing.TB, addr string) *testConn {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return newTestConn(t, nc)
}

// pipe connects in memory.
func pipe(t testing.TB, s *Server) *testConn {
	mine, theirs := net.Pipe()
	go s.ServeConn(theirs)
	return newTestConn(t, mine)
}

// raw sends bytes.
func (c *testConn) raw(bytes string) {
	c.t.Helper()
	_ = c.nc.SetWriteDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c.nc, bytes); err != nil {
		c.t.Fatalf("sending %.80q: %v", bytes, err)
	}
	_ = c.nc.SetWriteDeadline(time.Time{}) // it is for this write only
}

// send sends requests, each written as words with blanks between.
func (c *testConn) send(requests ...string) {
	c.t.Helper()
	var b []byte
	for _, r := range requests {
		b = append(b, encode(strings.Fields(r)...)...)
	}
	c.raw(string(b))
}

// read reads one frame.
func (c *testConn) read() (frame, error) {
	_ = c.nc.SetReadDeadline(time.Now().Add(patience))
	return readFrame(c.r)
}

// next reads one frame that must come.
func (c *testConn) next() frame {
	c.t.Helper()
	f, err := c.read()
	if err != nil {
		c.t.Fatalf("reading: %v", err)
	}
	return f
}

// want reads frames and compares them with their short forms. A wanted text
// may end in … for any rest.
func (c *testConn) want(frames ...string) {
	c.t.Helper()
	for i, want := range frames {
		got := c.next().String()
		if head, ok := strings.CutSuffix(want, "…"); ok && strings.HasPrefix(got, head) {
			continue
		}
		if got != want {
			c.t.Fatalf("frame %d of %d: %.300q, want %.300q", i+1, len(frames), got, want)
		}
	}
}

// do sends one request and returns the short form of one reply.
func (c *testConn) do(request string) string {
	c.t.Helper()
	c.send(request)
	return c.next().String()
}

// ask sends one request and compares the one reply.
func (c *testConn) ask(request, want string) {
	c.t.Helper()
	c.send(request)
	c.want(want)
}

// end reads until the connection ends and returns the frames before.
func (c *testConn) end() []string {
	c.t.Helper()
	var list []frame
	for {
		f, err := c.read()
		if err == nil {
			list = append(list, f)
			continue
		}
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			c.t.Fatalf("the connection does not end, after %.300q", texts(list))
		}
		return texts(list)
	}
}

// info returns a field of INFO.
func (c *testConn) info(field string) string {
	c.t.Helper()
	c.send("INFO everything")
	for _, line := range strings.Split(c.next().text, "\r\n") {
		if v, ok := strings.CutPrefix(line, field+":"); ok {
			return v
		}
	}
	c.t.Fatalf("INFO has no field %q", field)
	return ""
}

// logger returns a logger and what it was told.
func logger() (*zap.Logger, *observer.ObservedLogs) {
	core, logs := observer.New(zapcore.DebugLevel - 1)
	return zap.New(core), logs
}
