package transcript

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

const ok = "+OK\r\n"

// bulk is the answer that is the bulk string s.
func bulk(s string) string { return string(encodeCommand([]string{s})[len("*1\r\n"):]) }

func TestJudge(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		server fakeServer
		script string
		proto  int
		expect Expect
		// wantProblem is part of the first problem, or empty for none.
		wantProblem string
	}{
		{
			name:   "right",
			server: fakeServer{answers: map[string]string{"A": ok, "B x": ":1\r\n"}},
			script: "c1> A\nc1< +OK\nc2> B x\nc2< :1\n",
		},
		{
			name:        "wrong text",
			server:      fakeServer{answers: map[string]string{"A": "+Ok\r\n"}},
			script:      "c1> A\nc1< +OK\n",
			wantProblem: "line 2: c1 must receive\n    +OK\nbut received\n    +Ok",
		},
		{
			name:        "wrong type",
			server:      fakeServer{answers: map[string]string{"A": bulk("OK")}},
			script:      "c1> A\nc1< +OK\n",
			wantProblem: `"OK"`,
		},
		{
			name:        "wrong null",
			server:      fakeServer{answers: map[string]string{"A": "*-1\r\n"}},
			script:      "c1> A\nc1< $-1\n",
			wantProblem: "*-1",
		},
		{
			name:        "array in place of a push",
			server:      fakeServer{answers: map[string]string{"A": "*1\r\n:1\r\n"}},
			script:      "c1> A\nc1< >1 :1\n",
			proto:       3,
			wantProblem: "*1 :1",
		},
		{
			name:   "push is an array in RESP2",
			server: fakeServer{answers: map[string]string{"A": "*1\r\n:1\r\n"}},
			script: "c1> A\nc1< >1 :1\n",
			proto:  2,
		},
		{
			name:        "number with a sign",
			server:      fakeServer{answers: map[string]string{"A": ":+1\r\n"}},
			script:      "c1> A\nc1< :1\n",
			wantProblem: ":+1",
		},
		{
			name:        "not RESP",
			server:      fakeServer{answers: map[string]string{"A": "hello\r\n"}},
			script:      "c1> A\nc1< +OK\n",
			wantProblem: "does not begin with a type",
		},
		{
			name:        "bulk of wrong length",
			server:      fakeServer{answers: map[string]string{"A": "$1\r\nab\r\n"}},
			script:      "c1> A\nc1< \"a\"\n",
			wantProblem: "it ends with",
		},
		{
			name:        "missing",
			server:      fakeServer{answers: map[string]string{}},
			script:      "c1> A\nc1< +OK\n",
			wantProblem: "line 2: c1 received nothing within",
		},
		{
			name:        "one too many at the end",
			server:      fakeServer{answers: map[string]string{"A": ok + ":7\r\n"}},
			script:      "c1> A\nc1< +OK\n",
			wantProblem: "at the end: c1 received more than is listed: :7",
		},
		{
			name:        "one too many in between",
			server:      fakeServer{answers: map[string]string{"A": ok + ok, "B": ":1\r\n"}},
			script:      "c1> A\nc1< +OK\nc1> B\nc1< :1\n",
			wantProblem: "line 4: c1 must receive\n    :1\nbut received\n    +OK",
		},
		{
			name:        "one too many after the last PING",
			server:      fakeServer{answers: map[string]string{"PING end of c1": bulk("end of c1") + ":9\r\n"}},
			script:      "c1 open\n",
			wantProblem: "more than is listed: :9",
		},
		{
			name:        "one too many that looks like a refused PING",
			server:      fakeServer{answers: map[string]string{"A": ok + "-NOAUTH x\r\n", "PING end of c1": "-NOAUTH x\r\n"}},
			script:      "c1> A\nc1< +OK\n",
			wantProblem: "more than is listed: -NOAUTH x",
		},
		{
			name:   "refused PING",
			server: fakeServer{answers: map[string]string{"PING end of c1": "-NOAUTH x\r\n"}},
			script: "c1 open\n",
		},
		{
			name:        "silent at the end",
			server:      fakeServer{quiet: true},
			script:      "c1 open\n",
			wantProblem: "waiting for the answer to the last PING",
		},
		{
			name:        "left open",
			server:      fakeServer{stayOpen: true},
			script:      "c1 open\n",
			wantProblem: "waiting for the end of the stream",
		},
		{
			name:        "wrong order",
			server:      fakeServer{answers: map[string]string{"A": ":1\r\n:2\r\n"}},
			script:      "c1> A\nc1< :2\nc1< :1\n",
			wantProblem: "line 2",
		},
		{
			name:   "any order",
			server: fakeServer{answers: map[string]string{"A": ":2\r\n:1\r\n"}},
			script: "c1> A\nc1<~ :1\nc1<~ :2\n",
		},
		{
			name:        "any order but wrong",
			server:      fakeServer{answers: map[string]string{"A": ":2\r\n:2\r\n"}},
			script:      "c1> A\nc1<~ :1\nc1<~ :2\n",
			wantProblem: "line 2",
		},
		{
			name:   "confirmations in any order",
			server: fakeServer{answers: map[string]string{"A": "*3\r\n+u\r\n+b\r\n:1\r\n*3\r\n+u\r\n+a\r\n:0\r\n"}},
			script: "c1> A\nc1<~ *3 +u +a :1\nc1<~ *3 +u +b :0\n",
		},
		{
			name:        "confirmations that count up",
			server:      fakeServer{answers: map[string]string{"A": "*3\r\n+u\r\n+b\r\n:0\r\n*3\r\n+u\r\n+a\r\n:1\r\n"}},
			script:      "c1> A\nc1<~ *3 +u +a :1\nc1<~ *3 +u +b :0\n",
			wantProblem: "line 2",
		},
		{
			name:   "closed as listed",
			server: fakeServer{answers: map[string]string{"A": closing}},
			script: "c1> A\nc1< eof\n",
		},
		{
			name:        "not closed",
			server:      fakeServer{answers: map[string]string{"A": ok}},
			script:      "c1> A\nc1< +OK\nc1< eof\n",
			wantProblem: "line 3: c1 received nothing within",
		},
		{
			name:        "closed in place of an answer",
			server:      fakeServer{answers: map[string]string{"A": closing}},
			script:      "c1> A\nc1< +OK\n",
			wantProblem: "but received\n    eof",
		},
		{
			name:        "closed unasked",
			server:      fakeServer{answers: map[string]string{"A": closing}},
			script:      "c1> A\n",
			wantProblem: "c1 was closed by the server",
		},
		{
			name:   "declared",
			server: fakeServer{answers: map[string]string{"A": ":2\r\n"}},
			script: "c1> A\nc1< :1\nc1<! {why} :2\n",
		},
		{
			name:        "recorded where declared is expected",
			server:      fakeServer{answers: map[string]string{"A": ":1\r\n"}},
			script:      "c1> A\nc1< :1\nc1<! {why} :2\n",
			wantProblem: "must receive\n    :2",
		},
		{
			name:   "recorded where Redis is expected",
			server: fakeServer{answers: map[string]string{"A": ":1\r\n"}},
			script: "c1> A\nc1< :1\nc1<! {why} :2\n",
			expect: ExpectRedis,
		},
		{
			name:        "declared where Redis is expected",
			server:      fakeServer{answers: map[string]string{"A": ":2\r\n"}},
			script:      "c1> A\nc1< :1\nc1<! {why} :2\n",
			expect:      ExpectRedis,
			wantProblem: "must receive\n    :1",
		},
		{
			name:   "two declared for one",
			server: fakeServer{answers: map[string]string{"A": ":2\r\n:3\r\n"}},
			script: "c1> A\nc1< :1\nc1<! {why} :2\nc1<! {why} :3\n",
		},
		{
			name:        "one of two declared",
			server:      fakeServer{answers: map[string]string{"A": ":2\r\n"}},
			script:      "c1> A\nc1< :1\nc1<! {why} :2\nc1<! {why} :3\n",
			wantProblem: "received nothing within",
		},
		{
			name:   "nothing declared",
			server: fakeServer{answers: map[string]string{"B": ok}},
			script: "c1> A\nc1< :1\nc1<! {why} nothing\nc1> B\nc1< +OK\n",
		},
		{
			name:        "something where nothing is declared",
			server:      fakeServer{answers: map[string]string{"A": ":1\r\n"}},
			script:      "c1> A\nc1< :1\nc1<! {why} nothing\n",
			wantProblem: "more than is listed",
		},
		{
			name:        "not recorded",
			server:      fakeServer{answers: map[string]string{"A": ok}},
			script:      "c1> A\nc1<\n",
			wantProblem: "no answer is recorded",
		},
		{
			name:   "masked",
			server: fakeServer{answers: map[string]string{"A": ":12345\r\n"}},
			script: "c1> A\nmask int\nc1< :<int>\n",
		},
		{
			name:        "masked but of another type",
			server:      fakeServer{answers: map[string]string{"A": bulk("12345")}},
			script:      "c1> A\nmask int\nc1< :<int>\n",
			wantProblem: "12345",
		},
		{
			name:        "HELLO refused",
			server:      fakeServer{answers: map[string]string{"HELLO 3": "-ERR no\r\n"}},
			script:      "c1> A\nc1< +OK\n",
			proto:       3,
			wantProblem: "c1 cannot switch to RESP3: HELLO 3 was answered -ERR no",
		},
		{
			name:        "send after close",
			script:      "c1 open\nc1 close\nc1> A\nc1< +OK\n",
			wantProblem: "line 3: c1 has closed its connection",
		},
		{
			name:        "unknown variable",
			script:      "c1> ${id}\nc1< +OK\n",
			wantProblem: `nothing is remembered as "id"`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			proto := max(tt.proto, 2)
			p := Player{Addr: tt.server.start(t), Expect: tt.expect}
			if strings.Contains(tt.wantProblem, "nothing within") || strings.HasPrefix(tt.wantProblem, "waiting") {
				p.Timeout = silence
			}
			problems := Judge(p.Play(mustParse(t, tt.script), proto))
			switch {
			case tt.wantProblem == "" && len(problems) > 0:
				t.Errorf("problems: %v", problems)
			case tt.wantProblem != "" && len(problems) == 0:
				t.Errorf("no problem; want %q", tt.wantProblem)
			case tt.wantProblem != "" && !strings.Contains(problems[0].String(), tt.wantProblem):
				t.Errorf("first problem %q, want %q", problems[0], tt.wantProblem)
			}
		})
	}
}

