package server

// maxUnsent is how many bytes may wait for a client that is not reading before
// nothing more is read from it, beyond which the reply that has reached it goes.
// Redis goes on without a bound, and many clients write a whole pipeline before
// they read: it has to be well above what the replies to those take, or both
// sides would wait for ever. Those to a million of PUBLISH take 4 MiB.
const maxUnsent = 12 << 20

// crowdedLocked tells whether the client has to make room before it is served
// on. One in subscribed state has its output buffer limit for that.
func (o *outbox) crowdedLocked() bool {
	switch {
	case o.closed:
		return false
	case o.emptying: // others may be sending, or about to
		return o.state != outboxIdle
	}
	return o.state == outboxBlocked && o.class == classNormal && o.queued > maxUnsent
}

// isCrowded tells whether awaitRoom would wait.
func (o *outbox) isCrowded() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.crowdedLocked()
}

// awaitRoom waits while too much is queued for a client that is not reading.
// Only the client's own goroutine may call it.
func (o *outbox) awaitRoom() {
	o.mu.Lock()
	var room chan struct{}
	if o.crowdedLocked() {
		room = make(chan struct{})
		o.room = room
	}
	o.mu.Unlock()
	if room != nil {
		o.awaiting.Store(true)
		<-room
		o.awaiting.Store(false)
	}
}

// awaitSent waits until everything queued has been sent or the outbox is
// closed. Only the client's own goroutine may call it.
func (o *outbox) awaitSent() {
	o.mu.Lock()
	o.emptying = true
	o.mu.Unlock()
	o.awaitRoom()
}

// roomLocked ends awaitRoom if there is room again.
func (o *outbox) roomLocked() {
	if o.room != nil && !o.crowdedLocked() {
		close(o.room)
		o.room = nil
	}
}
