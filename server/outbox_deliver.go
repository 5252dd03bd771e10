package server

import "github.com/pubsubd/pubsubd/broker"

// deliver queues a delivery. It tells whether the caller is the one to see to
// the flush, and how many bytes it added to the flusher's backlog.
func (o *outbox) deliver(d *broker.Delivery) (wake bool, counted int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || o.deaf {
		return false, 0
	}
	f := &d.Frames[0]
	if o.resp3 {
		f = &d.Frames[1]
	}
	if len(f.Bytes) == 0 {
		encodeDelivery(f, d, o.resp3)
	}
	to := &o.queue
	if o.holding {
		to = &o.held
	}
	n := o.upToLimitLocked(d, len(f.Bytes))
	if mem, ok := f.Owner.(*buffer); ok && o.sharesLocked(n) { // not if somebody else has encoded it
		*to = appendShared(*to, f.Bytes[:n], mem)
	} else {
		*to = appendChunk(*to, f.Bytes[:n])
	}
	o.queued += n
	wake, counted = o.addedLocked(n)
	o.checkLocked(longestMessage(d, n))
	return wake, counted
}

// sharesLocked tells whether n bytes of a shared frame are queued by reference. One
// that is not large may leave memory unused behind it, so that a queue that grows
// would take much more than it counts.
func (o *outbox) sharesLocked(n int) bool {
	return n >= shareAlways || n >= shareFrom && o.state != outboxBlocked && o.queued < maxBuffer
}

// longestMessage is about the size of the longest message of a delivery that
// takes n bytes. Only runs have to be looked at.
func longestMessage(d *broker.Delivery, n int) int {
	if len(d.Payloads) == 1 {
		return n
	}
	longest := 0
	for _, p := range d.Payloads {
		longest = max(longest, len(p))
	}
	return min(n, longest+len(d.Channel)+len(d.Pattern)+frameOverhead)
}
