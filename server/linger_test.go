package server

import (
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"weak"
)

// A client that has gone leaves nothing behind, also if both sides ended the
// connection, each in its own way.
func TestNothingHoldsAClientThatHasGone(t *testing.T) {
	s := newServer(t)
	addr := listen(t, s)
	var gone []weak.Pointer[client]
	for range 5 {
		nc, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		// More than the connection takes, so that QUIT has to wait for it.
		request := "*2\r\n$4\r\nECHO\r\n$10000000\r\n" + strings.Repeat("x", 10_000_000) + "\r\n*1\r\n$4\r\nQUIT\r\n"
		if _, err := io.WriteString(nc, request); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "the end of the client", func() bool {
			for _, c := range s.openClients() {
				c.mu.Lock()
				ending := c.ending
				c.mu.Unlock()
				return ending
			}
			return false
		})
		for _, c := range s.openClients() {
			gone = append(gone, weak.Make(c))
		}
		if err := nc.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "the server to see the end", func() bool {
			list := s.openClients()
			return len(list) == 1 && list[0].out.awaiting.Load()
		})
		if _, err := io.Copy(io.Discard, nc); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "the client to be gone", func() bool { return s.connected() == 0 })
	}
	waitFor(t, "the clients' memory", func() bool {
		runtime.GC()
		held := 0
		for _, c := range gone {
			if c.Value() != nil {
				held++
			}
		}
		return held <= 1 // the last may still be on some stack
	})
}
