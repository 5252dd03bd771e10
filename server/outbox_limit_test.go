package server

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pubsubLimit is limits with one for clients in subscribed state.
func pubsubLimit(l OutputLimit) outputLimits { return outputLimits{classPubsub: l} }

func TestHardLimitOfOneFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := newOutboxRoom(pubsubLimit(OutputLimit{Hard: 1000}))
		o := room.open(-1)
		o.send("c", strings.Repeat("x", freeOutput+900)) // with its frame below the limit
		if o.closedWith() != "" {
			t.Fatal("closed by a frame below the limit")
		}
		o.send("c", strings.Repeat("x", freeOutput+1000))
		synctest.Wait()
		if got := o.closedWith(); got != closedHardLimit || len(o.to.frames(t)) != 1 {
			t.Errorf("closed %q after %d frames", got, len(o.to.frames(t)))
		}
		if room.backlog.Load() != 0 {
			t.Errorf("backlog %d", room.backlog.Load())
		}
	})
}

// A run of small messages is not one message: a client that reads survives it.
func TestHardLimitOfRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutboxRoom(pubsubLimit(OutputLimit{Hard: 1000})).open(-1)
		run := make([]string, maxRun)
		for i := range run {
			run[i] = strings.Repeat("x", maxRunBytes/maxRun)
		}
		o.send("c", run...)
		synctest.Wait()
		if got := o.closedWith(); got != "" || len(o.to.frames(t)) != maxRun {
			t.Errorf("closed %q after %d of %d messages, each below the limit", got, len(o.to.frames(t)), maxRun)
		}
		run[7] = strings.Repeat("x", freeOutput+1000)
		o.send("c", run...)
		synctest.Wait()
		if got := o.closedWith(); got != closedHardLimit {
			t.Errorf("closed %q by a run with one message above the limit", got)
		}
	})
}

func TestHardLimitCountsWhatTheConnectionRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const hard = 100 << 10
		room := newOutboxRoom(pubsubLimit(OutputLimit{Hard: hard}))
		payload := strings.Repeat("x", 1000)

		waiting := room.open(-1) // nobody has flushed it: that is not its fault
		for n := 0; n < 3*hard; {
			_, counted := waiting.deliver(delivery("c", payload))
			room.backlog.Add(int64(counted))
			n += counted
		}
		if waiting.closedWith() != "" {
			t.Error("closed for what it was not offered")
		}
		waiting.flushAll()

		blocked := room.open(0)
		queued := 0
		for blocked.closedWith() == "" && queued < 3*hard {
			blocked.send("c", payload)
			synctest.Wait()
			queued += len("*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1000\r\n\r\n") + len(payload)
		}
		if got := blocked.closedWith(); got != closedHardLimit || queued < hard+freeOutput || queued > hard+freeOutput+2000 {
			t.Errorf("closed %q at %d bytes, want %d", got, queued, hard+freeOutput)
		}
		if n, _ := blocked.pending(); n != 0 || len(blocked.to.taken()) != 0 {
			t.Errorf("%d bytes left, %d sent", n, len(blocked.to.taken()))
		}
		if room.backlog.Load() != 0 || waiting.closedWith() != "" {
			t.Errorf("backlog %d, the other closed %q", room.backlog.Load(), waiting.closedWith())
		}
	})
}

// No more of a run is queued than the message that ends the client.
func TestHardLimitWithinRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const hard = 1000
		room := newOutboxRoom(pubsubLimit(OutputLimit{Hard: hard}))
		o := room.open(0)
		o.send("c", strings.Repeat("x", freeOutput))
		synctest.Wait()
		run := []string{"1", strings.Repeat("2", 9), strings.Repeat("3", 10), strings.Repeat("4", 990)}
		want := freeOutput + len("*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$16384\r\n\r\n")
		for i := 0; want < freeOutput+hard; i++ {
			want += len("*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$\r\n\r\n") + len(fmt.Sprint(len(run[i]))) + len(run[i])
		}
		o.send("c", append(run, run...)...)
		synctest.Wait()
		if n, _, _ := o.pendingOrLost(); o.closedWith() != closedHardLimit || n != want {
			t.Errorf("closed %q with %d bytes queued, want %d", o.closedWith(), n, want)
		}
	})
}

