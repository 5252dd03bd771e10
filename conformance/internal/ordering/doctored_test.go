package ordering

import (
	"slices"
	"strings"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/transcript"
)

func scenarioLines() []string { return strings.Split(strings.TrimSpace(scenario), "\n") }

// An edit changes lines of the scenario. Each line it names must be there once.
type edit func(t *testing.T, lines []string) []string

func find(t *testing.T, lines []string, line string) int {
	t.Helper()
	i := slices.Index(lines, line)
	if i < 0 || slices.Contains(lines[i+1:], line) {
		t.Fatalf("the scenario does not have %q once", line)
	}
	return i
}

// without takes lines away.
func without(gone ...string) edit {
	return func(t *testing.T, lines []string) []string {
		for _, line := range gone {
			i := find(t, lines, line)
			lines = slices.Delete(lines, i, i+1)
		}
		return lines
	}
}

// instead puts others in the place of lines.
func instead(pairs ...string) edit {
	return func(t *testing.T, lines []string) []string {
		for i := 0; i < len(pairs); i += 2 {
			lines[find(t, lines, pairs[i])] = pairs[i+1]
		}
		return lines
	}
}

// moved puts a line right behind another.
func moved(line, behind string) edit {
	return func(t *testing.T, lines []string) []string {
		lines = without(line)(t, lines)
		return slices.Insert(lines, find(t, lines, behind)+1, line)
	}
}

// added puts lines right behind another.
func added(behind string, more ...string) edit {
	return func(t *testing.T, lines []string) []string {
		return slices.Insert(lines, find(t, lines, behind)+1, more...)
	}
}

func edits(list ...edit) edit {
	return func(t *testing.T, lines []string) []string {
		for _, e := range list {
			lines = e(t, lines)
		}
		return lines
	}
}

// answer puts another answer in the place of the first one that comes after a
// line.
func answer(after, old, other string) edit {
	return func(t *testing.T, lines []string) []string {
		at := find(t, lines, after)
		lines[at+slices.Index(lines[at:], old)] = other
		return lines
	}
}

