// Package examples runs the tests of the examples that are modules of their own.
package examples

import (
	"context"
	"os/exec"
	"testing"
	"time"
)

func TestChat(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	for _, args := range [][]string{{"vet", "./..."}, {"test", "-count=1", "-timeout=3m", "./..."}} {
		cmd := exec.CommandContext(ctx, "go", args...)
		cmd.Dir = "chat"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v in %s: %v\n%s", cmd, cmd.Dir, err, out)
		}
	}
}
