package server

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/redcon"

	"github.com/pubsubd/pubsubd/acl"
	"github.com/pubsubd/pubsubd/broker"
)

const errClientName = "ERR Client names cannot contain spaces, newlines or special characters."

// isClientName tells whether a name, or what CLIENT SETINFO sets, keeps the
// format of CLIENT LIST in order.
func isClientName(b []byte) bool {
	for _, c := range b {
		if c < '!' || c > '~' {
			return false
		}
	}
	return true
}

func cmdClientID(c *client, _ [][]byte) { c.reply = redcon.AppendInt(c.reply, int64(c.id)) }

func cmdClientGetName(c *client, _ [][]byte) {
	c.mu.Lock()
	name := c.name
	c.mu.Unlock()
	if name == "" {
		c.reply = appendNull(c.reply, c.resp3)
		return
	}
	c.reply = redcon.AppendBulkString(c.reply, name)
}

func cmdClientSetName(c *client, argv [][]byte) {
	if !isClientName(argv[2]) {
		c.fail(errClientName)
		return
	}
	c.setName(argv[2])
	c.ok()
}

func cmdClientSetInfo(c *client, argv [][]byte) {
	var field *string
	switch {
	case equalFold(argv[2], "lib-name"):
		field = &c.libName
	case equalFold(argv[2], "lib-ver"):
		field = &c.libVer
	default:
		c.fail(fmt.Sprintf("ERR Unrecognized option '%s'", echo(argv[2], maxEcho)))
		return
	}
	if !isClientName(argv[3]) {
		c.fail(fmt.Sprintf("ERR %s cannot contain spaces, newlines or special characters.", echo(argv[2], maxEcho)))
		return
	}
	c.mu.Lock()
	*field = string(argv[3])
	c.mu.Unlock()
	c.ok()
}

func cmdClientNoEvict(c *client, argv [][]byte) { c.toggle(argv[2], &c.noEvict) }

func cmdClientNoTouch(c *client, argv [][]byte) { c.toggle(argv[2], &c.noTouch) }

// toggle sets a flag of the client to ON or OFF.
func (c *client) toggle(arg []byte, flag *bool) {
	on := equalFold(arg, "on")
	if !on && !equalFold(arg, "off") {
		c.fail(errSyntax)
		return
	}
	c.mu.Lock()
	*flag = on
	c.mu.Unlock()
	c.ok()
}

func cmdClientReply(c *client, argv [][]byte) {
	switch {
	case equalFold(argv[2], "on"):
		c.replies = repliesOn
		c.ok()
	case equalFold(argv[2], "off"):
		c.replies = repliesOff
	case equalFold(argv[2], "skip"):
		if c.replies != repliesOff {
			c.replies = repliesSkipNext
		}
	default:
		c.fail(errSyntax)
	}
}

func cmdClientInfo(c *client, _ [][]byte) {
	c.reply = appendVerbatim(c.reply, c.resp3, append(c.appendInfo(nil), '\n'))
}

func cmdClientList(c *client, argv [][]byte) {
	list := c.s.clients()
	switch {
	case len(argv) == 2:
	case len(argv) == 4 && equalFold(argv[2], "type"):
		class, ok := parseClass(argv[3])
		if !ok {
			c.fail(unknownClientType(argv[3]))
			return
		}
		list = slices.DeleteFunc(list, func(o *client) bool { return o.kind() != class })
	case len(argv) > 3 && equalFold(argv[2], "id"):
		byID := make(map[uint64]*client, len(list))
		for _, o := range list {
			byID[o.id] = o
		}
		list = nil
		for _, arg := range argv[3:] {
			id, ok := parseLength(arg)
			if !ok {
				c.fail(errClientID)
				return
			}
			if o := byID[uint64(id)]; o != nil {
				list = append(list, o)
			}
		}
	default:
		c.fail(errSyntax)
		return
	}
	var text []byte
	for _, o := range list {
		text = append(o.appendInfo(text), '\n')
	}
	c.reply = appendVerbatim(c.reply, c.resp3, text)
}

func unknownClientType(arg []byte) string {
	return fmt.Sprintf("ERR Unknown client type '%s'", echo(arg, len(arg)))
}

