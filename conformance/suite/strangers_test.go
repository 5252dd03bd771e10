package suite

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

const publishing = "why: w\ncase: SUB-001 x\nc1> PUBLISH ${p}a b\nc1< :0\n\n" +
	"case: SUB-002 x\nc1>> \"*3\\r\\n$7\\r\\npublish\\r\\n$1\\r\\na\\r\\n$1\\r\\nb\\r\\n\"\nc1< :0\n\n" +
	"case: SUB-003 y\nc1> PING\nc1< +PONG\n"

// publisher returns a server that answers PUBLISH with the number of receivers as
// count says, which is given how many have subscribed to the channel.
func publisher(t *testing.T, count func(subscribers int) string) Server {
	t.Helper()
	var mu sync.Mutex
	subscribers := map[string]int{}
	return serve(t, func(n int, words []string) string {
		mu.Lock()
		defer mu.Unlock()
		switch strings.ToUpper(words[0]) {
		case "SUBSCRIBE":
			subscribers[words[1]]++
			return fmt.Sprintf("*3\r\n$9\r\nsubscribe\r\n$%d\r\n%s\r\n:1\r\n", len(words[1]), words[1])
		case "PUBLISH":
			return count(subscribers[words[1]])
		}
		return good(n, words)
	})
}

// TestStrangers holds that nothing is published on a server on which somebody
// else gets it, that this is no success, and that only a number that holds says so.
func TestStrangers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		count func(subscribers int) string
		alone bool
		want  Outcome // of what publishes
	}{
		"nobody":               {func(n int) string { return fmt.Sprintf(":%d\r\n", n) }, false, Passed},
		"somebody":             {func(n int) string { return fmt.Sprintf(":%d\r\n", n+1) }, false, NotRun},
		"somebody, though not": {func(n int) string { return fmt.Sprintf(":%d\r\n", n+1) }, true, Differs},
		"always one":           {func(int) string { return ":1\r\n" }, false, Differs},
		"no number":            {func(int) string { return "+OK\r\n" }, false, Differs},
		"no integer":           {func(int) string { return "$1\r\n0\r\n" }, false, Differs},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := publisher(t, tt.count)
			r := play(t, s, publishing, Options{Protocols: []int{2}, Alone: tt.alone})
			for i, want := range []Outcome{tt.want, tt.want, Passed} {
				if res := r.Results[i]; res.Outcome != want {
					t.Errorf("%s %s (%s), want %s", res.Case.ID, res.Outcome, res.Note, want)
				}
			}
			if r.OK() != (tt.want == Passed) || r.Overheard != (tt.want == NotRun) {
				t.Errorf("OK %v, overheard %v", r.OK(), r.Overheard)
			}
			if tt.want != NotRun {
				return
			}
			for format, text := range map[string]string{"text": "without cases that publish", "md": "without cases that publish", "html": "without cases that publish", "json": `"overheard": true`, "junit": "would have got"} {
				if out := written(t, r, format); !strings.Contains(out, text) {
					t.Errorf("%s lacks %q:\n%s", format, text, out)
				}
			}
			ours := serve(t, good)
			if r := play(t, ours, publishing, Options{Protocols: []int{2}, Peer: &s}); r.Results[0].Outcome != NotRun || r.OK() {
				t.Errorf("played though somebody listens on the peer: %+v", r.Results[0])
			}
			quiet := "why: w\n" + publishing[strings.Index(publishing, "case: SUB-003"):]
			if r := play(t, s, quiet, Options{Protocols: []int{2}}); !r.OK() {
				t.Errorf("nothing is published, and yet %+v", r)
			}
		})
	}
}
