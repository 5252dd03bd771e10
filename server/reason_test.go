package server

import (
	"os"
	"strings"
	"testing"
)

// Whoever finds a reason in CLIENT CLOSED finds it in docs/closures.md.
func TestReasonsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/closures.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range closeReasons {
		if !strings.Contains(string(text), "`"+string(r.why)+"`") {
			t.Errorf("docs/closures.md does not know %s", r.why)
		}
	}
}
