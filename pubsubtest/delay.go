package pubsubtest

import "time"

// maxDelayed is how many bytes of a connection are on their way at a time.
const maxDelayed = 1 << 20

// delayed is what is on its way to a client whose connection has a delay. It is
// guarded by the lock of its link.
type delayed struct {
	list  []parcel
	bytes int
	runs  bool // deliver is running
}

// A parcel is what was sent at one time, or without data the end of the connection.
type parcel struct {
	due  time.Time
	data []byte
}

// waiting tells whether something is on its way: what comes later must not overtake
// it.
func (d *delayed) waiting() bool { return d.runs }

func (d *delayed) hasRoom() bool { return d.bytes < maxDelayed }

// add has something delivered after the delay of the link.
func (d *delayed) add(l *link, p []byte) {
	d.list = append(d.list, parcel{time.Now().Add(l.delay), append([]byte(nil), p...)})
	d.bytes += len(p)
	if !d.runs {
		d.runs = true
		l.c.running.Go(l.deliver)
	}
}

// deliver sends what is on its way, each when it is due, until nothing is.
func (l *link) deliver() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.later.list) > 0 && !l.shut && !l.cutOff && !l.resets {
		next := l.later.list[0]
		if l.delay == 0 {
			next.due = time.Time{} // the delay was lifted
		}
		if left := time.Until(next.due); left > 0 {
			l.mu.Unlock()
			l.sleep(left)
			l.mu.Lock()
			continue
		}
		if l.stalled && len(next.data) > 0 || l.offline() {
			l.changed.Wait()
			continue
		}
		if _, err := l.sendLocked(next.data); err != nil {
			l.breakLocked("broken: "+err.Error(), err)
			break
		}
		l.later.list = l.later.list[1:]
		l.later.bytes -= len(next.data)
		l.changed.Broadcast()
	}
	l.later = delayed{}
	l.changed.Broadcast()
	if l.ended && !l.offline() {
		l.finishLocked()
	}
}

// sleep waits for a time, another delay, or the end of the connection.
func (l *link) sleep(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-l.hurry:
	case <-l.gone:
	}
}

// setDelayLocked sets the delay of what is sent from here on.
func (l *link) setDelayLocked(d time.Duration) {
	l.delay = d
	select {
	case l.hurry <- struct{}{}:
	default: // nobody has heard of the last one yet
	}
}
