package server

import (
	"math"
	"net"
	"syscall"
	"testing"
	"time"
)

// The sockets of clients end when the other side has gone without a word,
// whether something is queued for it or not.
func TestPeersAreWatched(t *testing.T) {
	const long = 2_147_484 * time.Second // twice that in milliseconds is just over 32 bits
	for _, tt := range []struct {
		period                  time.Duration
		on, idle, interval, end int // the last in milliseconds
	}{
		{300 * time.Second, 1, 300, 100, 600_000},
		{10 * time.Second, 1, 10, 3, 20_000},
		{time.Second, 1, 1, 1, 2_000},
		{0, 0, 0, 0, 0},
		{long, 1, 0, 0, math.MaxInt32},
	} {
		s := newServer(t, func(c *Config) { c.TCPKeepAlive = tt.period })
		dial(t, listen(t, s)).ask("PING", "+PONG")
		fd := s.clients()[0].fd
		option := func(level, name int) int {
			t.Helper()
			value, err := syscall.GetsockoptInt(int(fd), level, name)
			if err != nil {
				t.Fatal(err)
			}
			return value
		}
		if got := option(syscall.SOL_SOCKET, syscall.SO_KEEPALIVE); got != tt.on {
			t.Errorf("tcp-keepalive %v: SO_KEEPALIVE is %d", tt.period, got)
		}
		if got := option(syscall.IPPROTO_TCP, tcpUserTimeout); got != tt.end {
			t.Errorf("tcp-keepalive %v: TCP_USER_TIMEOUT is %d ms, want %d", tt.period, got, tt.end)
		}
		if tt.idle == 0 { // none, or the system does not take so much
			continue
		}
		idle, interval, count := option(syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE), option(syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL), option(syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT)
		if idle != tt.idle || interval < tt.interval || interval > tt.interval+1 || count != keepAliveProbes {
			t.Errorf("tcp-keepalive %v: a probe after %d s, then every %d, %d times", tt.period, idle, interval, count)
		}
	}
}

// Subscribers on unix sockets have more room than the system gives by itself, unless
// that is much.
func TestSubscribersOnUnixSocketsHaveRoom(t *testing.T) {
	for _, loops := range []int{0, 1} {
		s := newServer(t, func(c *Config) { c.EventLoops = loops })
		ln, err := net.Listen("unix", t.TempDir()+"/s")
		if err != nil {
			t.Fatal(err)
		}
		go s.Serve(ln)
		conn, err := net.Dial("unix", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		nc := newTestConn(t, conn)
		room := func() int {
			t.Helper()
			n, err := syscall.GetsockoptInt(int(s.clients()[0].fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		nc.ask("PING", "+PONG")
		before := room()
		nc.ask("SUBSCRIBE a", "[subscribe a 1]")
		if after := room(); before < unixRoom && after <= before {
			t.Errorf("%d event loops: room for %d bytes, and %d with a subscription", loops, before, after)
		}
	}
}
