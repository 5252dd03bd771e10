package server

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/tidwall/redcon"

	"github.com/pubsubd/pubsubd/acl"
)

const (
	errUserName    = "ERR Usernames can't contain spaces or null characters"
	errNoACLFile   = "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the Redis configuration."
	errACLSave     = "ERR There was an error trying to save the ACLs. Please check the server logs for more information"
	errGenPassBits = "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096"
)

func cmdACLCat(c *client, argv [][]byte) {
	switch len(argv) {
	case 2:
		c.reply = appendStrings(c.reply, acl.Categories())
	case 3:
		category, ok := acl.LookupCategory(string(argv[2]))
		if !ok {
			c.fail(fmt.Sprintf("ERR Unknown category '%s'", echo(argv[2], maxEcho)))
			return
		}
		c.reply = appendStrings(c.reply, acl.InCategory(category))
	default:
		c.fail(tooManyArguments(argv))
	}
}

func cmdACLSetUser(c *client, argv [][]byte) {
	name := string(argv[2])
	if acl.HasSpace(name) {
		c.fail(errUserName)
		return
	}
	change, err := c.s.users.Set(name, c.s.config().ACLAllChannels, words(argv[3:])...)
	if err != nil {
		var rule *acl.RuleError
		if errors.As(err, &rule) {
			shown := *rule
			shown.Rule = string(echo([]byte(rule.Rule), len(rule.Rule)))
			err = &shown
		}
		c.fail("ERR " + err.Error())
		return
	}
	c.s.enforce(c, change)
	c.ok()
}

// words are arguments as strings.
func words(args [][]byte) []string {
	list := make([]string, len(args))
	for i, a := range args {
		list[i] = string(a)
	}
	return list
}

func cmdACLDelUser(c *client, argv [][]byte) {
	deleted, err := c.s.users.Delete(words(argv[2:])...)
	if err != nil {
		c.fail("ERR " + err.Error())
		return
	}
	changes := make([]acl.Change, len(deleted))
	for i, u := range deleted {
		changes[i] = acl.Change{User: u}
	}
	c.s.enforce(c, changes...)
	c.reply = redcon.AppendInt(c.reply, int64(len(deleted)))
}

func cmdACLGetUser(c *client, argv [][]byte) {
	u := c.s.users.User(string(argv[2]))
	if u == nil {
		c.reply = appendNull(c.reply, c.resp3)
		return
	}
	r := u.Rules()
	flags, selectors := r.Flags(), r.Selectors()
	b := appendMap(c.reply, c.resp3, 6)
	b = redcon.AppendBulkString(b, "flags")
	b = appendSet(b, c.resp3, len(flags))
	for _, f := range flags {
		b = redcon.AppendBulkString(b, f)
	}
	b = redcon.AppendBulkString(b, "passwords")
	b = appendStrings(b, r.Passwords())
	b = appendSelector(b, selectors[0])
	b = redcon.AppendBulkString(b, "selectors")
	b = redcon.AppendArray(b, len(selectors)-1)
	for _, d := range selectors[1:] {
		b = appendMap(b, c.resp3, 3)
		b = appendSelector(b, d)
	}
	c.reply = b
}

// appendSelector appends the three pairs that ACL GETUSER tells of a selector.
func appendSelector(b []byte, d acl.Description) []byte {
	for _, pair := range [][2]string{{"commands", d.Commands}, {"keys", d.Keys}, {"channels", d.Channels}} {
		b = redcon.AppendBulkString(b, pair[0])
		b = redcon.AppendBulkString(b, pair[1])
	}
	return b
}

func cmdACLList(c *client, _ [][]byte) {
	users := c.s.users.Users()
	c.reply = redcon.AppendArray(c.reply, len(users))
	for _, u := range users {
		c.reply = redcon.AppendBulkString(c.reply, "user "+u.Name()+" "+u.Rules().String())
	}
}

func cmdACLUsers(c *client, _ [][]byte) {
	users := c.s.users.Users()
	c.reply = redcon.AppendArray(c.reply, len(users))
	for _, u := range users {
		c.reply = redcon.AppendBulkString(c.reply, u.Name())
	}
}

func cmdACLWhoAmI(c *client, _ [][]byte) {
	c.reply = redcon.AppendBulkString(c.reply, c.user.Load().Name())
}

// The bits of ACL GENPASS.
const (
	genPassBits    = 256
	maxGenPassBits = 4096
)

