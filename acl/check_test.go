package acl

import (
	"strings"
	"testing"
)

func bytesOf(words ...string) (list [][]byte) {
	for _, w := range words {
		list = append(list, []byte(w))
	}
	return list
}

func TestCheckCommand(t *testing.T) {
	for _, tt := range []struct {
		rules, request string
		allowed        bool
	}{
		{"", "ping", false},
		{"+@all", "ping", true},
		{"+@all", "nosuch", true},
		{"+@all -ping", "ping", false},
		{"+@all -ping", "nosuch", true},
		{"+ping", "ping", true},
		{"+ping", "nosuch", false},
		{"+@pubsub", "publish", true},
		{"+@pubsub", "pubsub|channels", true},
		{"+@pubsub", "pubsub|help", false},
		{"+@all -@pubsub", "publish", false},
		{"+@slow", "config|get", true}, // by its container
		{"+config", "config|set", true},
		{"+config|get", "config|get", true},
		{"+config|get", "config|set", false},
		{"+config|get", "config", false},
		{"+config -config|set", "config|set", false},
		{"-@all +@all -@all", "ping", false},
		{"+select|0 +select|XY", "select 0", true},
		{"+select|0 +select|XY", "select xy", true},
		{"+select|0", "select 1", false},
		{"+select|0", "select", false},
		{"+select|0 -select", "select 0", false},
		{"+select|0 -@all", "select 0", false},
		{"+select|0 -@connection", "select 0", false},
		{"(+get)", "get", true},
		{"(+get) +set", "set", true},
		{"(+get) (+set)", "del", false},
	} {
		why, at := rulesOf(t, tt.rules).Check(request(tt.request))
		if want := map[bool]Denial{true: Allowed, false: DeniedCommand}[tt.allowed]; why != want || at != 0 {
			t.Errorf("%q, %s: %d at %d, want %d", tt.rules, tt.request, why, at, want)
		}
	}
	free := request("auth x")
	free.Free = true
	if why, _ := rulesOf(t, "").Check(free); why != Allowed {
		t.Errorf("a command that everybody may run: %d", why)
	}
}

func TestCheckKeysAndChannels(t *testing.T) {
	keys := func(access Access, names ...string) *Request {
		return &Request{Command: Lookup("watch"), Keys: bytesOf(names...), Access: access}
	}
	channels := func(names ...string) *Request {
		return &Request{Command: Lookup("subscribe"), Channels: bytesOf(names...)}
	}
	patterns := func(names ...string) *Request {
		return &Request{Command: Lookup("psubscribe"), Channels: bytesOf(names...), Patterns: true}
	}
	for _, tt := range []struct {
		rules string
		q     *Request
		why   Denial
		at    int
	}{
		{"+watch", keys(0, "a"), DeniedKey, 0},
		{"+watch ~a*", keys(0, "ab", "a", "b"), DeniedKey, 2},
		{"+watch ~a* %R~b", keys(0, "ab", "b"), Allowed, 0},
		{"+watch ~*", keys(Read|Write, "x"), Allowed, 0},
		{"+watch %R~a", keys(Read, "a"), Allowed, 0},
		{"+watch %R~a", keys(Write, "a"), DeniedKey, 0},
		{"+watch %W~a", keys(Read|Write, "a"), DeniedKey, 0},
		{"+watch %W~a %R~*", keys(Read|Write, "a"), DeniedKey, 0},
		{"+watch %W~a %R~a", keys(Read|Write, "a"), Allowed, 0},

		{"+subscribe", channels("a"), DeniedChannel, 0},
		{"+subscribe &a &n.*", channels("n.1", "a"), Allowed, 0},
		{"+subscribe &a &n.*", channels("a", "n"), DeniedChannel, 1},
		{"+subscribe &*", channels("", "a"), Allowed, 0},
		{"+subscribe &**", channels("a"), Allowed, 0},
		{"+subscribe &**", channels(""), DeniedChannel, 0},
		{"+subscribe &a", channels("a\x00"), DeniedChannel, 0},

		{"+psubscribe &n.*", patterns("n.*"), Allowed, 0},
		{"+psubscribe &n.*", patterns("n.*", "n.a"), DeniedChannel, 1},
		{"+psubscribe &n.*", patterns("n.a*"), DeniedChannel, 0},
		{"+psubscribe &n.*", patterns("n.*\x00"), DeniedChannel, 0},
		{"+psubscribe &*", patterns("x*"), Allowed, 0},
		{"+psubscribe &**", patterns("*"), DeniedChannel, 0},

		// One selector must allow all of it.
		{"(+subscribe &a) (+subscribe &b)", channels("a"), Allowed, 0},
		{"(+subscribe &a) (+subscribe &b)", channels("a", "b"), DeniedChannel, 1},
		{"(+subscribe &a) (+publish &b)", channels("b"), DeniedChannel, 0},
		{"+publish (+subscribe &a &b) (+subscribe)", channels("a", "b", "c"), DeniedChannel, 2},
		{"(&*) (+subscribe)", channels("a"), DeniedChannel, 0},
	} {
		if why, at := rulesOf(t, tt.rules).Check(tt.q); why != tt.why || at != tt.at {
			t.Errorf("%q, %q %q: %d at %d, want %d at %d", tt.rules, tt.q.Keys, tt.q.Channels, why, at, tt.why, tt.at)
		}
	}
}