// parseClass reads the name of a class of clients. No client here is a master
// or a replica.
func parseClass(arg []byte) (class clientClass, ok bool) {
	switch strings.ToLower(string(arg)) {
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
	skipMe      bool
}

func (f *killFilter) wants(c, me *client) bool {
	return (f.addr == nil || c.addr == *f.addr) &&
		(f.laddr == nil || c.laddr == *f.laddr) &&
		(f.id == 0 || c.id == uint64(f.id)) &&
		(f.user == nil || c.user.Load() == f.user) &&
		(!f.byClass || c.kind() == f.class) &&
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
			if o.close(closedKilled) {
				killed++
			}
			c.s.running.Go(o.detach)
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

// kill closes another client and tells whether it was open. When it has
// returned, nobody sees anything of it any more, but for what comes of a
// command it is just running.
func (c *client) kill() (was bool) { return c.expel(closedKilled) }

func cmdClientHelp(c *client, _ [][]byte) {
	c.help("CLIENT",
		"GETNAME",
		"    Return the name of the current connection.",
		"ID",
		"    Return the ID of the current connection.",
		"INFO",
		"    Return information about the current client connection.",
		"KILL <ip:port>",
		"    Kill connection made from <ip:port>.",
		"KILL <option> <value> [<option> <value> [...]]",
		"    Kill connections. Options are:",
		"    * ADDR (<ip:port>|<unixsocket>:0)",
		"      Kill connections made from the specified address",
		"    * LADDR (<ip:port>|<unixsocket>:0)",
		"      Kill connections made to specified local address",
		"    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
		"      Kill connections by type.",
		"    * USER <username>",
		"      Kill connections authenticated by <username>.",
		"    * SKIPME (YES|NO)",
		"      Skip killing current connection (default: yes).",
		"LIST [options ...]",
		"    Return information about client connections. Options:",
		"    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
		"      Return clients of specified type.",
		"REPLY (ON|OFF|SKIP)",
		"    Control the replies sent to the current connection.",
		"SETNAME <name>",
		"    Assign the name <name> to the current connection.",
		"SETINFO <option> <value>",
		"    Set client meta attr. Options are:",
		"    * LIB-NAME: the client lib name.",
		"    * LIB-VER: the client lib version.",
		"NO-EVICT (ON|OFF)",
		"    Protect current client connection from eviction.",
		"NO-TOUCH (ON|OFF)",
		"    Will not touch LRU/LFU stats when this mode is on.",
	)
}

// appendInfo appends the client's line of CLIENT LIST, without its end. It may
// be called from any goroutine.
func (c *client) appendInfo(b []byte) []byte {
	queued, chunks := c.out.pendingOrLost()
	inBuffer, counted := min(queued, freeOutput), countedOutput(queued)
	if counted == 0 {
		chunks = 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	field := func(name, value string) {
		if len(b) > 0 && b[len(b)-1] != '\n' {
			b = append(b, ' ')
		}
		b = append(append(append(b, name...), '='), value...)
	}
	number := func(name string, n int64) { field(name, strconv.FormatInt(n, 10)) }

	qbuf, room := c.buffered.Load(), c.room.Load()
	number("id", int64(c.id))
	field("addr", c.addr)
	field("laddr", c.laddr)
	number("fd", int64(c.t.fd()))
	field("name", c.name)
	number("age", int64(time.Since(c.created)/time.Second))
	number("idle", int64((c.s.uptime()-c.lastActive())/time.Second))
	field("flags", c.flagsLocked())
	number("db", int64(c.db))
	number("sub", int64(c.count(broker.Channel)))
	number("psub", int64(c.count(broker.Pattern)))
	number("ssub", int64(c.count(broker.ShardChannel)))
	number("multi", int64(c.queued))
	number("watch", 0)
	number("qbuf", qbuf)
	number("qbuf-free", room)
	number("argv-mem", 0)
	number("multi-mem", 0)
	number("rbs", freeOutput)
	number("rbp", int64(inBuffer))
	number("obl", int64(inBuffer))
	number("oll", int64(chunks))
	number("omem", counted)
	number("tot-mem", clientBytes+qbuf+room+int64(queued))
	field("events", "r")
	field("cmd", c.lastName())
	field("user", c.user.Load().Name())
	number("redir", -1)
	number("resp", int64(c.proto))
	field("lib-name", c.libName)
	field("lib-ver", c.libVer)
	number("tot-net-in", c.received.Load())
	number("tot-net-out", c.out.sent.Load())
	number("tot-cmds", c.calls.Load())
	return b
}

// clientBytes is about what a client takes beside its buffers, its goroutine
// included.
const clientBytes = 4 << 10

func (c *client) lastName() string {
	if cmd := c.last.Load(); cmd != nil {
		return cmd.name
	}
	return "NULL"
}

// flagsLocked are the letters CLIENT LIST has for what a client is doing.
func (c *client) flagsLocked() string {
	var b []byte
	if c.kind() == classPubsub {
		b = append(b, 'P')
	}
	if c.queued >= 0 {
		b = append(b, 'x')
	}
	if c.unix {
		b = append(b, 'U')
	}
	if c.noEvict {
		b = append(b, 'e')
	}
	if c.noTouch {
		b = append(b, 'T')
	}
	switch {
	case c.ending:
		b = append(b, 'c')
	case c.reason != "":
		b = append(b, 'A')
	}
	if len(b) == 0 {
		return "N"
	}
	return string(b)
}
