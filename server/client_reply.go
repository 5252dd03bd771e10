package server

// deliverAll sends the client's replies and then what it published. On a loop
// short replies wait for those to others.
func (c *client) deliverAll() {
	c.queueReply()
	if c.onLoop != nil && !c.ended && !c.needsAuth() && c.out.isShort() {
		c.onLoop.answer(c.out, c.clock)
	} else if c.out.flush(c.clock) {
		c.s.flusher.add(c.out)
	}
	if c.w != nil {
		c.w.pieced = 0
	}
	c.deliverOthers()
	switch {
	case c.ordered: // the others would have to wait, too
	case c.onLoop == nil:
		c.s.flusher.help()
	case c.s.flusher.isBehind():
		c.leftover = true
	}
}

// deliverOthers sends on its way what was queued for others.
func (c *client) deliverOthers() {
	w := c.w
	if w == nil {
		return
	}
	if w.fanned != 0 {
		c.s.flusher.backlog.Add(int64(w.fanned))
		w.fanned = 0
	}
	if len(w.dirty) == 0 {
		return
	}
	if c.onLoop != nil {
		c.onLoop.add(w.dirty, c.clock)
	} else {
		c.s.flusher.add(c.s.flushFew(w.dirty, len(w.dirty) <= directReceivers)...)
	}
	clear(w.dirty)
	if w.dirty = w.dirty[:0]; cap(w.dirty) > maxKeptDirty {
		w.dirty = nil
	}
}

// queueReply moves the replies so far into the outbox.
func (c *client) queueReply() {
	if len(c.reply) > 0 {
		p, longest := c.takeReply()
		c.out.push(p, longest)
		recycleReply(p)
	}
}

// takeReply returns the replies so far, but for one that CLIENT REPLY silences,
// and the length of the longest. They are valid until the next is written.
func (c *client) takeReply() (p []byte, longest int) {
	if p = c.reply; c.silent() {
		p = p[:c.mark]
	}
	longest = max(c.longest, len(p)-c.mark)
	if c.reply = p[:0]; cap(p) > keptReply {
		c.reply = nil
	}
	c.mark, c.longest = 0, 0
	return p, longest
}
