// Package fake is a server for tests of what talks to servers: it answers as a test
// says, be it wrongly, never or by hanging up.
package fake

import (
	"bufio"
	"context"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/transcript"
)

// HangUp is the reply that closes the connection.
const HangUp = "\x00hang up"

// A Reply returns the bytes that answer a request, which is an array of words. n is
// the number of requests before it on its connection. With no bytes the client is
// left waiting, and its connection stays. It is called for several connections at
// the same time.
type Reply func(n int, words []string) string

// Start starts a server on a free port of the loopback interface and returns its
// address. When the test ends it closes what is open, and waits for the replies at
// hand. What is no RESP closes its connection.
func Start(t testing.TB, reply Reply) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	t.Cleanup(func() {
		ln.Close()
		serving.Wait()
	})
	serving.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { serve(t.Context(), nc, reply) })
		}
	})
	return ln.Addr().String()
}

// serve answers on one connection until either side closes it, or ctx ends.
func serve(ctx context.Context, nc net.Conn, reply Reply) {
	defer nc.Close()
	defer context.AfterFunc(ctx, func() { nc.Close() })()
	r := bufio.NewReader(nc)
	for n := 0; ; n++ {
		v, err := transcript.ReadValue(r)
		if err != nil || v.Kind == transcript.EOF {
			return
		}
		var words []string
		for _, e := range v.Elems {
			words = append(words, e.Text)
		}
		text := reply(n, words)
		if text == HangUp {
			return
		}
		if _, err := io.WriteString(nc, text); err != nil {
			return
		}
	}
}
