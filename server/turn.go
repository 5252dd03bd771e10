package server

// A client whose connection an event loop waits for has a turn when something
// happens to it. As a rule the loop's goroutine takes it. What may take long or may
// have to wait, it leaves to a goroutine of the client's own, which lives until
// there is nothing left to do.

// The values of client.turnState.
const (
	turnIdle  uint32 = iota // nobody has the client's turn
	turnBusy                // somebody has
	turnAgain               // and something has happened since
)

// ready has the client's turn taken by the goroutine of an event loop, which calls
// it when something has happened.
func (c *client) ready(l *loop) {
	for {
		switch c.turnState.Load() {
		case turnIdle:
			if c.turnState.CompareAndSwap(turnIdle, turnBusy) {
				l.sendLate()
				c.onLoop = l
				c.turn(taskRead)
				return
			}
		case turnBusy:
			if c.turnState.CompareAndSwap(turnBusy, turnAgain) {
				return
			}
		default:
			return
		}
	}
}

// begin has the first turn of a client taken if something has happened already.
func (c *client) begin() {
	c.quiet.Store(false)
	if c.s.draining.Load() {
		c.t.wake()
	}
	if !c.endTurn() {
		c.turnState.Store(turnIdle)
		c.looped().call()
	}
}

// endTurn ends a turn, unless something has happened since it began.
func (c *client) endTurn() bool {
	if c.turnState.CompareAndSwap(turnBusy, turnIdle) {
		return true
	}
	c.turnState.Store(turnBusy)
	return false
}

// maxReads is how often a client is read from in one turn on the loop.
const maxReads = 2

// turn does what is to be done, and then reads and runs requests until there are no
// more, or the connection has ended.
func (c *client) turn(first task) {
	defer c.s.crashIfPanicking("tearing a client down")
	finishing := false
	defer func() {
		if finishing {
			return
		}
		if p := recover(); p != nil {
			c.panicked(p)
			c.finish()
		}
	}()
	c.takeTurn(first, &finishing) // has many ways out: what is deferred costs little in a function with one
}

// takeTurn is turn but for what becomes of a panic. It sets finishing before it lets go
// of the client: a panic from there on must not have that done again.
func (c *client) takeTurn(first task, finishing *bool) {
	switch first {
	case taskRun:
		if c.endWhy != "" {
			c.end(c.endWhy)
		} else {
			c.deliverOthers() // before anything is waited for here
			c.out.awaitRoom()
		}
		c.batch()
		c.tellQuiet()
	case taskRest:
		c.rest()
		switch {
		case c.leftover:
			c.leftover = false
			c.takeOver(taskRun)
		case c.looped().mayHaveMore() || !c.endTurn():
			c.callAgain()
		}
		return
	case taskEnd:
		if c.lostBy != nil {
			c.lost(c.lostBy)
		}
		*finishing = true
		c.finish()
		return
	}
	for reads := 1; ; reads++ {
		if c.leftover {
			c.leftover = false
			c.takeOver(taskRun)
			return
		}
		if c.in.wide && !c.s.queries.fits(wideBuffer) {
			c.in.wide = false
		}
		if c.in.growth() > 0 {
			if c.onLoop != nil {
				c.takeOver(taskRead)
				return
			}
			c.awaitQueryRoom()
		}
		n, err := c.t.read(&c.in)
		switch {
		case err == errWouldBlock:
			c.countBuffers() // the read may have changed the buffer for nothing
			if c.endTurn() {
				return
			}
			continue
		case err == errWoken:
			c.wokenUp()
			continue
		case err != nil || !c.took(n):
			c.lostBy = err
			c.takeOver(taskEnd)
			return
		case c.joined:
			return // which the loop resumes
		case c.leftover:
		case !c.looped().mayHaveMore():
			if c.endTurn() {
				return
			}
		case c.onLoop != nil && reads >= maxReads:
			c.callAgain()
			return
		}
	}
}

// maxWeight is the most batches of a client that are run elsewhere before the loop
// tries the next.
const maxWeight = 64

// excuse takes what the loop has done for others in the client's turn off the time
// that its requests have taken.
func (c *client) excuse() {
	if l := c.onLoop; l != nil && c.w.spent != l.spent {
		c.w.began += l.spent - c.w.spent
		c.w.spent = l.spent
		c.clock = c.s.uptime()
		c.w.run.follows = false
	}
}

// weigh follows a batch, which may have taken long. If it has, on a loop, some of the
// next are run by a goroutine of the client's own, twice as many each time: how long
// they take there says little, as many may wait for each other.
func (c *client) weigh(long bool) {
	switch {
	case c.onLoop == nil:
		c.heavy -= min(c.heavy, 1)
	case long:
		c.weight = min(2*c.weight+1, maxWeight)
		c.heavy = c.weight
	default:
		c.weight /= 2
	}
}

// callAgain ends a turn that goes on when the others have had theirs.
func (c *client) callAgain() {
	c.turnState.Store(turnIdle)
	c.looped().call()
}

// takeOver gives the client's turn to a goroutine of its own.
func (c *client) takeOver(first task) {
	c.onLoop = nil
	go c.turn(first)
}

// A task is what a turn begins with.
type task uint8

const (
	taskRead task = iota
	taskRun       // requests that have been read
	taskRest      // of a batch, the run of which has been published with those of others
	taskEnd       // of the connection
)

// looped is what the transport of a client has that an event loop waits for.
type looped interface {
	mayHaveMore() bool // after a read
	call()             // have the client called
}

// looped returns the client's transport if an event loop waits for it, else nil.
func (c *client) looped() looped {
	l, _ := c.t.(looped)
	return l
}

// finish lets go of a client that an event loop has waited for.
func (c *client) finish() {
	c.teardown()
	c.s.running.Done()
}
