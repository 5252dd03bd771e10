package server

import (
	"testing"
	"testing/synctest"
	"time"
)

// What is fed stands in line with replies and deliveries, waits where they wait
// and counts as they count.
func TestFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newOutboxRoom(pubsubLimit(OutputLimit{Hard: 1 << 20}))
		o := r.open(-1)
		o.push([]byte("+reply\r\n"))
		if wake, counted := o.feed([]byte("+line\r\n")); wake || counted != 7 {
			t.Errorf("of a dirty outbox: %v, %d", wake, counted)
		}
		o.hold()
		o.feed([]byte("+held\r\n"))
		o.flush(0)
		o.release([]byte("+released\r\n"))
		if wake, _ := o.feed([]byte("+last\r\n")); wake {
			t.Error("two are to flush")
		}
		o.flush(0)
		if wake, counted := o.feed([]byte("+woken\r\n")); !wake || counted != 8 {
			t.Errorf("of an idle outbox: %v, %d", wake, counted)
		}
		o.flush(0)
		synctest.Wait()
		if got, want := string(o.to.taken()), "+reply\r\n+line\r\n+released\r\n+held\r\n+last\r\n+woken\r\n"; got != want {
			t.Errorf("sent %q, want %q", got, want)
		}
		o.to.setRoom(0)
		o.push([]byte("+blocked\r\n"))
		o.flush(0)
		if _, counted := o.feed(make([]byte, 64)); counted != 0 {
			t.Errorf("%d bytes are counted for the flusher of a blocked outbox", counted)
		}
		o.feed(make([]byte, freeOutput+1<<20))
		synctest.Wait()
		if wake, counted := o.feed([]byte("+late\r\n")); wake || counted != 0 {
			t.Errorf("of a closed outbox: %v, %d", wake, counted)
		}
		if _, _, blocked := o.pendingOrLost(); blocked {
			t.Error("a closed outbox is blocked")
		}
	})
}

// A monitor has the limit of normal clients or, if that is none, of replicas.
func TestMonitorLimit(t *testing.T) {
	replica, normal, pubsub := OutputLimit{Hard: 1}, OutputLimit{Soft: 2, SoftSeconds: 3}, OutputLimit{Hard: 4}
	for _, tt := range []struct {
		normal  OutputLimit
		class   clientClass
		monitor bool
		want    OutputLimit
	}{
		{OutputLimit{}, classNormal, false, OutputLimit{}},
		{OutputLimit{}, classNormal, true, replica},
		{normal, classNormal, true, normal},
		{normal, classNormal, false, normal},
		{normal, classPubsub, true, pubsub},
	} {
		l := outputLimits{classNormal: tt.normal, classReplica: replica, classPubsub: pubsub}
		if got := l.of(tt.class, tt.monitor); got != tt.want {
			t.Errorf("%+v: %+v", tt, got)
		}
	}
}

// When a client was last active is when it was last sent something: as who flushes says,
// or when it was over, if that was waited for.
func TestOutboxActive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newOutboxRoom(outputLimits{})
		active := func(o *testOutbox) time.Duration { return time.Duration(o.active.Load()) }
		o := r.open(-1)
		o.push([]byte("+a\r\n"))
		if o.flush(7 * time.Second); active(o) != 7*time.Second {
			t.Errorf("active at %v, want 7s", active(o))
		}
		if o.flush(8 * time.Second); active(o) != 7*time.Second {
			t.Errorf("active at %v with nothing sent since 7s", active(o))
		}

		late := r.open(0)
		late.push([]byte("+b\r\n"))
		late.flush(0)
		time.Sleep(5 * time.Second)
		if active(late) != 0 {
			t.Errorf("active at %v with nothing sent", active(late))
		}
		late.to.setRoom(-1)
		synctest.Wait()
		if active(late) != 5*time.Second {
			t.Errorf("active at %v, want 5s, when its connection took it", active(late))
		}

		time.Sleep(time.Second)
		two := []*testOutbox{r.open(-1), r.open(-1)}
		for _, o := range two {
			o.push([]byte("+c\r\n"))
		}
		idleFlusher().flush([]*outbox{two[0].outbox, two[1].outbox})
		for _, o := range two {
			if active(o) != 6*time.Second {
				t.Errorf("active at %v, want 6s", active(o))
			}
		}
		o.to.close()
		late.to.close()
	})
}
