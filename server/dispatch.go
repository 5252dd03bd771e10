package server

import "time"

// dispatch checks one request in the order of Redis and runs it. The elements of argv
// are valid until the batch ends, the list, and those of an inline request, until the
// next.
func (c *client) dispatch(argv [][]byte) {
	cmd, known := c.lookup(argv)
	if c.onLoop != nil && !c.isQuick(cmd, argv) {
		c.in.postpone()
		c.leftover = true
		return
	}
	if c.w.run.num > 0 && !c.w.run.takes(c, cmd, argv) {
		c.finishRun()
	}
	if c.replies == repliesSkipNext {
		c.replies = repliesSkip
	}
	c.mark, c.failed = len(c.reply), false
	switch {
	case !known && isAttack(argv[0]):
		c.reply = nil
		c.ended = true
		c.drop(closedAttack)
		return
	case !known:
		c.last.Store(nil)
		c.late = true
		c.s.noticeData(c, argv[0])
		c.reject(nil, argv, unknownCommand(cmd, argv))
	default:
		if last := c.last.Load(); last != cmd {
			c.w.previous = last
			c.last.Store(cmd)
		}
		if c.perform(cmd, argv); c.held.Load() {
			if c.replies == repliesSkip {
				c.replies = repliesSkipNext // it comes again
			}
			return
		}
	}
	if c.tracking != nil {
		c.late = true
		c.afterTracked(cmd, known)
	}
	if c.silent() && c.mark < len(c.reply) {
		c.reply = c.reply[:c.mark]
	}
	c.longest = max(c.longest, len(c.reply)-c.mark)
	if c.replies == repliesSkip {
		c.replies = repliesOn
	}
	if c.endWhy != "" {
		c.end(c.endWhy)
	}
}

// lookup finds the command of a request, which as a rule is that of the last one or
// the one before that.
func (c *client) lookup(argv [][]byte) (cmd *command, known bool) {
	if c.s.renamed == nil {
		if cmd := c.last.Load(); cmd.isNamed(argv[0]) {
			return cmd, true
		}
		if c.w.previous.isNamed(argv[0]) {
			return c.w.previous, true
		}
	}
	return c.s.lookup(argv)
}

// perform runs a known command, now or later, or refuses to.
func (c *client) perform(cmd *command, argv [][]byte) {
	if text := c.refusal(cmd, argv); text != "" {
		c.finishRun() // of which this one was to be the next, had it not just been forbidden
		c.reject(cmd, argv, text)
		return
	}
	modes := c.s.modes.Load()
	if modes != 0 && c.divert(modes, cmd, argv) {
		return
	}
	if c.tx != nil && cmd.flags&fInMulti == 0 {
		c.queue(cmd, argv)
		return
	}
	if cmd.flags&fPublish != 0 {
		if modes&modeMonitored == 0 && c.w.run.add(c, cmd, argv) {
			return
		}
		c.finishRun() // which this one was to join, before there was a monitor
	}
	c.call(cmd, argv)
}

// divert keeps a command from being run now if a pause holds it back or if a
// monitor has sent it that may not. It tells whether it has.
func (c *client) divert(modes uint32, cmd *command, argv [][]byte) bool {
	if c.monitoring.Load() { // which no pause is for
		if cmd.flags&(fWrite|fReadOnly|fPublish) == 0 {
			return false
		}
		c.reject(cmd, argv, errMonitorKeyspace)
		return true
	}
	return c.pausable(modes, cmd) && c.holdBack(cmd, argv)
}

// silent tells whether CLIENT REPLY keeps the reply at hand from being sent.
func (c *client) silent() bool { return c.replies == repliesOff || c.replies == repliesSkip }

// refusal returns the error that keeps a known command from being run, empty
// if there is none.
func (c *client) refusal(cmd *command, argv [][]byte) string {
	switch {
	case !cmd.takes(len(argv)):
		return wrongArity(cmd)
	case cmd.flags&fProtected != 0 && !c.hasLeave(cmd):
		return notAllowed(cmd)
	case cmd.flags&fNoAuth == 0 && c.needsAuth():
		return errNoAuth
	case c.tx != nil && cmd.flags&fNoMulti != 0:
		return errNotInMulti
	}
	if text := c.forbidden(cmd, argv); text != "" {
		return text
	}
	if !c.resp3 && cmd.flags&fSubscribed == 0 && c.subscriptions() > 0 {
		return notInSubscribedState(cmd)
	}
	return ""
}

// reject answers a request that is not run. A transaction that is being queued
// fails by it; by a refused EXEC it ends, which those who monitor are shown.
func (c *client) reject(cmd *command, argv [][]byte, text string) {
	c.late = true
	if c.tx != nil {
		c.tx.failed = true
	}
	if cmd != nil {
		c.s.stats[cmd.index].rejected.Add(1)
	}
	if cmd == nil || cmd.flags&fExec == 0 {
		c.fail(text)
		return
	}
	c.leaveMulti()
	c.fail(execAborted(text))
	if c.s.modes.Load()&modeMonitored != 0 {
		c.inOrder(func() { c.tellMonitors(cmd, argv) })
	}
}

// call runs a command, counts it, and shows it to those who monitor.
func (c *client) call(cmd *command, argv [][]byte) {
	if c.s.modes.Load()&modeMonitored == 0 {
		start := c.clock
		if c.late || len(argv) > fewWords || c.in.start-c.in.last > fewBytes {
			start = c.s.uptime()
		}
		c.late = false
		c.callAlone(cmd, argv, start)
		return
	}
	c.inOrder(func() {
		c.callAlone(cmd, argv, c.s.uptime())
		if cmd.flags&fAdmin == 0 {
			c.tellMonitors(cmd, argv)
		}
	})
}

// A request of fewWords words and fewBytes bytes at most takes no time to be read and to
// be judged: it begins when the one before it ended.
const (
	fewWords = 8
	fewBytes = 1 << 10
)

// callAlone runs a command, which begins at start, and counts it.
func (c *client) callAlone(cmd *command, argv [][]byte, start time.Duration) {
	cmd.run(c, argv)
	c.clock = c.s.uptime()
	took := c.clock - start
	c.countCalls(cmd, 1, took)
	if took >= c.s.slowest() {
		c.tookLong(cmd, took, argv)
	}
}

// countCalls counts n calls of a command that took so long together.
func (c *client) countCalls(cmd *command, n int, took time.Duration) {
	st := &c.s.stats[cmd.index]
	st.calls.Add(int64(n))
	st.nanos.Add(int64(took))
	if c.s.config().LatencyTracking {
		st.durations().add(took/time.Duration(n), n)
	}
	if c.failed {
		st.failed.Add(1)
		c.failed = false
	}
	c.calls.Add(int64(n))
}

// isQuick tells whether a request can be run where others wait for it: it takes
// little time and waits for nothing.
func (c *client) isQuick(cmd *command, argv [][]byte) bool {
	if cmd == nil || cmd.flags&fQuick == 0 || c.s.modes.Load() != 0 {
		return false
	}
	if cmd.flags&fPublish != 0 {
		return c.heavy == 0 && (len(argv) != 3 || len(argv[1]) <= longChannel)
	}
	return cmd.flags&fTouches == 0 || len(argv)+c.subscriptions() <= quickNames
}

const (
	// quickNames is how many names a client may have, and ask for, for a command
	// on them to be quick.
	quickNames = 256

	// longChannel is the length in bytes of a channel for which patterns may take
	// long to match.
	longChannel = 1 << 10
)
