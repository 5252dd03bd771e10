//go:build !race

// The race detector empties pools at random, so that nothing can be counted.

package server

import (
	"crypto/tls"
	"io"
	"testing"

	"github.com/pubsubd/pubsubd/internal/testcert"
)

// What leaves by TLS is joined, encrypted and written without an allocation.
func TestTLSWriteDoesNotAllocate(t *testing.T) {
	ca := testcert.New(t)
	near, far := socketPair(t)
	conf := &tls.Config{Certificates: []tls.Certificate{ca.Issue("server").Certificate}, SessionTicketsDisabled: true}
	tr := newTLSTransport(newTLSConn(near, conf))
	agreed := make(chan error, 1)
	go func() {
		agreed <- tls.Client(far, ca.Client(nil)).Handshake()
		_, _ = io.Copy(io.Discard, far)
	}()
	if err := tr.handshake(0); err != nil {
		t.Fatal(err)
	}
	if err := <-agreed; err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{16, 1000, joinLimit} {
		chunks := [][]byte{make([]byte, n), make([]byte, n)}
		rest := make([][]byte, len(chunks))
		write := func() {
			left := rest[:copy(rest, chunks)]
			for len(left) > 0 {
				n, err := tr.write(left)
				if err != nil && err != errWouldBlock {
					t.Fatal(err)
				}
				left = dropPrefix(left, n)
			}
		}
		for range 100 {
			write()
		}
		if got := testing.AllocsPerRun(1000, write); got >= 2 { // one to wait for the socket, at most
			t.Errorf("two pieces of %d bytes: %v allocations", n, got)
		}
	}
}
