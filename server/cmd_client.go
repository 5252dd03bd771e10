package server

import (
	"fmt"
	"unique"

	"github.com/tidwall/redcon"
)

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

// A library is what a client has told of itself by CLIENT SETINFO. Those who use the
// same one share the memory.
type library struct{ name, version string }

// library returns what the client has told. Who is not its own goroutine has mu.
func (c *client) library() (l library) {
	if c.lib != (unique.Handle[library]{}) {
		l = c.lib.Value()
	}
	return l
}

func cmdClientSetInfo(c *client, argv [][]byte) {
	lib := c.library() // nobody else changes it
	was := len(lib.name) + len(lib.version)
	switch {
	case equalFold(argv[2], "lib-name"):
		lib.name = string(argv[3])
	case equalFold(argv[2], "lib-ver"):
		lib.version = string(argv[3])
	default:
		c.fail(fmt.Sprintf("ERR Unrecognized option '%s'", echo(argv[2], maxEcho)))
		return
	}
	if !isClientName(argv[3]) {
		c.fail(fmt.Sprintf("ERR %s cannot contain spaces, newlines or special characters.", echo(argv[2], maxEcho)))
		return
	}
	c.mu.Lock()
	c.textMem.Add(int64(len(lib.name) + len(lib.version) - was))
	c.lib = unique.Make(lib)
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
		c.muted.Store(false)
		c.ok()
	case equalFold(argv[2], "off"):
		c.replies = repliesOff
		c.muted.Store(true)
	case equalFold(argv[2], "skip"):
		if c.replies != repliesOff {
			c.replies = repliesSkipNext
		}
	default:
		c.fail(errSyntax)
	}
}

func cmdClientHelp(c *client, _ [][]byte) {
	c.help("CLIENT",
		"CACHING (YES|NO)",
		"    Enable/disable tracking of the keys for next command in OPTIN/OPTOUT modes.",
		"CLOSED [<count>]",
		"    Return how and why the latest <count> connections ended (default: 10, -1 mean",
		"    all that are kept). Only pubsubd has this.",
		"GETREDIR",
		"    Return the client ID we are redirecting to when tracking is enabled.",
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
		"    * MAXAGE <maxage>",
		"      Kill connections older than the specified age.",
		"LIST [options ...]",
		"    Return information about client connections. Options:",
		"    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
		"      Return clients of specified type.",
		"UNPAUSE",
		"    Stop the current client pause, resuming traffic.",
		"PAUSE <timeout> [WRITE|ALL]",
		"    Suspend all, or just write, clients for <timeout> milliseconds.",
		"REPLY (ON|OFF|SKIP)",
		"    Control the replies sent to the current connection.",
		"SETNAME <name>",
		"    Assign the name <name> to the current connection.",
		"SETINFO <option> <value>",
		"    Set client meta attr. Options are:",
		"    * LIB-NAME: the client lib name.",
		"    * LIB-VER: the client lib version.",
		"UNBLOCK <clientid> [TIMEOUT|ERROR]",
		"    Unblock the specified blocked client.",
		"TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]",
		"         [OPTIN] [OPTOUT] [NOLOOP]",
		"    Control server assisted client side caching.",
		"TRACKINGINFO",
		"    Report tracking status for the current connection.",
		"NO-EVICT (ON|OFF)",
		"    Protect current client connection from eviction.",
		"NO-TOUCH (ON|OFF)",
		"    Will not touch LRU/LFU stats when this mode is on.",
	)
}
