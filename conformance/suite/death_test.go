package suite

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/internal/fake"
)

// A mortal server answers nobody any more once it is told to DIE.
type mortal struct{ dead atomic.Bool }

func (m *mortal) answer(n int, words []string) string {
	if words[0] == "DIE" {
		m.dead.Store(true)
	}
	if m.dead.Load() || words[0] == "BYE" {
		return fake.HangUp
	}
	return good(n, words)
}

const dying = "why: w\ncase: SUB-001 x\nc1> BYE\nc1< eof\n\ncase: SUB-002 x\nc1> DIE\nc1< eof\n\ncase: SUB-003 y\nc1> PING\nc1< +PONG\n"

// TestDeathInACaseThatPasses holds that a case does not pass in which the server
// dies, though a closed connection is what it expects, and that no other is blamed.
func TestDeathInACaseThatPasses(t *testing.T) {
	t.Parallel()
	var m mortal
	s := serve(t, m.answer)
	r := play(t, s, dying, Options{Protocols: []int{2}, Workers: 1})
	if !strings.Contains(r.Cut, "when SUB-002 had been played") {
		t.Errorf("cut since %q", r.Cut)
	}
	for i, want := range []Outcome{Passed, Differs, NotRun} {
		if res := r.Results[i]; res.Outcome != want {
			t.Errorf("%+v, want %s", res, want)
		}
	}
	for _, format := range Formats {
		if out := written(t, r, format); strings.Contains(out, "raw") || !strings.Contains(out, "when SUB-002 had been played") {
			t.Errorf("%s is to show no protocol:\n%s", format, out)
		}
	}
	m.dead.Store(false)
	again := func() error { m.dead.Store(false); return nil }
	r = play(t, s, dying, Options{Protocols: []int{2}, Restart: again})
	for i, want := range []Outcome{Passed, Differs, Passed} {
		if res := r.Results[i]; res.Outcome != want {
			t.Errorf("with a new start %+v, want %s", res, want)
		}
	}
}

// TestDeathOfThePeer holds that a case does not pass in which the peer dies.
func TestDeathOfThePeer(t *testing.T) {
	t.Parallel()
	var m mortal
	peer := serve(t, m.answer)
	s := serve(t, func(n int, words []string) string {
		if words[0] == "DIE" || words[0] == "BYE" {
			return fake.HangUp
		}
		return good(n, words)
	})
	r := play(t, s, dying, Options{Protocols: []int{2}, Workers: 1, Peer: &peer})
	if !strings.Contains(r.Cut, "the peer answered nobody any more when SUB-002") || r.Results[1].Outcome != Differs {
		t.Errorf("cut since %q, %+v", r.Cut, r.Results[1])
	}
}

// TestDeathAtTheEnd holds that a run does not pass at whose end nobody is there,
// where no case could tell.
func TestDeathAtTheEnd(t *testing.T) {
	t.Parallel()
	var m mortal
	s := serve(t, func(n int, words []string) string {
		if len(words) == 2 && words[1] == "end of c1" { // the last that it answers
			defer m.dead.Store(true)
		}
		return m.answer(n, words)
	})
	r := play(t, s, "why: w\ncase: SUB-001 x\nc1> PING\nc1< +PONG\n", Options{Protocols: []int{2}})
	if !strings.Contains(r.Cut, "at the end of the run") || r.OK() || r.Results[0].Outcome != Passed {
		t.Errorf("cut since %q, %+v", r.Cut, r.Results[0])
	}
}