func TestPlaySteps(t *testing.T) {
	t.Parallel()
	f := fakeServer{answers: map[string]string{
		"ID":                              ":42\r\n",
		"KILL 42":                         ok,
		"NAME":                            bulk("n"),
		"GET n 42":                        ":1\r\n",
		"RAW":                             ":2\r\n",
		"LONG " + strings.Repeat("x", 50): ":3\r\n",
	}}
	s := mustParse(t, `
# a value remembered and used
c1> ID
c1< :42
c1= id
c1> KILL ${id}
c1< +OK
c2> NAME
c2< "n"
c2= name
c1> GET ${name} ${id}
c1< :1
# raw bytes, in one write and in pieces
c1>> "RAW\r\n"
c1< :2
c1>>/1 "*1\r\n$3\r\nRAW\r\n"
c1< :2
c1>/4 LONG "<x*50>"
c1< :3
# several commands in one write
c1>+ ID
c1>+ NAME
c1> ID
c1< :42
c1< "n"
c1< :42
# half-closed
c3> ID
c3< :42
c3 shut
c3< eof
`)
	for _, proto := range s.Protocols {
		p := Player{Addr: f.start(t)}
		if problems := Judge(p.Play(s, proto)); len(problems) > 0 {
			t.Errorf("RESP%d: %v", proto, problems)
		}
	}
	if n := s.Exchanges(); n != 11 {
		t.Errorf("%d exchanges, want 11", n)
	}
}

