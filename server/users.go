package server

import (
	"fmt"
	"strings"

	"github.com/pubsubd/pubsubd/acl"
	"github.com/pubsubd/pubsubd/broker"
)

// defaultUser is the name of the user that clients are before they log in.
const defaultUser = acl.DefaultName

// channelUse says which arguments of a command are channels that rules are
// asked about.
type channelUse uint8

const (
	noChannels   channelUse = iota
	firstChannel            // the first argument
	everyChannel            // all arguments
	everyPattern            // all arguments, which are patterns to subscribe to
)

var channelUses = map[string]channelUse{
	"publish": firstChannel, "spublish": firstChannel,
	"subscribe": everyChannel, "ssubscribe": everyChannel, "psubscribe": everyPattern,
}

// enterPermissions fills in what rules are asked about a command.
func (cmd *command) enterPermissions() {
	cmd.permission = acl.Lookup(cmd.name)
	cmd.channels = channelUses[cmd.name]
	if cmd.keys == nil || cmd.keys.flag == "not_key" {
		return
	}
	cmd.hasKeys = true
	flag := strings.ToLower(cmd.keys.flag)
	if strings.Contains(flag, "access") {
		cmd.access |= acl.Read
	}
	for _, writes := range []string{"insert", "update", "delete"} {
		if strings.Contains(flag, writes) {
			cmd.access |= acl.Write
		}
	}
}

// keyArgs returns the arguments of a request that are keys. It has as many
// arguments as the command takes.
func (cmd *command) keyArgs(argv [][]byte) [][]byte {
	first, end := 1+cmd.keys.skip, len(argv)
	if last := cmd.keys.last; last >= 0 {
		end = min(end, first+1+last)
	} else {
		end = max(first, end+1+last)
	}
	return argv[first:end]
}

// judge asks rules about a request. Object is what is denied: the name of the
// command, the key or the channel.
func judge(r *acl.Rules, cmd *command, argv [][]byte) (why acl.Denial, object []byte) {
	if r.Unrestricted() {
		return acl.Allowed, nil
	}
	q := acl.Request{Command: cmd.permission, Free: cmd.flags&fNoAuth != 0, Args: argv[1:]}
	if cmd.hasKeys {
		q.Keys, q.Access = cmd.keyArgs(argv), cmd.access
	}
	switch cmd.channels {
	case firstChannel:
		q.Channels = argv[1:2]
	case everyChannel:
		q.Channels = argv[1:]
	case everyPattern:
		q.Channels, q.Patterns = argv[1:], true
	}
	switch why, at := r.Check(&q); why {
	case acl.DeniedKey:
		return why, q.Keys[at]
	case acl.DeniedChannel:
		return why, q.Channels[at]
	default:
		return why, nil
	}
}

// denied asks the rules of the client's user about a request, and logs that
// they do not allow it.
func (c *client) denied(cmd *command, argv [][]byte) acl.Denial {
	u := c.user.Load()
	c.judged = u.Rules()
	why, object := judge(c.judged, cmd, argv)
	switch why {
	case acl.Allowed:
	case acl.DeniedCommand:
		c.logDenial(reasonCommand, []byte(cmd.name), u.Name())
	case acl.DeniedKey:
		c.logDenial(reasonKey, object, u.Name())
	case acl.DeniedChannel:
		c.logDenial(reasonChannel, object, u.Name())
	}
	return why
}

// forbidden returns the error for a request that the client's user may not
// make, empty if it may.
func (c *client) forbidden(cmd *command, argv [][]byte) string {
	switch c.denied(cmd, argv) {
	case acl.DeniedCommand:
		return fmt.Sprintf("NOPERM User %s has no permissions to run the '%s' command", c.user.Load().Name(), cmd.name)
	case acl.DeniedKey:
		return "NOPERM No permissions to access a key"
	case acl.DeniedChannel:
		return "NOPERM No permissions to access a channel"
	}
	return ""
}

