package server

import (
	"sync"
	"time"
)

// A workspace is the memory that the requests of one client need while they are
// run. Workspaces go round: a client that has sent nothing has none.
type workspace struct {
	reply []byte // memory of client.reply
	words requestWords

	previous *command // another than the last one, of whoever had the workspace; nil if none is known

	began time.Duration // when the requests at hand were begun with, but for what the client's loop did for others since
	spent time.Duration // loop.spent, as it was when the client's turn began or was excused

	pieced int // bytes of replies queued in pieces since they were last sent on their way
	fanned int // bytes delivered and not yet counted in the flusher's backlog

	run   run       // PUBLISHes not handed to the broker yet
	argv  [3][]byte // of a PUBLISH that is being judged
	one   [1][]byte // the payload of a PUBLISH on its own
	dirty []*outbox // receivers to flush
	line  []byte    // memory of a line of MONITOR
}

var workspaces = sync.Pool{New: func() any { return new(workspace) }}

// work returns the client's workspace, which it has from here to endWork.
func (c *client) work() *workspace {
	if c.w == nil {
		c.w = workspaces.Get().(*workspace)
		c.in.words = &c.w.words
		if c.reply == nil {
			c.reply = c.w.reply
		}
	}
	return c.w
}

// endWork gives the workspace back. All requests that had arrived whole have been
// run, and what came of them is on its way.
func (c *client) endWork() {
	w := c.w
	if w == nil {
		return
	}
	if w.reply = c.reply[:0]; cap(w.reply) > keptReply {
		w.reply = nil
	}
	c.w, c.reply, c.in.words = nil, nil, nil
	workspaces.Put(w)
}
