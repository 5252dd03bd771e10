package clients_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
)

// TestGoModules runs the tests of the Go libraries that the module of pubsubd
// does not require. They are a module of their own, in gomodules, and get the
// pubsubd that this process has built.
func TestGoModules(t *testing.T) {
	t.Parallel()
	const dir = "gomodules"
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	run := func(env []string, args ...string) string {
		cmd := exec.CommandContext(ctx, "go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), env...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%v in %s: %v\n%s", cmd, dir, err, out)
		}
		return string(out)
	}
	versions := run(nil, "list", "-m", "-f", "{{if not (or .Main .Indirect)}}{{.Path}} {{.Version}}{{end}}", "all")
	t.Logf("%s", strings.Join(strings.Fields(versions), " "))
	run([]string{sut.BinaryVariable + "=" + sut.Pubsubd(t)}, "test", "-count=1", "-timeout=3m", "./...")
}
