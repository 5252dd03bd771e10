package transcript

import (
	"fmt"
	"slices"
	"strings"
)

// same reports whether a and b are the same value, byte for byte.
func same(a, b Value) bool {
	return a.Kind == b.Kind && a.Null == b.Null && a.Text == b.Text && slices.EqualFunc(a.Elems, b.Elems, same)
}

// Judge returns the problems of r: those of the play, and each value that is
// not the one the script lists. Where pubsubd differs on purpose and is
// expected, its declared answer is the only right one.
func Judge(r *Run) []Problem {
	f := findings{}
	for _, o := range r.Observations {
		want, ok := o.Expectation.want(r)
		if !ok {
			f.add(Problem{Line: o.Expectation.Line, Text: "no answer is recorded; run with -record"})
			continue
		}
		f.compare(o, "must receive", want)
	}
	return append(f.problems, r.Problems...)
}

// want returns the values that e stands for in r, and whether they are known.
func (e *Expectation) want(r *Run) ([]Value, bool) {
	a := e.answerFor(r.Proto)
	if a == nil {
		return nil, false
	}
	if declared, ok := a.declaredFor(r.Proto, r.Answers); ok {
		return declared, true
	}
	v := a.recorded(r.Proto)
	if v == nil {
		return nil, false
	}
	return []Value{*v}, true
}

// Compare returns the problems of r, played on the server under test, against
// peer, the same script played on a real server: each value that is not the
// one the peer sent. Where pubsubd differs on purpose its declared answer
// must have come.
func Compare(peer, r *Run) []Problem {
	received := map[*Expectation][]Value{}
	for _, o := range peer.Observations {
		received[o.Expectation] = o.Values
	}
	f := findings{}
	for _, o := range r.Observations {
		want, verb := received[o.Expectation], "must receive what the peer sends,"
		if declared, ok := o.Expectation.answerFor(r.Proto).declaredFor(r.Proto, r.Answers); ok {
			want, verb = declared, "must receive, as declared,"
		}
		f.compare(o, verb, want)
	}
	for _, p := range peer.Problems {
		f.add(Problem{Line: p.Line, Text: "on the peer: " + p.Text})
	}
	return append(f.problems, r.Problems...)
}

// findings collects problems. Of a connection that has ended too early it
// keeps the first, since all that follow say the same.
type findings struct {
	problems []Problem
	ended    []string // clients
}

func (f *findings) add(p Problem) { f.problems = append(f.problems, p) }

// compare adds a problem if o does not hold the values of want.
func (f *findings) compare(o Observation, verb string, want []Value) {
	client := o.Expectation.Client
	if slices.EqualFunc(want, o.Values, same) || slices.Contains(f.ended, client) {
		return
	}
	if n := len(o.Values); n > 0 && o.Values[n-1].Kind == EOF {
		f.ended = append(f.ended, client)
	}
	text := fmt.Sprintf("%s %s\n%sbut received\n%s",
		client, verb, list(want), strings.TrimSuffix(list(o.Values), "\n"))
	f.add(Problem{Line: o.Expectation.Line, Text: text, Client: client, Want: want, Got: o.Values, Received: o.Received})
}

func list(values []Value) string {
	if len(values) == 0 {
		return "    nothing\n"
	}
	var b strings.Builder
	for _, v := range values {
		b.WriteString("    " + v.Format(4) + "\n")
	}
	return b.String()
}
