package server

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// bubbleFlusher is a flusher whose goroutine sleeps where a bubble of synctest
// can see it.
func bubbleFlusher() *flusher {
	return &flusher{bell: &doorbell{c: make(chan struct{}, 1)}}
}

// idleFlusher is a flusher without its goroutine.
func idleFlusher() *flusher {
	return &flusher{started: true, helpers: 1}
}

// flusherRoom is a room whose backlog is that of a flusher.
func flusherRoom(f *flusher, l outputLimits) *outboxRoom {
	r := newOutboxRoom(l)
	r.conf.backlog, r.conf.crowded = &f.backlog, &f.crowded
	return r
}

func TestFlusherFlushesWhatIsLeftWhenItCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := bubbleFlusher()
		room := flusherRoom(f, outputLimits{})
		var list []*testOutbox
		for range 3*flushLot + 1 {
			o := room.open(-1)
			list = append(list, o)
			if wake, counted := o.deliver(delivery("c", "x")); wake {
				f.backlog.Add(int64(counted))
				f.add(o.outbox)
			}
		}
		f.close()
		for i, o := range list {
			if got := o.to.frames(t); len(got) != 1 {
				t.Fatalf("outbox %d got %q", i, got)
			}
		}
		if n, crowded := f.backlog.Load(), f.crowded.Load(); n != 0 || crowded != 0 {
			t.Errorf("backlog %d, %d crowded", n, crowded)
		}
		f.close() // once more does no harm
	})
}

// The list of a flusher that is never done must not grow without end.
func TestFlusherReusesItsList(t *testing.T) {
	f := idleFlusher()
	var lot [flushLot]*outbox
	o := newOutboxRoom(outputLimits{}).open(-1)
	for range 2 * flushLot {
		f.add(o.outbox)
	}
	for range 10000 {
		if n := f.takeLocked(lot[:]); n != flushLot {
			t.Fatalf("took %d", n)
		}
		f.add(lot[:]...)
	}
	if got := cap(f.dirty); got > 32*flushLot {
		t.Errorf("a list of %d outboxes takes room for %d", 2*flushLot, got)
	}
}

func TestFlusherKeepsItsTurn(t *testing.T) {
	f := idleFlusher()
	room := newOutboxRoom(outputLimits{})
	var want, got []*outbox
	for range 5 * flushLot {
		o := room.open(-1).outbox
		want = append(want, o)
		f.add(o)
	}
	var lot [7]*outbox
	for {
		n := f.takeLocked(lot[:])
		if n == 0 {
			break
		}
		got = append(got, lot[:n]...)
		if len(got) == 7 { // one comes back
			f.add(got[0])
			want = append(want, got[0])
		}
	}
	if len(got) != len(want) {
		t.Fatalf("took %d, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("number %d is out of turn", i)
		}
	}
}

// An outbox that is never done comes round again.
func TestFlusherComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := bubbleFlusher()
		o := flusherRoom(f, outputLimits{}).open(-1)
		const times = 5*maxRounds + 1
		o.t = &refillingTransport{o.to, o.outbox, times}
		o.deliver(delivery("c", "x"))
		f.add(o.outbox)
		synctest.Wait()
		if got := o.to.frames(t); len(got) != times+1 || o.stateNow() != outboxIdle {
			t.Errorf("%d frames, want %d, state %d", len(got), times+1, o.stateNow())
		}
		f.close()
	})
}

// Whatever happens to outboxes, in the end nothing is counted as waiting.
func TestBacklogReturnsToZero(t *testing.T) {
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) { backlogReturnsToZero(t, rand.New(rand.NewPCG(seed, 1))) })
		if t.Failed() {
			t.Fatalf("with seed %d", seed)
		}
	}
}