func TestUntil(t *testing.T) {
	t.Parallel()
	f := fakeServer{answers: map[string]string{"A": ":1\r\n"}}
	p := Player{Addr: f.start(t), Timeout: time.Minute}
	if problems := Judge(p.Play(mustParse(t, "c1>until A\nc1< :1\n"), 2)); len(problems) > 0 {
		t.Error(problems)
	}
	hurried := p
	// It is asked again until then; each answer has as long.
	hurried.Timeout = 10 * silence
	problems := Judge(hurried.Play(mustParse(t, "c1>until A\nc1< :2\n"), 2))
	if len(problems) != 1 || !strings.Contains(problems[0].Text, "must receive\n    :2\nbut received\n    :1") {
		t.Errorf("problems %v, want one that shows the last answer", problems)
	}
	sent := 0
	p.Answers = func(string) bool { return true }
	p.Observe = func(_ string, out bool, _ []byte) {
		if out {
			sent++
		}
	}
	problems = Judge(p.Play(mustParse(t, "c1>until A\nc1< :2\nc1<! {d} :1\n"), 2))
	if len(problems) > 0 || sent != 2 { // the request, and the PING at the end
		t.Errorf("problems %v, %d requests; want none and 2 where the declared answer comes first", problems, sent)
	}
}

func TestSame(t *testing.T) {
	t.Parallel()
	values := []Value{
		{Kind: BulkString}, {Kind: BulkString, Null: true}, {Kind: BulkString, Text: "a"}, {Kind: BulkString, Text: "b"},
		{Kind: SimpleString, Text: "a"}, {Kind: Array}, {Kind: Array, Null: true}, {Kind: Map}, {Kind: EOF},
		{Kind: Array, Elems: []Value{{Kind: Integer, Text: "1"}}},
		{Kind: Array, Elems: []Value{{Kind: Integer, Text: "2"}}},
		{Kind: Push, Elems: []Value{{Kind: Integer, Text: "1"}}},
		{Kind: Array, Elems: []Value{{Kind: Integer, Text: "1"}, {Kind: Integer, Text: "1"}}},
	}
	for i, a := range values {
		for k, b := range values {
			if same(a, b) != (i == k) {
				t.Errorf("%v and %v are the same: %v", a, b, i != k)
			}
		}
	}
	if !same(Value{Kind: Array}, Value{Kind: Array, Elems: []Value{}}) {
		t.Error("two empty arrays are not the same")
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	peer := fakeServer{answers: map[string]string{"A": ":1\r\n", "B": ":1\r\n"}}
	script := "c1> A\nc1<\nc1> B\nc1<\nc1<! {why} :5\n"
	tests := []struct {
		name        string
		a, b        string
		wantProblem string
	}{
		{"same and declared", ":1\r\n", ":5\r\n", ""},
		{"not as the peer", ":2\r\n", ":5\r\n", "must receive what the peer sends,\n    :1\nbut received\n    :2"},
		{"not as declared", ":1\r\n", ":1\r\n", "must receive, as declared,\n    :5\nbut received\n    :1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := mustParse(t, script)
			ours := fakeServer{answers: map[string]string{"A": tt.a, "B": tt.b}}
			theirs := Player{Addr: peer.start(t), Expect: ExpectRedis}.Play(s, 2)
			problems := Compare(theirs, Player{Addr: ours.start(t)}.Play(s, 2))
			if tt.wantProblem == "" {
				if len(problems) > 0 {
					t.Error(problems)
				}
				return
			}
			if len(problems) != 1 || !strings.Contains(problems[0].Text, tt.wantProblem) {
				t.Errorf("problems %v, want %q", problems, tt.wantProblem)
			}
		})
	}
}

