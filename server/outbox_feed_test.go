package server

import (
	"testing"
	"testing/synctest"
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
