package transcript

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"nonsense!\n":              "unknown operator",
		"!\n":                      "is not a step",
		"c1 dance\n":               "unknown action",
		"c1>\n":                    "nothing to send",
		"c1> \"a\n":                "not closed",
		"c1>/0 a\n":                "unknown operator",
		"c1>>until \"a\"\n":        "until sends a command",
		"c1=\n":                    "needs one name",
		"c1< x\n":                  "does not begin with a type",
		"c1<! {why} :1\n":          "no line of c1 comes before",
		"c1< :1\nc2<! {why} :1\n":  "no line of c2 comes before",
		"c1< :1\nc1<! :1\n":        "is not {reason} value",
		"c1< :1\nc1<! {why} zz\n":  "does not begin with a type",
		"c1<~ :1\nc1<! {why} :1\n": "cannot have a difference",
		"resp: 4\n":                "not 2, 3 or raw",
		"alone: no\n":              "not yes",
		"own: maybe\n":             "not yes",
		"server: \"a\n":            "not closed",
		"resp: 2\nc1<3 :1\n":       "not played in RESP3",
		"mask int\nc1> a\n":        "must be followed by the value",
		"mask int\n":               "no value follows the mask",
		"mask nosuch\nc1< :1\n":    "unknown mask",
		"mask key\nc1< :1\n":       "needs an argument",
		"mask int=3\nc1< :1\n":     "takes no argument",
		"c1>until a\n":             "has no value",
		"c1>until a\nc1<\n":        "until needs the value",
		"c1>until a\nc2< :1\n":     "until needs the value",
		"c1>until a\nc1> b\n":      "must come first",
		"c1>+ a\nc1< :1\n":         "must be followed by what it sends",
		"c1>+ a\n":                 "is never sent",
		"c1> a\nresp: 2\n":         "unknown operator",
	} {
		_, err := Parse("test", text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

func TestHeader(t *testing.T) {
	t.Parallel()
	s := mustParse(t, "# what it shows\nresp: raw\nserver: --requirepass \"a b\"\nserver: --timeout 1\n\nc1 open\n")
	if want := []int{Raw}; !slices.Equal(s.Protocols, want) {
		t.Errorf("protocols %v, want %v", s.Protocols, want)
	}
	if want := []string{"--requirepass", "a b", "--timeout", "1"}; !slices.Equal(s.ServerArgs, want) {
		t.Errorf("server arguments %q, want %q", s.ServerArgs, want)
	}
	if !s.Alone || !s.Own {
		t.Errorf("Alone %v, Own %v; want both", s.Alone, s.Own)
	}
	if s := mustParse(t, "alone: yes\n"); !s.Alone || s.Own || s.Ends {
		t.Errorf("Alone %v, Own %v, Ends %v; want Alone", s.Alone, s.Own, s.Ends)
	}
	if s := mustParse(t, "ends: yes\n"); !s.Alone || !s.Own || !s.Ends {
		t.Errorf("Alone %v, Own %v, Ends %v; want all", s.Alone, s.Own, s.Ends)
	}
}

func TestFormatIsWhatWasParsed(t *testing.T) {
	t.Parallel()
	const text = `# first
resp: 2
alone: yes

c1> SUBSCRIBE a "b c"
c1< *3 "subscribe" "a" :1
mask int client
c1<2 *1 :<int>
c1<! {why.1-2} -ERR no
c1<! {why.1-2} eof
# several lines
c1>> "*1\r\n"
  "$4\r\nPING\r\n"
c1<~ +PONG
c1<~

c1>until A
c1< :1
c1= id
c1 shut
`
	s := mustParse(t, text)
	if got := s.Format(); got != text {
		t.Errorf("formatted:\n%s\nwant:\n%s", got, text)
	}
	if want := []string{"why.1-2"}; !slices.Equal(s.Reasons(), want) {
		t.Errorf("reasons %q, want %q", s.Reasons(), want)
	}
}

func TestCommands(t *testing.T) {
	t.Parallel()
	s := mustParse(t, "c1> PING\nc1< +PONG\nc1> pubsub NumSub a\nc1< *0\nc1>until Ping\nc1< +PONG\nc1>> \"ECHO x\\r\\n\"\n")
	want := map[string]int{"ping": 2, "pubsub": 1, "pubsub|numsub": 1}
	if got := Commands([]*Script{s}); !maps.Equal(got, want) {
		t.Errorf("commands %v, want %v", got, want)
	}
}

func TestParseReasons(t *testing.T) {
	t.Parallel()
	const text = "# Title\n\nWords.\n\n## one\n\nBecause\nof it.\n\nAnswered so by: Redis 7.2\n\n## two\nWhy.\nAnswered so by: nobody else\n"
	want := []DeclaredReason{
		{ID: "one", Text: "Because of it.", AnsweredBy: "Redis 7.2"},
		{ID: "two", Text: "Why.", AnsweredBy: "nobody else"},
	}
	got, err := ParseReasons(text)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	for _, bad := range []string{"## a\nWhy.\n", "## a\nAnswered so by: x\n", text + "## one\nWhy.\nAnswered so by: x\n"} {
		if _, err := ParseReasons(bad); err == nil {
			t.Errorf("%q has no error", bad)
		}
	}
}

func TestMasks(t *testing.T) {
	t.Parallel()
	tests := []struct {
		mask, text, want string
	}{
		{"int", `*2 :5 "5"`, `*2 :<int> "5"`},
		{"text", `%2 "a" "" +b :1`, `%2 "<text>" "" +<text> :1`},
		{"digits", `*2 "12a3" :4`, `*2 "<n>a<n>" :4`},
		{"key=id,version", `*4 "id" :7 "version" "7.0"`, `*4 "id" :<int> "version" "<text>"`},
		{"key=id", `%2 "id" ,7.5 "age" ,7`, `%2 "id" ,<double> "age" ,7`},
		{"key=id", `%2 "id" :7 "name" "id"`, `%2 "id" :<int> "name" "id"`},
		{"drop=b", `%2 "a" :1 "b" :2`, `%1 "a" :1`},
		{"drop=b", `*1 *4 "a" :1 "b" :2`, `*1 *2 "a" :1`},
		{"only=a,c", `*4 "a" "b" "c" "d"`, `*2 "a" "c"`},
		{"only=a", `*2 *2 "a" :1 *2 "b" :1`, `*1 *2 "a" :1`},
		{"entries=b", `%2 "a" :1 "b" :2`, `%1 "b" :2`},
		{"entries=b", `*4 "a" :1 "b" :2`, `*2 "b" :2`},
		{"sorted", `*3 "b" "c" "a"`, `*3 "a" "b" "c"`},
		{"sorted", `%2 "b" :1 "a" :2`, `%2 "a" :2 "b" :1`},
		{"sorted", `*0`, `*0`},
		{"pairs", `*4 "b" :1 "a" :2`, `*4 "a" :2 "b" :1`},
		{"edges", `*5 +a +b +c +d +e`, `*3 +a +d +e`},
		{"edges", `*2 +a +b`, `*2 +a +b`},
		{"client", `"id=1 addr=1:2 name=n lib-name=x resp=2\n"`, `"id=* addr=* name=n resp=2\n"`},
		{"client", `="txt:id=1 resp=3\nid=2 resp=2\n"`, `="txt:id=* resp=3\nid=* resp=2\n"`},
		{"client", `"other"`, `"other"`},
		{"monitor", `+"1795354000.000001 [3 ::1:2] \"PING\""`, `+<time> [3 <addr>] "PING"`},
		{"monitor", `+PONG`, `+PONG`},
		{"info=b,a*", `"# S\r\na:12\r\nb:3\r\nc:4\r\n"`, `"b:3\r\na:<n>\r\n"`},
		{"info=a*", `="txt:a:calls=1,usec=22,usec_per_call=3.5\r\n"`, `="txt:a:calls=1,usec=<n>,usec_per_call=<n>\r\n"`},
		{"info=none", `"a:1\r\n"`, `""`},
		{
			"command",
			`*2 $-1 *10 "x" :1 ~2 +b +a :0 :0 :0 ~2 +@d +@c ~0 ~0 *2 *1 "x|b" *1 "x|a"`,
			`*2 $-1 *10 "x" :1 ~2 +a +b :0 :0 :0 ~2 +@c +@d ~0 ~0 *2 "x|a" "x|b"`,
		},
		{"nosub", `*1 *10 "x" :1 *0 :0 :0 :0 *0 *0 *0 *1 *1 "x|b"`, `*1 *9 "x" :1 *0 :0 :0 :0 *0 *0 *0`},
		{"docs", `%1 "x" %3 "summary" "s" "since" "1" "history" *0`, `%1 "x" %2 "summary" "<text>" "since" "1"`},
	}
	used := map[string]bool{}
	for _, tt := range tests {
		m, err := parseMask(tt.mask)
		if err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(tt.mask, "=")
		used[name] = true
		v, err := ParseValue(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		before := v.String()
		if got := masked(v, []Mask{m}).String(); got != tt.want {
			t.Errorf("%s of %s is\n%s\nwant\n%s", tt.mask, tt.text, got, tt.want)
		}
		if v.String() != before {
			t.Errorf("%s changed the value it was given", tt.mask)
		}
	}
	for name := range maskKinds {
		if !used[name] {
			t.Errorf("mask %s has no test", name)
		}
	}
}
