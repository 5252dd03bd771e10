package server

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pubsubd/pubsubd/broker"
)

func TestSubscribing(t *testing.T) {
	for _, p := range []string{"", ">"} { // what stands before a push
		s := newServer(t)
		c := pipe(t, s)
		if p == ">" {
			c.ask("HELLO 3", "%[server…")
		}
		for _, tt := range []struct {
			request string
			want    []string
		}{
			{"UNSUBSCRIBE", []string{"[unsubscribe nil 0]"}},
			{"PUNSUBSCRIBE", []string{"[punsubscribe nil 0]"}},
			{"SUNSUBSCRIBE", []string{"[sunsubscribe nil 0]"}},
			{"UNSUBSCRIBE q q", []string{"[unsubscribe q 0]", "[unsubscribe q 0]"}},
			{"SUBSCRIBE a b a", []string{"[subscribe a 1]", "[subscribe b 2]", "[subscribe a 2]"}},
			{"PSUBSCRIBE a* a", []string{"[psubscribe a* 3]", "[psubscribe a 4]"}},
			{"SSUBSCRIBE a b", []string{"[ssubscribe a 1]", "[ssubscribe b 2]"}},
			{"UNSUBSCRIBE nope a", []string{"[unsubscribe nope 4]", "[unsubscribe a 3]"}},
			{"SUNSUBSCRIBE b", []string{"[sunsubscribe b 1]"}},
			{"UNSUBSCRIBE", []string{"[unsubscribe b 2]"}},
			{"UNSUBSCRIBE", []string{"[unsubscribe nil 2]"}},
			{"PUNSUBSCRIBE a a*", []string{"[punsubscribe a 1]", "[punsubscribe a* 0]"}},
			{"SUNSUBSCRIBE", []string{"[sunsubscribe a 0]"}},
		} {
			c.send(tt.request)
			for _, w := range tt.want {
				c.want(p + w)
			}
		}
		c.ask("GET x", "-ERR unknown command…")
		c.ask("ECHO free", "free") // out of subscribed state
	}
}

// A list that is longer than a lot is confirmed name by name all the same.
func TestSubscribingToMany(t *testing.T) {
	s := newServer(t)
	c := pipe(t, s)
	const n = 3*confirmLot + 5
	names := make([]string, n)
	for i := range names {
		names[i] = "channel:" + strconv.Itoa(i)
	}
	go c.send("SUBSCRIBE " + strings.Join(names, " "))
	for i, name := range names {
		c.want(fmt.Sprintf("[subscribe %s %d]", name, i+1))
	}
	c.send("UNSUBSCRIBE")
	var left []string
	for i := range n {
		f := c.next()
		if got, want := f.elems[2].text, strconv.Itoa(n-1-i); got != want {
			t.Fatalf("count %s, want %s", got, want)
		}
		left = append(left, f.elems[1].text)
	}
	slices.Sort(names)
	slices.Sort(left)
	if !slices.Equal(left, names) {
		t.Error("the names that ended are not those that were subscribed to")
	}
}

// Long lists are queued piece by piece. Whatever they stand behind, before or
// within, every name is there once and nothing is out of its place.
func TestLongLists(t *testing.T) {
	s := newServer(t)
	m := s.broker.Join(deaf{})
	var want []string
	for _, n := range []int{1, 3, 60, 5000} { // characters beside the number
		for i := range 700 {
			want = append(want, strings.Repeat("x", n)+strconv.Itoa(i))
		}
	}
	want = append(want, strings.Repeat("y", 2*maxBuffer), strings.Repeat("y", maxBuffer), "")
	for _, name := range want {
		s.broker.Subscribe(m, broker.Channel, name)
	}
	slices.Sort(want)
	check := func(f frame) {
		t.Helper()
		got := make([]string, len(f.elems))
		for i, e := range f.elems {
			got[i] = e.text
		}
		if slices.Sort(got); f.kind != '*' || !slices.Equal(got, want) {
			t.Errorf("%d names in a frame of kind %c, want the %d there are", len(got), f.kind, len(want))
		}
	}
	c := dial(t, listen(t, s))
	c.send("ECHO a", "PUBSUB CHANNELS", "ECHO b", "PUBSUB CHANNELS *", "PUBSUB CHANNELS nope", "ECHO c")
	c.want("a")
	check(c.next())
	c.want("b")
	want = slices.DeleteFunc(want, func(name string) bool { return name == "" }) // which a star alone does not match
	check(c.next())
	c.want("[]", "c")

	c.send("MULTI", "ECHO a", "PUBSUB CHANNELS *", "ECHO b", "EXEC", "ECHO c")
	c.want("+OK", "+QUEUED", "+QUEUED", "+QUEUED")
	f := c.next()
	if len(f.elems) != 3 || f.elems[0].text != "a" || f.elems[2].text != "b" {
		t.Fatalf("EXEC answered with %d elements", len(f.elems))
	}
	check(f.elems[1])
	c.want("c")

	c.send("CLIENT REPLY SKIP", "PUBSUB CHANNELS *", "ECHO d", "CLIENT REPLY OFF", "PUBSUB CHANNELS *", "CLIENT REPLY ON")
	c.want("d", "+OK")
}