func TestLimitFollowsClass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := newOutboxRoom(outputLimits{classPubsub: {Hard: 1000}})
		o := room.open(-1)
		o.setClass(classNormal)
		o.send("c", strings.Repeat("x", freeOutput+5000))
		if o.closedWith() != "" {
			t.Fatal("closed by the limit of another class")
		}
		o.setClass(classPubsub)
		o.push([]byte(strings.Repeat("+PONG\r\n", freeOutput))) // far above it
		synctest.Wait()
		if got := o.closedWith(); got != closedHardLimit {
			t.Errorf("closed %q", got)
		}
	})
}

func TestLimitChangesForLiveClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := newOutboxRoom(outputLimits{})
		o := room.open(0)
		o.send("c", strings.Repeat("x", 50<<10))
		synctest.Wait()
		limits := pubsubLimit(OutputLimit{Hard: 30 << 10})
		room.conf.limits.Store(&limits)
		o.send("c", "one more")
		synctest.Wait()
		if got := o.closedWith(); got != closedHardLimit {
			t.Errorf("closed %q", got)
		}
	})
}

func TestSoftLimit(t *testing.T) {
	const soft = 10 << 10
	limits := pubsubLimit(OutputLimit{Soft: soft, SoftSeconds: 2})
	payload := strings.Repeat("x", soft+freeOutput)
	open := func() (*outboxRoom, *testOutbox) {
		room := newOutboxRoom(limits)
		o := room.open(0)
		o.send("c", payload)
		synctest.Wait()
		return room, o
	}
	t.Run("without traffic", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			room, o := open()
			if !room.isLagging(o) || !o.checkSoft() {
				t.Fatal("the timer was not told")
			}
			time.Sleep(2 * time.Second)
			if !o.checkSoft() || o.closedWith() != "" {
				t.Fatal("closed after no more than the seconds allowed")
			}
			time.Sleep(time.Second)
			again := o.checkSoft()
			synctest.Wait()
			if got := o.closedWith(); got != closedSoftLimit || again || o.checkSoft() {
				t.Errorf("closed %q, looked at again %v", got, again)
			}
		})
	})
	t.Run("by traffic", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, o := open()
			time.Sleep(3 * time.Second)
			o.send("c", "one more")
			synctest.Wait()
			if got := o.closedWith(); got != closedSoftLimit {
				t.Errorf("closed %q", got)
			}
		})
	})
	t.Run("below for a moment", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, o := open()
			time.Sleep(2 * time.Second)
			o.to.setRoom(soft)
			synctest.Wait()
			if o.checkSoft() {
				t.Fatal("it is still watched though below the limit")
			}
			o.send("c", payload) // the clock starts anew
			time.Sleep(2 * time.Second)
			if !o.checkSoft() || o.closedWith() != "" {
				t.Fatal("the clock was not reset")
			}
			o.to.setRoom(-1)
			synctest.Wait()
			time.Sleep(time.Minute)
			if o.checkSoft() || o.closedWith() != "" || o.stateNow() != outboxIdle {
				t.Errorf("closed %q after it had taken all", o.closedWith())
			}
		})
	})
	t.Run("zero seconds", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			room, o := open()
			now := pubsubLimit(OutputLimit{Soft: soft})
			room.conf.limits.Store(&now)
			if !o.checkSoft() {
				t.Fatal("closed within the same second")
			}
			time.Sleep(time.Second)
			o.checkSoft()
			synctest.Wait()
			if got := o.closedWith(); got != closedSoftLimit {
				t.Errorf("closed %q", got)
			}
		})
	})
	t.Run("limit lifted", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			room, o := open()
			room.conf.limits.Store(&outputLimits{})
			time.Sleep(time.Minute)
			if o.checkSoft() || o.closedWith() != "" {
				t.Errorf("closed %q by a limit that is no more", o.closedWith())
			}
			o.close()
			o.to.close()
		})
	})
}

