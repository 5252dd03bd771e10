package server

// feed queues bytes that are neither a reply of the client nor a delivery: a
// line of MONITOR, an invalidation. It returns what deliver does.
func (o *outbox) feed(p []byte) (wake bool, counted int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || o.deaf {
		return false, 0
	}
	if o.holding {
		o.held = appendChunk(o.held, p)
	} else {
		o.queue = appendChunk(o.queue, p)
	}
	o.queued += len(p)
	wake, counted = o.addedLocked(len(p))
	o.checkLocked(len(p))
	return wake, counted
}

// addedLocked is called when others have queued n bytes. It tells whether the
// caller is the one to see to the flush, and how many bytes it added to the
// flusher's backlog.
func (o *outbox) addedLocked(n int) (wake bool, counted int) {
	if o.state == outboxBlocked {
		o.conf.piled.add(n)
		o.stampLocked()
	} else {
		if o.care <= maxCare && o.care+n > maxCare {
			o.conf.crowded.Add(1)
		}
		o.care += n
		counted = n
	}
	if !o.holding {
		wake = o.markLocked()
	}
	return wake, counted
}

// deafen ends deliveries, all at once: the subscriptions of a client that leaves
// end one by one, and a message must not come by some of them.
func (o *outbox) deafen() {
	o.mu.Lock()
	o.deaf = true
	o.mu.Unlock()
}

// setMonitor selects the output buffer limit of a monitor, or of an ordinary
// client.
func (o *outbox) setMonitor(monitor bool) {
	o.mu.Lock()
	o.monitor = monitor
	o.mu.Unlock()
}

// pending describes what is queued: the bytes and the chunks.
func (o *outbox) pending() (bytes, chunks int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.queued, o.chunksLocked()
}

// chunksLocked is the number of chunks queued or being written.
func (o *outbox) chunksLocked() int { return len(o.queue) + len(o.held) + len(o.writing) }

// pendingOrLost describes what is queued or, of a closed client, was dropped,
// and whether the connection takes no more at present.
func (o *outbox) pendingOrLost() (bytes, chunks int, blocked bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return o.lost.bytes, o.lost.num, false
	}
	return o.queued, o.chunksLocked(), o.state == outboxBlocked
}
