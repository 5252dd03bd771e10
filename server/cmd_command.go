package server

import (
	"github.com/tidwall/redcon"

	"github.com/pubsubd/pubsubd/match"
)

func cmdCommand(c *client, _ [][]byte) {
	table := c.s.commandTable()
	c.reply = redcon.AppendArray(c.reply, len(table))
	for _, cmd := range table {
		c.appendCommand(cmd)
	}
}

func cmdCommandCount(c *client, _ [][]byte) {
	c.reply = redcon.AppendInt(c.reply, int64(len(c.s.commandTable())))
}

func cmdCommandInfo(c *client, argv [][]byte) {
	if len(argv) == 2 {
		cmdCommand(c, argv)
		return
	}
	from := len(c.reply)
	c.reply = redcon.AppendArray(c.reply, len(argv)-2)
	for _, name := range argv[2:] {
		if c.namesOutgrow(from, argv) {
			return
		}
		if cmd := c.s.lookupName(name); cmd != nil {
			c.appendCommand(cmd)
		} else {
			c.reply = appendNull(c.reply, c.resp3)
		}
	}
}

// appendCommand appends what COMMAND INFO tells of a command.
func (c *client) appendCommand(cmd *command) {
	first, last, step := 0, 0, 0
	if k := cmd.keys; k != nil {
		first, last, step = 1+k.skip, k.last, 1
		if last >= 0 {
			last += first
		}
	}
	b := redcon.AppendArray(c.reply, 10)
	b = redcon.AppendBulkString(b, cmd.name)
	b = redcon.AppendInt(b, int64(cmd.arity))
	b = appendStatusSet(b, c.resp3, cmd.flagNames())
	b = redcon.AppendInt(b, int64(first))
	b = redcon.AppendInt(b, int64(last))
	b = redcon.AppendInt(b, int64(step))
	b = appendStatusSet(b, c.resp3, cmd.categoryNames())
	b = appendSet(b, c.resp3, len(cmd.tips))
	for _, tip := range cmd.tips {
		b = redcon.AppendBulkString(b, tip)
	}
	b = c.appendKeySpec(b, cmd.keys)
	if len(cmd.subs) == 0 {
		c.reply = appendSet(b, c.resp3, 0) // as Redis has it: a set when empty, an array otherwise
		return
	}
	c.reply = redcon.AppendArray(b, len(cmd.subs))
	for _, sub := range cmd.subs {
		c.appendCommand(sub)
	}
}

// appendKeySpec appends where a command has keys.
func (c *client) appendKeySpec(b []byte, k *keySpec) []byte {
	if k == nil {
		return appendSet(b, c.resp3, 0)
	}
	b = appendSet(b, c.resp3, 1)
	b = appendMap(b, c.resp3, 3)
	b = redcon.AppendBulkString(b, "flags")
	b = appendStatusSet(b, c.resp3, []string{k.flag})
	b = redcon.AppendBulkString(b, "begin_search")
	b = c.appendSpec(b, "index", []specNumber{{"index", 1 + k.skip}})
	b = redcon.AppendBulkString(b, "find_keys")
	return c.appendSpec(b, "range", []specNumber{{"lastkey", k.last}, {"keystep", 1}, {"limit", 0}})
}

type specNumber struct {
	name string
	n    int
}

func (c *client) appendSpec(b []byte, typ string, numbers []specNumber) []byte {
	b = appendMap(b, c.resp3, 2)
	b = redcon.AppendBulkString(b, "type")
	b = redcon.AppendBulkString(b, typ)
	b = redcon.AppendBulkString(b, "spec")
	b = appendMap(b, c.resp3, len(numbers))
	for _, n := range numbers {
		b = redcon.AppendBulkString(b, n.name)
		b = redcon.AppendInt(b, int64(n.n))
	}
	return b
}

func (cmd *command) flagNames() (names []string) {
	for _, f := range shownFlags {
		if cmd.flags&f.flag != 0 {
			names = append(names, f.name)
		}
	}
	return names
}

func (cmd *command) categoryNames() (names []string) {
	for _, k := range shownCategories {
		if cmd.categories&k.category != 0 {
			names = append(names, "@"+k.name)
		}
	}
	return names
}

// cmdCommandList lists names, those of subcommands too.
func cmdCommandList(c *client, argv [][]byte) {
	keep := func(*command) bool { return true }
	switch {
	case len(argv) == 2:
	case len(argv) == 5 && equalFold(argv[2], "filterby"):
		value := string(argv[4])
		switch {
		case equalFold(argv[3], "module"):
			keep = func(*command) bool { return false }
		case equalFold(argv[3], "aclcat"):
			keep = func(cmd *command) bool {
				for _, name := range cmd.categoryNames() {
					if equalFold(value, name[1:]) {
						return true
					}
				}
				return false
			}
		case equalFold(argv[3], "pattern"):
			keep = func(cmd *command) bool { return match.Match(asciiLower(value), cmd.name) }
		default:
			c.fail(errSyntax)
			return
		}
	default:
		c.fail(errSyntax)
		return
	}
	var names []string
	for _, cmd := range c.s.allCommands() {
		if keep(cmd) {
			names = append(names, cmd.name)
		}
	}
	c.reply = appendStrings(c.reply, names)
}

