package suite

import (
	"strings"
	"testing"
)

// TestWhatIsPrintedIsBounded holds that not all is kept that redis-cli prints.
func TestWhatIsPrintedIsBounded(t *testing.T) {
	t.Parallel()
	g := &growing{changed: make(chan struct{}, 1), observe: func(string, bool, []byte) {}, text: new(strings.Builder)}
	part := []byte(strings.Repeat("a", maxPrinted/4+1))
	for range 10 {
		if n, err := g.Write(part); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	if n := len(g.String()); n != maxPrinted {
		t.Errorf("%d bytes are kept", n)
	}
}

// TestMonitorOnScreen holds that the time and the address are hidden of clients by all
// routes.
func TestMonitorOnScreen(t *testing.T) {
	t.Parallel()
	s := &screen{}
	const text = "OK\n1700000000.123456 [0 127.0.0.1:44020] \"PING\" \"a]\"\n1700000000.123456 [12 [::1]:44020] \"PING\"\n[end]\n"
	const want = "OK\n<time> [0 <addr>] \"PING\" \"a]\"\n<time> [12 <addr>] \"PING\"\n[end]\n"
	if got := s.normalize(text, Server{Addr: "[::1]:1"}); got != want {
		t.Errorf("shown as\n%s, want\n%s", got, want)
	}
}
