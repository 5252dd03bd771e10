package bounds

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
)

const noAuth = "-NOAUTH Authentication required.\r\n"

// deaf connects a client that never reads and whose system keeps as little as it
// can for it.
func deaf(t *testing.T, s *sut.Server) *net.TCPConn {
	t.Helper()
	dialer := net.Dialer{Timeout: wire.Patience, Control: func(_, _ string, rc syscall.RawConn) error {
		return rc.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4*kib) })
	}}
	nc, err := dialer.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	return nc.(*net.TCPConn)
}

// flood sends the same again and again until the server takes no more of it for
// as long as stall, closes the connection, or has taken most bytes. It returns
// how many those were and whether the connection was closed.
func flood(t *testing.T, nc net.Conn, request string, most int, stall time.Duration) (sent int, closed bool) {
	t.Helper()
	for sent < most {
		if err := nc.SetWriteDeadline(time.Now().Add(stall)); err != nil {
			t.Fatal(err)
		}
		n, err := nc.Write([]byte(request))
		sent += n
		switch {
		case err == nil, n > 0 && errors.Is(err, os.ErrDeadlineExceeded):
		case errors.Is(err, os.ErrDeadlineExceeded):
			return sent, false
		default:
			return sent, true
		}
		if n < len(request) {
			request = request[n:] + request[:n]
		}
	}
	return sent, false
}

// Who has not logged in and does not read its replies is closed before they are
// many, whether it sends its requests together or one by one.
func TestUnreadRepliesBeforeAuth(t *testing.T) {
	const bound, most = 64 * kib, 16 * mib
	for _, target := range released() {
		for _, name := range []string{"pipelined", "one by one"} {
			t.Run(target.Name+"/"+strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
				parallel(t)
				s := sut.Start(t, target.Binary(t), "--requirepass", password, "--save", "")
				boss := admin(t, s)
				before := sut.Memory(t, s)
				peak := sut.WatchMemory(t, s)
				answered := func() int64 { return info(t, boss, "errorstats", "errorstat_NOAUTH") }
				closed := false
				if c := deaf(t, s); name == "pipelined" {
					_, closed = flood(t, c, strings.Repeat("PING\r\n", 2000), most, long(5*time.Second, wire.Patience))
				} else {
					closed = askOneByOne(t, c, 8*bound/len(noAuth), answered, func() bool { return info(t, boss, "clients", "connected_clients") == 1 })
				}
				replies := answered() * int64(len(noAuth))
				grown := peak() - before
				t.Logf("R3: %s, before login, %s: closed %v after %d bytes of replies, memory +%s", target.Name, name, closed, replies, megabytes(grown))
				holds(t, target, closed, "the client was not closed")
				holds(t, target, replies <= bound, "it was made %d bytes of replies, more than %d", replies, bound)
				holds(t, target, grown <= 4*mib, "the memory grew by %s, more than 4 MB", megabytes(grown))
			})
		}
	}
}

// askOneByOne sends requests, each when the one before has been answered, which
// is not read. It tells whether the server has closed the connection, of which
// gone knows.
func askOneByOne(t *testing.T, c net.Conn, most int, answered func() int64, gone func() bool) (closed bool) {
	t.Helper()
	for n := range int64(most) {
		_ = c.SetWriteDeadline(time.Now().Add(wire.Patience))
		if _, err := c.Write([]byte("PING\r\n")); err != nil {
			return true
		}
		// The write after the connection was closed may succeed.
		if !waitFor(wire.Patience, func() bool { return answered() > n || gone() }) {
			t.Fatalf("request %d is not answered", n)
		}
		if answered() <= n {
			return gone()
		}
	}
	return false
}

// A client that sends and does not read is not read from any more.
func TestUnreadRepliesAfterAuth(t *testing.T) {
	bound := long[int64](24, 48) * mib // garbage is collected late on a busy machine
	const most = 64 * mib              // of requests
	big := strings.Repeat("x", 16*kib)
	requests := []struct{ name, text string }{
		{"PING", strings.Repeat("PING\r\n", 1000)},
		{"ECHO of 16 KB", string(wire.AppendRequest(nil, "ECHO", big))},
		{"ECHO of 1 MB", string(wire.AppendRequest(nil, "ECHO", strings.Repeat(big, 64)))},
		{"a list of 5 MB", strings.Repeat("PUBSUB CHANNELS\r\n", 100)},
	}
	for _, target := range released() {
		for _, r := range requests {
			t.Run(target.Name+"/"+strings.ReplaceAll(r.name, " ", "-"), func(t *testing.T) {
				parallel(t)
				s := sut.Start(t, target.Binary(t), "--requirepass", password, "--save", "")
				sub := admin(t, s)
				if strings.HasPrefix(r.text, "PUBSUB") {
					for i := range 5 * kib {
						sub.Send("SUBSCRIBE", fmt.Sprintf("%04d%s", i, big[:kib]))
						sub.Read()
					}
				}
				c := deaf(t, s)
				if _, err := c.Write(wire.AppendRequest(nil, "AUTH", password)); err != nil {
					t.Fatal(err)
				}
				before := sut.Memory(t, s)
				peak := sut.WatchMemory(t, s)
				most := most
				if target.Name == "redis" && strings.HasPrefix(r.text, "PUBSUB") {
					most = 50 * len("PUBSUB CHANNELS\r\n") // it would take gigabytes
					r.text = r.text[:most]
				}
				sent, closed := flood(t, c, r.text, most, long(5*time.Second, time.Second))
				if sent >= most { // it may not have got to all of it yet
					waitFor(3*time.Second, func() bool { return sut.Memory(t, s)-before > 4*bound })
				}
				grown := peak() - before
				t.Logf("R3: %s, after login, %s: %s of requests taken, memory +%s", target.Name, r.name, megabytes(int64(sent)), megabytes(grown))
				holds(t, target, !closed, "the client was closed")
				holds(t, target, sent < most, "all %d bytes of requests were read", sent)
				holds(t, target, grown <= bound, "the memory grew by %s, more than %s", megabytes(grown), megabytes(bound))
			})
		}
	}
}