func cmdCommandDocs(c *client, argv [][]byte) {
	list := c.s.commandTable()
	if len(argv) > 2 {
		list = nil
		for _, name := range argv[2:] {
			if cmd := c.s.lookupName(name); cmd != nil {
				list = append(list, cmd)
			}
		}
	}
	from := len(c.reply)
	c.reply = appendMap(c.reply, c.resp3, len(list))
	for _, cmd := range list {
		if c.namesOutgrow(from, argv) {
			return
		}
		c.appendDoc(cmd)
	}
}

// appendDoc appends a command's name and what COMMAND DOCS tells of it.
func (c *client) appendDoc(cmd *command) {
	doc := commandDocs[cmd.name]
	pairs := 3
	if doc.complexity != "" {
		pairs++
	}
	if len(doc.args) > 0 {
		pairs++
	}
	if len(cmd.subs) > 0 {
		pairs++
	}
	b := redcon.AppendBulkString(c.reply, cmd.name)
	b = appendMap(b, c.resp3, pairs)
	for _, pair := range [][2]string{{"summary", doc.summary}, {"since", doc.since}, {"group", doc.group}, {"complexity", doc.complexity}} {
		if pair[1] != "" {
			b = redcon.AppendBulkString(b, pair[0])
			b = redcon.AppendBulkString(b, pair[1])
		}
	}
	if len(doc.args) > 0 {
		b = redcon.AppendBulkString(b, "arguments")
		b = c.appendArguments(b, doc.args)
	}
	c.reply = b
	if len(cmd.subs) > 0 {
		c.reply = redcon.AppendBulkString(c.reply, "subcommands")
		c.reply = appendMap(c.reply, c.resp3, len(cmd.subs))
		for _, sub := range cmd.subs {
			c.appendDoc(sub)
		}
	}
}

func (c *client) appendArguments(b []byte, args []argument) []byte {
	b = redcon.AppendArray(b, len(args))
	for _, a := range args {
		var flags []string
		for _, f := range []struct {
			flag argumentFlags
			name string
		}{{argOptional, "optional"}, {argMultiple, "multiple"}, {argMultipleToken, "multiple_token"}} {
			if a.flags&f.flag != 0 {
				flags = append(flags, f.name)
			}
		}
		fields := [][2]string{{"name", a.name}, {"type", a.typ}}
		pairs := len(fields)
		for _, more := range []bool{a.key, a.token != "", a.since != "", a.deprecated != "", len(flags) > 0, len(a.args) > 0} {
			if more {
				pairs++
			}
		}
		b = appendMap(b, c.resp3, pairs)
		for _, f := range fields {
			b = redcon.AppendBulkString(b, f[0])
			b = redcon.AppendBulkString(b, f[1])
		}
		if a.key {
			b = redcon.AppendBulkString(b, "key_spec_index")
			b = redcon.AppendInt(b, 0)
		}
		for _, f := range [][2]string{{"token", a.token}, {"since", a.since}, {"deprecated_since", a.deprecated}} {
			if f[1] != "" {
				b = redcon.AppendBulkString(b, f[0])
				b = redcon.AppendBulkString(b, f[1])
			}
		}
		if len(flags) > 0 {
			b = redcon.AppendBulkString(b, "flags")
			b = appendStatusSet(b, c.resp3, flags)
		}
		if len(a.args) > 0 {
			b = redcon.AppendBulkString(b, "arguments")
			b = c.appendArguments(b, a.args)
		}
	}
	return b
}

func cmdCommandGetKeys(c *client, argv [][]byte) {
	keys, _, ok := c.commandKeys(argv[2:])
	if !ok {
		return
	}
	c.reply = redcon.AppendArray(c.reply, len(keys))
	for _, key := range keys {
		c.reply = redcon.AppendBulk(c.reply, key)
	}
}

func cmdCommandGetKeysAndFlags(c *client, argv [][]byte) {
	keys, flag, ok := c.commandKeys(argv[2:])
	if !ok {
		return
	}
	c.reply = redcon.AppendArray(c.reply, len(keys))
	for _, key := range keys {
		c.reply = redcon.AppendArray(c.reply, 2)
		c.reply = redcon.AppendBulk(c.reply, key)
		c.reply = appendStatusSet(c.reply, c.resp3, []string{flag})
	}
}

// commandKeys returns the keys of a whole request and how they are used, or
// answers why there are none.
func (c *client) commandKeys(argv [][]byte) (keys [][]byte, flag string, ok bool) {
	cmd, known := c.s.lookup(argv)
	switch {
	case !known:
		c.fail(errInvalidCommand)
	case cmd.keys == nil || cmd.keys.flag == "not_key":
		c.fail(errNoKeys)
	case !cmd.takes(len(argv)):
		c.fail(errInvalidArgs)
	default:
		return cmd.keyArgs(argv), cmd.keys.flag, true
	}
	return nil, "", false
}

func cmdCommandHelp(c *client, _ [][]byte) {
	c.help("COMMAND",
		"(no subcommand)",
		"    Return details about all Redis commands.",
		"COUNT",
		"    Return the total number of commands in this Redis server.",
		"LIST",
		"    Return a list of all commands in this Redis server.",
		"INFO [<command-name> ...]",
		"    Return details about multiple Redis commands.",
		"    If no command names are given, documentation details for all",
		"    commands are returned.",
		"DOCS [<command-name> ...]",
		"    Return documentation details about multiple Redis commands.",
		"    If no command names are given, documentation details for all",
		"    commands are returned.",
		"GETKEYS <full-command>",
		"    Return the keys from a full Redis command.",
		"GETKEYSANDFLAGS <full-command>",
		"    Return the keys and the access flags from a full Redis command.",
	)
}