func backlogReturnsToZero(t *testing.T, random *rand.Rand) {
	f := bubbleFlusher()
	room := flusherRoom(f, pubsubLimit(OutputLimit{Hard: 60 << 10, Soft: 20 << 10, SoftSeconds: 1}))
	var list []*testOutbox
	holding := make(map[*testOutbox]bool)
	fanned := 0 // of a publisher, not yet counted
	var dirty []*outbox
	settle := func() {
		f.backlog.Add(int64(fanned))
		fanned = 0
		f.add(dirty...)
		dirty = nil
	}
	for range 200 {
		if len(list) < 8 {
			list = append(list, room.open(random.IntN(3)*1000-1))
		}
		i := random.IntN(len(list))
		o := list[i]
		switch random.IntN(12) {
		case 0, 1, 2, 3:
			size := []int{0, 10, 1000, shareFrom, 70 << 10}[random.IntN(5)]
			wake, counted := o.deliver(delivery("c", strings.Repeat("x", size)))
			fanned += counted
			if wake {
				dirty = append(dirty, o.outbox)
			}
		case 4:
			o.push([]byte("+x\r\n"))
			f.add(o.outbox)
		case 5:
			if holding[o] {
				o.release([]byte("+x\r\n"))
				f.add(o.outbox)
			} else {
				o.hold()
			}
			holding[o] = !holding[o]
		case 6:
			o.to.setRoom(random.IntN(20 << 10))
		case 7:
			settle()
		case 8:
			synctest.Wait()
		case 9:
			f.help()
		case 10:
			o.setClass(clientClass(random.IntN(int(classes))))
		case 11:
			switch random.IntN(6) {
			case 0:
				o.to.setErr(fmt.Errorf("reset"))
			case 1:
				o.close()
				o.to.close()
			case 2:
				if !holding[o] {
					o.end()
				}
			default:
				continue
			}
			if holding[o] {
				o.release(nil)
				f.add(o.outbox)
			}
			list = append(list[:i], list[i+1:]...)
			o.to.setRoom(-1)
		}
	}
	settle()
	for _, o := range list {
		if holding[o] {
			o.release(nil)
			f.add(o.outbox)
		}
		o.to.setRoom(-1)
	}
	synctest.Wait()
	if n := f.backlog.Load(); n != 0 {
		t.Errorf("backlog %d", n)
	}
	for i, o := range list {
		if n, chunks := o.pending(); n != 0 || chunks != 0 || o.stateNow() != outboxIdle {
			t.Errorf("outbox %d: %d bytes, %d chunks, state %d", i, n, chunks, o.stateNow())
		}
		if o.closedWith() == "" {
			o.to.frames(t)
		}
		if o.to.overlap.Load() {
			t.Error("two goroutines wrote to one connection at a time")
		}
	}
	f.close()
}

// Producers, the flusher, connections that take little at a time and closes
// all at once: what arrives is whole and in each producer's order.
func TestOutboxConcurrently(t *testing.T) {
	const producers, outboxes, messages = 6, 12, 400
	f := bubbleFlusher()
	room := flusherRoom(f, outputLimits{})
	list := make([]*testOutbox, outboxes)
	for i := range list {
		list[i] = room.open([]int{-1, 0, 5000}[i%3])
		list[i].speak(i%2 == 0, nil)
	}
	closing := list[outboxes-2:] // are closed half way

	var wg sync.WaitGroup
	for p := range producers {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(p), 2))
			var dirty []*outbox
			for n := range messages {
				size := random.IntN(300)
				if n%50 == 0 {
					size = shareFrom
				}
				d := delivery("p"+strconv.Itoa(p), strconv.Itoa(n)+":"+strings.Repeat("x", size))
				fanned := 0
				for _, o := range list {
					// One lock in the broker keeps deliveries of one message together;
					// here the frames of different producers may mix.
					wake, counted := o.deliver(d)
					fanned += counted
					if wake {
						dirty = append(dirty, o.outbox)
					}
				}
				f.backlog.Add(int64(fanned))
				if n%3 == 0 {
					f.add(dirty...)
					dirty = nil
				}
				if own := list[p%len(list)]; p < len(list)-len(closing) && n%10 == 0 {
					own.hold()
					own.push([]byte(fmt.Sprintf("+own %d\r\n", n)))
					own.release(nil)
					f.add(own.outbox)
				}
				if p == 0 && n == messages/2 {
					for _, o := range closing {
						o.close()
						o.to.close()
					}
				}
				f.help()
			}
			f.add(dirty...)
		})
	}
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for i, o := range list {
		readers.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 3))
			for {
				select {
				case <-stop:
					o.to.setRoom(-1)
					return
				case <-o.to.done:
					return
				default:
					o.to.setRoom(random.IntN(4000))
				}
			}
		})
	}
	wg.Wait()
	close(stop)
	readers.Wait()
	waitFor(t, "all outboxes to be idle", func() bool {
		for _, o := range list {
			if n, _ := o.pending(); n != 0 || o.stateNow() != outboxIdle {
				return false
			}
		}
		return true
	})
	f.close()
	if n := f.backlog.Load(); n != 0 {
		t.Errorf("backlog %d", n)
	}
	for i, o := range list[:outboxes-len(closing)] {
		checkProducers(t, i, o, producers, messages)
	}
	for _, o := range list {
		if o.to.overlap.Load() {
			t.Error("two goroutines wrote to one connection at a time")
		}
	}
}