func TestPubsubCommand(t *testing.T) {
	s := newServer(t)
	sub, c := pipe(t, s), pipe(t, s)
	sub.send("SUBSCRIBE a1 b1", "PSUBSCRIBE a*", "SSUBSCRIBE s1")
	sub.want("[subscribe a1 1]", "[subscribe b1 2]", "[psubscribe a* 3]", "[ssubscribe s1 1]")
	c.ask("PUBSUB CHANNELS a*", "[a1]")
	c.ask("PUBSUB CHANNELS nope", "[]")
	c.send("PUBSUB CHANNELS")
	if got := texts(c.next().elems); len(got) != 2 || !slices.Contains(got, "a1") || !slices.Contains(got, "b1") {
		t.Errorf("%q", got)
	}
	c.ask("PUBSUB CHANNELS a b", "-ERR unknown subcommand or wrong number of arguments for 'CHANNELS'. Try PUBSUB HELP.")
	c.ask("PUBSUB NUMSUB", "[]")
	c.ask("PUBSUB NUMSUB a1 nope a1 s1", "[a1 1 nope 0 a1 1 s1 0]")
	c.ask("PUBSUB NUMPAT", "1")
	c.ask("PUBSUB SHARDCHANNELS", "[s1]")
	c.ask("PUBSUB SHARDCHANNELS a*", "[]")
	c.ask("PUBSUB SHARDNUMSUB s1 a1", "[s1 1 a1 0]")
	c.ask("PUBLISH a1 x", "2")
	c.ask("SPUBLISH a1 x", "0")
	c.ask("SPUBLISH s1 y", "1")
	sub.want("[message a1 x]", "[pmessage a* a1 x]", "[smessage s1 y]")
}

func TestConnectionCommands(t *testing.T) {
	s := newServer(t)
	c := pipe(t, s)
	id := c.do("CLIENT ID")
	for _, tt := range [][2]string{
		{"PING", "+PONG"}, {"PING hi", "hi"}, {"PING a b", "-ERR wrong number of arguments for 'ping' command"},
		{"SELECT 15", "+OK"}, {"SELECT 16", "-ERR DB index is out of range"}, {"SELECT x", "-ERR value is not an integer or out of range"},
		{"SELECT -1", "-ERR DB index is out of range"}, {"SELECT 2147483648", "-ERR value is out of range…"},
		{"CLIENT GETNAME", "nil"}, {"CLIENT SETNAME x", "+OK"}, {"CLIENT GETNAME", "x"}, {"CLIENT NO-EVICT maybe", "-ERR syntax error"},
		{"CLIENT SETINFO nosuch x", "-ERR Unrecognized option 'nosuch'"}, {"CLIENT REPLY maybe", "-ERR syntax error"}, {"CLIENT REPLY ON", "+OK"},
		{"CLIENT LIST TYPE nosuch", "-ERR Unknown client type 'nosuch'"}, {"CLIENT LIST TYPE pubsub", ""}, {"CLIENT LIST TYPE master", ""},
		{"CLIENT LIST TYPE replica", ""}, {"CLIENT LIST TYPE normal", "id=" + id + "…"}, {"CLIENT LIST ID " + id + " 999", "id=" + id + "…"},
		{"CLIENT LIST ID x", "-ERR Invalid client ID"}, {"CLIENT LIST nosuch", "-ERR syntax error"}, {"CLIENT INFO", "id=" + id + "…"},
		{"CLIENT KILL ID 0", "-ERR client-id should be greater than 0"}, {"CLIENT KILL ID x", "-ERR client-id should be greater than 0"},
		{"CLIENT KILL ID 1 SKIPME", "-ERR syntax error"}, {"CLIENT KILL nosuch 1", "-ERR syntax error"}, {"CLIENT KILL LADDR nowhere", "0"},
		{"CLIENT KILL TYPE nosuch", "-ERR Unknown client type 'nosuch'"}, {"CLIENT KILL USER nobody", "-ERR No such user 'nobody'"}, {"CLIENT KILL nowhere", "-ERR No such client"},
		{"HELLO x", "-ERR Protocol version is not an integer or out of range"}, {"HELLO 4", "-NOPROTO unsupported protocol version"},
		{"HELLO 2 FOO", "-ERR Syntax error in HELLO option 'FOO'"}, {"HELLO 2 AUTH x", "-ERR Syntax error in HELLO option 'AUTH'"},
		{"HELLO 3 AUTH nobody x", "-WRONGPASS…"}, {"HELLO", "[server redis version 7.4.0 proto 2 id " + id + " mode standalone role master modules []]"},
		{"AUTH x", "-ERR AUTH <password> called without any password…"}, {"AUTH default x", "+OK"}, {"AUTH a b c", "-ERR syntax error"},
		{"COMMAND GETKEYSANDFLAGS WATCH a b", "[[a [+RO]] [b [+RO]]]"}, {"COMMAND GETKEYSANDFLAGS PUBLISH a b", "-ERR The command has no key arguments"},
		{"COMMAND GETKEYS WATCH a b c", "[a b c]"}, {"COMMAND GETKEYS MULTI x", "-ERR The command has no key arguments"},
		{"FLUSHALL ASYNC", "+OK"}, {"FLUSHDB", "+OK"}, {"FLUSHDB x", "-ERR syntax error"}, {"DBSIZE", "0"}, {"TIME", "[1…"},
	} {
		c.ask(tt[0], tt[1])
	}
	c.raw(string(encode("HELLO", "2", "SETNAME", "a b")))
	c.want("-ERR Client names cannot contain spaces, newlines or special characters.")
	c.raw(string(encode("CLIENT", "SETINFO", "lib-name", "a b")))
	c.want("-ERR lib-name cannot contain spaces, newlines or special characters.")
	c.send("CLIENT REPLY SKIP", "PING", "PING again", "CLIENT REPLY OFF", "PING", "CLIENT REPLY SKIP", "CLIENT REPLY ON")
	c.want("again", "+OK")
	c.send("SUBSCRIBE c", "PING", "PING hi")
	c.want("[subscribe c 1]", "[pong ]", "[pong hi]")
	c.ask("RESET", "+RESET")
	c.ask("CLIENT GETNAME", "nil")
	c.ask("PUBSUB NUMSUB c", "[c 0]")
}

