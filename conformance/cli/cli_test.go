// Package cli_test drives redis-cli the way a person does, against pubsubd and
// against redis-server, and compares what the person sees with a recording.
// README.md describes the scenarios.
package cli_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
)

var update = flag.Bool("update", false, "record the screens of all scenarios from redis-server")

// patience bounds a whole scenario; it turns a hang into a failure. Many run at a
// time.
const patience = time.Minute

func TestMain(m *testing.M) { os.Exit(sut.Main(m)) }

// A target is one of the servers that every scenario runs against.
type target struct {
	name   string
	binary func(testing.TB) string
}

var targets = []target{
	{name: "redis", binary: sut.Redis},
	{name: "pubsubd", binary: sut.Pubsubd},
}

// TestScenarios runs every file in testdata against both servers.
func TestScenarios(t *testing.T) {
	t.Parallel()
	version, err := exec.Command(sut.RedisCLI(t), "--version").Output()
	if err != nil {
		t.Fatalf("redis-cli --version: %v", err)
	}
	t.Logf("%s", strings.TrimSpace(string(version)))
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scenarios in testdata (%v)", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			t.Parallel()
			sc, err := readScenario(path)
			if err != nil {
				t.Fatal(err)
			}
			if *update {
				if err := os.WriteFile(sc.path, []byte(sc.head+play(t, sc, targets[0])), 0o666); err != nil {
					t.Fatal(err)
				}
				return
			}
			for _, target := range targets {
				t.Run(target.name, func(t *testing.T) {
					t.Parallel()
					if seen := play(t, sc, target); seen != sc.screen {
						t.Errorf("%s: one sees\n%s\nwith redis-server and redis-cli 7.0.15 one saw\n%s", sc.path, seen, sc.screen)
					}
				})
			}
		})
	}
}
