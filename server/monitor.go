package server

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// monitors are the clients that have sent MONITOR: they receive a line for each
// command that is run.
type monitors struct {
	// order is held by each command from its start to its line while there are
	// monitors, so that the lines come in the order in which the commands took
	// effect, those of EXEC in one piece. It comes before all other locks.
	order sync.Mutex

	mu   sync.Mutex // guards changes of list and of modeMonitored
	list atomic.Pointer[[]*client]
}

// cmdMonitor makes the client a monitor. It is not answered if it is one.
func cmdMonitor(c *client, _ [][]byte) {
	switch {
	case c.tx != nil:
		c.fail(errMonitorInExec)
		return
	case c.monitoring.Load():
		return
	}
	c.ok()
	c.queueReply() // before the first line
	m := &c.s.monitors
	m.mu.Lock()
	var list []*client
	if old := m.list.Load(); old != nil {
		list = slices.Clone(*old)
	}
	list = append(list, c)
	m.list.Store(&list)
	c.monitoring.Store(true)
	c.s.modes.Or(modeMonitored)
	m.mu.Unlock()
	c.out.setMonitor(true)
}

// endMonitor makes the client an ordinary one again. It may be called from any
// goroutine.
func (c *client) endMonitor() {
	if !c.monitoring.CompareAndSwap(true, false) {
		return
	}
	c.out.setMonitor(false)
	m := &c.s.monitors
	m.mu.Lock()
	defer m.mu.Unlock()
	list := slices.DeleteFunc(slices.Clone(*m.list.Load()), func(o *client) bool { return o == c })
	m.list.Store(&list)
	if len(list) == 0 {
		c.s.modes.And(^modeMonitored)
	}
}

// inOrder runs a command, or the commands of EXEC, with no other in between.
func (c *client) inOrder(run func()) {
	if c.ordered || c.alone() { // within EXEC; the broker's locks come later
		run()
		return
	}
	c.s.monitors.order.Lock()
	c.ordered = true
	defer func() {
		c.ordered = false
		c.s.monitors.order.Unlock()
	}()
	run()
}

// tellMonitors sends the line of a command that has been run, its own client
// behind the reply.
func (c *client) tellMonitors(cmd *command, argv [][]byte) {
	list := c.s.monitors.list.Load()
	if list == nil || len(*list) == 0 {
		return
	}
	w := c.work()
	w.line = c.appendMonitorLine(w.line[:0], time.Now(), cmd, argv)
	for _, o := range *list {
		if o == c || !o.muted.Load() {
			c.send(o, w.line)
		}
	}
	if cap(w.line) > keptReply {
		w.line = nil
	}
}

// send queues bytes for a client: behind the replies so far if it is the one at
// hand.
func (c *client) send(to *client, p []byte) {
	if to == c {
		if c.endWhy == "" { // nothing comes behind the last reply
			c.reply = append(c.reply, p...)
		}
		return
	}
	wake, counted := to.out.feed(p)
	w := c.work()
	w.fanned += counted
	if wake {
		w.dirty = append(w.dirty, to.out)
	}
}

// appendMonitorLine appends what MONITOR shows of a command.
func (c *client) appendMonitorLine(b []byte, now time.Time, cmd *command, argv [][]byte) []byte {
	b = append(b, '+')
	b = strconv.AppendInt(b, now.Unix(), 10)
	b = append(b, '.')
	usec := strconv.AppendInt(make([]byte, 0, 8), int64(1e6+now.Nanosecond()/1e3), 10)
	b = append(b, usec[1:]...) // six digits
	b = append(b, " ["...)
	b = strconv.AppendInt(b, int64(c.db), 10)
	b = append(b, ' ')
	if c.unix {
		b = append(b, "unix:"...)
		b = append(b, strings.TrimSuffix(c.addr, ":0")...)
	} else {
		b = append(b, c.addr...)
	}
	b = append(b, ']')
	secret := secretArgs(cmd, argv)
	for i, a := range argv {
		b = append(b, ' ')
		if secret != nil && secret(i) {
			a = []byte(redacted)
		}
		b = appendQuoted(b, a)
	}
	return append(b, "\r\n"...)
}

// appendQuoted appends an argument in double quotes, with escapes for what is
// not printable ASCII.
func appendQuoted(b, arg []byte) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, c := range arg {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c >= ' ' && c <= '~':
			b = append(b, c)
		case c == '\n':
			b = append(b, `\n`...)
		case c == '\r':
			b = append(b, `\r`...)
		case c == '\t':
			b = append(b, `\t`...)
		case c == '\a':
			b = append(b, `\a`...)
		case c == '\b':
			b = append(b, `\b`...)
		default:
			b = append(b, '\\', 'x', hex[c>>4], hex[c&15])
		}
	}
	return append(b, '"')
}
