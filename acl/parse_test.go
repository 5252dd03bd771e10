package acl

import (
	"slices"
	"strings"
	"testing"
)

// What rules are printed as.
func TestRulesAsListed(t *testing.T) {
	const off = "off sanitize-payload "
	for _, tt := range []struct{ rules, want string }{
		{"", off + "resetchannels -@all"},
		{"on nopass ~* &* +@all", "on nopass sanitize-payload ~* &* +@all"},
		{"ON NoPass allkeys AllChannels allcommands", "on nopass sanitize-payload ~* &* +@all"},
		{"on off", off + "resetchannels -@all"},
		{"skip-sanitize-payload", "off skip-sanitize-payload resetchannels -@all"},
		{"skip-sanitize-payload sanitize-payload", off + "resetchannels -@all"},

		// Passwords.
		{">pw", off + "#" + hashOfPw + " resetchannels -@all"},
		{">pw >a >pw #" + hashOfA, off + "#" + hashOfPw + " #" + hashOfA + " resetchannels -@all"},
		{">pw >a <pw", off + "#" + hashOfA + " resetchannels -@all"},
		{">pw !" + hashOfPw, off + "resetchannels -@all"},
		{">pw nopass", "off nopass sanitize-payload resetchannels -@all"},
		{"nopass >pw", off + "#" + hashOfPw + " resetchannels -@all"},
		{"nopass >pw resetpass", off + "resetchannels -@all"},
		{"nopass resetpass", off + "resetchannels -@all"},

		// Keys and channels.
		{"~a %R~b %W~c %RW~d %wr~e", off + "~a %R~b %W~c ~d ~e resetchannels -@all"},
		{"%R~a %W~a %R~b ~b %R~c %r~c", off + "~a ~b %R~c resetchannels -@all"},
		{"%R %W~", off + "~ resetchannels -@all"},
		{"~ &", off + "~ resetchannels & -@all"},
		{"~a allkeys", off + "~* resetchannels -@all"},
		{"allkeys resetkeys ~a", off + "~a resetchannels -@all"},
		{"%RW~*", off + "~* resetchannels -@all"},
		{"&a &b &a", off + "resetchannels &a &b -@all"},
		{"&a allchannels", off + "&* -@all"},
		{"&* resetchannels &a", off + "resetchannels &a -@all"},

		// Commands, in the order they were given.
		{"+get", off + "resetchannels -@all +get"},
		{"+GET -Set", off + "resetchannels -@all +get -set"},
		{"+@all -@dangerous +info -get +get", off + "resetchannels +@all -@dangerous +info +get"},
		{"+@READ -@Read", off + "resetchannels -@all -@read"},
		{"+config|get +config|set -config", off + "resetchannels -@all -config"},
		{"+config +CONFIG|GET -config|get", off + "resetchannels -@all +config -config|get"},
		{"+client -client|kill +client", off + "resetchannels -@all +client"},
		{"+select|0 +SELECT|AbC +select|0", off + "resetchannels -@all +select|abc +select|0"},
		{"+select|0 -select", off + "resetchannels -@all -select"},
		{"+get +@all", off + "resetchannels +@all"},
		{"+get nocommands", off + "resetchannels -@all"},
		{"+getex -get", off + "resetchannels -@all +getex -get"},

		// Selectors.
		{"(+get ~a)", off + "resetchannels -@all (~a resetchannels -@all +get)"},
		{"(+get  ~a\t&c) ()", off + "resetchannels -@all (~a resetchannels &c -@all +get) (resetchannels -@all)"},
		{"(allkeys allchannels +@all -get)", off + "resetchannels -@all (~* &* +@all -get)"},
		{"(+get) +set clearselectors", off + "resetchannels -@all +set"},

		{"on >pw ~a &b +@all (+get) skip-sanitize-payload reset", off + "resetchannels -@all"},
	} {
		r := rulesOf(t, tt.rules)
		if got := r.String(); got != tt.want {
			t.Errorf("%q is listed as\n%q, want\n%q", tt.rules, got, tt.want)
		}
		if again := rulesOf(t, r.String()); again.String() != r.String() {
			t.Errorf("%q is read as %q", r, again)
		}
	}
}