func cmdACLGenPass(c *client, argv [][]byte) {
	bits := int64(genPassBits)
	switch {
	case len(argv) > 3:
		c.fail(tooManyArguments(argv))
		return
	case len(argv) == 3:
		var ok bool
		if bits, ok = parseLength(argv[2]); !ok {
			c.fail(errInteger)
			return
		}
	}
	if bits <= 0 || bits > maxGenPassBits {
		c.fail(errGenPassBits)
		return
	}
	var random [maxGenPassBits / 8]byte
	_, _ = rand.Read(random[:]) // never fails
	c.reply = redcon.AppendBulkString(c.reply, hex.EncodeToString(random[:])[:(bits+3)/4])
}

// shownDenials is how many entries ACL LOG answers if it is not told.
const shownDenials = 10

func cmdACLLog(c *client, argv [][]byte) {
	count := int64(shownDenials)
	switch {
	case len(argv) > 3:
		c.fail(tooManyArguments(argv))
		return
	case len(argv) == 3 && equalFold(argv[2], "reset"):
		c.s.denials.reset()
		c.ok()
		return
	case len(argv) == 3:
		var ok bool
		if count, ok = parseLength(argv[2]); !ok {
			c.fail(errInteger)
			return
		}
	}
	list, now := c.s.denials.newest(count), time.Now()
	c.reply = redcon.AppendArray(c.reply, len(list))
	for i := range list {
		c.reply = appendDenial(c.reply, c.resp3, &list[i], now)
	}
}

// cmdACLDryRun tells whether a user may make a request, without making it.
func cmdACLDryRun(c *client, argv [][]byte) {
	u := c.s.users.User(string(argv[2]))
	if u == nil {
		c.fail(fmt.Sprintf("ERR User '%s' not found", echo(argv[2], len(argv[2]))))
		return
	}
	cmd, known := c.s.lookup(argv[3:])
	switch {
	case !known:
		c.fail(fmt.Sprintf("ERR Command '%s' not found", echo(argv[3], len(argv[3]))))
		return
	case !cmd.takes(len(argv) - 3):
		c.fail(wrongArity(cmd))
		return
	}
	why, object := judge(u.Rules(), cmd, argv[3:])
	var text string
	switch why {
	case acl.Allowed:
		c.ok()
		return
	case acl.DeniedCommand:
		text = fmt.Sprintf("User %s has no permissions to run the '%s' command", u.Name(), cmd.name)
	case acl.DeniedKey:
		text = fmt.Sprintf("User %s has no permissions to access the '%s' key", u.Name(), object)
	case acl.DeniedChannel:
		text = fmt.Sprintf("User %s has no permissions to access the '%s' channel", u.Name(), object)
	}
	c.reply = redcon.AppendBulkString(c.reply, text)
}

func cmdACLLoad(c *client, _ [][]byte) {
	if c.s.config().ACLFile == "" {
		c.fail(errNoACLFile)
		return
	}
	changes, err := c.s.loadUsersFile(c.s.config().ACLAllChannels)
	if err != nil {
		c.fail("ERR " + err.Error())
		return
	}
	c.s.enforce(c, changes...)
	c.ok()
}

func cmdACLSave(c *client, _ [][]byte) {
	if c.s.config().ACLFile == "" {
		c.fail(errNoACLFile)
		return
	}
	if !c.s.saveUsersFile() {
		c.fail(errACLSave)
		return
	}
	c.ok()
}

func cmdACLHelp(c *client, _ [][]byte) {
	c.help("ACL",
		"CAT [<category>]",
		"    List all commands that belong to <category>, or all command categories",
		"    when no category is specified.",
		"DELUSER <username> [<username> ...]",
		"    Delete a list of users.",
		"DRYRUN <username> <command> [<arg> ...]",
		"    Returns whether the user can execute the given command without executing the command.",
		"GETUSER <username>",
		"    Get the user's details.",
		"GENPASS [<bits>]",
		"    Generate a secure 256-bit user password. The optional `bits` argument can",
		"    be used to specify a different size.",
		"LIST",
		"    Show users details in config file format.",
		"LOAD",
		"    Reload users from the ACL file.",
		"LOG [<count> | RESET]",
		"    Show the ACL log entries.",
		"SAVE",
		"    Save the current config to the ACL file.",
		"SETUSER <username> <attribute> [<attribute> ...]",
		"    Create or modify a user with the specified attributes.",
		"USERS",
		"    List all the registered usernames.",
		"WHOAMI",
		"    Return the current connection username.",
	)
}
