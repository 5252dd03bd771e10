package acl

import (
	"slices"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	if n, room := len(table)+1, 64*len(commandSet{}); n > room {
		t.Fatalf("%d commands do not fit into sets of %d", n, room)
	}
	if !slices.IsSortedFunc(table, func(a, b entry) int { return strings.Compare(a.name, b.name) }) {
		t.Error("the table is not in order")
	}
	for i, e := range table {
		c := Command(i + 1)
		if Lookup(e.name) != c || c.Name() != e.name || toLower(e.name) != e.name {
			t.Errorf("%s is found as %d, want %d", e.name, Lookup(e.name), c)
		}
		if names := c.CategoryNames(); len(names) == 0 || !slices.Contains(names, "fast") && !slices.Contains(names, "slow") {
			t.Errorf("%s is in %q", e.name, names)
		}
		if container, _, isSub := strings.Cut(e.name, "|"); isSub {
			parent := Lookup(container)
			if !c.isSub() || parent == Unknown || !slices.Contains(subcommands[parent], c) {
				t.Errorf("%s is not a subcommand of %q", e.name, parent.Name())
			}
		} else if c.isSub() {
			t.Errorf("%s is taken for a subcommand", e.name)
		}
	}
	for _, name := range []string{"", "nosuch", "GET", "config|nosuch", "config|", "get|x"} {
		if c := Lookup(name); c != Unknown || c.Name() != "" || c.CategoryNames() != nil {
			t.Errorf("%q is found as %d, %q, %q", name, c, c.Name(), c.CategoryNames())
		}
	}
	// Of each release something.
	for _, name := range []string{"get", "acl|dryrun", "spublish", "client|setinfo", "client|no-touch", "waitaof", "hexpire", "hgetex"} {
		if Lookup(name) == Unknown {
			t.Errorf("%s is not known", name)
		}
	}
}

func TestCategories(t *testing.T) {
	names := Categories()
	if len(names) != 21 || names[0] != "keyspace" || names[20] != "scripting" {
		t.Errorf("categories: %q", names)
	}
	names[0] = "changed"
	for i, name := range Categories() {
		c, ok := LookupCategory(strings.ToUpper(name))
		if !ok || c != 1<<i {
			t.Errorf("%s is found as %b, %v", name, c, ok)
		}
		commands := InCategory(c)
		if len(commands) == 0 {
			t.Errorf("nothing is in %s", name)
		}
		for _, command := range commands {
			if !slices.Contains(Lookup(command).CategoryNames(), name) {
				t.Errorf("%s is listed in %s but is in %q", command, name, Lookup(command).CategoryNames())
			}
		}
	}
	for _, name := range []string{"", "@read", "all", "\u017fet"} {
		if _, ok := LookupCategory(name); ok {
			t.Errorf("there is a category %q", name)
		}
	}
	if got := InCategory(cPubsub); len(got) != 13 || !slices.Contains(got, "pubsub|channels") || slices.Contains(got, "pubsub|help") {
		t.Errorf("@pubsub is %q", got)
	}
}

func TestCommandSet(t *testing.T) {
	var s commandSet
	last := Command(len(table))
	for _, c := range []Command{Unknown, 1, 63, 64, last} {
		s.set(c, true)
		if !s.has(c) || s.has(c+1) {
			t.Errorf("setting %d", c)
		}
		s.set(c, false)
		if s != (commandSet{}) {
			t.Errorf("clearing %d leaves %v", c, s)
		}
	}
	s.fill(true)
	if !s.has(Unknown) || !s.has(last) {
		t.Error("a full set lacks something")
	}
	s.fill(false)
	if s != (commandSet{}) {
		t.Error("an empty set has something")
	}
}
