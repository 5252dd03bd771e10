package server

import (
	"slices"
	"strings"

	"github.com/tidwall/redcon"
)

// A tracking is what CLIENT TRACKING ON has set. No key ever changes here, so
// that the only invalidation there is comes of FLUSHALL and FLUSHDB.
type tracking struct {
	redirect             int64 // the client that receives invalidations; 0 for oneself
	bcast, optin, optout bool
	noloop               bool
	broken               bool     // the client redirected to is gone, as an invalidation has shown
	prefixes             []string // in order
	caching              bool     // CLIENT CACHING was sent just now
}

// parseTracking reads the options of CLIENT TRACKING. The text is the error,
// empty if there is none.
func (c *client) parseTracking(args [][]byte) (t *tracking, text string) {
	t = &tracking{}
	for ; len(args) > 0; args = args[1:] {
		switch option, more := args[0], len(args) > 1; {
		case equalFold(option, "redirect") && more:
			args = args[1:]
			if t.redirect != 0 {
				return nil, errTwoRedirects
			}
			id, ok := parseLength(args[0])
			if !ok {
				return nil, errInteger
			}
			if c.s.clientByID(id) == nil {
				return nil, errNoRedirect
			}
			t.redirect = id
		case equalFold(option, "prefix") && more:
			args = args[1:]
			t.prefixes = append(t.prefixes, string(args[0]))
		case equalFold(option, "bcast"):
			t.bcast = true
		case equalFold(option, "optin"):
			t.optin = true
		case equalFold(option, "optout"):
			t.optout = true
		case equalFold(option, "noloop"):
			t.noloop = true
		default:
			return nil, errSyntax
		}
	}
	return t, ""
}

// conflict returns the error for options that do not go with each other or with
// those in force, empty if there is none. Old may be nil.
func (t *tracking) conflict(old *tracking) string {
	switch {
	case len(t.prefixes) > 0 && !t.bcast:
		return errPrefixNoBcast
	case old != nil && old.bcast != t.bcast:
		return errSwitchBcast
	case t.bcast && (t.optin || t.optout):
		return errOptBcast
	case t.optin && t.optout:
		return errOptinOptout
	case old != nil && (t.optin && old.optout || t.optout && old.optin):
		return errSwitchOpt
	}
	var existing []string
	if old != nil {
		existing = old.prefixes
	}
	return firstOverlap(t.prefixes, existing)
}

func cmdClientTracking(c *client, argv [][]byte) {
	t, text := c.parseTracking(argv[3:])
	on := equalFold(argv[2], "on")
	switch {
	case text != "":
	case !on && !equalFold(argv[2], "off"):
		text = errSyntax
	case on:
		text = t.conflict(c.tracking)
	}
	if text != "" {
		c.fail(text)
		return
	}
	if !on {
		c.endTracking()
		c.ok()
		return
	}
	if t.bcast && len(t.prefixes) == 0 {
		t.prefixes = []string{""} // every key
	}
	if old := c.tracking; old != nil {
		t.caching = old.caching
		t.prefixes = append(t.prefixes, old.prefixes...)
	} else {
		c.s.tracking.Add(1)
	}
	slices.Sort(t.prefixes)
	t.prefixes = slices.Compact(t.prefixes)
	c.setTracking(t)
	c.ok()
}

// setTracking changes what the client tracks, nil for nothing.
func (c *client) setTracking(t *tracking) {
	c.textMem.Add(t.bytes() - c.tracking.bytes())
	c.mu.Lock()
	c.tracking = t
	c.mu.Unlock()
}

// bytes is about the memory of the prefixes.
func (t *tracking) bytes() (n int64) {
	if t == nil {
		return 0
	}
	const header = 16 // of a string
	for _, p := range t.prefixes {
		n += header + int64(len(p))
	}
	return n
}

// endTracking is CLIENT TRACKING OFF.
func (c *client) endTracking() {
	if c.tracking == nil {
		return
	}
	c.setTracking(nil)
	c.s.tracking.Add(-1)
}

func cmdClientCaching(c *client, argv [][]byte) {
	t := c.tracking
	switch yes := equalFold(argv[2], "yes"); {
	case t == nil:
		c.fail(errCaching)
	case !yes && !equalFold(argv[2], "no"):
		c.fail(errSyntax)
	case yes && !t.optin:
		c.fail(errCachingYes)
	case !yes && !t.optout:
		c.fail(errCachingNo)
	default:
		t.caching = true
		c.ok()
	}
}