// forbiddenNow is forbidden for a command that was queued, when EXEC gets to it.
func (c *client) forbiddenNow(cmd *command, argv [][]byte) string {
	why := c.denied(cmd, argv)
	if why == acl.Allowed {
		return ""
	}
	return "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer allowed for the following reason: " +
		[...]string{
			acl.DeniedCommand: "no permission to execute the command or subcommand",
			acl.DeniedKey:     "no permission to touch the specified keys",
			acl.DeniedChannel: "no permission to access one of the channels used as arguments",
		}[why]
}

// login logs the client in, or answers that it cannot. An earlier login stays.
// By is the command that was sent, as it was spelled.
func (c *client) login(by, name, password []byte) bool {
	if c.endWhy == closedAuthFailures { // the rest of a transaction
		c.fail(errWrongPass)
		return false
	}
	u, ok := c.s.users.Authenticate(name, password)
	if !ok {
		c.logDenial(reasonAuth, by, string(name))
		c.fail(errWrongPass)
		c.wrong++
		if most := c.s.config().MaxAuthFailures; most > 0 && int(c.wrong) >= most {
			c.endWhy = closedAuthFailures
		}
		return false
	}
	c.wrong = 0
	c.user.Store(u)
	c.setAuthed(true)
	if u.Deleted() {
		c.endWhy = closedNoPermission // who deleted it may have looked before
	}
	return true
}

// logout makes the client the default user again, who is logged in if that
// takes nothing.
func (c *client) logout() {
	u := c.s.users.Default()
	c.user.Store(u)
	c.setAuthed(u.Rules().Open())
}

// needsAuth tells whether the client has to log in first.
func (c *client) needsAuth() bool { return !c.authed && !c.s.users.Default().Rules().Open() }

// mayKeep tells whether rules allow all subscriptions of a client. The names
// are asked of the broker, or of its Exclusive.
func (c *client) mayKeep(r *acl.Rules, from operations) bool {
	m := c.member()
	if m == nil {
		return true
	}
	for _, k := range []broker.Kind{broker.Pattern, broker.Channel, broker.ShardChannel} {
		if m.Count(k) == 0 {
			continue
		}
		for _, name := range from.Subscriptions(m, k) {
			if !r.MaySubscribe(name, k == broker.Pattern) {
				return false
			}
		}
	}
	return true
}

// subscribedUnder is called after the client has subscribed, which its user
// might not have been allowed any more by then: who took the permission away
// may have looked at the subscriptions before. Subscribed has held back what
// came of them.
func (c *client) subscribedUnder(judged *acl.Rules) {
	switch r := c.user.Load().Rules(); {
	case r == judged:
	case !c.mayKeep(r, c.broker):
		c.drop(closedNoPermission)
	case !c.alone():
		c.out.release(c.takeReply())
	}
}

// enforce closes the clients that changes of users leave no right to be there:
// those whose user was deleted, and those with a subscription that is not
// allowed any more. By is the client that made the changes, which is answered
// before, nil if it was none.
func (s *Server) enforce(by *client, changes ...acl.Change) {
	hit := make(map[*acl.User]bool)
	for _, ch := range changes {
		if ch.User.Deleted() || ch.Before != nil && ch.After.MayTakeChannels(ch.Before) {
			hit[ch.User] = true
		}
	}
	if len(hit) == 0 {
		return
	}
	from := operations(s.broker)
	if by != nil {
		from = by.broker
	}
	for _, o := range s.clients() {
		u := o.user.Load()
		if !hit[u] || !u.Deleted() && o.mayKeep(u.Rules(), from) {
			continue
		}
		switch {
		case o == by:
			o.endWhy = closedNoPermission
		case by != nil && by.alone(): // the broker is held until EXEC is done
			o.closeAside(closedNoPermission)
		default:
			o.expel(closedNoPermission)
		}
	}
}

// expel closes another client and tells whether it was open. When it has
// returned, it has no subscription and nobody sees anything of it any more, but
// for what comes of a command it is just running, which subscribes to nothing more.
func (c *client) expel(why closeReason) (was bool) {
	c.gone.Store(true)
	c.detach()
	return c.close(why)
}
