package suite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/terminal"
	"github.com/pubsubd/pubsubd/conformance/transcript"
)

// look finds out what decides which cases are played on a server. alone says that
// nobody else uses it.
func (r *runner) look(server Server, cases []*Case, alone bool) sight {
	overheard := ""
	if !alone { // otherwise whoever is counted is one too many, which cases tell
		overheard = r.strangers(server)
	}
	return sight{
		directives: directives(r.ctx, server, cases, r.Timeout),
		overheard:  overheard,
		address:    r.otherAddress(server, cases),
		pongs:      r.pongsInRESP3(server),
		stays:      r.staysOpen(server),
	}
}

// A sight is what the runner has seen of a server before it plays.
type sight struct {
	directives map[string]string
	overheard  string // why there can be no cases that publish
	address    error  // why there can be no cases that tell clients by their addresses
	pongs      bool   // transcript.Player.Pongs
	stays      bool   // transcript.Player.Stays
}

// strangersTries is how often somebody is looked for who may come or go meanwhile.
const strangersTries = 3

// strangers returns why no message may be published, empty if nobody gets it: a
// client that is subscribed to a pattern that everything matches would be sent
// what the cases publish, and counted as a receiver.
//
// Somebody is there if PUBLISH says so and counts a subscriber of ours besides. A
// server that gives another answer in place of the number counts wrong, which cases
// tell that are then played.
func (r *runner) strangers(server Server) string {
	for range strangersTries {
		a, err := dial(r.ctx, server, r.Timeout)
		if err != nil {
			return "" // which each case will tell
		}
		channel := r.prefix() + "nobody"
		without, ok := a.receivers(channel)
		with := 0
		if ok && without > 0 {
			with, ok = r.receiversWithOurs(a, server, channel)
		}
		a.close()
		switch {
		case !ok || without <= 0:
			return ""
		case with == without+1:
			return fmt.Sprintf("PUBLISH to a channel that nobody knows is answered %d: somebody is subscribed to a pattern that matches every channel, and would get what the case publishes", without)
		}
	}
	return ""
}

// receivers publishes an empty message and returns how many receive it, as the
// server says. It is false if it does not say a number.
func (a *admin) receivers(channel string) (n int, ok bool) {
	v, err := a.do("PUBLISH", channel, "")
	if err != nil || v.Kind != transcript.Integer {
		return 0, false
	}
	n, err = strconv.Atoi(v.Text)
	return n, err == nil
}

// receiversWithOurs is receivers of a while a subscriber of ours is there.
func (r *runner) receiversWithOurs(a *admin, server Server, channel string) (n int, ok bool) {
	ours, err := dial(r.ctx, server, r.Timeout)
	if err != nil {
		return 0, false
	}
	defer ours.close()
	if _, err := ours.do("SUBSCRIBE", channel); err != nil {
		return 0, false
	}
	return a.receivers(channel)
}

// pongsInRESP3 reports whether PING of a subscriber in RESP3 is answered as in
// RESP2. Cases about that fail, and not all others with them.
func (r *runner) pongsInRESP3(server Server) bool {
	a, err := dial(r.ctx, server, r.Timeout)
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

// staysOpen reports whether the server does not close a connection of which the
// client has closed its half. Cases about that fail, and not all others with them.
func (r *runner) staysOpen(server Server) bool {
	a, err := dial(r.ctx, server, r.Timeout)
	if err != nil {
		return false
	}
	defer a.close()
	half, ok := a.nc.(interface{ CloseWrite() error })
	if !ok {
		return false
	}
	a.nc.SetDeadline(time.Now().Add(r.Timeout))
	if _, err := a.nc.Write([]byte("*1\r\n$4\r\nPING\r\n")); err != nil || half.CloseWrite() != nil {
		return false
	}
	_, err = io.Copy(io.Discard, a.r)
	late := net.Error(nil)
	return errors.As(err, &late) && late.Timeout()
}

// Why no case may tell clients apart by their addresses.
var (
	errOtherAddress = errors.New("the server sees clients at other addresses than their own, such as behind a proxy, where somebody else may have them")
	errNoAddress    = errors.New("the server does not say at which address it sees a client, where somebody else may be; say with -alone that nobody else uses it")
)

// otherAddress returns errOtherAddress if the server sees clients at addresses
// that are not theirs, and errNoAddress if it does not say. What closes a client
// by its address would then close another one.
func (r *runner) otherAddress(server Server, cases []*Case) error {
	asked := false
	for _, c := range cases {
		asked = asked || c.byAddr
	}
	if !asked || server.isUnix() {
		return nil
	}
	a, err := dial(r.ctx, server, r.Timeout)
	if err != nil {
		return nil // which each case will tell
	}
	defer a.close()
	v, err := a.do("CLIENT", "INFO")
	if err != nil {
		return errNoAddress
	}
	for _, field := range strings.Fields(v.Text) {
		if seen, ok := strings.CutPrefix(field, "addr="); ok {
			if seen == a.nc.LocalAddr().String() {
				return nil
			}
			return errOtherAddress
		}
	}
	return errNoAddress
}

// overhears returns why a case is not to be played of which others would get what
// it publishes, empty if nobody would.
func (r *runner) overhears(c *Case) string {
	if !c.publishes {
		return ""
	}
	for i, whose := range []string{"", "on the peer "}[:len(r.seen)] {
		if why := r.seen[i].overheard; why != "" {
			return whose + why
		}
	}
	return ""
}

// whyNot returns why a case is not to be played for another reason, empty if it is.
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
	case c.Screen && r.noCLI != "":
		return r.noCLI
	case c.onTerminal && !terminal.Supported:
		return "it needs a terminal, which is had on Linux alone"
	case c.byAddr && (r.server.isUnix() || r.Peer != nil && r.Peer.isUnix()):
		return "all clients by a Unix socket have the same address"
	}
	for i, seen := range r.seen {
		whose, alone := "", r.Alone
		if i > 0 {
			whose, alone = "on the peer ", r.PeerAlone
		}
		if c.byAddr && seen.address != nil && !(alone && errors.Is(seen.address, errNoAddress)) {
			return whose + seen.address.Error()
		}
		if n, lacks := c.lacking(seen.directives); lacks {
			return "it needs " + n.String()
		}
	}
	return ""
}
