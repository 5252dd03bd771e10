package server

import (
	"bytes"
	"strings"

	"github.com/pubsubd/pubsubd/acl"
)

// A command is an entry of the command table. Dispatch, COMMAND and the test
// that every command has a transcript read the same table.
type command struct {
	name       string // lower case; container|subcommand for a subcommand
	arity      int    // number of arguments with the name; at least -arity if negative
	flags      commandFlags
	categories commandCategories // beyond those the flags imply
	tips       []string
	keys       *keySpec
	run        func(c *client, argv [][]byte) // nil for a container
	subs       []*command

	// Set by enterCommands.
	index     int                 // into the servers' command statistics
	plain     bool                // one word names it, and nothing but it
	subByName map[string]*command // without the container's name

	// Set by enterPermissions.
	permission acl.Command
	channels   channelUse
	hasKeys    bool // which rules are asked about
	access     acl.Access
}

// A keySpec says which arguments are keys: from the first one on.
type keySpec struct {
	flag string // how they are used; "not_key" for names that only hash like keys
	last int    // the last of them: 0 for the first alone, -1 for all that follow
	skip int    // arguments between the name and the first of them
}

// commandFlags are what dispatch and COMMAND INFO know of a command.
type commandFlags uint32

const (
	fWrite commandFlags = 1 << iota
	fReadOnly
	fAdmin
	fPubsub
	fNoScript
	fLoading
	fStale
	fSkipSlowlog
	fFast
	fNoAuth // runs before AUTH
	fNoAsyncLoading
	fNoMulti
	fAllowBusy

	// Not shown by COMMAND INFO.
	fSubscribed // runs in the subscribed state of RESP2
	fInMulti    // runs at once inside MULTI
	fPublish    // may be collected in a run
	fExec       // is EXEC
	fTouches    // uses the broker
	fProtected  // needs leave by a directive
	fQuick      // takes little time, and waits for nothing
)

// shownFlags are the names COMMAND INFO has for flags, in its order.
var shownFlags = []struct {
	flag commandFlags
	name string
}{
	{fWrite, "write"}, {fReadOnly, "readonly"}, {fAdmin, "admin"}, {fPubsub, "pubsub"}, {fNoScript, "noscript"},
	{fLoading, "loading"}, {fStale, "stale"}, {fSkipSlowlog, "skip_slowlog"}, {fFast, "fast"}, {fNoAuth, "no_auth"},
	{fNoAsyncLoading, "no_async_loading"}, {fNoMulti, "no_multi"}, {fAllowBusy, "allow_busy"},
}

// commandCategories are ACL categories.
type commandCategories uint32

const (
	cKeyspace commandCategories = 1 << iota
	cRead
	cWrite
	cPubsub
	cAdmin
	cFast
	cSlow
	cDangerous
	cConnection
	cTransaction
	cScripting
)

// shownCategories are the names of categories, in the order of COMMAND INFO.
var shownCategories = []struct {
	category commandCategories
	name     string
}{
	{cKeyspace, "keyspace"}, {cRead, "read"}, {cWrite, "write"}, {cPubsub, "pubsub"}, {cAdmin, "admin"}, {cFast, "fast"},
	{cSlow, "slow"}, {cDangerous, "dangerous"}, {cConnection, "connection"}, {cTransaction, "transaction"}, {cScripting, "scripting"},
}

// impliedCategories are the categories that come with flags.
func impliedCategories(f commandFlags) (c commandCategories) {
	for _, i := range []struct {
		flag       commandFlags
		categories commandCategories
	}{{fWrite, cWrite}, {fReadOnly, cRead}, {fAdmin, cAdmin | cDangerous}, {fPubsub, cPubsub}} {
		if f&i.flag != 0 {
			c |= i.categories
		}
	}
	if f&fFast != 0 {
		return c | cFast
	}
	return c | cSlow
}

// takes tells whether the command may have n arguments, its name included.
func (cmd *command) takes(n int) bool {
	if cmd.arity < 0 {
		return n >= -cmd.arity
	}
	return n == cmd.arity
}

var (
	commandByName = make(map[string]*command) // containers and commands without subcommands
	allCommands   []*command                  // by index, subcommands included

	pingCommand, publishCommand *command
)

const publishName = "publish"

// enterCommands fills what is looked up from the table.
func enterCommands() {
	enter := func(cmd *command) {
		cmd.index = len(allCommands)
		cmd.categories |= impliedCategories(cmd.flags)
		cmd.enterPermissions()
		allCommands = append(allCommands, cmd)
	}
	for _, cmd := range commandTable {
		enter(cmd)
		commandByName[cmd.name] = cmd
		cmd.plain = len(cmd.subs) == 0
		if len(cmd.subs) > 0 {
			cmd.subByName = make(map[string]*command)
		}
		for _, sub := range cmd.subs {
			enter(sub)
			cmd.subByName[strings.TrimPrefix(sub.name, cmd.name+"|")] = sub
		}
	}
	pingCommand, publishCommand = commandByName["ping"], commandByName[publishName]
}

// isNamed tells whether a word names the command, with nothing behind it that could make
// it another. No command, nil, has no name.
func (cmd *command) isNamed(word []byte) bool {
	return cmd != nil && cmd.plain && equalFold(word, cmd.name)
}

// maxName is longer than any name in the table, in bytes.
const maxName = 32

// lookup finds the command of a request. It is not known if there is none,
// with the container as the command if only the subcommand is not known.
func lookup(argv [][]byte) (cmd *command, known bool) {
	if equalFold(argv[0], publishName) { // which comes by the million
		return publishCommand, true
	}
	var lower [maxName]byte
	return lookupSub(commandByName[string(appendLower(lower[:0], argv[0]))], argv)
}

// lookupSub is lookup for a request whose first word is known to be a command.
func lookupSub(cmd *command, argv [][]byte) (found *command, known bool) {
	var lower [maxName]byte
	if cmd == nil || len(cmd.subs) == 0 || len(argv) == 1 {
		return cmd, cmd != nil
	}
	if sub := cmd.subByName[string(appendLower(lower[:0], argv[1]))]; sub != nil {
		return sub, true
	}
	return cmd, false
}

// lookupName finds a command by its full name, container|subcommand.
func lookupName(name []byte) *command { return lookupNameBy(lookup, name) }

func lookupNameBy(lookup func(argv [][]byte) (*command, bool), name []byte) *command {
	container, sub, isSub := bytes.Cut(name, []byte{'|'})
	argv := [][]byte{container, sub}
	if !isSub {
		argv = argv[:1]
	}
	cmd, known := lookup(argv)
	if !known || isSub && len(cmd.subs) > 0 || isSub && !strings.Contains(cmd.name, "|") {
		return nil
	}
	return cmd
}

// appendLower appends a name in lower case, or nothing if it is longer than any
// name in the table.
func appendLower(b, name []byte) []byte {
	if len(name) > maxName {
		return b
	}
	for _, c := range name {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	return b
}

// isAttack tells whether a request is a line of HTTP, as a browser would send
// that was tricked into it.
func isAttack(name []byte) bool {
	return equalFold(name, "post") || equalFold(name, "host:")
}

// equalFold compares an argument with a word in lower case. Only ASCII has cases
// here, as in Redis.
func equalFold[T ~[]byte | ~string](arg T, word string) bool {
	if len(arg) != len(word) {
		return false
	}
	for i := range len(arg) {
		c := arg[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != word[i] {
			return false
		}
	}
	return true
}
