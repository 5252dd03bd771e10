package server

import (
	"sync"
	"time"
)

// The bits of Server.modes: what makes commands take the long way. None is set
// as a rule, so that one look tells a command that it need not care.
const (
	modeMonitored   uint32 = 1 << iota // somebody has sent MONITOR
	modePauseWrites                    // CLIENT PAUSE holds back what changes anything
	modePauseAll                       // CLIENT PAUSE holds back everything

	modePaused = modePauseWrites | modePauseAll
)

// A pause is what CLIENT PAUSE has begun. A client whose command it holds back
// goes on reading, so that its end is noticed, and runs nothing; it is woken up
// when the pause is over and then runs the command from the start.
type pause struct {
	mu    sync.Mutex // guards the fields below, and the bits of it in Server.modes
	until time.Time
	timer *time.Timer
	held  map[*client]struct{}
}

// pause holds commands back for a time: those that change something or, if all
// is set, all. While one pause is going on, another can make it longer and
// stricter, not shorter nor milder.
func (s *Server) pause(d time.Duration, all bool) {
	p := &s.paused
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if until := now.Add(d); until.After(p.until) {
		p.until = until
	}
	if !p.until.After(now) || s.draining.Load() { // stop ends a pause, and there is none behind it
		return
	}
	mode := modePauseWrites
	if all {
		mode = modePauseAll
	}
	s.modes.Or(mode)
	if p.timer == nil {
		p.timer = s.after(p.until.Sub(now), s.endPause)
		return
	}
	p.timer.Reset(p.until.Sub(now))
}

// endPause ends a pause whose time is over.
func (s *Server) endPause() {
	s.paused.mu.Lock()
	defer s.paused.mu.Unlock()
	if !time.Now().Before(s.paused.until) { // it may have been made longer meanwhile
		s.unpauseLocked()
	}
}

// unpause ends a pause before its time.
func (s *Server) unpause() {
	s.paused.mu.Lock()
	defer s.paused.mu.Unlock()
	s.unpauseLocked()
}

func (s *Server) unpauseLocked() {
	p := &s.paused
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
	p.until = time.Time{}
	s.modes.And(^modePaused)
	for c := range p.held {
		c.t.wake()
	}
	p.held = nil
}

// heldBack is the number of clients whose command waits for the end of a pause.
func (s *Server) heldBack() int {
	s.paused.mu.Lock()
	defer s.paused.mu.Unlock()
	return len(s.paused.held)
}

// pausable tells whether a pause in these modes is for a command.
func (c *client) pausable(modes uint32, cmd *command) bool {
	switch {
	case modes&modePaused == 0:
		return false
	case modes&modePauseAll != 0:
		return true
	case cmd.flags&fExec != 0:
		return c.tx != nil && c.tx.writes
	}
	return cmd.flags&(fWrite|fPublish) != 0
}

// holdBack puts the request at hand off until the end of the pause, unless that
// has come.
func (c *client) holdBack(cmd *command, argv [][]byte) bool {
	p := &c.s.paused
	p.mu.Lock()
	defer p.mu.Unlock()
	if !c.pausable(c.s.modes.Load(), cmd) {
		return false
	}
	if p.held == nil {
		p.held = make(map[*client]struct{})
	}
	p.held[c] = struct{}{}
	c.held.Store(true)
	c.argvMem.Store(argvBytes(argv))
	c.in.postpone()
	return true
}

// resume lets a client that was held back run again.
func (c *client) resume() {
	if c.held.Load() {
		c.active.Store(int64(c.s.uptime())) // before it counts as idle again
		c.held.Store(false)
		c.argvMem.Store(0)
		c.s.paused.mu.Lock()
		delete(c.s.paused.held, c)
		c.s.paused.mu.Unlock()
	}
}

// argvBytes is the length of the arguments of a request.
func argvBytes(argv [][]byte) (n int64) {
	for _, a := range argv {
		n += int64(len(a))
	}
	return n
}
