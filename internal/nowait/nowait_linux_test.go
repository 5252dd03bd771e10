package nowait

import (
	"bytes"
	"slices"
	"syscall"
	"testing"
)

// pair returns two connected sockets. Those that block are beyond what is built for the
// race detector, which has no MSG_DONTWAIT.
func pair(t *testing.T, blocking bool) (a, b int) {
	t.Helper()
	sort := syscall.SOCK_STREAM
	if !blocking {
		sort |= syscall.SOCK_NONBLOCK
	}
	fds, err := syscall.Socketpair(syscall.AF_UNIX, sort, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Close(fds[0])
		_ = syscall.Close(fds[1])
	})
	return fds[0], fds[1]
}

func testSockets(t *testing.T, blocking bool) {
	a, b := pair(t, blocking)
	p := make([]byte, 1<<20)
	if n, err := Read(a, p); n != 0 || err != syscall.EAGAIN {
		t.Errorf("read %d bytes, %v, of nothing", n, err)
	}
	if n, err := Write(a, []byte("one")); n != 3 || err != nil {
		t.Errorf("wrote %d bytes, %v", n, err)
	}
	if n, err := WriteAll(a, [][]byte{[]byte(" two"), nil, []byte(" three")}); n != 10 || err != nil {
		t.Errorf("wrote %d bytes, %v", n, err)
	}
	if n, err := WriteAll(a, nil); n != 0 || err != nil {
		t.Errorf("wrote %d bytes, %v, of nothing", n, err)
	}
	if n, err := Read(b, p[:100]); string(p[:n]) != "one two three" || err != nil {
		t.Errorf("read %q, %v", p[:n], err)
	}
	pieces := slices.Repeat([][]byte{bytes.Repeat([]byte("x"), 99)}, 3*64+1)
	if n, err := WriteAll(a, pieces); n != 99*len(pieces) || err != nil {
		t.Errorf("wrote %d bytes, %v, of %d pieces", n, err, len(pieces))
	}
	total := 0
	for total < 99*len(pieces) {
		n, err := Read(b, p)
		if err != nil {
			t.Fatalf("after %d bytes: %v", total, err)
		}
		total += n
	}
	if n, err := Write(a, make([]byte, 8<<20)); n <= 0 || err != syscall.EAGAIN {
		t.Errorf("wrote %d bytes, %v, of too many", n, err)
	}
	if n, err := WriteAll(a, pieces); n != 0 || err != syscall.EAGAIN {
		t.Errorf("wrote %d bytes, %v, to a socket that is full", n, err)
	}
	if err := syscall.Shutdown(a, syscall.SHUT_WR); err != nil {
		t.Fatal(err)
	}
	for {
		n, err := Read(b, p)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
	}
	if n, err := Write(a, []byte("x")); n != 0 || err != syscall.EPIPE {
		t.Errorf("wrote %d bytes, %v, after the end", n, err)
	}
}

func TestSockets(t *testing.T) { testSockets(t, false) }
