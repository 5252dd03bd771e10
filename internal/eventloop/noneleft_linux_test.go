package eventloop

import (
	"runtime"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// withProcessors has the test run with so many processors.
func withProcessors(t *testing.T, n int) {
	t.Helper()
	before := runtime.GOMAXPROCS(n)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
}

// noLoops checks that a test begins without loops.
func noLoops(t *testing.T) {
	t.Helper()
	if n := running.Load(); n != 0 {
		t.Fatalf("%d loops are left by other tests", n)
	}
}

func TestNoneLeft(t *testing.T) {
	noLoops(t)
	if NoneLeft() {
		t.Error("none is left without loops")
	}
	withProcessors(t, 2)
	for i, want := range []bool{false, false, true, true} {
		if i > 0 {
			start(t)
		}
		countProcessors()
		if got := NoneLeft(); got != want {
			t.Errorf("with %d loops on 2 processors %v, want %v", i, got, want)
		}
	}
}

func TestCrowded(t *testing.T) {
	noLoops(t)
	if countProcessors(); Crowded() {
		t.Error("crowded without loops")
	}
	start(t)
	for n := 1; n <= 4; n++ {
		withProcessors(t, n)
		countProcessors()
		if got, want := Crowded(), n <= 2; got != want {
			t.Errorf("with %d processors and a loop %v, want %v", n, got, want)
		}
	}
}

func TestLoopsThatEndLeaveTheirProcessors(t *testing.T) {
	noLoops(t)
	withProcessors(t, 1)
	l, err := New(func() {}, func() bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	if !NoneLeft() {
		t.Error("a processor is left of 1 with 1 loop")
	}
	l.Close()
	if NoneLeft() {
		t.Error("none is left once the loop has ended")
	}
}

// The runtime follows the limits of its control group while it runs.
func TestLoopsNoticeHowManyProcessorsThereAre(t *testing.T) {
	noLoops(t)
	withProcessors(t, 4)
	l := waitingLoop(t)
	var events [lot]unix.EpollEvent
	wait := func() {
		for range lookEvery {
			if _, err := unix.Write(l.bell, []byte{1, 0, 0, 0, 0, 0, 0, 0}); err != nil {
				t.Fatal(err)
			}
			if n, err := l.wait(events[:]); n != 1 || err != nil {
				t.Fatal(n, err)
			}
		}
	}
	for _, n := range []int{4, 1, 4, 1} {
		runtime.GOMAXPROCS(n)
		wait()
		if got, want := NoneLeft(), n == 1; got != want {
			t.Errorf("with %d processors and 1 loop %v, want %v", n, got, want)
		}
	}
}

// A loop that has the only processor must not take it along into its wait while another
// goroutine has something to do. Let go first, that goroutine runs on the loop's thread;
// else on another, once the scheduler has noticed.
func TestLoopLetsOthersGoBeforeItWaits(t *testing.T) {
	withProcessors(t, 1)
	l := waitingLoop(t)
	var events [lot]unix.EpollEvent
	for range 100 { // the scheduler takes turns of 61
		thread := unix.Gettid()
		ran := make(chan int, 1)
		go func() {
			ran <- unix.Gettid()
			_, _ = unix.Write(l.bell, []byte{1, 0, 0, 0, 0, 0, 0, 0})
		}()
		if n, err := l.wait(events[:]); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		if other := <-ran; other != thread {
			t.Errorf("it waited in thread %d until another ran in %d", thread, other)
		}
	}
}

// Nor may it go on for long when there is something to be read all the time.
func TestLoopLetsOthersGoUnderLoad(t *testing.T) {
	withProcessors(t, 1)
	l := waitingLoop(t)
	keepBusy(t, l)
	var ran atomic.Bool
	go ran.Store(true)
	var events [lot]unix.EpollEvent
	const rounds = 8
	for range rounds { // once in a while the scheduler takes the one that has just let go
		if n, err := l.wait(events[:]); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}
	if !ran.Load() {
		t.Errorf("another goroutine has not run after %d rounds", rounds)
	}
}

// Nor if the next is there whenever it has done something else before its wait.
func TestLoopLetsOthersGoBetweenItsOwnWork(t *testing.T) {
	withProcessors(t, 1)
	l := waitingLoop(t)
	l.idle = func() bool {
		_, _ = unix.Write(l.bell, []byte{1, 0, 0, 0, 0, 0, 0, 0})
		return true
	}
	var ran atomic.Bool
	go ran.Store(true)
	var events [lot]unix.EpollEvent
	const rounds = 8
	for range rounds {
		if n, err := l.wait(events[:]); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}
	if !ran.Load() {
		t.Errorf("another goroutine has not run after %d rounds", rounds)
	}
}

// keepBusy has something happen to a socket of the loop all the time.
func keepBusy(t *testing.T, l *Loop) {
	t.Helper()
	near, far := pair(t)
	t.Cleanup(func() { _, _ = unix.Close(near), unix.Close(far) })
	if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, near, &unix.EpollEvent{Events: unix.EPOLLOUT, Fd: int32(near)}); err != nil {
		t.Fatal(err)
	}
}

// waitingLoop is a loop without its goroutine.
func waitingLoop(t *testing.T) *Loop {
	t.Helper()
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	bell, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = unix.Close(epoll), unix.Close(bell) })
	if err := unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, bell, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(bell)}); err != nil {
		t.Fatal(err)
	}
	countProcessors()
	running.Add(1)
	t.Cleanup(func() { running.Add(-1) })
	return &Loop{epoll: epoll, bell: bell, idle: func() bool { return false }}
}
