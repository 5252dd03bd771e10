package suite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/fake"
)

// heard notes the requests of a server.
type heard struct {
	mu   sync.Mutex // guards list
	list []string
}

func (h *heard) add(words []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, strings.Join(words, " "))
}

// has reports whether a request begins with text.
func (h *heard) has(text string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, line := range h.list {
		if strings.HasPrefix(line, text) {
			return true
		}
	}
	return false
}

const restoring = "why: w\ncase: SUB-001 x\nrestore: first\nrestore: second\nafter: ACL DELUSER ${p}u\nc1> PING\nc1< +PONG\n"

// array is the answer of these strings.
func array(words ...string) string {
	text := fmt.Sprintf("*%d\r\n", len(words))
	for _, w := range words {
		text += fmt.Sprintf("$%d\r\n%s\r\n", len(w), w)
	}
	return text
}

// TestUndoGoesOn holds that what can be put back is put back whatever becomes of
// the rest, also when the case has cost the connection for it.
func TestUndoGoesOn(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]string{"refused": "-ERR no\r\n", "closed": fake.HangUp} {
		t.Run(name, func(t *testing.T) {
			var h heard
			var asked atomic.Bool
			s := serve(t, func(n int, words []string) string {
				h.add(words)
				switch strings.Join(words[:min(3, len(words))], " ") {
				case "CONFIG GET first":
					if asked.Swap(true) {
						return array(words[2], "during")
					}
					return array(words[2], "before")
				case "CONFIG GET second":
					return array(words[2], "before")
				case "CONFIG SET first":
					return first
				case "CONFIG SET second":
					return "+OK\r\n"
				}
				if words[0] == "ACL" {
					return ":1\r\n"
				}
				return good(n, words)
			})
			r := play(t, s, restoring, Options{Protocols: []int{2}, Alone: true})
			if !h.has("CONFIG SET second before") || !h.has("ACL DELUSER {") {
				t.Errorf("the server was told %q", h.list)
			}
			res := r.Results[0]
			if text := fmt.Sprint(res.Differences); res.Outcome != Differs || !strings.Contains(text, "putting back") || !strings.Contains(text, "CONFIG SET first before: ") {
				t.Errorf("%+v", res)
			}
		})
	}
}

// TestNothingToPutBack holds that a case is not played whose directive the
// server does not tell.
func TestNothingToPutBack(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]Outcome{
		"*0\r\n":                   NotSupported,
		"-ERR unknown command\r\n": NotSupported,
		"*1\r\n:1\r\n":             Differs,
		array("other", "value"):    Differs,
	} {
		var h heard
		s := serve(t, func(n int, words []string) string {
			if words[0] == "CONFIG" {
				return answer
			}
			if words[0] == "ECHO" {
				h.add(words)
			}
			return good(n, words)
		})
		const text = "why: w\ncase: SUB-001 x\nrestore: first\nc1> ECHO a\nc1< \"a\"\n"
		r := play(t, s, text, Options{Protocols: []int{2}, Alone: true})
		if r.Results[0].Outcome != want || h.has("ECHO a") {
			t.Errorf("%q: %+v, want %s", answer, r.Results[0], want)
		}
	}
}

// TestInterrupted holds that the end of the context ends a case that waits, which
// is put back and counts as not run, and with it the run.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	var h heard
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("somebody pressed a key")
	s := serve(t, func(n int, words []string) string {
		h.add(words)
		switch words[0] {
		case "CONFIG":
			if words[1] == "GET" {
				return array(words[2], "before")
			}
			return "+OK\r\n"
		case "ACL":
			return ":1\r\n"
		case "WAIT":
			cancel(why)
			return ""
		}
		return good(n, words)
	})
	f, err := ParseFile("f.txt", strings.Replace(restoring, "c1> PING", "c1> WAIT", 1)+"\ncase: SUB-002 y\nneeds: alone\nc1> PING\nc1< +PONG\n")
	if err != nil {
		t.Fatal(err)
	}
	r := Run(ctx, s, f.Cases, Options{Column: Columns[0], Protocols: []int{2}, Alone: true, Timeout: time.Minute, Limit: time.Hour})
	for _, res := range r.Results {
		if res.Outcome != NotRun || res.Note != why.Error() {
			t.Errorf("%+v", res)
		}
	}
	if r.Cut != why.Error() || r.OK() {
		t.Errorf("cut: %q", r.Cut)
	}
	if !h.has("CONFIG SET second before") || !h.has("ACL DELUSER {") {
		t.Errorf("the server was told %q", h.list)
	}
}

