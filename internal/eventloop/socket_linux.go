package eventloop

import (
	"io"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/pubsubd/pubsubd/internal/nowait"
)

// A Socket is a connection that a Loop waits for. Its methods may be called from
// any goroutine; one reads at a time, and one writes.
type Socket struct {
	// Immutable after Add.
	loop    *Loop
	fd      int
	number  int32 // tells it from others that had the same descriptor
	handler Handler

	// state counts those who use the descriptor, the open socket itself being one,
	// so that it is not closed, and given to another connection, meanwhile. The
	// highest bit is set when the socket is closed.
	state atomic.Uint32

	ended atomic.Bool // the other side has, or something is wrong

	mu    sync.Mutex
	ready bool          // it may have become writable since it was not
	room  chan struct{} // closed when it may have; nil if nobody waits
}

const closedSocket = 1 << 31

// acquire keeps the descriptor open until release. It fails if the socket is closed.
func (s *Socket) acquire() bool {
	for {
		n := s.state.Load()
		if n&closedSocket != 0 {
			return false
		}
		if s.state.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (s *Socket) release() {
	if s.state.Add(^uint32(0)) == closedSocket {
		s.loop.remove(s)
		_ = unix.Close(s.fd)
	}
}

// Close ends the connection at once: for everybody else, what is being read or
// written excepted. The handler is called once more. Close may be called more than
// once.
func (s *Socket) Close() {
	for {
		n := s.state.Load()
		if n&closedSocket != 0 {
			return
		}
		if s.state.CompareAndSwap(n, n|closedSocket) {
			break
		}
	}
	s.loop.call(s)
	s.writable()
	s.release()
}

// Call has the handler called.
func (s *Socket) Call() { s.loop.call(s) }

// Read reads what has arrived. The error is ErrAgain if that is nothing, io.EOF
// when the other side has ended the connection, ErrClosed, or that of the system.
func (s *Socket) Read(p []byte) (int, error) {
	if !s.acquire() {
		return 0, ErrClosed
	}
	defer s.release()
	for {
		n, err := nowait.Read(s.fd, p)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			return 0, ErrAgain
		case err != nil:
			return 0, err
		case n > 0:
			return n, nil
		}
		return 0, io.EOF
	}
}

// Ended tells whether the other side has ended the connection, or something is
// wrong with it: Read has to be called until it says so.
func (s *Socket) Ended() bool { return s.ended.Load() }

// Hold keeps the descriptor open until Release, for system calls that do not wait.
// It is not ok, and nothing is to be released, if the socket is closed.
func (s *Socket) Hold() (fd int, ok bool) { return s.fd, s.acquire() }

// Release ends Hold.
func (s *Socket) Release() { s.release() }

// Arm is called before an attempt to write, so that the next Await returns when the
// socket may take something more than at the attempt.
func (s *Socket) Arm() {
	s.mu.Lock()
	s.ready = false
	s.mu.Unlock()
}

// Await waits until the socket may take something since Arm, or is closed.
func (s *Socket) Await() {
	s.mu.Lock()
	var room chan struct{}
	if !s.ready {
		room = make(chan struct{})
		s.room = room
	}
	s.mu.Unlock()
	if room != nil {
		<-room
	}
}

// writable lets go on who waits to write.
func (s *Socket) writable() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready = true
	if s.room != nil {
		close(s.room)
		s.room = nil
	}
}