// The length of the longest reply counts, not that of all of a pipeline.
func TestHardLimitOfReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutboxRoom(outputLimits{classPubsub: {Hard: 1000}}).open(-1)
		o.outbox.push([]byte(strings.Repeat("+PONG\r\n", freeOutput)), len("+PONG\r\n"))
		synctest.Wait()
		if o.closedWith() != "" {
			t.Error("closed by replies that are all short")
		}
		o.flushAll()
	})
}

// A client without a limit that does not read is not read from.
func TestOutboxAwaitRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := newOutboxRoom(outputLimits{})
		const size = 8 << 20
		shared := delivery("c", strings.Repeat("x", size)) // not copied
		fill := func(class clientClass) *testOutbox {
			o := room.open(0)
			o.setClass(class)
			o.awaitRoom() // nothing is queued
			o.to.discard = true
			for range maxUnsent/size + 2 {
				_, counted := o.deliver(shared)
				room.backlog.Add(int64(counted))
				o.flushAll()
			}
			synctest.Wait()
			return o
		}
		waits := func(o *testOutbox) (done *bool) {
			done = new(bool)
			go func() {
				o.awaitRoom()
				*done = true
			}()
			synctest.Wait()
			return done
		}
		subscribed := fill(classPubsub)
		if done := waits(subscribed); !*done {
			t.Error("a client in subscribed state is made to wait")
		}
		slow, gone := fill(classNormal), fill(classNormal)
		slowDone, goneDone := waits(slow), waits(gone)
		if *slowDone || *goneDone {
			t.Fatal("served on with more than maxUnsent queued")
		}
		slow.to.setRoom(3 * size)
		gone.close()
		gone.to.close()
		synctest.Wait()
		if !*slowDone || !*goneDone {
			t.Errorf("goes on: with room %v, closed %v", *slowDone, *goneDone)
		}
		for _, o := range []*testOutbox{subscribed, slow} {
			o.to.setRoom(-1)
		}
		synctest.Wait()
	})
}

// Replies that an unauthenticated client does not read are bounded by the
// first buffer, whatever the limits are.
func TestOutputBeforeAuthIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := newOutboxRoom(outputLimits{})
		reads, stalls, later := room.open(-1), room.open(0), room.open(0)
		line := []byte("-NOAUTH Authentication required.\r\n")
		for _, o := range []*testOutbox{reads, stalls} {
			o.setAuthed(false)
			for range 2 * freeOutput / len(line) {
				o.push(line)
				o.flushAll()
				synctest.Wait()
			}
		}
		later.push(line)
		later.flushAll()
		for range 2 * freeOutput / len(line) {
			later.push(line)
		}
		synctest.Wait()
		if got := stalls.closedWith(); got != closedUnauthLimit {
			t.Errorf("one that does not read: closed %q", got)
		}
		if reads.closedWith() != "" || later.closedWith() != "" {
			t.Errorf("one that reads: closed %q; one that is authenticated: %q", reads.closedWith(), later.closedWith())
		}
		later.close()
		later.to.close()
	})
}

func TestOutputLimitArithmetic(t *testing.T) {
	l := OutputLimit{Hard: 100, Soft: 50, SoftSeconds: 1}
	if l.overHard(99) || !l.overHard(100) || l.overSoft(49) || !l.overSoft(50) {
		t.Error("a limit is reached at its value")
	}
	if l.expired(10, 11) || !l.expired(10, 12) {
		t.Error("the soft limit takes more than its seconds")
	}
	var none OutputLimit
	if none.overHard(1<<60) || none.overSoft(1<<60) {
		t.Error("zero is no limit")
	}
	for queued, want := range map[int]int64{0: 0, freeOutput: 0, freeOutput + 1: 1} {
		if got := countedOutput(queued); got != want {
			t.Errorf("%d bytes queued count as %d, want %d", queued, got, want)
		}
	}
}
