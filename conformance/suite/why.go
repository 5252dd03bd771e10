package suite

import (
	"context"

	"github.com/pubsubd/pubsubd/conformance/internal/terminal"
	"github.com/pubsubd/pubsubd/conformance/transcript"
)

// strangers returns why no message may be published, empty if nobody gets it: a
// client that is subscribed to a pattern that everything matches would be sent
// what the cases publish, and counted as a receiver.
func (r *runner) strangers(server Server) string {
	a, err := dial(server, r.Timeout)
	if err != nil {
		return "" // which each case will tell
	}
	defer a.close()
	v, err := a.do("PUBLISH", r.prefix()+"nobody", "")
	if err != nil || v.Text == "0" {
		return ""
	}
	return "somebody else is subscribed to a pattern that matches every channel, and would get what the case publishes"
}

// pongsInRESP3 reports whether PING of a subscriber in RESP3 is answered as in
// RESP2. Cases about that fail, and not all others with them.
func (r *runner) pongsInRESP3(server Server) bool {
	a, err := dial(server, r.Timeout)
	if err != nil {
		return false
	}
	defer a.close()
	var v transcript.Value
	for _, words := range [][]string{{"HELLO", "3"}, {"SUBSCRIBE", r.prefix() + "nobody"}, {"PING", "x"}} {
		if v, err = a.do(words...); err != nil {
			return false
		}
	}
	return v.Kind == transcript.Array
}

// whyNot returns why a case is not to be played, empty if it is.
func (r *runner) whyNot(c *Case) string {
	if why := context.Cause(r.ctx); why != nil {
		return why.Error()
	}
	switch {
	case c.Alone && !r.Alone:
		return "it needs a server that nobody else uses; say so with -alone"
	case c.Alone && r.Peer != nil && !r.PeerAlone:
		return "it needs a peer that nobody else uses; say so with -peer-alone"
	case c.NoPassword && (r.server.Password != "" || r.Peer != nil && r.Peer.Password != ""):
		return "it needs a server without a password"
	case c.Standalone && r.Bound != "":
		return "it needs a server on its own, and this is " + r.Bound
	case c.publishes && r.overheard != "":
		return r.overheard
	case c.Screen && r.noCLI != "":
		return r.noCLI
	case c.onTerminal && !terminal.Supported:
		return "it needs a terminal, which is had on Linux alone"
	case c.byAddr && (r.server.isUnix() || r.Peer != nil && r.Peer.isUnix()):
		return "all clients by a Unix socket have the same address"
	}
	for _, values := range r.directives {
		if n, lacks := c.lacking(values); lacks {
			return "it needs " + n.String()
		}
	}
	return ""
}
