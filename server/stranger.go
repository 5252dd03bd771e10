package server

import "time"

// authLook is the time from one look for strangers to the next, so that one is
// closed this much after its time, and a tick, at the latest.
const authLook = time.Second / 2

// A loginWatch is what the tick knows of strangers: clients that have to log in
// and have not. They may stay so for auth-timeout, counted from when they have
// connected or lost their login by RESET, whatever they send meanwhile: RESET once
// more, or a login that fails, is no new beginning. The time of a TLS handshake
// counts too. While the default user needs no password nobody is a stranger, and
// when it gets one the clock of those who are begins then.
type loginWatch struct {
	openUntil time.Duration // last time the default user was seen to need no password
	lookedAt  time.Duration
}

// setAuthed logs the client in or out.
func (c *client) setAuthed(authed bool) {
	if c.authed && !authed {
		c.queueReply() // these it was owed while it was logged in
		queued, _ := c.out.pending()
		c.before = c.out.sent.Load() + int64(queued)
	}
	c.authed = authed
	c.out.setAuthed(authed)
	switch {
	case authed:
		c.strangeSince.Store(0)
	case c.strangeSince.Load() == 0:
		c.strangeSince.Store(max(1, int64(c.s.uptime())))
	}
}

// checkUnread closes a client that has to log in and leaves unread what it is
// answered. What others may have waiting for them is not for it, and that the
// system keeps it in place of the server makes no difference: pushedLocked would
// find out after some megabytes. What it was owed while it was logged in may take
// as long as it takes.
func (c *client) checkUnread() {
	if c.needsAuth() && c.out.sent.Load()-c.before > freeOutput && c.unconfirmed() > freeOutput {
		c.drop(closedUnauthLimit)
	}
}

// closeStrangers closes clients that have not logged in for too long.
func (s *Server) closeStrangers() {
	now := s.uptime()
	if s.users.Default().Rules().Open() {
		s.logins.openUntil = now
		return
	}
	timeout := s.config().AuthTimeout
	if timeout == 0 || now-s.logins.lookedAt < authLook {
		return
	}
	s.logins.lookedAt = now
	for _, c := range s.openClients() {
		since := time.Duration(c.strangeSince.Load())
		if since != 0 && now-max(since, s.logins.openUntil) > timeout {
			c.close(closedAuthTimeout)
		}
	}
}
