package server

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"unsafe"

	"github.com/pubsubd/pubsubd/broker"
)

func TestOutboxKeepsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutboxRoom(outputLimits{}).open(0)
		o.push([]byte("+one\r\n"))
		o.send("c", "two")
		o.flushAll()
		synctest.Wait()
		if o.stateNow() != outboxBlocked {
			t.Fatalf("state %d of an outbox whose connection takes nothing", o.stateNow())
		}
		large := strings.Repeat("x", shareFrom)
		o.push([]byte("+three\r\n"))
		o.send("c", large)
		o.send("c", "five", "six")
		o.push([]byte("+seven\r\n"))
		for range 40 { // in pieces that end inside frames
			o.to.setRoom(7)
			synctest.Wait()
		}
		o.to.setRoom(-1)
		synctest.Wait()
		want := []string{"+one", "[message c two]", "+three", "[message c " + large + "]", "[message c five]", "[message c six]", "+seven"}
		if got := o.to.frames(t); !reflect.DeepEqual(got, want) {
			t.Errorf("%.200q, want %.200q", got, want)
		}
		if n, chunks := o.pending(); n != 0 || chunks != 0 || o.stateNow() != outboxIdle {
			t.Errorf("%d bytes and %d chunks are left, state %d", n, chunks, o.stateNow())
		}
		if got := o.outbox.sent.Load(); got != int64(len(o.to.taken())) || o.conf.sent.Load() != got {
			t.Errorf("counted %d and %d bytes sent of %d", got, o.conf.sent.Load(), len(o.to.taken()))
		}
		if o.conf.backlog.Load() != 0 || o.closedWith() != "" {
			t.Errorf("backlog %d, closed %q", o.conf.backlog.Load(), o.closedWith())
		}
	})
}

func TestOutboxHoldsDeliveriesForReplies(t *testing.T) {
	o := newOutboxRoom(outputLimits{}).open(-1)
	o.send("c", "before")
	o.hold()
	wake, counted := o.deliver(delivery("c", "mine"))
	if wake {
		t.Error("a held delivery asks for a flush")
	}
	o.conf.backlog.Add(int64(counted))
	o.push([]byte("+first\r\n"))
	o.flushAll()
	if n, chunks := o.pending(); n == 0 || chunks == 0 {
		t.Error("the held delivery is not among what is pending")
	}
	o.release([]byte(":1\r\n"))
	o.flushAll()
	o.send("c", "after")
	want := []string{"[message c before]", "+first", "1", "[message c mine]", "[message c after]"}
	if got := o.to.frames(t); !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if o.conf.backlog.Load() != 0 {
		t.Errorf("backlog %d", o.conf.backlog.Load())
	}
	o.hold()
	o.release(nil) // nothing held, nothing to say
	if n, _ := o.pending(); n != 0 || o.stateNow() != outboxIdle {
		t.Errorf("releasing nothing left %d bytes, state %d", n, o.stateNow())
	}
}

