package server

import (
	"fmt"
	"time"

	"github.com/tidwall/redcon"

	"github.com/pubsubd/pubsubd/acl"
)

// parseClass reads the name of a class of clients. No client here is a master
// or a replica.
func parseClass(arg []byte) (class clientClass, ok bool) {
	switch asciiLower(string(arg)) {
	case "normal":
		return classNormal, true
	case "slave", "replica":
		return classReplica, true
	case "pubsub":
		return classPubsub, true
	case "master":
		return classes, true
	}
	return 0, false
}

// A killFilter says which clients CLIENT KILL is meant for. Empty fields mean
// any.
type killFilter struct {
	addr, laddr *string // nil for any
	id          int64
	user        *acl.User // nil for any
	class       clientClass
	byClass     bool
	age         int64 // the least, in seconds
	skipMe      bool
}

func (f *killFilter) wants(c, me *client) bool {
	return (f.addr == nil || c.addr == *f.addr) &&
		(f.laddr == nil || c.laddr == *f.laddr) &&
		(f.id == 0 || c.id == uint64(f.id)) &&
		(f.user == nil || c.user.Load() == f.user) &&
		(!f.byClass || c.kind() == f.class) &&
		(f.age == 0 || int64((c.s.uptime()-c.created)/time.Second) >= f.age) &&
		(!f.skipMe || c != me)
}

// parseKillFilter reads the pairs of CLIENT KILL. The text is the error, empty
// if there is none.
func parseKillFilter(users *acl.List, args [][]byte) (f killFilter, text string) {
	f.skipMe = true
	for ; len(args) > 1; args = args[2:] {
		option, value := args[0], args[1]
		switch {
		case equalFold(option, "id"):
			id, ok := parseLength(value)
			if !ok || id < 1 {
				return f, errClientIDRange
			}
			f.id = id
		case equalFold(option, "type"):
			class, ok := parseClass(value)
			if !ok {
				return f, unknownClientType(value)
			}
			f.class, f.byClass = class, true
		case equalFold(option, "maxage"):
			age, ok := parseLength(value)
			switch {
			case !ok:
				return f, errMaxAge
			case age < 1:
				return f, errMaxAgeRange
			}
			f.age = age
		case equalFold(option, "addr"):
			addr := string(value)
			f.addr = &addr
		case equalFold(option, "laddr"):
			laddr := string(value)
			f.laddr = &laddr
		case equalFold(option, "user"):
			if f.user = users.User(string(value)); f.user == nil {
				return f, fmt.Sprintf("ERR No such user '%s'", echo(value, len(value)))
			}
		case equalFold(option, "skipme") && equalFold(value, "yes"):
			f.skipMe = true
		case equalFold(option, "skipme") && equalFold(value, "no"):
			f.skipMe = false
		default:
			return f, errSyntax
		}
	}
	if len(args) > 0 {
		return f, errSyntax
	}
	return f, ""
}

func cmdClientKill(c *client, argv [][]byte) {
	byAddr := len(argv) == 3
	addr := string(argv[2])
	f := killFilter{addr: &addr}
	if !byAddr {
		var text string
		if f, text = parseKillFilter(c.s.users, argv[2:]); text != "" {
			c.fail(text)
			return
		}
	}
	killed := 0
	for _, o := range c.s.clients() {
		if !f.wants(o, c) {
			continue
		}
		switch {
		case o == c:
			c.endWhy = closedKilled
			killed++
		case c.alone(): // the broker is held until EXEC is done
			if o.closeAside(closedKilled) {
				killed++
			}
		case o.kill():
			killed++
		}
	}
	switch {
	case !byAddr:
		c.reply = redcon.AppendInt(c.reply, int64(killed))
	case killed == 0:
		c.fail(errNoSuchClient)
	default:
		c.ok()
	}
}

// kill closes another client and tells whether it was open.
func (c *client) kill() (was bool) { return c.expel(closedKilled) }
