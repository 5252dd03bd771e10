package server

import (
	"strconv"
	"strings"
	"testing"
)

func TestCommandTable(t *testing.T) {
	seen := make(map[string]bool)
	for i, cmd := range allCommands {
		if cmd.index != i || seen[cmd.name] || cmd.name != strings.ToLower(cmd.name) || len(cmd.name) > maxName {
			t.Errorf("%s: index %d, want %d; seen before: %v", cmd.name, cmd.index, i, seen[cmd.name])
		}
		seen[cmd.name] = true
		if cmd.run == nil && len(cmd.subs) == 0 {
			t.Errorf("%s does nothing", cmd.name)
		}
		if cmd.arity == 0 || cmd.takes(0) {
			t.Errorf("%s takes no arguments, not even its name", cmd.name)
		}
		doc, ok := commandDocs[cmd.name]
		if !ok || doc.summary == "" || doc.since == "" || doc.group == "" || doc.complexity == "" && cmd.name != "lolwut" && cmd.name != "monitor" {
			t.Errorf("%s is not documented: %+v", cmd.name, doc)
		}
		for _, name := range []string{cmd.name, strings.ToUpper(cmd.name), strings.ToUpper(cmd.name[:1]) + cmd.name[1:]} {
			if got := lookupName([]byte(name)); got != cmd {
				t.Errorf("looking up %q finds %v", name, got)
			}
			argv := [][]byte{}
			for _, w := range strings.Split(name, "|") {
				argv = append(argv, []byte(w))
			}
			if got, known := lookup(argv); got != cmd || !known {
				t.Errorf("dispatch of %q finds %v, %v", name, got, known)
			}
		}
		if len(cmd.flagNames()) == 0 && len(cmd.subs) == 0 && cmd.name != "ping" && cmd.flags&fWrite == 0 && !strings.HasPrefix(cmd.name, "memory|") {
			t.Errorf("%s has no flags", cmd.name)
		}
		if len(cmd.categoryNames()) == 0 {
			t.Errorf("%s has no category", cmd.name)
		}
	}
	for name := range commandDocs {
		if !seen[name] {
			t.Errorf("%s is documented but does not exist", name)
		}
	}
	for _, name := range []string{"", "|", "nosuch", "pubsub|", "pubsub|nosuch", "ping|x", "|ping", "client|list|x", strings.Repeat("p", maxName+1)} {
		if cmd := lookupName([]byte(name)); cmd != nil {
			t.Errorf("looking up %q finds %s", name, cmd.name)
		}
	}
}

// COMMAND and its kin are well-formed and agree with the table.
func TestCommandReplies(t *testing.T) {
	s := newServer(t)
	for _, hello := range []string{"HELLO 2", "HELLO 3"} {
		c := pipe(t, s)
		c.send(hello)
		resp3 := c.next().kind == '%'
		for _, request := range []string{"COMMAND", "COMMAND INFO", "COMMAND DOCS", "COMMAND LIST"} {
			c.send(request)
			f := c.next()
			want := len(commandTable)
			if request == "COMMAND LIST" {
				want = len(allCommands)
			}
			if f.kind == '%' || !resp3 && request == "COMMAND DOCS" {
				want *= 2
			}
			if len(f.elems) != want {
				t.Errorf("%s, %s: %d elements, want %d", hello, request, len(f.elems), want)
			}
			if request != "COMMAND" {
				continue
			}
			for i, e := range f.elems {
				cmd := commandTable[i]
				if len(e.elems) != 10 || e.elems[0].text != cmd.name || len(e.elems[9].elems) != len(cmd.subs) {
					t.Errorf("%s: %s", cmd.name, e)
				}
			}
		}
		c.ask("COMMAND COUNT", strconv.Itoa(len(commandTable)))
		c.ask("COMMAND LIST FILTERBY PATTERN pubsub|num*", "[pubsub|numpat pubsub|numsub]")
		c.ask("COMMAND LIST FILTERBY ACLCAT transaction", "[multi exec discard watch unwatch]")
		c.ask("COMMAND LIST FILTERBY MODULE x", "[]")
		c.ask("COMMAND LIST FILTERBY x y", "-ERR syntax error")
		c.ask("COMMAND LIST x", "-ERR syntax error")
		c.ask("COMMAND GETKEYS WATCH a b", "[a b]")
		c.ask("COMMAND GETKEYS PUBLISH a b", "-ERR The command has no key arguments")
		c.ask("COMMAND GETKEYS NOSUCH a", "-ERR Invalid command specified")
		c.ask("COMMAND INFO nosuch", "[nil]")
		c.ask("COMMAND DOCS nosuch", map[bool]string{false: "[]", true: "%[]"}[resp3])
		for _, cmd := range commandTable {
			for _, sub := range cmd.subs {
				if strings.HasSuffix(sub.name, "|help") && cmd.name != "cluster" { // which refuses that too
					if f := helpOf(c, cmd.name); len(f) < 5 || !strings.HasPrefix(f[0], "+"+strings.ToUpper(cmd.name)+" <subcommand>") {
						t.Errorf("%s: %q", sub.name, f)
					}
				}
			}
		}
	}
}

func helpOf(c *testConn, container string) []string {
	c.send(container + " HELP")
	return texts(c.next().elems)
}

// Every command answers something when it is called as its arity says.
func TestEveryCommandAnswers(t *testing.T) {
	s := newServer(t, func(c *Config) { c.OnShutdown = func() {} })
	for _, cmd := range allCommands {
		if cmd.run == nil || cmd.name == "shutdown" || cmd.name == "client|reply" {
			continue
		}
		c := pipe(t, s)
		words := strings.Split(cmd.name, "|")
		for len(words) < max(cmd.arity, -cmd.arity) {
			words = append(words, "1")
		}
		c.raw(string(encode(words...)))
		if f := c.next(); f.kind == 0 {
			t.Errorf("%q is not answered", words)
		}
		if stat := &s.stats[cmd.index]; stat.calls.Load()+stat.rejected.Load() == 0 {
			t.Errorf("%q is not counted", words)
		}
	}
}

func TestShutdownCommand(t *testing.T) {
	asked := make(chan struct{}, 10)
	s := newServer(t, func(c *Config) { c.OnShutdown = func() { asked <- struct{}{} } })
	c := pipe(t, s)
	for _, wrong := range []string{"SHUTDOWN x", "SHUTDOWN SAVE NOSAVE", "SHUTDOWN ABORT NOW"} {
		c.ask(wrong, "-ERR syntax error")
	}
	c.ask("SHUTDOWN ABORT", "-ERR No shutdown in progress.")
	c.send("SHUTDOWN NOSAVE NOW")
	<-asked
	alone := newServer(t)
	c = pipe(t, alone)
	c.send("SHUTDOWN")
	if got := c.end(); len(got) != 0 {
		t.Errorf("answered %q", got)
	}
}