func TestSelectors(t *testing.T) {
	got := rulesOf(t, "on +@all -get ~a %R~b &c (+set allkeys allchannels)").Selectors()
	want := []Description{{"+@all -get", "~a %R~b", "&c"}, {"-@all +set", "~*", "&*"}}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestNewUsersChannels(t *testing.T) {
	r, err := newRules(true).with(true, "(+get)")
	if err != nil || r.String() != "off sanitize-payload &* -@all (&* -@all +get)" {
		t.Errorf("%v, %v", r, err)
	}
	r, err = rulesOf(t, "&a").with(true, "reset")
	if err != nil || r.String() != "off sanitize-payload &* -@all" {
		t.Errorf("after reset: %v, %v", r, err)
	}
}

func TestRuleErrors(t *testing.T) {
	for _, tt := range []struct{ rules, rule, text string }{
		{"on foo", "foo", textSyntax},
		{"allkeyss", "allkeyss", textSyntax},
		{"all\u212aeys", "all\u212aeys", textSyntax}, // a Kelvin sign is not a K
		{"on\x00", "on\x00", textSyntax},
		{")", ")", textSyntax},
		{"(x", "(x", ""},
		{"(", "(", ""},
		{"on (+get (x ~a", "(+get", ""},
		{"on (+get (x) ~a", "(+get (x)", textSyntax},
		{"(&x))", "(&x))", textSyntax},
		{"(+get (x))", "(+get (x))", textSyntax},
		{"(>a)", "(>a)", textSyntax},
		{"(on)", "(on)", textSyntax},
		{`(~"a)`, `(~"a)`, textSyntax},
		{"(+nosuch)", "(+nosuch)", textUnknown},

		{"~* ~a", "~a", textAllKeys},
		{"allkeys %R~a", "%R~a", textAllKeys},
		{"allkeys %x", "%x", textAllKeys},
		{"%", "%", textSyntax},
		{"%~a", "%~a", textSyntax},
		{"%X~a", "%X~a", textSyntax},
		{"%RR~a", "%RR~a", textSyntax},
		{"%R\u212a~a", "%R\u212a~a", textSyntax},
		{"~a\tb", "~a\tb", textSyntax},
		{"~a\x00", "~a\x00", textSyntax},
		{"&* &a", "&a", textAllChans},
		{"&a\nb", "&a\nb", textSyntax},

		{"+", "+", textUnknown},
		{"-", "-", textUnknown},
		{"+@", "+@", textUnknown},
		{"-@nosuch", "-@nosuch", textUnknown},
		{"+nosuch", "+nosuch", textUnknown},
		{"+nosuch|x", "+nosuch|x", textUnknown},
		{"+|get", "+|get", textUnknown},
		{"+config|", "+config|", textSyntax},
		{"+select|", "+select|", textSyntax},
		{"+config|nosuch", "+config|nosuch", textUnknown},
		{"+config|get|x", "+config|get|x", textFirstArg},
		{"-config|get|x", "-config|get|x", textUnknown},
		{"-select|0", "-select|0", textUnknown},

		{"#abc", "#abc", textHash},
		{"!abc", "!abc", textHash},
		{"#" + strings.ToUpper(hashOfPw), "#" + strings.ToUpper(hashOfPw), textHash},
		{"#" + strings.Repeat("g", 64), "#" + strings.Repeat("g", 64), textHash},
		{"<pw", "<pw", textNoSuch},
		{"!" + hashOfPw, "!" + hashOfPw, textNoSuch},
	} {
		before := rulesOf(t, "on ~k &c")
		was := before.String()
		if strings.HasPrefix(tt.rules, "~* ") || strings.HasPrefix(tt.rules, "&* ") {
			before = rulesOf(t, "")
			was = before.String()
		}
		r, err := before.with(false, fields(tt.rules)...)
		if err == nil {
			t.Errorf("%q is taken for %q", tt.rules, r)
			continue
		}
		e := ruleErrorOf(t, err)
		want := "Error in ACL SETUSER modifier '" + tt.rule + "': " + tt.text
		if tt.text == "" {
			want = "Unmatched parenthesis in acl selector starting at '" + tt.rule + "'."
		}
		if e.Rule != tt.rule || err.Error() != want || e.Unknown() != (tt.text == textUnknown) {
			t.Errorf("%q: %q, want %q", tt.rules, err, want)
		}
		if before.String() != was {
			t.Errorf("%q changed the rules to %q", tt.rules, before)
		}
	}
}

// Rules that others were made of stay as they are.
func TestRulesDoNotChange(t *testing.T) {
	const rules = "on >pw ~a &b +@read -get +select|0 (+set ~x &y +select|7)"
	r := rulesOf(t, rules)
	was := r.String()
	for _, more := range []string{">a", "<pw", "~b", "%R~z", "&c", "+@write", "-@all", "+select|1", "-select", "reset", "clearselectors", "(+get)", "resetkeys", "resetchannels"} {
		next, err := r.with(false, fields(more)...)
		if err != nil || next.String() == was {
			t.Errorf("%q: %q, %v", more, next, err)
		}
		if got := r.String(); got != was {
			t.Fatalf("%q changed the rules it was applied to: %q", more, got)
		}
		if why, _ := r.Check(request("select 1")); why != DeniedCommand {
			t.Fatalf("%q changed the first arguments", more)
		}
	}
}

func TestCheckWords(t *testing.T) {
	for _, good := range []string{"", "on >pw", "+nosuch -@nosuch on", "(+get ~a)"} {
		if err := CheckWords(fields(good)...); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for bad, text := range map[string]string{"+nosuch foo": textSyntax, "(on": textSyntax, "#x": textHash} {
		if e := ruleErrorOf(t, CheckWords(fields(bad)...)); e.Text != text {
			t.Errorf("%q: %+v", bad, e)
		}
	}
}

func FuzzRules(f *testing.F) {
	for _, seed := range []string{
		"on >pw ~a &b +@read -get +select|0 (+set ~x &y) %R~q nopass", "( )", "((", "+config|get|x", "%rw~", "#" + hashOfPw + " !" + hashOfPw, "reset clearselectors +@all -@all allkeys ~a",
		"~\xff\xfe &\x00", "+\xe2\x84\xaa", "(+get\n~a)",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<10 {
			return
		}
		words := fields(text)
		r, err := newRules(false).with(false, words...)
		if err != nil {
			if e := ruleErrorOf(t, err); e.Text == "" || !strings.Contains(err.Error(), e.Rule) {
				t.Fatalf("%q: %+v", text, e)
			}
			return
		}
		listed := r.String()
		again, err := newRules(false).with(false, fields(listed)...)
		if err != nil || again.String() != listed {
			t.Fatalf("%q is listed as %q, which is read as %v, %v", text, listed, again, err)
		}
		if len(again.selectors) != len(r.selectors) {
			t.Fatalf("%q: %d selectors, then %d", text, len(r.selectors), len(again.selectors))
		}
		for i, s := range r.selectors {
			if o := again.selectors[i]; s.commands != o.commands || s.allKeys != o.allKeys && s.describeKeys() != "~*" {
				t.Fatalf("%q: selector %d, %q, is not what is listed", text, i, s)
			}
		}
	})
}
