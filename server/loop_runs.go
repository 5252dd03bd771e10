package server

import (
	"bytes"
	"time"
)

// joinedRuns are the last runs of clients of one event loop, all to one channel, that
// are handed to the broker as one: many clients that publish to the same channel and
// wait for each reply cost each receiver as little as one with a pipeline. None of them
// has been published yet, and the clients' turns stop until then.
type joinedRuns struct {
	clients  []*client
	payloads [][]byte
	bytes    int           // of the payloads
	since    time.Duration // when the first was read, since the server's start
}

// maxJoined is the most clients whose runs are joined. Each keeps the buffer that it
// has been read into.
const maxJoined = 64

// joins leaves the run at hand, and what else is left of the batch, to the client's
// loop. It tells whether it does.
func (c *client) joins() bool {
	return c.onLoop != nil && c.w.run.num > 0 && !c.gone.Load() && c.onLoop.join(c)
}

// join keeps a client's run, unless no other is to be expected.
func (l *loop) join(c *client) bool {
	r := &c.w.run
	if num := len(l.runs.clients); num > 0 {
		first := &l.runs.clients[0].w.run
		if first.cmd != r.cmd || !bytes.Equal(first.channel, r.channel) || num == maxJoined || len(l.runs.payloads)+r.num > maxRun || l.runs.bytes+r.bytes > maxRunBytes {
			start := l.lend()
			l.publish()
			l.lent(start)
			c.excuse()
		}
	}
	if len(l.runs.clients) == 0 {
		if l.Behind() == 0 {
			return false
		}
		l.runs.since = c.clock
	}
	l.runs.clients = append(l.runs.clients, c)
	l.runs.payloads = append(l.runs.payloads, r.payloads...)
	l.runs.bytes += r.bytes
	c.joined = true
	return true
}

// publish publishes the runs that have been kept, and has the clients go on.
func (l *loop) publish() {
	runs := l.runs
	if len(runs.clients) == 0 {
		return
	}
	l.runs = joinedRuns{} // what comes meanwhile are others
	if runs.hold() && len(runs.clients) > 1 {
		runs.publish()
	}
	for i, c := range runs.clients {
		runs.clients[i] = nil
		c.joined = false
		c.turn(taskRest)
	}
	if len(l.runs.clients) == 0 {
		clear(runs.payloads)
		l.runs = joinedRuns{clients: runs.clients[:0], payloads: runs.payloads[:0]}
	}
}

// hold tells whether all runs may be published still: nobody has been closed or may
// publish no more, and there are neither monitors nor pauses.
func (runs *joinedRuns) hold() bool {
	for _, c := range runs.clients {
		if c.gone.Load() || c.hasChanged() {
			return false
		}
	}
	return true
}

// publish publishes runs as one, and leaves what came of it to each client.
func (runs *joinedRuns) publish() {
	lead := runs.clients[0]
	start := lead.s.uptime()
	n := lead.s.broker.PublishFrom(lead, lead.w.run.kind(), view(lead.w.run.channel), runs.payloads...)
	now := lead.s.uptime()
	each := (now - start) / time.Duration(len(runs.payloads))
	for _, c := range runs.clients {
		r := &c.w.run
		r.published, r.receivers, r.took = true, n, each*time.Duration(r.num)
		c.clock, c.w.began = now, now
	}
	lead.w.began = start // of those who make the others wait, one after the other leaves the loop
}

// hasChanged tells whether the run at hand has to be looked at again before it is
// published: its client may have lost the right to, monitors or a pause may have come.
func (c *client) hasChanged() bool {
	return c.s.modes.Load() != 0 || c.judged != c.user.Load().Rules()
}

// rest does what is left of a batch whose run was joined.
func (c *client) rest() {
	switch r := &c.w.run; {
	case r.published:
		c.published(r.receivers, r.took)
	case c.hasChanged() && !c.gone.Load():
		c.in.putBack(r.from) // so that all is run from the start where it may wait
		clear(r.payloads)
		*r = run{payloads: r.payloads[:0]}
		c.leftover = true
		return
	default:
		now := c.s.uptime()
		c.clock, c.w.began = now, c.w.began+now-c.clock
		c.w.spent = c.onLoop.spent
	}
	c.endBatch()
}