// TestLimit holds that the end of the time ends a case that is played.
func TestLimit(t *testing.T) {
	t.Parallel()
	// A machine with much to do may need a while to come to the case.
	for limit := 50 * time.Millisecond; ; limit *= 2 {
		var arrived atomic.Bool
		s := serve(t, func(n int, words []string) string {
			if words[0] == "WAIT" {
				arrived.Store(true)
				return ""
			}
			return good(n, words)
		})
		const text = "why: w\ncase: SUB-001 x\nc1> WAIT\nc1< +PONG\n"
		r := play(t, s, text, Options{Protocols: []int{2}, Timeout: time.Hour, Limit: limit})
		if r.Results[0].Outcome != NotRun || r.Cut != errLimit.Error() {
			t.Fatalf("%q: %+v", r.Cut, r.Results[0])
		}
		if arrived.Load() {
			return
		}
		if limit > time.Minute {
			t.Fatal("the case was never played")
		}
	}
}

// TestHeavyCases holds that cases that send much need a server that nobody else
// uses.
func TestHeavyCases(t *testing.T) {
	t.Parallel()
	f, err := ParseFile("f.txt", "why: w\ncase: SUB-001 x\nc1> ECHO \"<x*2000000>\"\nc1< \"<x*2000000>\"\n\ncase: SUB-002 x\nc1> PING\nc1< +PONG\n")
	if err != nil {
		t.Fatal(err)
	}
	if !f.Cases[0].Alone || f.Cases[1].Alone {
		t.Error("it is not the case that sends 2 MB which needs a server alone")
	}
}

// TestNamesHaveNoDigits holds that names never hold what a mask of digits would
// hide.
func TestNamesHaveNoDigits(t *testing.T) {
	t.Parallel()
	const digits = "why: w\ncase: SUB-001 x\nc1> ECHO ${p}7\nmask digits\nc1< \"${p}<n>\"\n"
	s := serve(t, good)
	for range 20 {
		if r := play(t, s, digits, Options{Protocols: []int{2}}); r.Count("", Passed) != 1 {
			t.Fatalf("%+v", r.Results)
		}
	}
}

// TestRESP2Alone holds that a server without RESP3 passes nothing in RESP3, and
// that only its own word tells that it has none.
func TestRESP2Alone(t *testing.T) {
	t.Parallel()
	s := serve(t, good)
	r := play(t, s, sample, Options{Protocols: []int{3}})
	if !r.NoRESP3 || r.Results[0].Outcome != NotSupported {
		t.Errorf("in RESP3 alone %+v", r.Results[0])
	}
	busy := serve(t, func(n int, words []string) string {
		if words[0] == "HELLO" {
			return "-LOADING the dataset\r\n"
		}
		return good(n, words)
	})
	if r := play(t, busy, sample, Options{}); r.NoRESP3 || r.Results[0].Outcome != Differs {
		t.Errorf("with another error %+v", r.Results[0])
	}
}

