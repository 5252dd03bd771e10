package server

import (
	"bytes"

	"github.com/tidwall/redcon"

	"github.com/pubsubd/pubsubd/broker"
)

// A transaction is what a client has queued since MULTI.
type transaction struct {
	commands []queuedCommand
	bytes    int  // they take
	failed   bool // a command could not be queued: EXEC will refuse
	touches  bool // one of them uses the broker
	writes   bool // one of them is held back by CLIENT PAUSE WRITE

	pushes [][]byte // invalidations for its own client, to be sent behind the reply
}

// queuedOverhead is about what a queued command, and each of its arguments,
// takes beside the bytes of the arguments.
const queuedOverhead = 32

type queuedCommand struct {
	cmd  *command
	argv [][]byte
}

// queue puts a command off until EXEC.
func (c *client) queue(cmd *command, argv [][]byte) {
	c.late = true
	c.reply = redcon.AppendString(c.reply, "QUEUED")
	if c.tx.failed {
		return // EXEC will refuse: nothing of it is needed
	}
	q := queuedCommand{cmd, make([][]byte, len(argv))}
	c.tx.bytes += queuedOverhead
	for i, a := range argv {
		q.argv[i] = bytes.Clone(a)
		c.tx.bytes += len(a) + queuedOverhead
	}
	c.tx.commands = append(c.tx.commands, q)
	c.tx.writes = c.tx.writes || cmd.flags&(fWrite|fPublish) != 0
	c.tx.touches = c.tx.touches || cmd.flags&fTouches != 0
	c.setQueued(len(c.tx.commands))
}

// setQueued keeps what CLIENT LIST tells of the transaction.
func (c *client) setQueued(n int) {
	c.mu.Lock()
	c.queued = int32(n)
	c.mu.Unlock()
	bytes := 0
	if c.tx != nil {
		bytes = c.tx.bytes
	}
	c.multiMem.Store(int64(bytes))
}

// leaveMulti ends the transaction.
func (c *client) leaveMulti() {
	c.tx = nil
	c.setQueued(-1)
}

func cmdMulti(c *client, _ [][]byte) {
	if c.tx != nil {
		c.fail(errNestedMulti)
		return
	}
	c.tx = &transaction{}
	c.setQueued(0)
	c.ok()
}

func cmdDiscard(c *client, _ [][]byte) {
	if c.tx == nil {
		c.fail(errDiscardNoMulti)
		return
	}
	c.leaveMulti()
	c.ok()
}

// cmdExec runs the queued commands. Nobody else publishes or subscribes
// meanwhile, and what the client receives of it comes after the whole reply.
func cmdExec(c *client, _ [][]byte) {
	tx := c.tx
	if tx == nil {
		c.fail(errExecNoMulti)
		return
	}
	defer func() {
		c.leaveMulti()
		for _, p := range tx.pushes {
			c.push(c, p)
		}
	}()
	if tx.failed {
		c.fail(errExecFailed)
		return
	}
	if !tx.touches {
		c.runQueued(tx)
		return
	}
	c.s.broker.Exclusive(c.join(), func(x *broker.Exclusive) {
		c.out.hold() // what others have delivered until here comes before the reply
		c.broker = x
		defer func() { c.broker = c.s.broker }()
		c.runQueued(tx)
		c.out.release(c.takeReply())
	})
}

// runQueued runs the commands of a transaction. CLIENT REPLY may change among
// them, and a reply that outgrows the output buffer limit ends it.
func (c *client) runQueued(tx *transaction) {
	from, grown := len(c.reply), 0 // the replies may move to the outbox halfway
	if !c.silent() {
		c.reply = redcon.AppendArray(c.reply, len(tx.commands))
	}
	limit := c.s.out.limits.Load()[c.kind()]
	for _, q := range tx.commands {
		c.mark = len(c.reply)
		if text := c.forbiddenNow(q.cmd, q.argv); text != "" {
			c.fail(text)
			c.failed = false // EXEC has not
		} else {
			before := len(c.reply)
			c.late = true // to be alone, or to look at those before, may have taken long
			c.call(q.cmd, q.argv)
			grown += max(0, len(c.reply)-before)
		}
		if c.silent() {
			c.reply = c.reply[:c.mark]
		}
		if limit.overHard(countedOutput(len(c.reply))) {
			c.closeAside(closedHardLimit)
			break
		}
		if c.outgrew || c.outgrows(grown, tx.bytes) {
			break
		}
	}
	c.mark = len(c.reply)
	c.longest = max(c.longest, c.mark-from)
}

// No key ever changes here, so that there is nothing to watch for.

func cmdWatch(c *client, _ [][]byte) {
	if c.tx != nil {
		c.fail(errWatchInMulti)
		return
	}
	c.ok()
}

func cmdUnwatch(c *client, _ [][]byte) { c.ok() }