// checkProducers reads what an outbox has sent.
func checkProducers(t *testing.T, i int, o *testOutbox, producers, messages int) {
	t.Helper()
	list, err := framesOf(o.to.taken())
	if err != nil {
		t.Fatalf("outbox %d: %v", i, err)
	}
	next := make([]int, producers)
	own := -1
	for _, f := range list {
		if f.kind == '+' {
			n, err := strconv.Atoi(strings.TrimPrefix(f.text, "own "))
			if err != nil || n <= own {
				t.Fatalf("outbox %d: reply %q after %d", i, f.text, own)
			}
			own = n
			continue
		}
		if wantPush := i%2 == 0; (f.kind == '>') != wantPush || len(f.elems) != 3 {
			t.Fatalf("outbox %d: a frame %.80q", i, f)
		}
		p, _ := strconv.Atoi(strings.TrimPrefix(f.elems[1].text, "p"))
		number, _, _ := strings.Cut(f.elems[2].text, ":")
		if n, err := strconv.Atoi(number); err != nil || n != next[p] {
			t.Fatalf("outbox %d: message %q of producer %d, want %d", i, number, p, next[p])
		}
		next[p]++
	}
	for p, n := range next {
		if n != messages {
			t.Errorf("outbox %d: %d of %d messages of producer %d", i, n, messages, p)
		}
	}
}

// An event loop writes to few receivers itself, unless messages come fast.
func TestLoopWritesToFew(t *testing.T) {
	const far = time.Hour
	for _, tt := range []struct {
		receivers int
		rest      time.Duration
		want      bool
	}{
		{1, 0, true},
		{2, 0, false},
		{2, 2 * directRest, true},
		{10, 10*directRest - 1, false},
		{10, 10 * directRest, true},
		{directReceivers, far, true},
		{directReceivers + 1, far, false},
	} {
		s := newServer(t)
		s.flusher.started = true // without its goroutine
		l := &loop{s: s, before: time.Minute, since: time.Minute + tt.rest}
		room := newOutboxRoom(outputLimits{})
		var to []*testOutbox
		for range tt.receivers {
			o := room.open(-1)
			o.deliver(delivery("c", "x"))
			l.dirty = append(l.dirty, o.outbox)
			to = append(to, o)
		}
		l.sendOthers()
		written := 0
		for _, o := range to {
			written += len(o.to.frames(t))
		}
		if want := map[bool]int{true: tt.receivers}[tt.want]; written != want || s.flusher.waiting.Load() != int64(tt.receivers-want) {
			t.Errorf("%d receivers after %v: %d written, want %d; %d left to the flusher", tt.receivers, tt.rest, written, want, s.flusher.waiting.Load())
		}
		if l.before != l.since || len(l.dirty) != 0 {
			t.Error("the loop does not know when it has sent last")
		}
		s.flusher.started = false // nothing to wait for
	}
}
