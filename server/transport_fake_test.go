package server

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A fakeTransport takes as many bytes as it has room for, then blocks. It
// reads nothing.
type fakeTransport struct {
	mu      sync.Mutex
	cond    sync.Cond
	room    int // bytes it still takes; negative for any number
	got     []byte
	discard bool     // keep nothing of what is taken
	vectors [][]byte // the pieces as they were handed in
	writes  int
	most    int   // pieces of one write
	err     error // of every write
	closed  bool
	done    chan struct{} // closed with it

	writing atomic.Int32
	overlap atomic.Bool // two goroutines wrote at a time
}

func newFakeTransport(room int) *fakeTransport {
	t := &fakeTransport{room: room, done: make(chan struct{})}
	t.cond.L = &t.mu
	return t
}

var errFakeClosed = errors.New("fake transport closed")

func (t *fakeTransport) tryWrite(chunks [][]byte) (int, error) { return t.send(chunks, false) }

func (t *fakeTransport) write(chunks [][]byte) (int, error) { return t.send(chunks, true) }

func (t *fakeTransport) send(chunks [][]byte, wait bool) (n int, err error) {
	if t.writing.Add(1) != 1 {
		t.overlap.Store(true)
	}
	defer t.writing.Add(-1)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.writes++
	t.most = max(t.most, len(chunks))
	for wait && t.room == 0 && !t.closed && t.err == nil {
		t.cond.Wait()
	}
	switch {
	case t.closed:
		return 0, errFakeClosed
	case t.err != nil:
		return 0, t.err
	}
	for _, c := range chunks {
		if !t.discard {
			t.vectors = append(t.vectors, c)
		}
		m := len(c)
		if t.room >= 0 {
			m = min(m, t.room)
			t.room -= m
		}
		if !t.discard {
			t.got = append(t.got, c[:m]...)
		}
		n += m
		if m < len(c) {
			return n, errWouldBlock
		}
	}
	return n, nil
}

func (t *fakeTransport) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		t.closed = true
		close(t.done)
		t.cond.Broadcast()
	}
}

// read waits for the end.
func (t *fakeTransport) read(inbox) (int, error) {
	<-t.done
	return 0, io.EOF
}

// wake has nobody to wake up: nothing is ever read.
func (t *fakeTransport) wake() {}

func (t *fakeTransport) fd() int { return -1 }

// setRoom makes room for n bytes more, any number if negative.
func (t *fakeTransport) setRoom(n int) {
	t.mu.Lock()
	t.room = n
	t.mu.Unlock()
	t.cond.Broadcast()
}

func (t *fakeTransport) setErr(err error) {
	t.mu.Lock()
	t.err = err
	t.mu.Unlock()
	t.cond.Broadcast()
}

// taken returns what has been taken so far.
func (t *fakeTransport) taken() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]byte(nil), t.got...)
}

func (t *fakeTransport) isClosed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.closed
}

// frames returns what has been taken, which must be whole frames.
func (t *fakeTransport) frames(tb testing.TB) []string {
	tb.Helper()
	list, err := framesOf(t.taken())
	if err != nil {
		tb.Errorf("what was sent is broken: %v", err)
	}
	return texts(list)
}

// A testOutbox is an outbox with all that surrounds it.
type testOutbox struct {
	*outbox
	to *fakeTransport

	mu      sync.Mutex
	reasons []closeReason
}

// outboxRoom is what the outboxes of a test share.
type outboxRoom struct {
	conf    outboxConfig
	backlog atomic.Int64
	crowded atomic.Int64

	mu      sync.Mutex
	lagging map[*outbox]bool
}

func newOutboxRoom(l outputLimits) *outboxRoom {
	r := &outboxRoom{lagging: make(map[*outbox]bool)}
	start := time.Now()
	r.conf.spawn = func(f func()) { go f() }
	r.conf.now = func() int64 { return 1 + int64(time.Since(start)/time.Second) }
	r.conf.backlog, r.conf.crowded = &r.backlog, &r.crowded
	r.conf.lagging = func(o *outbox) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.lagging[o] = true
	}
	r.conf.caughtUp = func(o *outbox) {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.lagging, o)
	}
	r.conf.clock = func() time.Duration { return time.Since(start) }
	r.conf.limits.Store(&l)
	return r
}

// isLagging tells whether the room was told that o is over its soft limit.
func (r *outboxRoom) isLagging(o *testOutbox) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lagging[o.outbox]
}

// open returns an outbox of an authenticated client with the class pubsub.
func (r *outboxRoom) open(room int) *testOutbox {
	o := &testOutbox{to: newFakeTransport(room)}
	o.outbox = newOutbox(o.to, &r.conf, testOwner{o})
	o.setAuthed(true)
	o.setClass(classPubsub)
	return o
}

// These queue one reply.
func (o *testOutbox) push(p []byte)              { o.outbox.push(p, len(p)) }
func (o *testOutbox) release(p []byte)           { o.outbox.release(p, len(p)) }
func (o *testOutbox) speak(resp3 bool, p []byte) { o.outbox.speak(resp3, p, len(p)) }

// closedWith returns why the outbox had its client closed, empty if it did not.
func (o *testOutbox) closedWith() closeReason {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.reasons) == 0 {
		return ""
	}
	return o.reasons[0]
}

// send delivers and flushes, as a publisher with few receivers does.
func (o *testOutbox) send(channel string, payloads ...string) {
	wake, counted := o.deliver(delivery(channel, payloads...))
	o.conf.backlog.Add(int64(counted))
	if wake {
		o.flushAll()
	}
}

func (o *testOutbox) flushAll() {
	for o.flush(0) {
	}
}

// stateNow returns the state.
func (o *testOutbox) stateNow() outboxState {
	o.outbox.mu.Lock()
	defer o.outbox.mu.Unlock()
	return o.state
}

// A testInbox is an inbox.
type testInbox struct {
	onSpace  func() []byte
	onSettle func()
}

func (i testInbox) space() []byte { return i.onSpace() }
func (i testInbox) settle()       { i.onSettle() }

// A testOwner keeps what an outbox has its client closed for.
type testOwner struct{ o *testOutbox }

func (testOwner) because(closeReason, string) bool { return true }

func (w testOwner) close(why closeReason) bool {
	w.o.mu.Lock()
	defer w.o.mu.Unlock()
	w.o.reasons = append(w.o.reasons, why)
	w.o.to.close()
	return true
}

func (testOwner) leave() {}
