package transcript

import (
	"errors"
	"fmt"
	"slices"
)

// Record writes what was received in runs, one for each protocol of the
// script, into s; Format then gives the text to keep. Runs must have been
// played with ExpectRedis and without problems. Masks, comments and declared
// differences stay. A value that is the same in both protocols, but for what
// RESP2 has no type for, is written once, in its RESP3 form. Nothing is written
// if a value is one that s declares as a difference from what is recorded.
func (s *Script) Record(runs ...*Run) error {
	received := map[*Expectation]map[int]Value{}
	for _, r := range runs {
		if len(r.Problems) > 0 {
			return errors.New(r.Problems[0].String())
		}
		for _, o := range r.Observations {
			if received[o.Expectation] == nil {
				received[o.Expectation] = map[int]Value{}
			}
			received[o.Expectation][r.Proto] = o.Values[0]
		}
	}
	for _, st := range s.steps {
		if st.act != actExpect {
			continue
		}
		for proto, v := range received[st.expect] {
			if reason, ok := st.expect.answerFor(proto).declares(v, proto); ok {
				return fmt.Errorf("line %d: the answer is that of {%s}; the server is not of the release to record", st.line, reason)
			}
		}
	}
	for _, st := range s.steps {
		if st.act == actExpect {
			st.expect.record(s.Protocols, received[st.expect])
		}
	}
	return nil
}

// declares returns the difference that has v alone in place of the value
// recorded, and whether there is one.
func (a *answer) declares(v Value, proto int) (reason string, ok bool) {
	for _, d := range a.declared {
		values, _ := a.declaredFor(proto, func(id string) bool { return id == d.Reason })
		if len(values) == 1 && same(values[0], v) {
			return d.Reason, true
		}
	}
	return "", false
}

func (e *Expectation) record(protocols []int, got map[int]Value) {
	v2, in2 := got[2]
	v3, in3 := got[3]
	switch {
	case in2 && in3:
		first, last := e.answers[0].declared, e.answers[len(e.answers)-1].declared
		if same(v2, v3.down()) && (len(e.answers) == 1 || sameDeclared(first, last)) {
			e.answers = []answer{{value: &v3, declared: last}}
			return
		}
		if len(e.answers) == 1 {
			first = slices.Clone(first)
			for i := range first {
				first[i].Value = first[i].Value.down()
			}
		}
		e.answers = []answer{
			{proto: 2, value: &v2, declared: first},
			{proto: 3, value: &v3, declared: last},
		}
	case len(got) > 0:
		a := &e.answers[0]
		for _, v := range got {
			a.value = &v
		}
		if len(protocols) == 1 {
			a.proto = 0
		}
	}
}

// sameDeclared reports whether in2 is how RESP2 shows in3.
func sameDeclared(in2, in3 []Declared) bool {
	return slices.EqualFunc(in2, in3, func(a, b Declared) bool {
		return a.Reason == b.Reason && same(a.Value, b.Value.down())
	})
}
