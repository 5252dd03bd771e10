package server

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"testing"
	"testing/synctest"

	"github.com/pubsubd/pubsubd/internal/testcert"
)

// While nothing arrives no buffer is held, and what arrives in a record is read
// at once, with the end that follows it.
func TestTLSReadHoldsNoBuffer(t *testing.T) {
	ca := testcert.New(t)
	conf := &tls.Config{Certificates: []tls.Certificate{ca.Issue("server").Certificate}, SessionTicketsDisabled: true}
	theirs := ca.Client(nil)
	theirs.DynamicRecordSizingDisabled = true // what is written at once is one record
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		tr := newTLSTransport(newTLSConn(near, conf))
		client := tls.Client(far, theirs)
		go client.Handshake()
		if err := tr.handshake(0); err != nil {
			t.Fatal(err)
		}
		spaces := 0
		buf := make([]byte, maxBuffer)
		for _, want := range []string{"a", "bc", string(bytes.Repeat([]byte("d"), joinLimit)), "e"} {
			spaces = 0
			var n int
			var err error
			done := make(chan struct{})
			go func() {
				defer close(done)
				n, err = tr.read(testInbox{func() []byte { spaces++; return buf }, func() { t.Error("a buffer was given back") }})
			}()
			synctest.Wait()
			if spaces != 0 {
				t.Error("it waits with a buffer")
			}
			go client.Write([]byte(want))
			<-done
			if string(buf[:n]) != want || err != nil || spaces != 1 {
				t.Errorf("read %.20q (%d bytes), %v, with %d buffers; want %.20q (%d)", buf[:n], n, err, spaces, want, len(want))
			}
		}
		go client.CloseWrite()
		if n, err := tr.read(testInbox{func() []byte { spaces++; return buf }, func() {}}); n != 0 || err != io.EOF || spaces != 1 {
			t.Errorf("at the end: %d, %v, with %d buffers", n, err, spaces)
		}
		go io.Copy(io.Discard, far)
		tr.close()
		tr.close()
		_ = far.Close()
	})
}

// A socket of TLS takes bytes without waiting, keeps in order what its
// connection does not take, and not more than it may.
func TestTLSSocket(t *testing.T) {
	near, far := socketPair(t)
	s := newTLSSocket(near)
	s.direct = true
	var want []byte
	piece := func(n int) []byte {
		p := bytes.Repeat([]byte{byte(len(want) / 7)}, n)
		want = append(want, p...)
		return p
	}
	// The system may still be handing on what it took, and then take more.
	for full := false; !full; {
		for s.pending == nil {
			if n, err := s.Write(piece(joinLimit)); n != joinLimit || err != nil {
				t.Fatalf("Write: %d, %v", n, err)
			}
		}
		done, err := s.drain()
		if err != nil || len(want) > 256<<20 {
			t.Fatalf("drained after %d bytes that nobody reads: %v, %v", len(want), done, err)
		}
		full = !done
	}
	for range 3 { // as package tls does to answer what the client sends
		if n, err := s.Write(piece(1000)); n != 1000 || err != nil {
			t.Fatalf("Write behind what waits: %d, %v", n, err)
		}
	}
	got := make(chan []byte)
	go func() {
		b := make([]byte, len(want))
		_, _ = io.ReadFull(far, b)
		got <- b
	}()
	for done := false; !done; {
		if err := s.await(); err != nil {
			t.Fatal(err)
		}
		var err error
		if done, err = s.drain(); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(<-got, want) {
		t.Error("what arrived is not what was written")
	}
	var err error
	for n := 0; err == nil; n++ {
		if _, err = s.Write(make([]byte, 100)); n > 1<<20 {
			t.Fatal("it keeps more and more")
		}
	}
	if err != errPending {
		t.Errorf("too much: %v", err)
	}
	if _, err := s.Write([]byte("x")); err != errPending {
		t.Errorf("after that: %v", err)
	}
}

// socketPair returns the two ends of a TCP connection.
func socketPair(t testing.TB) (near, far net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if near, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if far, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = near.Close()
		_ = far.Close()
	})
	return near, far
}

// What counts as written to a client that does not read is what it can read: no
// record that has left is missing, and none counts that has not.
func TestTLSCountsRecordsThatHaveLeft(t *testing.T) {
	ca := testcert.New(t)
	conf := &tls.Config{Certificates: []tls.Certificate{ca.Issue("server").Certificate}, SessionTicketsDisabled: true}
	for range 5 {
		near, far := socketPair(t)
		tr := newTLSTransport(newTLSConn(near, conf))
		client := tls.Client(far, ca.Client(nil))
		shaken := make(chan error, 1)
		go func() { shaken <- client.Handshake() }()
		if err := tr.handshake(0); err != nil {
			t.Fatal(err)
		}
		if err := <-shaken; err != nil {
			t.Fatal(err)
		}
		counted := 0
		left := [][]byte{bytes.Repeat([]byte("x"), 64<<20)}
		for {
			n, err := tr.tryWrite(left)
			counted += n
			left = dropPrefix(left, n)
			if err == errWouldBlock {
				break
			}
			if err != nil || len(left) == 0 {
				t.Fatalf("%d bytes written, %v", counted, err)
			}
		}
		_ = tr.socket.Conn.Close() // the rest of a record is lost
		got, _ := io.Copy(io.Discard, client)
		if got != int64(counted) {
			t.Errorf("%d bytes count as written, the client can read %d", counted, got)
		}
		_ = far.Close()
	}
}