func TestOutboxSpeaksBothProtocols(t *testing.T) {
	o := newOutboxRoom(outputLimits{}).open(-1)
	o.send("c", "a")
	o.speak(true, []byte("+three\r\n"))
	o.flushAll()
	o.send("c", "b")
	o.speak(false, []byte("+two\r\n"))
	o.flushAll()
	o.send("c", "c")
	want := []string{"[message c a]", "+three", ">[message c b]", "+two", "[message c c]"}
	if got := o.to.frames(t); !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// A frame is encoded once for each protocol; a large one is not copied either.
func TestOutboxSharesFrames(t *testing.T) {
	room := newOutboxRoom(outputLimits{})
	for _, size := range []int{10, shareFrom} {
		two := []*testOutbox{room.open(-1), room.open(-1)}
		three := []*testOutbox{room.open(-1), room.open(-1)}
		d := delivery("c", strings.Repeat("x", size))
		for _, o := range append(two, three...) {
			o.speak(o == three[0] || o == three[1], nil)
			o.deliver(d)
		}
		shared := size >= shareFrom
		for i := range d.Frames {
			if owned := d.Frames[i].Owner != nil; owned != shared || len(d.Frames[i].Bytes) < size {
				t.Errorf("frame %d for %d bytes: owned %v, %d bytes", i, size, owned, len(d.Frames[i].Bytes))
			}
		}
		kept := [2]string{string(d.Frames[0].Bytes), string(d.Frames[1].Bytes)}
		for i, o := range append(two, three...) {
			o.send("c", "next")
			o.flushAll()
			same := unsafe.SliceData(o.to.vectors[0]) == unsafe.SliceData(d.Frames[i/2].Bytes)
			if same != shared {
				t.Errorf("a frame of %d bytes: sent from shared memory is %v, want %v", size, same, shared)
			}
			if got := o.to.frames(t); len(got) != 2 {
				t.Errorf("%d frames, want 2", len(got))
			}
		}
		if kept[0] != string(d.Frames[0].Bytes) || kept[1] != string(d.Frames[1].Bytes) {
			t.Error("a shared frame was changed")
		}
	}
}

func TestOutboxHoldsNoMemoryWhenIdle(t *testing.T) {
	o := newOutboxRoom(outputLimits{}).open(-1)
	for i := range 30 {
		for range i {
			o.push([]byte(strings.Repeat("+x\r\n", 1000)))
			o.deliver(delivery("c", strings.Repeat("y", shareFrom)))
		}
		o.flushAll()
		if o.queue != nil || o.held != nil || o.writing != nil {
			t.Fatalf("idle, it holds a queue of %d, %d held and %d being written", cap(o.queue), cap(o.held), cap(o.writing))
		}
		for range 3 {
			short, long, vec := shortLists.Get().(*[fewChunks]chunk), longLists.Get().(*[manyChunks]chunk), writeVectors.Get().(*writeVector)
			for _, c := range slices.Concat(short[:], long[:]) {
				if c.data != nil || c.mem != nil {
					t.Fatal("a free chunk refers to memory")
				}
			}
			for _, v := range vec.list[:cap(vec.list)] {
				if v != nil {
					t.Fatal("a free vector refers to memory")
				}
			}
		}
	}
}

// Small frames are joined into buffers that grow to maxBuffer, then into more.
func TestOutboxJoinsSmallFrames(t *testing.T) {
	o := newOutboxRoom(outputLimits{}).open(0)
	payload := strings.Repeat("x", 100)
	n := 0
	for n < 5*maxBuffer {
		_, counted := o.deliver(delivery("c", payload))
		n += counted
	}
	if got := len(o.queue); got > 7 {
		t.Errorf("%d bytes stand in %d chunks", n, got)
	}
	for _, c := range o.queue {
		if c.mem == nil || cap(c.mem.b) > maxBuffer {
			t.Errorf("a chunk of small frames in a buffer of %v", c.mem)
		}
	}
	o.to.setRoom(-1)
	o.flushAll()
	if got := len(o.to.frames(t)); got == 0 || len(o.to.taken()) != n {
		t.Errorf("%d frames in %d bytes, want %d bytes", got, len(o.to.taken()), n)
	}
}

func TestOutboxClosesOnWriteError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := newOutboxRoom(outputLimits{})
		now, later := room.open(-1), room.open(0)
		now.to.setErr(errors.New("reset"))
		now.send("c", "x")
		later.send("c", "x")
		synctest.Wait()
		if later.stateNow() != outboxBlocked {
			t.Fatal("not blocked")
		}
		later.to.setErr(errors.New("reset"))
		synctest.Wait()
		for _, o := range []*testOutbox{now, later} {
			if got := o.closedWith(); got != closedWriteError {
				t.Errorf("closed with %q", got)
			}
			if n, _ := o.pending(); n != 0 || o.stateNow() != outboxIdle {
				t.Errorf("%d bytes left, state %d", n, o.stateNow())
			}
			if wake, counted := o.deliver(delivery("c", "x")); wake || counted != 0 {
				t.Error("a closed outbox takes deliveries")
			}
			o.push([]byte("+x\r\n"))
			o.release([]byte("+x\r\n"))
			if n, _ := o.pending(); n != 0 {
				t.Error("a closed outbox takes replies")
			}
		}
		if n := room.backlog.Load(); n != 0 {
			t.Errorf("backlog %d", n)
		}
	})
}

func TestOutboxCloseDropsWhatIsQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := newOutboxRoom(outputLimits{})
		blocked, dirty, held := room.open(10), room.open(-1), room.open(-1)
		blocked.send("c", strings.Repeat("x", 100))
		blocked.send("c", strings.Repeat("x", shareFrom))
		_, counted := dirty.deliver(delivery("c", "x"))
		room.backlog.Add(int64(counted))
		held.hold()
		_, counted = held.deliver(delivery("c", "x"))
		room.backlog.Add(int64(counted))
		synctest.Wait()
		for _, o := range []*testOutbox{blocked, dirty, held} {
			o.close()
			o.close()
			o.to.close()
			synctest.Wait()
			o.flushAll()
			if n, chunks := o.pending(); n != 0 || chunks != 0 {
				t.Errorf("%d bytes in %d chunks are left", n, chunks)
			}
		}
		if n := len(blocked.to.taken()) + len(dirty.to.taken()) + len(held.to.taken()); n != 10 {
			t.Errorf("%d bytes were sent, want the 10 from before the close", n)
		}
		if n := room.backlog.Load(); n != 0 {
			t.Errorf("backlog %d", n)
		}
	})
}

func TestOutboxEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := newOutboxRoom(outputLimits{})
		idle, dirty, blocked := room.open(-1), room.open(-1), room.open(3)
		dirty.push([]byte("+bye\r\n"))
		blocked.push([]byte("+bye\r\n"))
		for _, o := range []*testOutbox{idle, dirty, blocked} {
			o.end()
			if wake, counted := o.deliver(delivery("c", "late")); wake || counted != 0 {
				t.Error("an ending outbox takes deliveries")
			}
		}
		synctest.Wait()
		if !idle.to.isClosed() || !dirty.to.isClosed() || blocked.to.isClosed() {
			t.Errorf("closed: idle %v, dirty %v, blocked %v", idle.to.isClosed(), dirty.to.isClosed(), blocked.to.isClosed())
		}
		blocked.to.setRoom(-1)
		synctest.Wait()
		if got := blocked.to.frames(t); !blocked.to.isClosed() || !reflect.DeepEqual(got, []string{"+bye"}) {
			t.Errorf("closed %v after %q", blocked.to.isClosed(), got)
		}
		if got := dirty.to.frames(t); !reflect.DeepEqual(got, []string{"+bye"}) {
			t.Errorf("sent %q before the end", got)
		}
	})
}

// A flush that never gets to the end hands the outbox back.
func TestOutboxFlushTakesTurns(t *testing.T) {
	o := newOutboxRoom(outputLimits{}).open(-1)
	o.t = &refillingTransport{o.to, o.outbox, maxRounds}
	o.deliver(delivery("c", "x"))
	if !o.flush(0) || len(o.to.frames(t)) != maxRounds || o.stateNow() != outboxDirty {
		t.Errorf("after %d frames: state %d", len(o.to.frames(t)), o.stateNow())
	}
	o.flushAll()
	if got := o.to.frames(t); len(got) != maxRounds+1 || o.stateNow() != outboxIdle {
		t.Errorf("%d frames, want %d", len(got), maxRounds+1)
	}
}

// A refillingTransport has more queued while it writes, a number of times.
type refillingTransport struct {
	*fakeTransport
	o    *outbox
	left int
}

