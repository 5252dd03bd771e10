// Package clients_test runs real client libraries against pubsubd and against
// a redis-server, and requires the same outcome of both. README.md says what
// is run and how to add a program.
package clients_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
)

var update = flag.Bool("update", false, "record the expected output of the programs from redis-server")

// patience bounds every wait of these tests. Nothing is expected to take
// anywhere near as long; it turns a hang into a failure.
const patience = 30 * time.Second

func TestMain(m *testing.M) { os.Exit(sut.Main(m)) }

// eachTarget runs test in parallel for each target; for redis-server alone when
// its outcome is being recorded.
func eachTarget(t *testing.T, test func(t *testing.T, target sut.Target)) {
	t.Parallel()
	used := sut.Targets
	if *update {
		used = used[:1]
	}
	for _, target := range used {
		t.Run(target.Name, func(t *testing.T) {
			t.Parallel()
			test(t, target)
		})
	}
}

// onEachRestartable runs test in parallel against a fresh server of each
// target, which can be restarted.
func onEachRestartable(t *testing.T, test func(t *testing.T, server *sut.Server)) {
	eachTarget(t, func(t *testing.T, target sut.Target) {
		server, _ := sut.StartOn(t, target.Binary(t), sut.TCP)
		test(t, server)
	})
}

// within returns a context for one test, bounded by patience.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// eventually polls until condition reports true, and fails the test when it
// never does. The formatted text says what is waited for.
func eventually(t *testing.T, condition func() bool, format string, args ...any) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("waited %v for %s", patience, fmt.Sprintf(format, args...))
		}
	}
}
