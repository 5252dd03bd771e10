package suite

import (
	"strings"
	"testing"
	"time"
)

// TestPeerThatFallsSilent holds that what the peer does not answer is told as that, once,
// and not as values that are expected to be nothing.
func TestPeerThatFallsSilent(t *testing.T) {
	t.Parallel()
	peer := serve(t, func(n int, words []string) string {
		switch words[0] {
		case "WRONG":
			return "+OTHER\r\n"
		case "SILENT":
			return ""
		}
		return good(n, words)
	})
	const text = "why: w\ncase: SUB-001 x\nc1> WRONG\nc1< +PONG\nc1> SILENT\nc1< +PONG\nc1> PING\nc1< +PONG\nc1> PING\nc1< +PONG\n"
	r := play(t, serve(t, good), text, Options{Protocols: []int{2}, Peer: &peer, Timeout: 2 * time.Second})
	list := r.Results[0].Differences
	if len(list) != 2 || list[0].Line != 2 || string(list[0].Want) != "+OTHER\r\n" {
		t.Fatalf("%+v", list)
	}
	if d := list[1]; d.Line != 4 || d.Client != "c1" || d.Wants+d.Gots != "" || !strings.HasPrefix(d.Text, "the peer: c1 received nothing within") {
		t.Errorf("%+v", d)
	}
	if out := written(t, r, "text"); strings.Contains(out, "expected nothing") {
		t.Error(out)
	}
}