var doctored = []struct {
	label string
	rule  Rule
	edit  edit
}{
	{"one message lost", RuleLost, edits(without("name< message c0 0.2"), answer("name< message c0 1.0", "p0< 3", "p0< 2"))},
	{"one message lost by name, not by pattern", RuleLost, without("both< message c0 0.2")},
	{"one message lost by pattern, not by name", RuleLost, without("both< pmessage c* c0 0.2")},
	{"a gap that no number shows", RuleOneOrder, edits(without("name< message c0 1.0"), answer("name< message c0 0.2", "p1< 3", "p1< 2"))},
	{"a gap to the end", RuleAnswered, without("name< message c0 0.3", "name< message c0 0.4")},
	{"lost by everybody", RuleAnswered, edits(without("both< message c0 0.5", "both< pmessage c* c0 0.5"))},
	{"the first after a confirmation lost", RuleReaches, edits(
		without("name< message c0 1.2"), answer("both< pmessage c* c0 1.2", "p1< 3", "p1< 2"),
		added("name< +PONG", "name> subscribe c0", "name< subscribe c0 1", "p1> c0", "p1> c0",
			"both< message c0 1.3", "both< pmessage c* c0 1.3", "both< message c0 1.4", "both< pmessage c* c0 1.4",
			"name< message c0 1.4", "p1< 2", "p1< 3"))},
	{"two messages swapped", RuleOneOrder, moved("name< message c0 1.0", "name< message c0 0.2")},
	{"two of one publisher swapped", RuleTwice, moved("name< message c0 0.3", "name< message c0 0.4")},
	{"two of one publisher swapped, on two channels", RulePublisher, moved("name< message c0 0.0", "name< message c1 0.1")},
	{"swapped with the same in between", RuleTogether, moved("both< message c0 1.0", "both< pmessage c* c0 1.0")},
	{"another message between two frames of one", RuleLost, moved("both< pmessage c* c0 1.0", "both< message c0 0.2")},
	{"another message between, and all frames there", RuleTwice, moved("both< pmessage c* c0 1.0", "both< pmessage c* c0 0.2")},
	{"a message twice", RuleTwice, added("name< message c0 0.2", "name< message c0 0.2")},
	{"a message twice, and later", RuleTwice, added("name< message c0 0.3", "name< message c0 1.0")},
	{"a pattern's frame twice", RuleTwice, added("both< pmessage c* c0 0.2", "both< pmessage c* c0 0.2")},
	{"late, after the end of the subscription", RuleBetween, moved("name< message c0 0.4", "name< unsubscribe c0 1")},
	{"early, before the confirmation", RuleBetween, moved("name< subscribe c1 2", "name< message c1 0.1")},
	{"from before the subscription", RuleBetween, added("name< subscribe c0 2", "name< message c0 1.1")},
	{"late, after a PONG", RuleAnswered, edits(moved("both< message c0 0.5", "both< pong"), moved("both< pmessage c* c0 0.5", "both< message c0 0.5"))},
	{"late, after RESET", RuleBetween, edits(instead("name> psubscribe zz", "name> psubscribe c0"),
		instead("name< psubscribe zz 1", "name< psubscribe c0 1"), added("name< +RESET", "name< pmessage c0 c0 0.5"))},
	{"never published", RuleContent, added("name< message c0 0.2", "name< message c0 zz")},
	{"a payload cut off", RuleContent, instead("name< message c0 0.2", "name< message c0 0")},
	{"on another channel", RuleContent, instead("name< message c1 0.1", "name< message c1 0.9")},
	{"by a pattern that does not match", RuleContent, edits(instead("both> psubscribe c*", "both> psubscribe d*"),
		instead("both< psubscribe c* 2", "both< psubscribe d* 2", "both< pmessage c* c1 0.1", "both< pmessage d* c1 0.1"))},
	{"a message within an EXEC", RuleExec, edits(
		added("p0> exec c0 c0", "p1> c0"), added("both< pmessage c* c0 0.3", "both< message c0 1.1", "both< pmessage c* c0 1.1"))},
	{"a subscription begins within an EXEC", RuleExec, without("name< message c0 0.3")},
	{"a subscription ends within an EXEC", RuleExec, without("name< message c0 0.4")},
	{"a wrong count when subscribing", RuleCount, instead("name< subscribe c1 2", "name< subscribe c1 1")},
	{"a wrong count when unsubscribing", RuleCount, instead("name< unsubscribe c0 1", "name< unsubscribe c0 2")},
	{"a wrong count of nothing", RuleCount, instead("name< unsubscribe - 0", "name< unsubscribe - 1")},
	{"patterns not counted", RuleCount, instead("both< psubscribe c* 2", "both< psubscribe c* 1")},
	{"shard channels counted with others", RuleCount, instead("own< ssubscribe c0 1", "own< ssubscribe c0 2")},
	{"confirmations swapped", RuleConfirm, moved("name< subscribe c0 1", "name< subscribe c1 2")},
	{"a confirmation missing", RuleConfirm, without("name< subscribe c1 2")},
	{"a confirmation nobody asked for", RuleConfirm, added("name< subscribe c1 2", "name< subscribe c1 2")},
	{"another confirmation", RuleConfirm, instead("name< unsubscribe c0 1", "name< punsubscribe c0 1")},
	{"unsubscribed from what was not subscribed", RuleConfirm, instead("name< unsubscribe c1 1", "name< unsubscribe c9 1")},
	{"PUBLISH counts one too many", RuleReceivers, answer("name< message c0 0.0", "p0< 2", "p0< 3")},
	{"PUBLISH counts one too few", RuleReceivers, answer("name< message c0 0.0", "p0< 2", "p0< 1")},
	{"PUBLISH not answered", RuleReceivers, func(t *testing.T, lines []string) []string {
		i := slices.Index(lines, "p0< 2")
		return slices.Delete(lines, i, i+1)
	}},
	{"an answer to nothing", RuleConfirm, added("own< :1", "p1< 0")},
	{"own message before the reply", RuleSelf, moved("own< smessage c0 2.0", "own> ping")},
	{"own message after the next reply", RuleSelf, moved("own< smessage c0 2.0", "own< +PONG")},
	{"a frame of the other protocol", RuleConfirm, without("own> hello 3", "own< map")},
}

