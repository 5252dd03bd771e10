package server

import "github.com/pubsubd/pubsubd/broker"

// Subscribed queues a confirmation. See broker.Subscriber. If the rules have
// changed since the request was judged, nothing is delivered before
// subscribedUnder has looked: who changed them may have been answered.
func (c *client) Subscribed(k broker.Kind, name string, count int) {
	if c.judged != nil && c.user.Load().Rules() != c.judged && !c.alone() {
		c.out.hold()
	}
	c.confirm(subscribeWords[k], name, count)
}

// Unsubscribed queues a confirmation. See broker.Subscriber.
func (c *client) Unsubscribed(k broker.Kind, name string, count int) {
	c.confirm(unsubscribeWords[k], name, count)
}

// confirm queues a confirmation behind the replies so far. The broker calls it
// with the lock held under which messages of that name are delivered, so that
// none is on the wrong side of it.
func (c *client) confirm(word, name string, count int) {
	at := c.beginConfirmation()
	c.reply = appendConfirmation(c.reply, c.resp3, word, name, count)
	c.endConfirmation(at)
	if !c.alone() {
		c.queueReply()
	}
}

// beginConfirmation is called before a confirmation is appended to the replies,
// endConfirmation after: CLIENT REPLY silences what is around it, not itself.
func (c *client) beginConfirmation() (at int) {
	if c.silent() {
		c.reply = c.reply[:c.mark]
	}
	return len(c.reply)
}

func (c *client) endConfirmation(at int) {
	c.longest = max(c.longest, len(c.reply)-at)
	if c.silent() {
		c.mark = len(c.reply)
	}
}

// Deliver queues messages. See broker.Subscriber.
func (c *client) Deliver(d *broker.Delivery) {
	wake, counted := c.out.deliver(d)
	if from, ok := d.From.(*client); ok {
		w := from.work()
		w.fanned += counted
		if wake {
			w.dirty = append(w.dirty, c.out)
		}
		return
	}
	c.s.flusher.backlog.Add(int64(counted))
	switch {
	case wake && c.out.slow:
		c.s.out.spawn(func() { c.out.flush(c.s.uptime()) }) // not here: the broker's locks are held
	case wake:
		c.s.flusher.add(c.out)
	}
}
