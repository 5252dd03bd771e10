package suite

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// late leaves the first request that begins with words without an answer, and puts
// that in front of the answer to the next one on its connection.
func late(words, answer string, reply func(n int, words []string) string) func(n int, words []string) string {
	var kept, given atomic.Bool
	return func(n int, got []string) string {
		if strings.HasPrefix(strings.Join(got, " "), words) && !kept.Swap(true) {
			return ""
		}
		if kept.Load() && n > 0 && !given.Swap(true) {
			return answer + reply(n, got)
		}
		return reply(n, got)
	}
}

// TestLateAnswers holds that an answer which comes too late is not taken for that to
// the next request.
func TestLateAnswers(t *testing.T) {
	t.Parallel()
	info := func(_ int, words []string) string {
		if words[0] == "HELLO" {
			return array("server", "redis", "version", "7.0.15")
		}
		return "-ERR no\r\n"
	}
	s := serve(t, late("INFO", "$22\r\npubsubd_version:9.9.9\r\n\r\n", info))
	id, err := Identify(t.Context(), s, time.Second)
	if err != nil || id.Name != "redis 7.0.15" {
		t.Errorf("it is %+v, %v", id, err)
	}
	config := func(n int, words []string) string {
		if words[0] == "CONFIG" {
			return array(words[2], "1")
		}
		return good(n, words)
	}
	f, err := ParseFile("f.txt", "why: w\ncase: SUB-001 x\nneeds: first >= 8\nneeds: second = 1\nc1> PING\nc1< +PONG\n")
	if err != nil {
		t.Fatal(err)
	}
	s = serve(t, late("CONFIG GET first", array("first", "7"), config))
	if values := directives(t.Context(), s, f.Cases, time.Second); len(values) != 1 || values["second"] != "1" {
		t.Errorf("directives are %q", values)
	}
}

// TestDirectiveOfAnotherName holds that what was not asked for is not believed.
func TestDirectiveOfAnotherName(t *testing.T) {
	t.Parallel()
	f, err := ParseFile("f.txt", "why: w\ncase: SUB-001 x\nneeds: first >= 8\nc1> PING\nc1< +PONG\n")
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, func(int, []string) string { return array("second", "1") })
	if values := directives(t.Context(), s, f.Cases, time.Minute); len(values) != 0 {
		t.Errorf("directives are %q", values)
	}
}
