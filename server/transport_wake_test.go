package server

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/internal/testcert"
)

// tlsPair wraps both ends of a connection in TLS.
func tlsPair(t *testing.T, near, far net.Conn) (mine, theirs net.Conn) {
	t.Helper()
	ca := testcert.New(t)
	server := tls.Server(near, &tls.Config{Certificates: []tls.Certificate{ca.Issue("server").Certificate}})
	client := tls.Client(far, ca.Client(nil))
	shaken := make(chan error, 1)
	go func() { shaken <- client.Handshake() }()
	if err := server.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-shaken; err != nil {
		t.Fatal(err)
	}
	return server, client
}

// Wake ends one read, under way or to come, and nothing is lost by it.
func TestWake(t *testing.T) {
	for name, connect := range map[string]func() (near, far net.Conn){
		"socket": func() (near, far net.Conn) { return socketPair(t) },
		"pipe":   net.Pipe,
		"TLS": func() (near, far net.Conn) {
			near, far = socketPair(t)
			return tlsPair(t, near, far)
		},
	} {
		near, far := connect()
		tr := newTransport(near)
		var r requestReader
		r.limits = testLimits()
		type result struct {
			n   int
			err error
		}
		results := make(chan result)
		read := func() {
			n, err := tr.read(&r)
			results <- result{n, err}
		}
		want := func(what string, n int, err error) {
			t.Helper()
			if got := <-results; got.n != n || !errors.Is(got.err, err) {
				t.Errorf("%s: %s: %d bytes, %v; want %d, %v", name, what, got.n, got.err, n, err)
			}
		}
		for range 3 {
			go read()
			tr.wake() // whether it has begun or not
			want("woken", 0, errWoken)
		}
		tr.wake()
		tr.wake()
		go read()
		want("woken twice before", 0, errWoken)
		go read()
		if _, err := far.Write([]byte("PING\r\n")); err != nil {
			t.Fatal(err)
		}
		want("then bytes arrive", 6, nil)
		r.received(6)
		if name != "socket" { // whose deadline nobody else has at hand
			_ = near.SetReadDeadline(time.Now())
			go read()
			want("a deadline of somebody else", 0, os.ErrDeadlineExceeded)
		}
		tr.close()
		tr.wake()
		_ = far.Close()
	}
}
