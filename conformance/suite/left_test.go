package suite

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
)

// A changing server has one directive. It lets it be put back so many times.
type changing struct {
	heard
	value   atomic.Value
	refused string       // the answer from then on
	times   atomic.Int32 // left
}

const spoiling = "why: w\ncase: SUB-001 x\nrestore: first\nc1> CONFIG SET first during\nc1< +OK\n\n" +
	"case: SUB-002 y\nrestore: first\nc1> CONFIG SET first during\nc1< +OK\n"

// start returns a server that speaks RESP3 too.
func (c *changing) start(t *testing.T, times int32) Server {
	t.Helper()
	c.value.Store("before")
	c.times.Store(times)
	return serve(t, func(n int, words []string) string {
		c.add(words)
		switch strings.Join(words[:min(2, len(words))], " ") {
		case "HELLO 3":
			return "%1\r\n$5\r\nproto\r\n:3\r\n"
		case "CONFIG GET":
			return array(words[2], c.value.Load().(string))
		case "CONFIG SET":
			if words[3] == "before" && c.times.Add(-1) < 0 {
				return c.refused
			}
			c.value.Store(words[3])
			return "+OK\r\n"
		}
		return good(n, words)
	})
}

// count returns how many requests are text.
func (c *changing) count(text string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, line := range c.list {
		if line == text {
			n++
		}
	}
	return n
}

// TestWhatIsLeftEndsTheRun holds that a directive that cannot be put back is never
// taken for what it was before, neither in the other protocol nor by the next case.
func TestWhatIsLeftEndsTheRun(t *testing.T) {
	t.Parallel()
	c := changing{refused: "-ERR no\r\n"}
	r := play(t, c.start(t, 0), spoiling, Options{Alone: true})
	first, second := r.Results[0], r.Results[1]
	if first.Outcome != Differs || !strings.Contains(fmt.Sprint(first.Differences), "CONFIG SET first before: ") {
		t.Errorf("%+v", first)
	}
	if second.Outcome != NotRun || !strings.Contains(r.Cut, "SUB-001 has left a directive") {
		t.Errorf("cut since %q: %+v", r.Cut, second)
	}
	if n := c.count("CONFIG SET first during"); n != 1 {
		t.Errorf("changed %d times", n)
	}
}

// TestWhatCannotBeChanged holds that nothing is left by who may change nothing.
func TestWhatCannotBeChanged(t *testing.T) {
	t.Parallel()
	c := changing{refused: "-NOPERM no\r\n"}
	const text = "why: w\ncase: SUB-001 x\nrestore: first\nc1> PING\nc1< +PONG\n"
	if r := play(t, c.start(t, 0), text, Options{Alone: true}); r.Count("", Passed) != 1 || r.Cut != "" {
		t.Errorf("cut since %q: %+v", r.Cut, r.Results[0])
	}
}

// TestWhatIsLeftOnThePeer holds that it is told and ends the run too.
func TestWhatIsLeftOnThePeer(t *testing.T) {
	t.Parallel()
	ours, theirs := changing{}, changing{refused: "-ERR no\r\n"}
	peer := theirs.start(t, 0)
	r := play(t, ours.start(t, 100), spoiling, Options{Protocols: []int{2}, Alone: true, Peer: &peer, PeerAlone: true})
	if text := fmt.Sprint(r.Results[0].Differences); !strings.Contains(text, "the peer: putting back") || !strings.Contains(r.Cut, "SUB-001 has left") {
		t.Errorf("cut since %q: %s", r.Cut, text)
	}
	if r.Results[1].Outcome != NotRun {
		t.Errorf("%+v", r.Results[1])
	}
}

// TestWhatIsLeftWhereNothingIsEstablished holds that a case is not excused that
// leaves something when it is played with the other answers.
func TestWhatIsLeftWhereNothingIsEstablished(t *testing.T) {
	t.Parallel()
	const text = "why: w\ncase: SUB-001 x\nrestore: first\nresp: 2\nc1> CONFIG SET first during\nc1< +NO\nc1<! {d} +OK\n"
	unknown := []Divergence{{ID: "d", Unknown: []string{Columns[0].Name}}}
	for times, want := range map[int32]Outcome{2: NotEstablished, 1: Differs} {
		c := changing{refused: "-ERR no\r\n"}
		r := play(t, c.start(t, times), text, Options{Alone: true, Divergences: unknown})
		if res := r.Results[0]; res.Outcome != want || (want == Differs) != strings.Contains(r.Cut, "has left a directive") {
			t.Errorf("put back %d times: cut since %q, %+v", times, r.Cut, res)
		}
	}
}
