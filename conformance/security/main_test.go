package security

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
	"github.com/pubsubd/pubsubd/conformance/transcript"
)

func TestMain(m *testing.M) { os.Exit(sut.Main(m)) }

const (
	noAuth    = "-NOAUTH Authentication required."
	wrongPass = "-WRONGPASS invalid username-password pair or user is disabled."

	// sesame is the password of all users here. Tests look for it where it must
	// not be.
	sesame = "open-sesame"
)

// A server is one of those that a test runs against.
type server struct {
	*sut.Server
	t     *testing.T
	redis bool // it is redis-server
}

// start starts pubsubd.
func start(t *testing.T, args ...string) *server {
	t.Helper()
	return &server{Server: startBinary(t, sut.Pubsubd(t), args...), t: t}
}

// onBoth runs a test on pubsubd and on redis-server, started with the same
// arguments. What redis-server does not do is for s.shortfall.
func onBoth(t *testing.T, args []string, test func(t *testing.T, s *server)) {
	t.Parallel()
	for name, redis := range map[string]bool{"pubsubd": false, "redis": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, startTarget(t, redis, args...))
		})
	}
}

// startTarget starts redis-server or pubsubd.
func startTarget(t *testing.T, redis bool, args ...string) *server {
	t.Helper()
	if redis {
		return &server{Server: startBinary(t, sut.Redis(t), args...), t: t, redis: true}
	}
	return start(t, args...)
}

// startBinary starts a program at a port that outgoing connections do not take.
func startBinary(t *testing.T, binary string, args ...string) *sut.Server {
	t.Helper()
	s, _ := sut.StartOn(t, binary, sut.TCP, args...)
	return s
}

// shortfall is Errorf for pubsubd. What redis-server falls short of is logged.
func (s *server) shortfall(format string, args ...any) {
	s.t.Helper()
	if s.redis {
		s.t.Logf("redis-server: "+format, args...)
		return
	}
	s.t.Errorf(format, args...)
}

// dial connects over TCP.
func (s *server) dial() *conn { return s.dialAt(s.Addr) }

func (s *server) dialAt(addr string) *conn {
	s.t.Helper()
	return &conn{wire.DialTCP(s.t, addr), s.t}
}

// as connects and logs in with sesame.
func (s *server) as(user string) *conn {
	s.t.Helper()
	c := s.dial()
	c.ask("AUTH "+user+" "+sesame, "+OK")
	return c
}

// A conn is a connection of a test.
type conn struct {
	*wire.Conn
	t *testing.T
}

// do sends a request of words and returns the reply.
func (c *conn) do(request string) string {
	c.t.Helper()
	v := c.Do(strings.Fields(request)...)
	if v.Kind == transcript.SimpleString || v.Kind == transcript.SimpleError {
		return string(rune(v.Kind)) + v.Text
	}
	return v.String()
}

// ask is do for a reply that must be the one wanted, or begin with it if it
// ends in three dots.
func (c *conn) ask(request, want string) {
	c.t.Helper()
	got := c.do(request)
	if begin, isBegin := strings.CutSuffix(want, "..."); isBegin && strings.HasPrefix(got, begin) || got == want {
		return
	}
	c.t.Errorf("%.100s: %.200s, want %s", request, got, want)
}

// closed fails the test unless the server closes the connection and sends
// nothing before.
func (c *conn) closed(what string) {
	c.t.Helper()
	if list := c.Closed(wire.Patience); len(list) > 0 {
		c.t.Errorf("%s: the connection was closed behind %v", what, list)
	}
}

// alive fails the test unless the connection answers.
func (c *conn) alive(what string) {
	c.t.Helper()
	if got := c.do("PING"); got != "+PONG" {
		c.t.Errorf("%s: PING is answered %s", what, got)
	}
}

// text is a value with all that is in it, a line for each string.
func text(v transcript.Value) string {
	var b strings.Builder
	b.WriteString(v.Text)
	for _, e := range v.Elems {
		b.WriteString("\n" + text(e))
	}
	return b.String()
}

// wrapped returns a program that runs binary from a shell, behind commands that
// set it up. It has the name of the binary, by which redis-server is known.
func wrapped(t *testing.T, binary, setup string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), filepath.Base(binary))
	script := fmt.Sprintf("#!/bin/sh\n%s\nexec '%s' \"$@\"\n", setup, binary)
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// hostAddress returns an address of this machine that is not a loopback one.
func hostAddress(t *testing.T) string {
	t.Helper()
	list, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range list {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() {
			return n.IP.String()
		}
	}
	t.Fatal("this needs a machine with an address besides the loopback one")
	return ""
}
