package server

import (
	"fmt"
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
	if eventloop.Crowded() || eventloop.NoneLeft() {
		t.Fatal("another test has left a loop")
	}
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

// withFlusher has a server use a flusher until the function returned is called.
func withFlusher(s *Server, f *flusher) (back func()) {
	own := s.flusher
	s.flusher = f
	return func() { s.flusher = own }
}

// rest tells whether a flusher is asleep, and whether somebody looks after it.
func rest(f *flusher) (asleep, watched bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asleep, f.watched
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
			synctest.Test(t, func(t *testing.T) {
				f := sleepingFlusher()
				_, list := queued(flusherRoom(f, outputLimits{}), f, c.outboxes, c.size)
				f.leave(list)
				if asleep, watched := rest(f); (asleep && watched) != c.left {
					t.Errorf("asleep: %v, watched: %v", asleep, watched)
				}
				if got, want := rung(f), !c.left && c.outboxes > 0; got != want {
					t.Errorf("the flusher was woken up: %v", got)
				}
				f.close()
			})
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
	if f.leave(list); f.watched || rung(f) {
		t.Errorf("left to the loop: %v; or rung", f.watched)
	}
	if f.flushSome() || written(outboxes) != 0 {
		t.Error("a loop has written what the flusher takes")
	}
	f.wake()
	if rung(f) {
		t.Error("rung, though it is awake")
	}
}

// Where a loop has the only processor, it does not wait for sockets while the flusher has
// something to do, and no longer than that.
func TestLoopLetsTheFlusherGoOn(t *testing.T) {
	withLoop(t, 1)
	s := newServer(t)
	f := sleepingFlusher()
	defer withFlusher(s, f)()
	l := &loop{s: s}
	const num = 16
	outboxes, list := queued(flusherRoom(f, outputLimits{}), f, num, 1)
	f.wake()
	f.leave(list)
	if l.flushSome() {
		t.Error("the loop goes on although nobody takes what is left")
	}
	ended := make(chan struct{})
	go func() { // what run does
		defer close(ended)
		var lot [1]*outbox
		for f.waiting.Load() > 0 {
			f.mu.Lock()
			n := f.takeLocked(lot[:])
			f.mu.Unlock()
			f.flush(lot[:n])
			runtime.Gosched()
		}
	}()
	var did, turns int
	for ; f.waiting.Load() > 0; turns++ {
		if turns == 1000 {
			t.Fatal("the flusher has no turn")
		}
		if l.flushSome() {
			did++
		}
	}
	<-ended
	if did < num/2 { // once in a while the scheduler takes the one that has just let go
		t.Errorf("the loop went on %d times in %d turns while the flusher wrote to %d", did, turns, num)
	}
	if l.flushSome() || written(outboxes) != num {
		t.Errorf("%d written to, or the loop goes on", written(outboxes))
	}
}

// A loop writes to a few at a time, to more if it has much for each.
func TestLoopFlushesSome(t *testing.T) {
	for _, c := range []struct {
		name string
		size int
		want []int
	}{
		{"short messages", 1, []int{loopLot, 2 * loopLot, 3 * loopLot, 4 * loopLot, 5 * loopLot, 5*loopLot + 1}},
		{"long ones", manyBytes, []int{flushLot, 5*loopLot + 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			withLoop(t, 2)
			s := newServer(t)
			synctest.Test(t, func(t *testing.T) {
				f := sleepingFlusher()
				defer withFlusher(s, f)()
				l := &loop{s: s}
				outboxes, list := queued(flusherRoom(f, outputLimits{}), f, 5*loopLot+1, c.size)
				f.leave(list)
				var got []int
				for l.flushSome() {
					got = append(got, written(outboxes))
				}
				if !slices.Equal(got, c.want) {
					t.Errorf("written to %v, want %v", got, c.want)
				}
				if rung(f) || f.backlog.Load() != 0 {
					t.Errorf("backlog %d in the end, or rung", f.backlog.Load())
				}
				f.close()
			})
		})
	}
}

// What one loop has left another takes, which had perhaps nothing else to do.
func TestLoopsFlushWhatOthersHaveLeft(t *testing.T) {
	withLoop(t, 2)
	synctest.Test(t, func(t *testing.T) {
		f := bubbleFlusher()
		defer f.close()
		room := flusherRoom(f, outputLimits{})
		outboxes, list := queued(room, f, 6*loopLot+1, 1)
		f.add(list[0])
		synctest.Wait()
		f.leave(list[1 : 1+3*loopLot])
		f.flushSome() // by this one, then by another
		f.leave(list[1+3*loopLot:])
		for range 5 {
			if !f.flushSome() {
				t.Fatal("nothing is left to the second")
			}
		}
		if f.flushSome() || written(outboxes) != len(outboxes) {
			t.Errorf("%d of %d written to", written(outboxes), len(outboxes))
		}
		// Nobody waits for the flusher, and yet it is asleep.
		time.Sleep(2 * lateEvery)
		synctest.Wait()
		if asleep, watched := rest(f); watched || !asleep {
			t.Errorf("watched %v, asleep %v, and nothing is left", watched, asleep)
		}
	})
}

// What comes while a loop reads may be more than it should see to.
func TestLoopWakesTheFlusherIfMuchIsLeft(t *testing.T) {
	withLoop(t, 2)
	synctest.Test(t, func(t *testing.T) {
		f := sleepingFlusher()
		outboxes, list := queued(flusherRoom(f, outputLimits{}), f, 2, 1)
		if f.leave(list); !f.asleep {
			t.Fatal("not left to the loop")
		}
		f.backlog.Add(minBacklog)
		if f.flushSome() || written(outboxes) != 0 || !rung(f) || f.asleep {
			t.Error("the flusher was not woken up")
		}
		f.close()
	})
}

// Nor does anybody wait for long, whatever the loops are about.
func TestFlusherIsWokenUpIfLoopsAreLate(t *testing.T) {
	withLoop(t, 2)
	for _, c := range []struct {
		name  string
		taken int // by loops before it is looked again, of two that are left and two that follow
		want  bool
	}{
		{"nothing is done", 0, true},
		{"one is left still", 1, true},
		{"those are done, and later ones are not", 2, false},
		{"all is done", 4, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := sleepingFlusher()
				_, list := queued(flusherRoom(f, outputLimits{}), f, 4, 1)
				f.leave(list[:2])
				time.Sleep(lateEvery - time.Microsecond)
				synctest.Wait()
				if _, watched := rest(f); rung(f) || !watched {
					t.Error("woken up too early, or nobody watches")
				}
				f.leave(list[2:])
				f.mu.Lock()
				f.takeLocked(make([]*outbox, c.taken))
				f.mu.Unlock()
				time.Sleep(time.Microsecond)
				synctest.Wait()
				asleep, watched := rest(f)
				if rung(f) != c.want || asleep == c.want {
					t.Errorf("woken up: %v", !asleep)
				}
				if left := 4 - c.taken; watched != (asleep && left > 0) {
					t.Errorf("watched: %v", watched)
				}
				time.Sleep(lateEvery)
				synctest.Wait()
				if got, want := rung(f), !c.want && c.taken < 4; got != want {
					t.Errorf("woken up for the later ones: %v", got)
				}
				if _, watched := rest(f); watched {
					t.Error("watched although it has been woken up or nothing is left")
				}
				for _, o := range list {
					o.flush(0)
				}
				f.close()
			})
		})
	}
}