// The checker finds nothing wrong with what a server may do, and what is wrong
// in anything else.
func TestDoctored(t *testing.T) {
	if list := play(t, scenarioLines(), false); len(list) != 0 {
		t.Errorf("the scenario itself: %v", list)
	}
	for _, d := range doctored {
		t.Run(d.label, func(t *testing.T) {
			list := play(t, d.edit(t, scenarioLines()), false)
			if !slices.ContainsFunc(list, func(v Violation) bool { return v.Rule == d.rule }) {
				t.Errorf("found %v, want rule %s", list, d.rule)
			}
		})
	}
}

// A message that comes by one of two patterns is lost by the other, unless a
// RESET is under way, which may have ended that one already.
func TestResetting(t *testing.T) {
	end := []string{
		"name> psubscribe c* c0", "name< psubscribe c* 1", "name< psubscribe c0 2", "p0> c0",
		"name> reset", "name< pmessage c* c0 0.0", "name< +RESET", "p0< 1", "settle",
	}
	if list := play(t, end, false); len(list) != 0 {
		t.Errorf("with RESET: %v", list)
	}
	end[4], end[6] = "name> punsubscribe c0", "name< punsubscribe c0 1"
	list := play(t, end, false)
	if !slices.ContainsFunc(list, func(v Violation) bool { return v.Rule == RuleLost }) {
		t.Errorf("with PUNSUBSCRIBE: found %v, want rule %s", list, RuleLost)
	}
}

// Redis up to 7.0 has a message to oneself before the reply to its PUBLISH.
func TestEarly(t *testing.T) {
	lines := moved("own< smessage c0 2.0", "own> ping")(t, scenarioLines())
	if list := play(t, lines, true); len(list) != 0 {
		t.Errorf("own message first: %v", list)
	}
	list := play(t, scenarioLines(), true)
	if !slices.ContainsFunc(list, func(v Violation) bool { return v.Rule == RuleSelf }) {
		t.Errorf("own message last: found %v, want rule %s", list, RuleSelf)
	}
}

// A refusal is a violation, unless it is forgiven.
func TestForgive(t *testing.T) {
	for _, forgive := range []bool{false, true} {
		l := NewLedger(0)
		s := NewStream(l, "refused", nil, false)
		s.Forgive = forgive
		refused, mark := s.Subscribe(Name, "a", "b"), s.Mark()
		s.Frame(transcript.Value{Kind: transcript.SimpleError, Text: "NOPERM"})
		s.Frame(transcript.Value{Kind: transcript.SimpleString, Text: "PONG"})
		if n, list := l.Violations(); forgive != (n == 0) {
			t.Errorf("forgive %v: %v", forgive, list)
		}
		for _, ticket := range []Ticket{refused, mark} {
			select {
			case <-ticket.Done:
			default:
				if forgive {
					t.Errorf("%q is not done", ticket.Bytes)
				}
			}
		}
	}
}

// A payload is accepted as it was made, and with no byte changed.
func TestPayload(t *testing.T) {
	m := message{publisher: 3, seq: 70, number: 8, tied: true}
	payload := string(m.appendPayload(nil, 5))
	if got, ok := parsePayload(payload); !ok || got != m {
		t.Errorf("parsePayload(%q) = %+v, %v", payload, got, ok)
	}
	for i := range payload {
		changed := payload[:i] + "?" + payload[i+1:]
		if got, ok := parsePayload(changed); ok && got == m {
			t.Errorf("parsePayload(%q) is accepted", changed)
		}
		if got, ok := parsePayload(payload[:i]); ok {
			t.Errorf("parsePayload(%q) = %+v", payload[:i], got)
		}
	}
}
