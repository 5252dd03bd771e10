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