// What a loop could not hand over for long it does not leave to itself.
func TestLoopHandsOverWhatIsLate(t *testing.T) {
	withLoop(t, 2)
	s := newServer(t)
	synctest.Test(t, func(t *testing.T) {
		room := flusherRoom(s.flusher, outputLimits{})
		const num = directReceivers + 1
		for _, c := range []struct {
			name string
			send func(l *loop, list []*outbox, now time.Duration)
			want bool
		}{
			{"in time", func(l *loop, list []*outbox, now time.Duration) {
				l.add(list, now)
				l.sendOthers()
			}, false},
			{"more comes late", func(l *loop, list []*outbox, now time.Duration) {
				l.add(list[:num], now-maxHeld-1)
				l.add(list[num:], now)
			}, true},
			{"somebody else's turn is late", func(l *loop, list []*outbox, now time.Duration) {
				l.add(list, now-maxHeld-1)
				l.sendLate()
			}, true},
		} {
			f := sleepingFlusher()
			back := withFlusher(s, f)
			l := &loop{s: s, before: s.uptime()}
			_, list := queued(room, f, num+1, 1)
			c.send(l, list, s.uptime())
			if got := rung(f); got != c.want || len(l.dirty) != 0 || f.waiting.Load() != num+1 {
				t.Errorf("%s: the flusher was woken up: %v; %d are left", c.name, got, f.waiting.Load())
			}
			f.close()
			back()
		}
	})
}

// A loop writes long messages at once, to those that it may be left, whatever else waits.
func TestLoopWritesMuchAtOnce(t *testing.T) {
	for _, c := range []struct {
		processors, receivers, size, others int
		want                                bool
	}{
		{2, 20, directBytes, 0, true},
		{2, leftReceivers, directBytes, 0, true},
		{2, leftReceivers + 1, directBytes, 0, false},
		{2, 20, directBytes / 2, 0, false},
		{2, 20, directBytes / 2, minBacklog, false},
		{2, 20, directBytes, minBacklog, true},
		{3, 20, directBytes, 0, false},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			withLoop(t, c.processors)
			s := newServer(t)
			f := sleepingFlusher()
			defer withFlusher(s, f)()
			_, list := queued(flusherRoom(f, outputLimits{}), f, c.receivers, c.size)
			f.backlog.Add(int64(c.others))
			if got := (&loop{s: s, dirty: list}).writes(c.receivers); got != c.want {
				t.Errorf("%+v: %v", c, got)
			}
		})
	}
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
		if f.leave(list[1:]); !f.asleep {
			t.Fatal("not left to the loop")
		}
		f.backlog.Add(maxBacklog)
		defer f.backlog.Add(-maxBacklog)
		before := time.Now()
		f.help()
		if synctest.Wait(); written(outboxes) != 2 || time.Since(before) > 0 {
			t.Errorf("%d of 2 written to, after %v", written(outboxes), time.Since(before))
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
		if f.leave(list[1:]); !f.asleep {
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

// The first loop changes how the flusher is best woken up, though it sleeps already.
func TestFlusherIsToldOfLoops(t *testing.T) {
	s := newServer(t)
	f := sleepingFlusher()
	defer withFlusher(s, f)()
	l := &loops{num: 1}
	defer l.close()
	if l.pick(s) == nil || !rung(f) {
		t.Error("no loop, or the flusher was not woken up")
	}
	if l.pick(s) == nil || rung(f) {
		t.Error("no loop, or woken up for nothing")
	}
}
