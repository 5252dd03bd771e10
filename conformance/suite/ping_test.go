package suite

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestPingBesideRedisCLI holds that a case of redis-cli, which does not look at what
// it measures, fails on a server that answers PING by anything else.
func TestPingBesideRedisCLI(t *testing.T) {
	t.Parallel()
	const text = "why: w\ncase: RCL-001 x\nargs PING\nping\n-- screen --\nPONG\n[exit status 0]\n"
	for answer, want := range map[string]Outcome{"+PONG\r\n": Passed, "$4\r\nPONG\r\n": Differs} {
		s := serve(t, func(_ int, words []string) string {
			if words[0] == "COMMAND" {
				return "*0\r\n"
			}
			return answer
		})
		r := play(t, s, text, Options{Protocols: []int{2}, Timeout: 20 * time.Second})
		res := r.Results[0]
		if res.Outcome != want || want == Differs && !strings.Contains(fmt.Sprint(res.Differences), "PING was answered") {
			t.Errorf("%q: %+v", answer, res)
		}
	}
}
