package server

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/internal/eventloop"
)

// Where an event loop has the only processor, nobody asks the network poller while it is
// busy: the flusher is woken all the same, and lets the loop go on within a round, less often
// if writes are long.
func TestFlusherBesideALoopOnOneProcessor(t *testing.T) {
	for _, c := range []struct {
		name        string
		size        int
		least, most int // how often others have their turn meanwhile
	}{
		{"short messages", 1, 8, 15},
		{"long ones", manyBytes, 1, 6},
	} {
		t.Run(c.name, func(t *testing.T) { testFlusherBesideALoop(t, c.size, c.least, c.most) })
	}
}

func testFlusherBesideALoop(t *testing.T, size, least, most int) {
	before := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(before)
	loop, err := eventloop.New(func() {}, func() bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	defer loop.Close()
	f := &flusher{}
	room := flusherRoom(f, outputLimits{})
	var outboxes []*testOutbox
	var list []*outbox
	for range 16 * smallLot {
		o := room.open(-1)
		outboxes, list = append(outboxes, o), append(list, o.outbox)
	}
	f.add(list[0]) // starts it
	defer f.close()
	late := time.Now().Add(10 * time.Second)
	for isAsleep := false; !isAsleep; {
		if time.Now().After(late) {
			t.Fatal("the flusher does not come to rest")
		}
		runtime.Gosched()
		f.mu.Lock()
		isAsleep = f.asleep
		f.mu.Unlock()
	}
	for _, o := range outboxes {
		if wake, counted := o.deliver(delivery("c", strings.Repeat("x", size))); wake {
			f.backlog.Add(int64(counted))
		}
	}
	f.add(list...)
	partly := make(map[int]bool)
	turns := 0
	for n := 0; n < len(outboxes); turns++ {
		if turns == 1000 { // of less than a microsecond: the poller is asked after 10 ms
			t.Fatalf("%d of %d have been written to after %d turns", n, len(outboxes), turns)
		}
		runtime.Gosched()
		n = 0
		for _, o := range outboxes {
			if len(o.to.taken()) > 0 {
				n++
			}
		}
		if n > 0 && n < len(outboxes) {
			partly[n] = true
		}
	}
	if n := len(partly); n < least || n > most {
		t.Errorf("others had their turn %d times within a round of %d, want %d to %d", n, len(outboxes), least, most)
	}
}
