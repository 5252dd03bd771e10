package server

import (
	"bytes"
	"time"
)

// joinedRuns are the last runs of clients of one event loop, all to one channel, that
// are handed to the broker as one: many clients that publish to the same channel and
// wait for each reply cost each receiver as little as one with a pipeline. Nothing
// has happened yet for any of these clients, whose turns stop here until then.
type joinedRuns struct {
	clients  []*client
	payloads [][]byte
	since    time.Duration // when the first was read, since the server's start
}

// joins leaves the run at hand, and what else is left of the batch, to the client's
// loop. It tells whether it does.
func (c *client) joins() bool {
	return c.onLoop != nil && c.w.run.num > 0 && !c.gone.Load() && c.onLoop.join(c)
}

// join keeps a client's run, unless no other is to be expected.
func (l *loop) join(c *client) bool {
	r := &c.w.run
	if len(l.runs.clients) > 0 {
		first := &l.runs.clients[0].w.run
		if first.cmd != r.cmd || !bytes.Equal(first.channel, r.channel) || len(l.runs.payloads)+r.num > maxRun {
			l.publish()
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
	l.publishTogether(runs)
	for i, c := range runs.clients {
		runs.clients[i] = nil
		c.joined = false
		c.turn(taskRest)
	}
	if len(l.runs.clients) == 0 && cap(runs.payloads) <= maxRun && cap(runs.clients) <= maxRun {
		clear(runs.payloads)
		l.runs = joinedRuns{clients: runs.clients[:0], payloads: runs.payloads[:0]}
	}
}

// publishTogether publishes runs as one. Where something has changed since they were
// joined, each is left to its client.
func (l *loop) publishTogether(runs joinedRuns) {
	if len(runs.clients) == 1 || l.s.modes.Load()&modeMonitored != 0 {
		return
	}
	for _, c := range runs.clients {
		if c.gone.Load() {
			return
		}
	}
	lead := runs.clients[0]
	start := l.s.uptime()
	n := l.s.broker.PublishFrom(lead, lead.w.run.kind(), view(lead.w.run.channel), runs.payloads...)
	now := l.s.uptime()
	each := (now - start) / time.Duration(len(runs.payloads))
	for _, c := range runs.clients {
		took := each * time.Duration(c.w.run.num)
		c.clock, c.began = now, now-took // it is not for the others to be found heavy
		c.published(n, took)
	}
}
