package pubsubtest

import (
	"sync"
	"time"
)

// A deadline is that of reads or writes which wait on a sync.Cond. It is guarded
// by the lock of that Cond.
type deadline struct {
	timer *time.Timer // nil if none is set, or it has passed
	set   int         // how often it was set: tells the latest timer from others
	over  bool
}

// setTo sets the deadline as net.Conn describes it.
func (d *deadline) setTo(t time.Time, changed *sync.Cond) {
	d.set++
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.over = false
	if t.IsZero() {
		return
	}
	left := time.Until(t)
	if left <= 0 {
		d.over = true
		changed.Broadcast()
		return
	}
	mine := d.set
	d.timer = time.AfterFunc(left, func() {
		changed.L.Lock()
		defer changed.L.Unlock()
		if d.set == mine {
			d.over, d.timer = true, nil
			changed.Broadcast()
		}
	})
}
