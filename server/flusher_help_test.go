package server

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// A publisher whose receivers are many writes itself once too much waits.
func TestFlusherHelpBoundsBacklog(t *testing.T) {
	f := idleFlusher()
	room := flusherRoom(f, outputLimits{})
	payload := strings.Repeat("x", 500_000)
	var list []*testOutbox
	for range flushLot + 8 {
		o := room.open(-1)
		list = append(list, o)
		_, counted := o.deliver(delivery("c", payload))
		f.backlog.Add(int64(counted))
		f.add(o.outbox)
	}
	f.help()
	sent := 0
	for _, o := range list {
		sent += len(o.to.taken())
	}
	if n := f.backlog.Load(); n > minBacklog || sent < flushLot*len(payload) {
		t.Errorf("backlog %d after help, %d bytes sent", n, sent)
	}
	if f.next == len(f.dirty) {
		t.Error("help went on below the bound")
	}
	f.backlog.Store(1 << 40) // nothing to flush: not this one's to wait for
	for range 2 {
		f.help()
	}
	if f.next != len(f.dirty) {
		t.Error("help stopped above the bound")
	}
}

// Of publishers that are too fast some flush, and the others wait until the flusher is
// not behind any more, has nothing left to do, or ends.
func TestFlusherHelpersAreFew(t *testing.T) {
	for _, tt := range []struct {
		name    string
		end     func(f *flusher)
		helpers int
	}{
		{"caught up", func(f *flusher) { f.backlog.Add(-f.backlog.Load()) }, 0},
		{"nothing left", func(*flusher) {}, 0},
		{"beside a helper", func(f *flusher) { f.backlog.Add(-f.backlog.Load()) }, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := bubbleFlusher()
				f.helpers = tt.helpers
				room := flusherRoom(f, outputLimits{})
				var held [3]chan struct{} // what the first outbox of each lot waits for
				var list []*outbox
				for i := range len(held) * flushLot {
					o := room.open(-1)
					if i%flushLot == 0 {
						wait := make(chan struct{})
						held[i/flushLot] = wait
						o.t = &askingTransport{o.to, func() { <-wait }}
					}
					o.deliver(delivery("c", "x"))
					list = append(list, o.outbox)
				}
				f.add(list...)
				synctest.Wait()
				f.backlog.Store(1 << 40)
				var helping atomic.Int32
				var done sync.WaitGroup
				for range 4 {
					done.Go(func() {
						helping.Add(1)
						f.help()
						helping.Add(-1)
					})
				}
				synctest.Wait()
				if n := helping.Load(); n != 4 {
					t.Errorf("%d of 4 publishers wait", n)
				}
				f.mu.Lock()
				if left := len(f.dirty) - f.next; f.helping != tt.helpers || left != (2-tt.helpers)*flushLot {
					t.Errorf("%d help and %d outboxes are left, want %d helpers", f.helping, left, tt.helpers)
				}
				f.mu.Unlock()
				tt.end(f)
				close(held[0]) // the flusher goes on with the next lot
				synctest.Wait()
				if n, want := helping.Load(), map[string]int32{"caught up": 0, "nothing left": 4, "beside a helper": int32(tt.helpers)}[tt.name]; n != want {
					t.Errorf("%d publishers wait, want %d", n, want)
				}
				close(held[1])
				close(held[2])
				done.Wait()
				f.close()
				f.backlog.Store(1 << 40)
				f.help() // waits for nobody
			})
		})
	}
}

// Who waits goes on when a helper has flushed the last, though the flusher never sees it.
func TestFlusherHelperRelieves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := idleFlusher()
		room := flusherRoom(f, outputLimits{})
		held := make(chan struct{})
		for i := range flushLot + 8 {
			o := room.open(-1)
			if i == 0 {
				o.t = &askingTransport{o.to, func() { <-held }}
			}
			o.deliver(delivery("c", "x"))
			f.add(o.outbox)
		}
		f.backlog.Store(1 << 40)
		var done sync.WaitGroup
		done.Go(f.help)
		synctest.Wait()
		done.Go(f.help)
		synctest.Wait()
		f.mu.Lock()
		if f.helping != 1 || f.relief == nil {
			t.Errorf("%d help, and somebody waits is %v", f.helping, f.relief != nil)
		}
		f.mu.Unlock()
		close(held)
		done.Wait()
	})
}

