package eventloop

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pair returns both ends of a connection, in non-blocking mode.
func pair(t *testing.T) (near, far int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return fds[0], fds[1]
}

// start returns a loop that ends with the test.
func start(t *testing.T) *Loop {
	t.Helper()
	l, err := New(func() {}, func() bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// handlerFunc is a Handler.
type handlerFunc func()

func (f handlerFunc) Ready() { f() }

// bell is a Handler that tells of each call.
type bell chan struct{}

func (b bell) Ready() {
	select {
	case b <- struct{}{}:
	default:
	}
}

// await reads until there is a result, when the bell has rung.
func (b bell) await(t *testing.T, s *Socket, p []byte) (int, error) {
	t.Helper()
	late := time.After(10 * time.Second)
	for {
		if n, err := s.Read(p); err != ErrAgain {
			return n, err
		}
		select {
		case <-b:
		case <-late:
			t.Fatal("the handler is not called")
		}
	}
}

func TestReads(t *testing.T) {
	l := start(t)
	near, far := pair(t)
	b := make(bell, 1)
	s, err := l.Add(near, b)
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 10)
	if _, err := s.Read(p); err != ErrAgain {
		t.Errorf("reading nothing: %v", err)
	}
	for _, text := range []string{"one", "two"} {
		if _, err := unix.Write(far, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if n, err := b.await(t, s, p); string(p[:n]) != text || err != nil {
			t.Errorf("read %q, %v, want %q", p[:n], err, text)
		}
	}
	if s.Ended() {
		t.Error("it has ended")
	}
	_ = unix.Close(far)
	if n, err := b.await(t, s, p); n != 0 || err != io.EOF {
		t.Errorf("at the end: %d, %v", n, err)
	}
	for !s.Ended() {
		<-b
	}
	s.Close()
	s.Close()
	if _, err := s.Read(p); err != ErrClosed {
		t.Errorf("reading a closed socket: %v", err)
	}
}

// Who closes a socket or calls, has its handler called, and nobody uses the
// descriptor of a closed one.
func TestCallAndClose(t *testing.T) {
	l := start(t)
	near, far := pair(t)
	defer unix.Close(far)
	b := make(bell, 1)
	s, err := l.Add(near, b)
	if err != nil {
		t.Fatal(err)
	}
	s.Call()
	<-b
	fd, ok := s.Hold()
	if fd != near || !ok {
		t.Fatalf("Hold: %d, %v", fd, ok)
	}
	s.Close()
	<-b
	if _, err := unix.FcntlInt(uintptr(near), unix.F_GETFD, 0); err != nil {
		t.Errorf("closed while somebody has it: %v", err)
	}
	if _, ok := s.Hold(); ok {
		t.Error("held once more")
	}
	s.Release()
	if n, err := unix.Read(far, make([]byte, 1)); n != 0 || err != nil {
		t.Errorf("the other side reads %d, %v", n, err)
	}
}

// Who waits to write goes on when there is room, and when the socket is closed.
func TestAwait(t *testing.T) {
	l := start(t)
	near, far := pair(t)
	defer unix.Close(far)
	s, err := l.Add(near, handlerFunc(func() {}))
	if err != nil {
		t.Fatal(err)
	}
	const size = 4 << 20
	written := make(chan error)
	write := func(n int) error {
		p := bytes.Repeat([]byte("x"), 1<<16)
		for n > 0 {
			s.Arm()
			fd, ok := s.Hold()
			if !ok {
				return ErrClosed
			}
			m, err := unix.Write(fd, p[:min(n, len(p))])
			s.Release()
			switch {
			case err == unix.EAGAIN:
				s.Await()
			case err != nil:
				return err
			default:
				n -= m
			}
		}
		return nil
	}
	go func() { written <- write(size) }()
	p, got := make([]byte, 1<<16), 0
	for got < size {
		switch n, err := unix.Read(far, p); {
		case err == unix.EAGAIN:
			var fds = []unix.PollFd{{Fd: int32(far), Events: unix.POLLIN}}
			_, _ = unix.Poll(fds, -1)
		case err != nil:
			t.Fatal(err)
		default:
			got += n
		}
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
	go func() { written <- write(size) }() // which nobody reads
	waiting := func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.room != nil
	}
	for late := time.After(10 * time.Second); !waiting(); {
		select {
		case <-late:
			t.Fatal("nobody waits")
		case <-time.After(time.Millisecond):
		}
	}
	s.Close()
	if err := <-written; err != ErrClosed {
		t.Errorf("after Close: %v", err)
	}
}

// Sockets come and go, and each hears of its own bytes only, although descriptors
// are used again at once.
func TestManySockets(t *testing.T) {
	l := start(t)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for n := range 300 {
				near, far := pair(t)
				want := []byte{byte(i), byte(n)}
				b := make(bell, 1)
				s, err := l.Add(near, b)
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := unix.Write(far, want); err != nil {
					t.Error(err)
				}
				p := make([]byte, 10)
				if m, err := b.await(t, s, p); err != nil || !bytes.Equal(p[:m], want) {
					t.Errorf("read %v, %v, want %v", p[:m], err, want)
				}
				group.Go(s.Close) // while others use the number
				_ = unix.Close(far)
			}
		})
	}
	group.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open != 0 {
		t.Errorf("%d sockets are open", l.open)
	}
}

// What is to be done after all handlers is done after all that were called for one
// reason or another.
func TestAfter(t *testing.T) {
	var calls, after atomic.Int32
	b := make(bell, 1)
	l, err := New(func() {
		if calls.Load() > 0 {
			after.Store(calls.Load())
			b.Ready()
		}
	}, func() bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	near, far := pair(t)
	defer unix.Close(far)
	s, err := l.Add(near, handlerFunc(func() {
		if after.Load() == calls.Add(1) {
			t.Error("after came before the handler")
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	s.Call()
	<-b
	if after.Load() == 0 {
		t.Error("after was not called behind the handler")
	}
	s.Close()
	l.Close()
}

// A loop ends when all its sockets are closed, the handlers of which it has called.
func TestCloseLoop(t *testing.T) {
	l, err := New(func() {}, func() bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	near, far := pair(t)
	defer unix.Close(far)
	var calls atomic.Int32
	s, err := l.Add(near, handlerFunc(func() { calls.Add(1) }))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		l.Close()
	}()
	s.Close()
	<-ended
	if calls.Load() == 0 {
		t.Error("the handler was not told of the end")
	}
	other, far2 := pair(t)
	defer unix.Close(far2)
	if _, err := l.Add(other, handlerFunc(func() {})); !errors.Is(err, ErrClosed) {
		t.Errorf("Add to a closed loop: %v", err)
	}
	if err := unix.Close(other); err != nil {
		t.Errorf("the descriptor that was not taken: %v", err)
	}
}

func TestAddNonsense(t *testing.T) {
	l := start(t)
	file, err := unix.MemfdCreate("nothing to wait for", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(file)
	if _, err := l.Add(file, handlerFunc(func() {})); err == nil {
		t.Error("a file was added")
	}
}
