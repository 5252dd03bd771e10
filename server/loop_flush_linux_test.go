package server

import (
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pubsubd/pubsubd/internal/eventloop"
)

// withLoop has the test run with so many processors and an event loop.
func withLoop(t *testing.T, processors int) {
	t.Helper()
	before := runtime.GOMAXPROCS(processors)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
	l, err := eventloop.New(func() {}, func() bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
}

// sleepingFlusher is a flusher without its goroutine, which seems to wait for the bell.
func sleepingFlusher() *flusher {
	ended := make(chan struct{})
	close(ended)
	return &flusher{started: true, helpers: 1, asleep: true, direct: true, bell: &doorbell{c: make(chan struct{}, 1)}, done: ended}
}

// rung tells whether a flusher's bell has been rung since it was asked last.
func rung(f *flusher) bool {
	select {
	case <-f.bell.c:
		return true
	default:
		return false
	}
}

// queued returns outboxes with a message of so many bytes.
func queued(room *outboxRoom, f *flusher, num, size int) (outboxes []*testOutbox, list []*outbox) {
	for range num {
		o := room.open(-1)
		if wake, counted := o.deliver(delivery("c", string(make([]byte, size)))); wake {
			f.backlog.Add(int64(counted))
		}
		outboxes, list = append(outboxes, o), append(list, o.outbox)
	}
	return outboxes, list
}

// written is how many outboxes have been written to.
func written(outboxes []*testOutbox) (n int) {
	for _, o := range outboxes {
		if o.pendingBytes() == 0 {
			n++
		}
	}
	return n
}

func (o *testOutbox) pendingBytes() int {
	n, _ := o.pending()
	return n
}

// Loops leave the flusher asleep where it would have no processor to itself, and only
// for as much as they can do beside.
func TestLoopsSeeToTheFlushersList(t *testing.T) {
	for _, c := range []struct {
		name       string
		processors int
		outboxes   int
		size       int
		left       bool
	}{
		{"one processor", 1, 1, 1, true},
		{"two", 2, 1, 1, true},
		{"as many as a loop has", 2, leftReceivers, 1, true},
		{"more", 2, leftReceivers + 1, 1, false},
		{"many bytes", 2, 2, minBacklog / 2, false},
		{"three processors", 3, 1, 1, false},
		{"nothing", 2, 0, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			withLoop(t, c.processors)
			f := sleepingFlusher()
			_, list := queued(flusherRoom(f, outputLimits{}), f, c.outboxes, c.size)
			if _, left := f.leave(list); left != c.left {
				t.Errorf("left to the loop: %v", left)
			}
			if got, want := rung(f), !c.left && c.outboxes > 0; got != want {
				t.Errorf("the flusher was woken up: %v", got)
			}
		})
	}
}

// A flusher that is awake takes what is added.
func TestLoopsLeaveTheListToAFlusherThatIsAwake(t *testing.T) {
	withLoop(t, 2)
	f := sleepingFlusher()
	f.wake()
	if !rung(f) {
		t.Fatal("not woken up")
	}
	outboxes, list := queued(flusherRoom(f, outputLimits{}), f, 3, 1)
	if _, left := f.leave(list); left || rung(f) {
		t.Errorf("left to the loop: %v; or rung", left)
	}
	if _, _, did := f.flushSome(); did || written(outboxes) != 0 {
		t.Error("a loop has written what the flusher takes")
	}
	f.wake()
	if rung(f) {
		t.Error("rung, though it is awake")
	}
}

