package suite

import (
	"bytes"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/fake"
)

const sample = "# Sample.\nwhy: It breaks.\n\ncase: SUB-001 One.\nc1> PING\nc1< +PONG\n\ncase: SUB-002 Two.\nneeds: alone\nresp: 2\nc1> ECHO ${p}x\nc1< \"${p}x\"\n"

func TestParseFile(t *testing.T) {
	t.Parallel()
	f, err := ParseFile("sample.txt", sample)
	if err != nil {
		t.Fatal(err)
	}
	one, two := f.Cases[0], f.Cases[1]
	if one.ID != "SUB-001" || one.Area != "subscribe" || one.Title != "One." || one.Why != "It breaks." || one.Alone || len(one.Protocols) != 2 {
		t.Errorf("the first case is %+v", one)
	}
	if two.Line != 8 || !two.Alone || len(two.Protocols) != 1 {
		t.Errorf("the second case is %+v", two)
	}
	if got := strings.ReplaceAll(f.Format(), "\n\n", "\n"); got != strings.ReplaceAll(sample, "\n\n", "\n") {
		t.Errorf("formatted:\n%s", got)
	}
}

func TestParseFileErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"# nothing\n":                          "holds no case",
		"case: SUB-1 x\n":                      "is not case:",
		"case: ZZZ-001 x\n":                    "no area has the letters",
		"case: SUB-001 x\nc1> PING\nc1< +PONG": "does not say why",
		"why: w\ncase: SUB-001 x\nneeds: luck\nc1> PING\nc1< +P":   "neither alone nor",
		"why: w\ncase: SUB-001 x\nneeds: a >= b\nc1> PING\nc1< +P": "invalid syntax",
		"why: w\ncase: SUB-001 x\nown: yes\nc1> PING\nc1< +P":      "needs a server started for it",
		"why: w\ncase: SUB-001 x\nnonsense":                        "SUB-001",
		"why: w\ncase: SUB-001 x\npatience: 3\nc1> PING\nc1< +P":   "is no time",
		"why: w\ncase: SUB-001 x\nafter: \"\nc1> PING\nc1< +P":     "is no command",
		"why: w\ncase: RCL-001 x\nargs PING\n":                     "no line",
		"why: w\ncase: RCL-001 x\nargs PING\njump\n-- screen --\n": "is no step",
	} {
		if _, err := ParseFile("f.txt", text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	twice := fstest.MapFS{"a.txt": {Data: []byte(sample)}, "b.txt": {Data: []byte(sample)}}
	if _, err := LoadFS(twice); err == nil || !strings.Contains(err.Error(), "a second SUB-001") {
		t.Errorf("two cases of one id: %v", err)
	}
}

func TestParseDivergences(t *testing.T) {
	t.Parallel()
	list, err := ParseDivergences("# T\n\n## a\n\nOne\nmore.\n\nIn: redis-7.2, pubsubd\nNot established for: valkey-8.0\n")
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	if d := list[0]; d.ID != "a" || d.Text != "One more." || len(d.In) != 2 || d.Unknown[0] != "valkey-8.0" {
		t.Errorf("%+v", d)
	}
	for text, want := range map[string]string{
		"## a\nx\n":                                    "lacks",
		"## a\nx\nIn: redis-9\n":                       "no column is called",
		"## a\nx\nIn: redis-7.2\n## a\n":               "listed twice",
		"## a\nIn: redis-7.2\n":                        "lacks",
		"## a\nx\nIn: pubsubd\nNot established for: z": "no column is called",
	} {
		if _, err := ParseDivergences(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestColumnOfAServer(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"redis_version:7.0.15":                       "redis-7.0",
		"redis_version:7.2.4":                        "redis-7.2",
		"redis_version:7.4.1":                        "redis-7.4",
		"redis_version:8.0.2":                        "redis-8.0",
		"redis_version:8.2.0":                        "redis-8.0, the nearest",
		"redis_version:7.1.0":                        "redis-7.0, the nearest",
		"redis_version:6.2.1":                        "redis-7.0, the nearest",
		"redis_version:x":                            "redis-7.0, the nearest",
		"redis_version:7.2.4\nvalkey_version:7.2.9":  "redis-7.2",
		"redis_version:7.2.4\nvalkey_version:8.0.4":  "valkey-8.0",
		"redis_version:7.2.4\nvalkey_version:8.1.0":  "valkey-8.1",
		"redis_version:7.2.4\nvalkey_version:9.0.0":  "valkey-8.1, the nearest",
		"redis_version:7.2.4\nvalkey_version:9.1.2":  "valkey-9.1",
		"redis_version:7.4.0\npubsubd_version:0.1.0": "pubsubd",
	} {
		fields := map[string]string{}
		readInfo(fields, text)
		id, ok := fromInfo(fields)
		got := id.Column.Name
		if id.Nearest {
			got += ", the nearest"
		}
		if !ok || got != want {
			t.Errorf("%q is of %s, want %s", text, got, want)
		}
	}
}

// serve starts a server that answers with reply.
func serve(t *testing.T, reply fake.Reply) Server {
	t.Helper()
	return Server{Addr: fake.Start(t, reply)}
}

// play plays the cases of text on a server, with long waits unless o has others.
func play(t *testing.T, s Server, text string, o Options) *Report {
	t.Helper()
	f, err := ParseFile("f.txt", text)
	if err != nil {
		t.Fatal(err)
	}
	if o.Column.Name == "" {
		o.Column = Columns[0]
	}
	if o.Timeout == 0 {
		o.Timeout = time.Minute
	}
	return Run(t.Context(), s, f.Cases, o)
}

// good answers PING, ECHO and HELLO as they should be.
func good(_ int, words []string) string {
	switch {
	case words[0] == "HELLO":
		return "-NOPROTO unsupported protocol version\r\n"
	case len(words) == 2:
		return fmt.Sprintf("$%d\r\n%s\r\n", len(words[1]), words[1])
	}
	return "+PONG\r\n"
}

func TestRun(t *testing.T) {
	t.Parallel()
	s := serve(t, good)
	r := play(t, s, sample, Options{})
	if r.Count("", Passed) != 1 || r.Count("", NotRun) != 1 || !r.NoRESP3 || r.OK() {
		t.Errorf("%+v", r)
	}
	if r := play(t, s, sample, Options{Alone: true, Protocols: []int{2}}); r.Count("", Passed) != 2 || !r.OK() {
		t.Errorf("alone: %+v", r)
	}
	if r := play(t, s, sample, Options{Alone: true, Limit: -1}); r.Count("", NotRun) != 2 || r.Cut == "" || r.OK() {
		t.Errorf("no time: %+v", r)
	}
}

// TestAddressesOfUnixSockets holds that a case which closes clients by their
// address is not played where all have the same.
func TestAddressesOfUnixSockets(t *testing.T) {
	t.Parallel()
	const text = "why: w\ncase: CLI-001 x\nc1> PING\nc1< +PONG\nc1> CLIENT KILL ${c1.addr}\nc1< +OK\n"
	for _, addr := range []string{"unix:sock", "./sock"} {
		r := play(t, Server{Addr: addr}, text, Options{Timeout: time.Second})
		if res := r.Results[0]; res.Outcome != NotRun || !strings.Contains(res.Note, "same address") {
			t.Errorf("%s: %+v", addr, res)
		}
	}
}

// TestAddressesBehindAProxy holds that a case which closes clients by their address
// is not played where the server sees others, or somebody may have them.
func TestAddressesBehindAProxy(t *testing.T) {
	t.Parallel()
	const text = "why: w\ncase: CLI-001 x\nc1> PING\nc1< +PONG\nc1> CLIENT KILL ${c1.addr}\nc1< +PONG\n"
	for _, try := range []struct {
		answer string
		alone  bool
		want   string // in the note
	}{
		{"$29\r\nid=1 addr=192.0.2.1:1 laddr=x\r\n", false, "other addresses"},
		{"$29\r\nid=1 addr=192.0.2.1:1 laddr=x\r\n", true, "other addresses"},
		{"-ERR unknown command\r\n", false, "does not say"},
		{"-ERR unknown command\r\n", true, ""},
	} {
		s := serve(t, func(n int, words []string) string {
			if len(words) == 2 && words[0] == "CLIENT" {
				return try.answer
			}
			return good(n, words)
		})
		r := play(t, s, text, Options{Protocols: []int{2}, Alone: try.alone})
		res := r.Results[0]
		if (res.Outcome == Passed) != (try.want == "") || !strings.Contains(res.Note, try.want) {
			t.Errorf("answered %q, alone %v: %+v", try.answer, try.alone, res)
		}
	}
}

// TestPatience holds that a case may ask for longer waits than the run has, in
// which no answer can come.
func TestPatience(t *testing.T) {
	t.Parallel()
	s := serve(t, good)
	const text = "why: w\ncase: SUB-001 x\npatience: 1h\nc1> PING\nc1< +PONG\n\ncase: SUB-002 y\nc1> PING\nc1< +PONG\n"
	r := play(t, s, text, Options{Protocols: []int{2}, Timeout: time.Nanosecond, Workers: 1})
	if r.Results[0].Outcome != Passed || r.Results[1].Outcome == Passed {
		t.Errorf("%+v", r.Results)
	}
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	const text = "why: w\ncase: SUB-001 x\nc1> PING\nc1< +PING\n\ncase: SUB-002 y\nc1> OTHER\nc1< +OK\n\n" +
		"case: SUB-003 z\nc1> PING\nc1< +NO\nc1<! {d} +PONG\n\n" +
		"case: SUB-004 z\nc1> PING\nc1< +NO\nc1<! {d} +NEITHER\n"
	s := serve(t, func(n int, words []string) string {
		if words[0] == "OTHER" {
			return "-ERR unknown command 'OTHER'\r\n"
		}
		return good(n, words)
	})
	r := play(t, s, text, Options{Protocols: []int{2}, Divergences: []Divergence{{ID: "d", Unknown: []string{"redis-7.0"}}}})
	for i, want := range []Outcome{Differs, NotSupported, NotEstablished, Differs} {
		if got := r.Results[i].Outcome; got != want {
			t.Errorf("%s %s, want %s", r.Results[i].Case.ID, got, want)
		}
	}
	if d := r.Results[0].Differences[0]; string(d.Want) != "+PING\r\n" || string(d.Got) != "+PONG\r\n" {
		t.Errorf("the difference is %+v", d)
	}
	var b bytes.Buffer
	if err := r.Write(&b, "stone", WriteOptions{}); err == nil {
		t.Error("a report in stone")
	}
}

// TestDeadServer holds that a server that stops answering ends the run, or is
// started anew.
func TestDeadServer(t *testing.T) {
	t.Parallel()
	var dead atomic.Bool
	s := serve(t, func(n int, words []string) string {
		if words[0] == "DIE" {
			dead.Store(true)
		}
		if dead.Load() {
			return fake.HangUp
		}
		return good(n, words)
	})
	const text = "why: w\ncase: SUB-001 x\nc1> DIE\nc1< +OK\n\ncase: SUB-002 y\nc1> PING\nc1< +PONG\n"
	o := Options{Protocols: []int{2}, Workers: 1}
	r := play(t, s, text, o)
	if r.Results[1].Outcome != NotRun || !strings.Contains(r.Results[1].Note, "when SUB-001 had been played") || r.OK() {
		t.Errorf("%+v", r.Results[1])
	}
	o.Restart = func() error { dead.Store(false); return nil }
	dead.Store(false)
	if r := play(t, s, text, o); r.Results[1].Outcome != Passed {
		t.Errorf("after a new start %+v", r.Results[1])
	}
}

func TestNeeds(t *testing.T) {
	t.Parallel()
	for _, try := range []struct {
		need, value string
		met         bool
	}{
		{"databases >= 8", "8", true},
		{"databases >= 8", "16", true},
		{"databases >= 8", "7", false},
		{"proto-max-bulk-len = 10", "10", true},
		{"proto-max-bulk-len = 10", "11", false},
		{"proto-max-bulk-len = 10", "10mb", true},
		{"client-output-buffer-limit pubsub >= 100", "normal 1 1 1 pubsub 100 0 0", true},
		{"client-output-buffer-limit pubsub >= 100", "normal 1 1 1 pubsub 0 0 0", true},
		{"client-output-buffer-limit pubsub >= 100", "pubsub 99 0 0", false},
		{"client-output-buffer-limit pubsub >= 100", "pubsub 0 99 29", false},
		{"client-output-buffer-limit pubsub >= 100", "pubsub 0 99 30", true},
		{"client-output-buffer-limit pubsub >= 100", "pubsub 0", true},
		{"client-output-buffer-limit pubsub >= 100", "pubsub a b c", true},
	} {
		n, err := parseNeed(try.need)
		if err != nil || n.String() != try.need || n.met(try.value) != try.met {
			t.Errorf("%s (%v, %v) for %q is %v", try.need, n, err, try.value, !try.met)
		}
	}
	for _, text := range []string{"luck", "databases > 1", "databases = x", "a pubsub = 1", ""} {
		if _, err := parseNeed(text); err == nil {
			t.Errorf("%q is a need", text)
		}
	}
}

// TestNeedNotMet holds that a case which takes more for granted than the server
// has is not played, and that a server without CONFIG is held to it.
func TestNeedNotMet(t *testing.T) {
	t.Parallel()
	const text = "why: w\ncase: SUB-001 x\nneeds: databases >= 8\nc1> PING\nc1< +PONG\n"
	answer := "*2\r\n$9\r\ndatabases\r\n$1\r\n1\r\n"
	s := serve(t, func(n int, words []string) string {
		if words[0] == "CONFIG" {
			return answer
		}
		return good(n, words)
	})
	r := play(t, s, text, Options{Protocols: []int{2}})
	if res := r.Results[0]; res.Outcome != NotRun || res.Note != "it needs databases >= 8" {
		t.Errorf("%+v", res)
	}
	answer = "-ERR unknown command\r\n"
	if r := play(t, s, text, Options{Protocols: []int{2}}); r.Results[0].Outcome != Passed {
		t.Errorf("without CONFIG: %+v", r.Results[0])
	}
}
