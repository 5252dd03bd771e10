package eventloop

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Loop waits for sockets. Its methods may be called from any goroutine.
type Loop struct {
	// Immutable after New.
	epoll int
	bell  int // an eventfd
	after func()
	idle  func() (did bool)
	done  chan struct{}

	added atomic.Int32 // sockets so far, around and around

	// Owned by the loop's goroutine.
	behind int  // handlers still to be called
	rounds uint // that found events at once
	found  uint // that found events without a wait
	turns  uint // that did or did not

	mu      sync.Mutex
	sockets []*Socket // by descriptor
	open    int       // sockets
	called  []*Socket // to be called by the loop's goroutine
	rung    bool      // the bell is, or need not be
	closed  bool
}

// lot is the most events taken from the system at a time.
const lot = 128

// New starts a loop. After is called by its goroutine whenever the handlers of all
// sockets to which something had happened have been. Idle is called by it before it waits,
// and now and then under load: it does some work that may as well be done later, and tells
// whether there was any. It is called again and again until there was none or something
// has happened to a socket.
func New(after func(), idle func() (did bool)) (*Loop, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("eventloop: %w", err)
	}
	bell, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err == nil {
		err = unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, bell, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(bell)})
	}
	if err != nil {
		_ = unix.Close(epoll)
		if bell >= 0 {
			_ = unix.Close(bell)
		}
		return nil, fmt.Errorf("eventloop: %w", err)
	}
	l := &Loop{epoll: epoll, bell: bell, after: after, idle: idle, done: make(chan struct{})}
	countProcessors()
	running.Add(1)
	go l.run()
	return l, nil
}

// Add has the loop wait for a connected socket in non-blocking mode, and takes its
// descriptor over. The handler may be called before Add returns. With an error the
// descriptor stays the caller's.
func (l *Loop) Add(fd int, h Handler) (*Socket, error) {
	s := &Socket{loop: l, fd: fd, handler: h, number: l.added.Add(1)}
	s.state.Store(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, ErrClosed
	}
	if fd >= len(l.sockets) {
		l.sockets = append(l.sockets, make([]*Socket, fd+1-len(l.sockets))...)
	}
	l.sockets[fd] = s
	// Edge by edge, and for both directions at once: nothing has to be changed later.
	err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{
		Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLPRI | unix.EPOLLET, Fd: int32(fd), Pad: s.number,
	})
	if err != nil {
		l.sockets[fd] = nil
		return nil, fmt.Errorf("eventloop: %w", err)
	}
	l.open++
	return s, nil
}

// Behind tells a Handler how many handlers are to be called behind it before after is.
func (l *Loop) Behind() int { return l.behind }

// Close ends the loop's goroutine, once all sockets are closed, and waits for that.
// It must not be called by a Handler.
func (l *Loop) Close() {
	l.mu.Lock()
	l.closed = true
	l.ringLocked()
	l.mu.Unlock()
	<-l.done
}

// call has the loop's goroutine call the handler of a socket.
func (l *Loop) call(s *Socket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.called = append(l.called, s)
	l.ringLocked()
}

// remove forgets a socket whose descriptor is about to be closed.
func (l *Loop) remove(s *Socket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sockets[s.fd] = nil
	if l.open--; l.open == 0 && l.closed {
		l.ringLocked()
	}
}

// ringLocked wakes the loop's goroutine up, unless that will look anyway.
func (l *Loop) ringLocked() {
	if !l.rung {
		l.rung = true
		_, _ = unix.Write(l.bell, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
}

func (l *Loop) run() {
	defer close(l.done)
	defer running.Add(-1)
	defer unix.Close(l.bell)
	defer unix.Close(l.epoll)
	var events [lot]unix.EpollEvent
	var ready []*Socket
	for {
		n, err := l.wait(events[:])
		if err != nil && !errors.Is(err, unix.EINTR) {
			panic(fmt.Sprintf("eventloop: waiting: %v", err)) // nothing can be wrong but the descriptor
		}
		var ended bool
		ready, ended = l.take(ready[:0], events[:max(n, 0)])
		for i, s := range ready {
			ready[i] = nil
			l.behind = len(ready) - 1 - i
			s.handler.Ready()
		}
		l.after()
		if ended {
			return
		}
	}
}

const (
	// yieldEvery is after how many rounds without a wait other goroutines have their turn.
	yieldEvery = 32

	// noneLeftEvery is the same for where they have no processor of their own: it has the
	// flusher's messages leave soon, and yet several of them at a time.
	noneLeftEvery = 4

	// idleEvery is the same for idle. With less, writes to many receivers have less to
	// write each; with more they come late and gain no more.
	idleEvery = 8

	// lookEvery is after how many turns a loop counts the processors: their number may change.
	lookEvery = 1 << 6
)

// wait waits for events. Under load there are some already, and the system can be
// asked for those without telling the scheduler, as in package nowait.
func (l *Loop) wait(events []unix.EpollEvent) (n int, err error) {
	if l.turns++; l.turns%lookEvery == 0 {
		countProcessors()
	}
	if n = l.poll(events); n > 0 {
		l.letGo()
		if l.rounds++; l.rounds%idleEvery == 0 {
			l.idle()
		}
		return n, nil
	}
	for l.idle() {
		if n = l.poll(events); n > 0 {
			l.letGo()
			return n, nil
		}
	}
	if NoneLeft() {
		runtime.Gosched()
		runtime.Gosched() // once in a while the scheduler takes the one that has just let go
		if n = l.poll(events); n > 0 {
			return n, nil
		}
	}
	return unix.EpollWait(l.epoll, events, -1)
}

// letGo lets others go now and then while there is always something to read.
func (l *Loop) letGo() {
	if l.found++; l.found%yieldEvery == 0 || l.found%noneLeftEvery == 0 && NoneLeft() {
		runtime.Gosched()
	}
}

// poll returns what events there are, none if the system tells an error: wait will be told too.
func (l *Loop) poll(events []unix.EpollEvent) int {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(l.epoll), uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)), 0, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

// take returns the sockets whose handlers are to be called, and lets go on who
// waits to write. It tells whether the loop has come to its end.
func (l *Loop) take(ready []*Socket, events []unix.EpollEvent) (list []*Socket, ended bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range events {
		e := &events[i]
		if int(e.Fd) == l.bell {
			var count [8]byte
			_, _ = unix.Read(l.bell, count[:])
			l.rung = false
			ready = append(ready, l.called...)
			clear(l.called)
			l.called = l.called[:0]
			continue
		}
		s := l.sockets[e.Fd]
		if s == nil || s.number != e.Pad {
			continue // closed since, and perhaps there is another
		}
		if e.Events&(unix.EPOLLOUT|unix.EPOLLERR|unix.EPOLLHUP) != 0 {
			s.writable()
		}
		if e.Events&^unix.EPOLLOUT != 0 {
			if e.Events&^(unix.EPOLLOUT|unix.EPOLLIN) != 0 {
				s.ended.Store(true)
			}
			ready = append(ready, s)
		}
	}
	if ended = l.closed && l.open == 0 && len(l.called) == 0; ended {
		l.rung = true // the bell goes
	}
	return ready, ended
}