// TestPasswordIsNotShown holds that neither a refusal nor what is observed shows
// what logs in.
func TestPasswordIsNotShown(t *testing.T) {
	t.Parallel()
	for answer, outcome := range map[string]Outcome{
		"-ERR unknown command 'AUTH', with args beginning with: 'hidden' \r\n": NotSupported,
		"-ERR hidden is no password\r\n":                                       Differs,
		"+OK\r\n":                                                              Passed,
	} {
		s := serve(t, func(n int, words []string) string {
			if words[0] == "AUTH" {
				return answer
			}
			return good(n, words)
		})
		s.Password = "hidden"
		var mu sync.Mutex
		var seen bytes.Buffer
		r := play(t, s, "why: w\ncase: SUB-001 x\nc1> PING\nc1< +PONG\n", Options{Protocols: []int{2}, Observe: func(_ string, _ bool, b []byte) {
			mu.Lock()
			defer mu.Unlock()
			seen.Write(b)
		}})
		var out bytes.Buffer
		if err := r.Write(&out, "text", WriteOptions{}); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(out.String()+seen.String(), "hidden") {
			t.Errorf("%q: shown\n%s%s", answer, out.String(), seen.String())
		}
		if got := r.Results[0].Outcome; got != outcome && outcome == Passed || r.Cut != "" {
			t.Errorf("%q: %s, want %s; cut since %q", answer, got, outcome, r.Cut)
		}
		if _, err := Identify(t.Context(), s, time.Second); err != nil && strings.Contains(err.Error(), "hidden") {
			t.Errorf("%q: shown: %v", answer, err)
		}
		if outcome == Passed && !strings.Contains(seen.String(), "PING") {
			t.Error("nothing is observed")
		}
	}
}

// TestUser holds that a case can name the user that clients are.
func TestUser(t *testing.T) {
	t.Parallel()
	s := serve(t, func(n int, words []string) string {
		if words[0] == "AUTH" {
			return "+OK\r\n"
		}
		if words[0] == "WHO" {
			return "$5\r\nalice\r\n"
		}
		return good(n, words)
	})
	const text = "why: w\ncase: SUB-001 x\nc1> WHO\nc1< \"${user}\"\nc1> ECHO ${user}\nc1< \"alice\"\n"
	s.User, s.Password = "alice", "p"
	if r := play(t, s, text, Options{Protocols: []int{2}}); r.Count("", Passed) != 1 {
		t.Errorf("%+v", r.Results[0])
	}
	s.User = ""
	if r := play(t, s, text, Options{Protocols: []int{2}}); r.Count("", Differs) != 1 {
		t.Errorf("of another user: %+v", r.Results[0])
	}
	f, err := ParseFile("f.txt", text)
	if err != nil {
		t.Fatal(err)
	}
	s.User = "alice"
	f.Cases[0].Protocols = []int{2}
	if err := Record(t.Context(), s, f.Cases, Options{}); err != nil {
		t.Fatal(err)
	}
	if got := f.Format(); !strings.Contains(got, "c1< \"${user}\"") || strings.Contains(got, "alice") {
		t.Errorf("recorded\n%s", got)
	}
}

// TestBound holds that cases for a server on its own are not played on another.
func TestBound(t *testing.T) {
	t.Parallel()
	const text = "why: w\ncase: SUB-001 x\nneeds: standalone\nc1> PING\nc1< +PONG\n"
	s := serve(t, func(n int, words []string) string {
		if words[0] == "INFO" && words[1] == "cluster" {
			return "$19\r\ncluster_enabled:1\r\n\r\n"
		}
		return good(n, words)
	})
	id, err := Identify(t.Context(), s, time.Minute)
	if err != nil || id.Bound != "a node of a cluster" {
		t.Fatalf("%+v, %v", id, err)
	}
	r := play(t, s, text, Options{Protocols: []int{2}, Bound: id.Bound})
	if r.Results[0].Outcome != NotRun || !strings.Contains(r.Results[0].Note, "a node of a cluster") {
		t.Errorf("%+v", r.Results[0])
	}
	if r := play(t, s, text, Options{Protocols: []int{2}}); r.Count("", Passed) != 1 {
		t.Errorf("on its own: %+v", r.Results[0])
	}
}