// More may wait for the flusher where more receivers do.
func TestFlusherIsBehind(t *testing.T) {
	for _, tt := range []struct {
		backlog, receivers, crowded int64
		want                        bool
	}{
		{minBacklog, 1, 0, false},
		{minBacklog + 1, 1, 0, true},
		{1000 * backlogEach, 1000, 0, false},
		{1000 * backlogEach, 1000, 1, true},
		{1000*backlogEach + 1, 1000, 0, true},
		{maxBacklog + 1, 1 << 20, 0, true},
	} {
		f := idleFlusher()
		f.backlog.Store(tt.backlog)
		f.waiting.Store(tt.receivers)
		f.crowded.Store(tt.crowded)
		if got := f.isBehind(); got != tt.want {
			t.Errorf("%+v: behind %v", tt, got)
		}
	}
}

// At the end of a round few wait still. That is no reason to help.
func TestFlusherIsNotBehindAtTheEndOfARound(t *testing.T) {
	const receivers = 2 * minBacklog / backlogEach
	f := idleFlusher()
	f.started = false // with its goroutine
	room := flusherRoom(f, outputLimits{})
	asked := false
	ask := func() {
		if asked = true; f.waiting.Load() > flushLot {
			t.Errorf("%d outboxes wait, this is not the end of a round", f.waiting.Load())
		}
		for _, tt := range []struct {
			backlog int64
			want    bool
		}{{receivers * backlogEach, false}, {receivers*backlogEach + 1, true}} {
			more := tt.backlog - f.backlog.Load()
			f.backlog.Add(more)
			if got := f.isBehind(); got != tt.want {
				t.Errorf("with %d bytes for %d receivers: behind %v", tt.backlog, receivers, got)
			}
			f.backlog.Add(-more)
		}
	}
	var list []*outbox
	for i := range receivers {
		o := room.open(-1)
		if i == receivers-1 {
			o.t = &askingTransport{o.to, ask}
		}
		_, counted := o.deliver(delivery("c", "x"))
		f.backlog.Add(int64(counted))
		list = append(list, o.outbox)
	}
	f.add(list...)
	f.close()
	if !asked || f.backlog.Load() != 0 {
		t.Errorf("asked %v, backlog %d", asked, f.backlog.Load())
	}
}

// Nobody has so much waiting for the flusher that a client that reads is closed for it.
func TestFlusherIsBehindForOneReceiver(t *testing.T) {
	if maxCare+maxFanned >= maxUnoffered || maxCare > minBacklog {
		t.Error("what waits for the first offer may be too much for one receiver")
	}
	f := idleFlusher()
	room := flusherRoom(f, outputLimits{})
	o := room.open(-1)
	f.waiting.Store(1000)
	payload := strings.Repeat("x", maxCare/4)
	for i := range 6 {
		_, counted := o.deliver(delivery("c", payload))
		f.backlog.Add(int64(counted))
		if got, want := f.isBehind(), i > 2; got != want {
			t.Errorf("after %d messages of %d bytes for one: behind %v", i+1, len(payload), got)
		}
	}
	o.flushAll()
	if n := f.crowded.Load(); n != 0 || f.isBehind() {
		t.Errorf("%d crowded when all is sent", n)
	}
	o.close()
}

// An askingTransport calls a function before each write.
type askingTransport struct {
	*fakeTransport
	ask func()
}

func (t *askingTransport) tryWrite(chunks [][]byte) (int, error) {
	t.ask()
	return t.fakeTransport.tryWrite(chunks)
}
