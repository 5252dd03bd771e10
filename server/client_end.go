package server

// end closes the connection once the replies so far have been sent. No further
// request is run.
func (c *client) end(why closeReason) {
	c.ended = true
	if c.onLoop != nil { // others would wait: for what it is subscribed to, or the log
		c.endWhy, c.leftover = why, true
		return
	}
	c.because(why, "")
	c.mu.Lock()
	c.ending = true
	c.mu.Unlock()
	c.leaveBroker()
	if c.tx != nil { // the client may take as long as it lingers to read
		c.leaveMulti()
		c.countLarge()
	}
	c.queueReply()
	c.lingers()
	c.out.end()
}

// lingers gives the client lingerTimeout to receive what is queued, once.
func (c *client) lingers() {
	if c.linger == nil {
		c.linger = c.s.after(lingerTimeout, func() {
			c.because(closedByPeer, "") // of which end has not told
			c.t.close()
		})
	}
}

// close ends the connection at once; what is queued is dropped. It may be
// called from any goroutine and more than once: the first reason stays, and
// first tells whether it is this one.
func (c *client) close(why closeReason) (first bool) {
	c.gone.Store(true)
	first = c.because(why, "")
	c.out.close()
	c.account()
	c.t.close()
	c.s.queries.roomChanged() // for which it may be waiting
	return first
}

// drop is close for the goroutine that serves the client.
func (c *client) drop(why closeReason) {
	if c.onLoop != nil {
		c.closeAside(why)
	} else {
		c.close(why)
	}
}

// leave is called before a client whose last reply was sent sees its end.
func (c *client) leave() {
	c.detach()
	c.account()
}

// detach takes the client out of the broker and of CLIENT LIST.
func (c *client) detach() {
	c.leaveBroker()
	c.s.forget(c)
}

// leaveBroker has others queue nothing more for the client. It has no subscription
// from here on, whatever it is just running.
func (c *client) leaveBroker() {
	c.subs.CompareAndSwap(nil, c.s.departed)
	m := c.member()
	if m == c.s.departed {
		c.out.deafen()
		c.endMonitor()
		return
	}
	c.s.broker.Between(m, c.out.deafen)
	c.endMonitor()
	c.s.broker.Leave(m)
}

// dropInput lets go of what was received and will not be run.
func (c *client) dropInput() {
	if c.tx != nil {
		c.leaveMulti()
	}
	c.in.release()
	c.countBuffers()
}

// teardown lets go of everything when the read loop has ended.
func (c *client) teardown() {
	c.out.close()
	c.account()
	c.t.close()
	c.endTracking()
	c.resume()
	c.detach()
	c.in.release()
	c.forgetLarge()
	if c.linger != nil {
		c.linger.Stop()
	}
	if c.w != nil { // left by a panic
		c.s.flusher.backlog.Add(int64(c.w.fanned))
		c.s.flusher.add(c.w.dirty...)
	}
}