func TestAddressNeedsStart(t *testing.T) {
	t.Parallel()
	a := Address("127.0.0.1:1")
	for script, want := range map[string]error{
		"server: --requirepass x\n": ErrNeedsStart,
		"own: yes\n":                ErrNeedsStart,
		"alone: yes\n":              nil,
		"# nothing\n":               nil,
	} {
		if _, _, err := a.Acquire(mustParse(t, script)); err != want {
			t.Errorf("%q: error %v, want %v", script, err, want)
		}
	}
}

// TestPlayContext holds that the end of the context ends a play that waits, with
// its cause.
func TestPlayContext(t *testing.T) {
	t.Parallel()
	f := fakeServer{}
	why := errors.New("enough")
	for _, script := range []string{"c1> A\nc1< +OK\n", "c1>until A\nc1< +OK\n"} {
		ctx, cancel := context.WithCancelCause(t.Context())
		observe := func(_ string, sent bool, _ []byte) {
			if sent {
				cancel(why)
			}
		}
		r := Player{Addr: f.start(t), Timeout: time.Hour, Observe: observe}.PlayContext(ctx, mustParse(t, script), 2)
		if len(r.Problems) != 1 || !strings.Contains(r.Problems[0].Text, "enough") {
			t.Errorf("%q: problems %v", script, r.Problems)
		}
	}
}

// TestLoginIsNotObserved holds that neither what logs in nor a server that
// repeats it is seen.
func TestLoginIsNotObserved(t *testing.T) {
	t.Parallel()
	const password = `hid"\den`
	for answer, works := range map[string]bool{ok: true, "-ERR unknown command 'AUTH', with args beginning with: 'hid' \r\n": false, "-ERR " + password + " \r\n": false} {
		f := fakeServer{answers: map[string]string{"AUTH " + password: answer}}
		var seen strings.Builder
		r := Player{
			Addr: f.start(t), Login: []string{"AUTH", password}, Timeout: time.Minute,
			Observe: func(_ string, _ bool, b []byte) { seen.Write(b) },
		}.Play(mustParse(t, "c1> PING\nc1< +PONG\n"), 2)
		if works != (len(r.Problems) == 0) || works != strings.Contains(seen.String(), "PING") {
			t.Errorf("%q: problems %v, seen %q", answer, r.Problems, seen.String())
		}
		for _, text := range append([]string{seen.String()}, problemTexts(r)...) {
			if strings.Contains(text, "hid") {
				t.Errorf("%q shows in %q", answer, text)
			}
		}
	}
}

func problemTexts(r *Run) (texts []string) {
	for _, p := range r.Problems {
		texts = append(texts, p.Text)
	}
	return texts
}
