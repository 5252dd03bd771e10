package server

import (
	"strings"
	"testing"
	"testing/synctest"
)

// The buffer of a shared frame goes back when the last receiver has sent or
// dropped it, and never while somebody may still be writing it.
func TestSharedFrameIsGivenBack(t *testing.T) {
	large := strings.Repeat("x", shareFrom)
	for _, test := range []struct {
		what string
		end  func(o *testOutbox) // what becomes of a receiver that takes nothing at first
		left int32               // who needs the frame after that
	}{
		{"takes it later", func(o *testOutbox) { o.to.setRoom(-1) }, 0},
		{"takes it in pieces", func(o *testOutbox) {
			for range 2 + len(large)/1000 {
				o.to.setRoom(1000)
				synctest.Wait()
			}
		}, 0},
		{"is closed while it is written", func(o *testOutbox) {
			o.close()
			o.takeRemainder(0)
			o.to.close()
		}, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			room := newOutboxRoom(outputLimits{})
			quick, late := room.open(-1), room.open(0)
			d := delivery("c", large)
			for _, o := range []*testOutbox{quick, late} {
				o.deliver(d)
				o.flushAll()
			}
			mem := d.Frames[0].Owner.(*buffer)
			synctest.Wait()
			if got := mem.refs.Load(); got != 2 {
				t.Errorf("%d need the frame, want the publisher and who has not sent it", got)
			}
			mem.Release() // as the broker does
			if got := mem.refs.Load(); got != 1 {
				t.Errorf("%d need the frame when it is published, want 1", got)
			}
			test.end(late)
			synctest.Wait()
			if got := mem.refs.Load(); got != test.left {
				t.Errorf("a receiver that %s: %d need the frame, want %d", test.what, got, test.left)
			}
			late.to.close()
		})
	}
}

// What waits behind what is being written goes back when its receiver is closed.
func TestSharedFrameOfAClosedClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutboxRoom(outputLimits{}).open(0)
		o.send("c", "first")
		synctest.Wait()
		d := delivery("c", strings.Repeat("x", shareAlways))
		o.deliver(d)
		mem := d.Frames[0].Owner.(*buffer)
		mem.Release()
		o.close()
		if got := mem.refs.Load(); got != 1 {
			t.Errorf("%d need the frame before it is counted, want 1", got)
		}
		if r := o.takeRemainder(0); r.messages != 2 {
			t.Errorf("%d messages were queued, want 2", r.messages)
		}
		if got := mem.refs.Load(); got != 0 {
			t.Errorf("%d need the frame of a closed client, want 0", got)
		}
		o.to.close()
	})
}