func (t *refillingTransport) tryWrite(chunks [][]byte) (int, error) {
	if t.left--; t.left >= 0 {
		t.o.deliver(delivery("c", "more"))
	}
	return t.fakeTransport.tryWrite(chunks)
}

func TestEncodeDelivery(t *testing.T) {
	for _, tt := range []struct {
		d    broker.Delivery
		want [2]string
	}{
		{broker.Delivery{Kind: broker.Channel, Channel: "c"}, [2]string{"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n", ">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n"}},
		{broker.Delivery{Kind: broker.Pattern, Pattern: "*", Channel: "c"}, [2]string{"*4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$1\r\nc\r\n", ">4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$1\r\nc\r\n"}},
		{broker.Delivery{Kind: broker.ShardChannel, Channel: ""}, [2]string{"*3\r\n$8\r\nsmessage\r\n$0\r\n\r\n", ">3\r\n$8\r\nsmessage\r\n$0\r\n\r\n"}},
	} {
		tt.d.Payloads = [][]byte{{}, []byte("a\r\n\x00")}
		for i, head := range tt.want {
			f := &broker.Frame{}
			encodeDelivery(f, &tt.d, i == 1)
			if want := head + "$0\r\n\r\n" + head + "$4\r\na\r\n\x00\r\n"; string(f.Bytes) != want {
				t.Errorf("%q, want %q", f.Bytes, want)
			}
			if cap(f.Bytes) > len(f.Bytes)+2*frameOverhead {
				t.Errorf("%d bytes reserved for %d", cap(f.Bytes), len(f.Bytes))
			}
		}
	}
}

// However many pieces wait, all leave in order, not too many in one write, whether
// the connection takes them at once or few by few.
func TestOutboxOfManyPieces(t *testing.T) {
	const num = 2*maxVector + manyChunks + fewChunks + 1
	for _, room := range []int{-1, 0} {
		synctest.Test(t, func(t *testing.T) {
			o := newOutboxRoom(outputLimits{}).open(room)
			var want []string
			for i := range num {
				payload := fmt.Sprint(i) + strings.Repeat("x", shareAlways+i%3)
				o.deliver(delivery("c", payload))
				want = append(want, payload)
				if i%50 == 7 && room == 0 {
					o.flushAll()
					o.to.setRoom(3*shareAlways + i)
					synctest.Wait()
				}
			}
			o.flushAll()
			o.to.setRoom(-1)
			synctest.Wait()
			o.flushAll()
			got := o.to.frames(t)
			if len(got) != num {
				t.Fatalf("%d frames, want %d", len(got), num)
			}
			for i, frame := range got {
				if !strings.Contains(frame, want[i]) {
					t.Fatalf("frame %d is %.40q, want %.20q", i, frame, want[i])
				}
			}
			if o.to.most != maxVector {
				t.Errorf("a write of %d pieces, want %d at most", o.to.most, maxVector)
			}
			o.to.close()
		})
	}
}

// Who does not read has copies of what is not large: behind a shared frame there may
// be memory that nothing is appended to.
func TestBlockedOutboxSharesLargeFramesOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := newOutboxRoom(outputLimits{})
		o, reader := room.open(0), room.open(-1)
		o.send("c", "first")
		synctest.Wait()
		var memory, queued int
		for i := range 1000 {
			size := []int{1, shareFrom, 1, shareAlways}[i%4]
			d := delivery("c", strings.Repeat("x", size))
			o.deliver(d)
			reader.deliver(d)
			reader.flushAll()
		}
		o.outbox.mu.Lock()
		for _, c := range o.queue {
			memory += cap(c.mem.b)
			queued += len(c.data)
		}
		o.outbox.mu.Unlock()
		if memory > queued+queued/8+1000*minBuffer/4 {
			t.Errorf("%d bytes take %d", queued, memory)
		}
		o.close()
		o.to.close()
	})
}
