package server

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
)

// A wrappedConn is more than the socket it wraps.
type wrappedConn struct{ *net.TCPConn }

func TestNewTransport(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	nc, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	mine, _ := net.Pipe()
	for _, wrapped := range []net.Conn{wrappedConn{nc.(*net.TCPConn)}, tls.Client(nc, &tls.Config{}), mine} {
		tr := newTransport(wrapped)
		if _, ok := tr.(*streamTransport); !ok || tr.fd() != -1 {
			t.Errorf("%T is written around, by a %T", wrapped, tr)
		}
	}
	if fd := newTransport(nc).fd(); fd < 0 {
		t.Errorf("a socket has the descriptor %d", fd)
	}
}

// The raw transport: what leaves in many pieces and in part arrives as it was.
func TestSocketTransport(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	near, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	tr := newTransport(near)
	var chunks [][]byte
	var want []byte
	for i := range 300 { // more than one call takes
		c := bytes.Repeat([]byte{byte(i)}, 1+i*i%40000)
		chunks = append(chunks, c)
		want = append(want, c...)
	}
	if n, err := tr.tryWrite(nil); n != 0 || err != nil {
		t.Errorf("nothing: %d, %v", n, err)
	}
	done := make(chan []byte)
	go func() {
		got := make([]byte, len(want))
		_, _ = io.ReadFull(far, got)
		done <- got
	}()
	for left := len(want); left > 0; {
		n, err := tr.tryWrite(chunks)
		if err == errWouldBlock {
			var m int
			chunks = tail(chunks, n)
			if m, err = tr.write(chunks); err == errWouldBlock {
				err = nil
			}
			chunks = tail(chunks, m)
			left -= n + m
		} else {
			left -= n
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(<-done, want) {
		t.Error("what arrived is not what was written")
	}
	if _, err := far.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	spaces, frees := 0, 0
	buf := make([]byte, 100)
	space, free := func() []byte { spaces++; return buf }, func() { frees++ }
	n, err := tr.read(testInbox{space, free})
	if string(buf[:n]) != "hello" || err != nil || spaces != frees+1 {
		t.Errorf("read %q, %v; %d buffers taken, %d given back", buf[:n], err, spaces, frees)
	}
	_ = far.Close()
	if n, err := tr.read(testInbox{space, free}); n != 0 || err != io.EOF || spaces != frees+1 {
		t.Errorf("at the end: %d, %v; %d buffers taken, %d given back", n, err, spaces, frees)
	}
	tr.close()
	tr.close()
	if n, err := tr.read(testInbox{space, free}); n != 0 || err == nil {
		t.Errorf("read after close: %d, %v", n, err)
	}
	if n, err := tr.tryWrite([][]byte{{1}}); n != 0 || err == nil || err == errWouldBlock {
		t.Errorf("tryWrite after close: %d, %v", n, err)
	}
}

// tail drops the first n bytes of chunks.
func tail(chunks [][]byte, n int) [][]byte {
	for len(chunks) > 0 && n >= len(chunks[0]) {
		n -= len(chunks[0])
		chunks = chunks[1:]
	}
	if n > 0 {
		chunks = append([][]byte{chunks[0][n:]}, chunks[1:]...)
	}
	return chunks
}

// Small chunks leave joined, as one TLS record would hold them, large ones on
// their own.
func TestStreamTransportJoins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		tr := newTransport(near)
		if n, err := tr.tryWrite([][]byte{{1}}); n != 0 || err != errWouldBlock {
			t.Errorf("tryWrite: %d, %v", n, err)
		}
		large := []byte(strings.Repeat("l", joinLimit))
		for _, tt := range []struct {
			chunks [][]byte
			want   int
		}{
			{[][]byte{[]byte("a")}, 1},
			{[][]byte{[]byte("a"), []byte("bc"), []byte("d")}, 4},
			{[][]byte{[]byte("a"), large}, 1},
			{[][]byte{large, []byte("a")}, joinLimit},
			{[][]byte{large[1:], []byte("a"), []byte("b")}, joinLimit},
		} {
			go func() {
				if n, err := tr.write(tt.chunks); n != tt.want || err != nil {
					t.Errorf("wrote %d, %v; want %d", n, err, tt.want)
				}
			}()
			got := make([]byte, tt.want)
			if _, err := io.ReadFull(far, got); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if want := bytes.Join(tt.chunks, nil)[:tt.want]; !bytes.Equal(got, want) {
				t.Errorf("%.20q, want %.20q", got, want)
			}
		}
		tr.close()
		if _, err := tr.write([][]byte{{1}}); err == nil {
			t.Error("written after close")
		}
	})
}

func TestBuffers(t *testing.T) {
	for _, n := range []int{0, 1, minBuffer, minBuffer + 1, 1152, 1153, 5000, 33_000, maxBuffer - 1, maxBuffer, maxBuffer + 1, 2*maxBuffer - 1, 2 * maxBuffer, 2*maxBuffer + 1, 1 << 20, largest - 1, largest, largest + 1} {
		b := getBuffer(n)
		unused := cap(b.b) - n
		if unused < 0 || len(b.b) != 0 || n > minBuffer && unused > n/8 || n > largest && unused != 0 {
			t.Errorf("for %d bytes: %d of %d", n, len(b.b), cap(b.b))
		}
		if size := bufferSize(cap(b.b)); size != cap(b.b) {
			t.Errorf("a buffer of %d bytes goes back to those of %d", cap(b.b), size)
		}
		b.b = append(b.b, make([]byte, n)...)
		b.free()
		if again := getBuffer(n); len(again.b) != 0 || cap(again.b) < n {
			t.Errorf("for %d bytes again: %d of %d", n, len(again.b), cap(again.b))
		}
	}
}