// A loop writes to a few at a time, to more if it has much for each.
func TestLoopFlushesSome(t *testing.T) {
	for _, c := range []struct {
		name string
		size int
		want []int
	}{
		{"short messages", 1, []int{smallLot, 2 * smallLot, 3 * smallLot, 4 * smallLot, 5 * smallLot, 5*smallLot + 1}},
		{"long ones", manyBytes, []int{flushLot, 5*smallLot + 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			withLoop(t, 2)
			s := newServer(t)
			f := sleepingFlusher()
			s.flusher.close()
			s.flusher = f
			l := &loop{s: s}
			outboxes, list := queued(flusherRoom(f, outputLimits{}), f, 5*smallLot+1, c.size)
			l.leave(list)
			var got []int
			for l.flushSome() {
				got = append(got, written(outboxes))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("written to %v, want %v", got, c.want)
			}
			if l.leftSince != 0 || rung(f) || f.backlog.Load() != 0 {
				t.Errorf("in the end left since %v, backlog %d", l.leftSince, f.backlog.Load())
			}
		})
	}
}

// What comes while a loop reads may be more than it should see to.
func TestLoopWakesTheFlusherIfMuchIsLeft(t *testing.T) {
	withLoop(t, 2)
	f := sleepingFlusher()
	room := flusherRoom(f, outputLimits{})
	outboxes, list := queued(room, f, 2, 1)
	if _, left := f.leave(list); !left {
		t.Fatal("not left to the loop")
	}
	f.backlog.Add(minBacklog)
	if _, _, did := f.flushSome(); did || written(outboxes) != 0 || !rung(f) || f.asleep {
		t.Error("the flusher was not woken up")
	}
}

// Nor does anybody wait for long, if the loop always has something to read.
func TestLoopWakesTheFlusherIfItIsLate(t *testing.T) {
	withLoop(t, 2)
	s := newServer(t)
	f := sleepingFlusher()
	s.flusher.close()
	s.flusher = f
	l := &loop{s: s}
	_, list := queued(flusherRoom(f, outputLimits{}), f, 3*smallLot, 1)
	l.leave(list[:2*smallLot])
	first := l.leftSince
	if l.sendLate(); rung(f) || first == 0 {
		t.Error("woken up at once, or not left to the loop")
	}
	l.leftSince -= time.Millisecond
	first = l.leftSince
	l.leave(list[2*smallLot:])
	if l.flushSome(); l.leftSince != first {
		t.Error("some of the first are still left, and it counts from later on")
	}
	if l.flushSome(); l.leftSince <= first {
		t.Error("those left first are done, and it counts from then on")
	}
	l.leftSince -= 2 * maxHeld
	if l.sendLate(); !rung(f) || l.leftSince != 0 {
		t.Error("not woken up after a while")
	}
	if l.sendLate(); rung(f) {
		t.Error("woken up twice")
	}
	f.flush(list)
}

// Who has to wait for the flusher has it woken up: a loop might be busy.
func TestHelpWakesTheFlusher(t *testing.T) {
	withLoop(t, 2)
	synctest.Test(t, func(t *testing.T) {
		f := bubbleFlusher()
		room := flusherRoom(f, outputLimits{})
		outboxes, list := queued(room, f, 2, 1)
		f.add(list[0])
		defer f.close()
		synctest.Wait()
		if _, left := f.leave(list[1:]); !left {
			t.Fatal("not left to the loop")
		}
		f.backlog.Add(maxBacklog)
		defer f.backlog.Add(-maxBacklog)
		f.help()
		if synctest.Wait(); written(outboxes) != 2 {
			t.Error("not written")
		}
	})
}

// The bell may ring for nothing. The flusher takes then what was left to a loop.
func TestFlusherWokenUpForNothing(t *testing.T) {
	withLoop(t, 2)
	synctest.Test(t, func(t *testing.T) {
		f := bubbleFlusher()
		outboxes, list := queued(flusherRoom(f, outputLimits{}), f, 3, 1)
		f.add(list[0])
		defer f.close()
		synctest.Wait()
		if _, left := f.leave(list[1:]); !left {
			t.Fatal("not left to the loop")
		}
		f.bell.ring(true)
		synctest.Wait()
		if n := written(outboxes); n != len(outboxes) || !f.asleep {
			t.Errorf("%d of %d written to, asleep: %v", n, len(outboxes), f.asleep)
		}
		f.bell.ring(true)
		synctest.Wait()
		if !f.asleep {
			t.Error("it does not sleep again")
		}
	})
}