func TestUnrestricted(t *testing.T) {
	for rules, want := range map[string]bool{
		"": false, "+@all ~* &*": true, "+@all ~*": false, "+@all &*": false, "~* &*": false, "+@all ~* &* -get": false, "+@all ~* &* -set +set": false,
		"(+@all ~* &*)": true, "(+@all ~*) (&*)": false,
	} {
		r := rulesOf(t, rules)
		if r.Unrestricted() != want {
			t.Errorf("%q: %v", rules, r.Unrestricted())
		}
		if strings.Contains(rules, "+set") {
			continue // all the same, but that is found by looking
		}
		if why, _ := r.Check(&Request{Command: Lookup("get"), Keys: bytesOf("k"), Access: Read | Write, Channels: bytesOf("")}); (why == Allowed) != want {
			t.Errorf("%q: a command with a key and a channel: %d", rules, why)
		}
	}
}

func TestMaySubscribe(t *testing.T) {
	r := rulesOf(t, "&n.* (&a) (&b*)")
	for name, want := range map[string]bool{"n.1": true, "a": true, "bc": true, "c": false, "n.*": true, "": false} {
		if r.MaySubscribe(name, false) != want {
			t.Errorf("channel %q: %v", name, !want)
		}
	}
	for name, want := range map[string]bool{"n.*": true, "n.1": false, "b*": true, "*": false} {
		if r.MaySubscribe(name, true) != want {
			t.Errorf("pattern %q: %v", name, !want)
		}
	}
	if r := rulesOf(t, "(&*)"); !r.MaySubscribe("x", true) || !r.MaySubscribe("", false) {
		t.Error("&* does not allow everything")
	}
}

func TestMayTakeChannels(t *testing.T) {
	for _, tt := range []struct {
		before, after string
		want          bool
	}{
		{"", "", false},
		{"", "&a", false},
		{"&a", "&a &b", true}, // which clients may have subscribed as another user
		{"&a &b", "&b", true},
		{"&a", "&*", false},
		{"&*", "&a", true},
		{"(&*)", "&a", true},
		{"&*", "(&*)", false},
		{"", "(&a)", false},
		{"(&b)", "&b", true},
		{"", "off -@all resetkeys", false},
		{"&a", "off &a", true},
	} {
		if got := rulesOf(t, tt.after).MayTakeChannels(rulesOf(t, tt.before)); got != tt.want {
			t.Errorf("from %q to %q: %v", tt.before, tt.after, got)
		}
	}
}

func TestCheckDoesNotAllocate(t *testing.T) {
	r := rulesOf(t, "+publish &news.* +select|0")
	channel, arg := bytesOf("news.a long enough not to fit into a small buffer"), bytesOf("0")
	if n := testing.AllocsPerRun(100, func() {
		q := Request{Command: Lookup("publish"), Channels: channel, Args: channel}
		if why, _ := r.Check(&q); why != Allowed {
			t.Fatal(why)
		}
		q = Request{Command: Lookup("select"), Args: arg}
		if why, _ := r.Check(&q); why != Allowed {
			t.Fatal(why)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