func TestInfo(t *testing.T) {
	s := newServer(t)
	c := pipe(t, s)
	sections := func(request string) (names []string) {
		c.send(request)
		f := c.next()
		if f.kind != '$' && f.kind != '=' {
			t.Errorf("%s: %s", request, f)
		}
		for _, line := range strings.Split(f.text, "\r\n") {
			if name, ok := strings.CutPrefix(line, "# "); ok {
				names = append(names, name)
			} else if name, value, ok := strings.Cut(line, ":"); line != "" && (!ok || name == "" || strings.Contains(value, "\n")) {
				t.Errorf("%s: a line %q", request, line)
			}
		}
		return names
	}
	standard := sections("INFO")
	if slices.Contains(standard, "Commandstats") || len(standard) < 8 {
		t.Errorf("INFO: %q", standard)
	}
	if got := sections("INFO default"); !slices.Equal(got, standard) {
		t.Errorf("INFO default: %q", got)
	}
	for _, all := range []string{"INFO all", "INFO everything"} {
		if got := sections(all); len(got) != len(infoSections) {
			t.Errorf("%s: %q", all, got)
		}
	}
	if got := sections("INFO sTats nosuch Cluster"); !slices.Equal(got, []string{"Stats", "Cluster"}) {
		t.Errorf("%q", got)
	}
	if got := sections("INFO nosuch"); got != nil {
		t.Errorf("%q", got)
	}
	c.ask("NOSUCH", "-ERR unknown command…")
	c.ask("GET", "-ERR unknown command…")
	c.ask("PUBLISH c", "-ERR wrong number…")
	for field, want := range map[string]string{
		"total_error_replies": "3", "errorstat_ERR": "count=3", "connected_clients": "1", "redis_mode": "standalone", "loading": "0", "role": "master",
		"cmdstat_publish": "calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0", "pubsub_channels": "0",
	} {
		if got := c.info(field); got != want {
			t.Errorf("%s:%s, want %s", field, got, want)
		}
	}
	c.ask("CONFIG RESETSTAT", "+OK")
	if got := c.info("total_error_replies"); got != "0" {
		t.Errorf("after RESETSTAT, total_error_replies:%s", got)
	}
	c.send("HELLO 3", "INFO stats")
	c.next()
	if f := c.next(); f.kind != '=' || !strings.HasPrefix(f.text, "txt:# Stats") {
		t.Errorf("in RESP3: %.50q", f.text)
	}
	for n, want := range map[uint64]string{0: "0B", 1023: "1023B", 1024: "1.00K", 3 << 20: "3.00M", 5 << 30: "5.00G"} {
		if got := humanBytes(n); got != want {
			t.Errorf("%d bytes are %s, want %s", n, got, want)
		}
	}
}

func TestErrorCodesAreBounded(t *testing.T) {
	var e errorStats
	for i := range 2 * maxErrorCodes {
		e.count(fmt.Sprintf("CODE%d text", i))
	}
	if total, codes, _ := e.snapshot(); total != 2*maxErrorCodes || len(codes) != maxErrorCodes {
		t.Errorf("%d errors, %d codes", total, len(codes))
	}
}