// redirection is the client CLIENT TRACKING redirects to, 0 if to none, -1
// without tracking.
func (t *tracking) redirection() int64 {
	if t == nil {
		return -1
	}
	return t.redirect
}

func cmdClientGetRedir(c *client, _ [][]byte) {
	c.reply = redcon.AppendInt(c.reply, c.tracking.redirection())
}

func cmdClientTrackingInfo(c *client, _ [][]byte) {
	flags := []string{"off"}
	var prefixes []string
	if t := c.tracking; t != nil {
		c.mu.Lock()
		broken := t.broken
		c.mu.Unlock()
		flags[0] = "on"
		for _, f := range []struct {
			set  bool
			name string
		}{
			{t.bcast, "bcast"}, {t.optin, "optin"}, {t.optin && t.caching, "caching-yes"}, {t.optout, "optout"},
			{t.optout && t.caching, "caching-no"}, {t.noloop, "noloop"}, {broken, "broken_redirect"},
		} {
			if f.set {
				flags = append(flags, f.name)
			}
		}
		prefixes = t.prefixes
	}
	c.reply = appendMap(c.reply, c.resp3, 3)
	c.reply = redcon.AppendBulkString(c.reply, "flags")
	c.reply = appendSet(c.reply, c.resp3, len(flags))
	for _, f := range flags {
		c.reply = redcon.AppendBulkString(c.reply, f)
	}
	c.reply = redcon.AppendBulkString(c.reply, "redirect")
	c.reply = redcon.AppendInt(c.reply, c.tracking.redirection())
	c.reply = redcon.AppendBulkString(c.reply, "prefixes")
	c.reply = appendStrings(c.reply, prefixes)
}

// afterTracked is called behind each request of a client with tracking. It ends
// what CLIENT CACHING has said when the command it was said of has been run,
// for which those of CLIENT do not count.
func (c *client) afterTracked(cmd *command, known bool) {
	t := c.tracking
	if c.tx != nil {
		return
	}
	if !known || !strings.HasPrefix(cmd.name, "client|") {
		t.caching = false
	}
}

// invalidateAll tells the clients that track keys that all have changed, as
// FLUSHALL and FLUSHDB do, and its own client behind the reply.
func (c *client) invalidateAll() {
	if c.s.tracking.Load() == 0 {
		return
	}
	for _, o := range c.s.clients() {
		o.mu.Lock()
		tracks, redirect, resp3 := o.tracking != nil, o.tracking.redirection(), o.proto == 3
		o.mu.Unlock()
		if !tracks {
			continue
		}
		c.invalidate(o, redirect, resp3)
	}
}

// invalidate tells a client, or the one it redirects to, that all keys have
// changed.
func (c *client) invalidate(o *client, redirect int64, resp3 bool) {
	to := o
	if redirect != 0 {
		if to = c.s.clientByID(redirect); to == nil {
			o.mu.Lock()
			if o.tracking != nil {
				o.tracking.broken = true
			}
			o.mu.Unlock()
			if resp3 {
				p := appendPush(nil, true, 2)
				p = redcon.AppendBulkString(p, "tracking-redir-broken")
				c.push(o, redcon.AppendInt(p, redirect))
			}
			return
		}
		to.mu.Lock()
		resp3 = to.proto == 3
		to.mu.Unlock()
	}
	switch {
	case resp3:
		p := appendPush(nil, true, 2)
		p = redcon.AppendBulkString(p, "invalidate")
		c.push(to, appendNull(p, true))
	case redirect != 0 && to.subscriptions() > 0:
		p := appendPush(nil, false, 3)
		p = redcon.AppendBulkString(p, "message")
		p = redcon.AppendBulkString(p, "__redis__:invalidate")
		c.push(to, appendNull(p, false))
	}
}

// push queues a frame that no request has asked for, and that CLIENT REPLY does
// not silence. Within EXEC one for its own client waits for the reply.
func (c *client) push(to *client, p []byte) {
	switch {
	case to != c:
		c.send(to, p)
		return
	case c.tx != nil:
		c.tx.pushes = append(c.tx.pushes, p)
		return
	}
	at := c.beginConfirmation()
	c.reply = append(c.reply, p...)
	c.endConfirmation(at)
}
