// Package sut gives tests the servers under test: pubsubd, built once per test
// process, and a real redis-server.
package sut

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/internal/process"
)

const (
	module         = "github.com/pubsubd/pubsubd"
	pubsubdPackage = module + "/cmd/pubsubd"
)

// A Server is a running server. Its Addr, Port, Log, PID, Exited, Signal and
// Kill are those of the process.
type Server struct {
	*process.Server
	t      testing.TB
	binary string
	args   []string
}

// Start runs binary with args and waits until it answers; see process.Start
// for what it adds to args. The server is stopped when the test ends. Start
// fails the test when the server does not come up.
func Start(t testing.TB, binary string, args ...string) *Server {
	t.Helper()
	p, err := process.Start(binary, args...)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Server: p, t: t, binary: binary, args: args}
	t.Cleanup(s.Stop)
	return s
}

// Stop ends the server with SIGTERM and fails the test when its exit status is
// not zero. To stop it a second time does nothing.
func (s *Server) Stop() {
	s.t.Helper()
	if err := s.Server.Stop(); err != nil {
		s.t.Error(err)
	}
}

// build holds the directories of the binaries that were built, for Main to
// remove.
var build struct {
	mu   sync.Mutex // guards dirs
	dirs []string
}

// BinaryVariable names the environment variable that holds the path of a
// pubsubd to test in place of one built from this repository.
const BinaryVariable = "PUBSUBD_BINARY"

var (
	buildPubsubd = sync.OnceValues(func() (string, error) { return namedOrBuilt(raceEnabled) })
	buildRelease = sync.OnceValues(func() (string, error) { return namedOrBuilt(false) })
	buildFaults  = sync.OnceValues(func() (string, error) { return builtPubsubd(raceEnabled, "faults") })
)

func namedOrBuilt(race bool) (string, error) {
	if binary := os.Getenv(BinaryVariable); binary != "" {
		return binary, nil
	}
	return builtPubsubd(race)
}

func builtPubsubd(race bool, tags ...string) (string, error) {
	// The tests of the module of client libraries run in another module.
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		return "", fmt.Errorf("looking for the module %s: %w", module, err)
	}
	dir, err := os.MkdirTemp("", "pubsubd-build-")
	if err != nil {
		return "", err
	}
	build.mu.Lock()
	build.dirs = append(build.dirs, dir)
	build.mu.Unlock()
	binary := filepath.Join(dir, "pubsubd")
	args := []string{"build", "-o", binary, "-tags", strings.Join(tags, ",")}
	if race {
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, pubsubdPackage)...)
	cmd.Dir = strings.TrimSpace(string(root))
	lookAtSources(cmd.Dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build %s: %w\n%s", pubsubdPackage, err, out)
	}
	return binary, nil
}

// lookAtSources makes the result of the tests depend on what pubsubd is built
// of, as go test sees it: it would take the result of the last run for that of
// this one, since it knows nothing of what the tests build themselves.
func lookAtSources(root string) {
	for _, dir := range []string{"acl", "broker", "cmd/pubsubd", "match", "server", "."} {
		entries, err := os.ReadDir(filepath.Join(root, dir))
		if err != nil {
			continue // go build will say what is wrong
		}
		for _, e := range entries {
			switch filepath.Ext(e.Name()) {
			case ".go", ".mod", ".sum":
				_, _ = os.Stat(filepath.Join(root, dir, e.Name()))
			}
		}
	}
}

// Pubsubd returns the path of cmd/pubsubd, built at the first call in this
// process; with the race detector if the test has it. It fails the test when
// the build fails. BinaryVariable names another to use.
func Pubsubd(t testing.TB) string {
	t.Helper()
	binary, err := buildPubsubd()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// Release is Pubsubd as it is released, without the race detector whatever the
// test has: for tests of how much memory and time it takes.
func Release(t testing.TB) string {
	t.Helper()
	binary, err := buildRelease()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// Faults is Pubsubd in a build for tests that panics where DEBUG FAULT says.
// BinaryVariable names no other: what is released cannot do it.
func Faults(t testing.TB) string {
	t.Helper()
	binary, err := buildFaults()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

var long = flag.Bool("soak", false, "run the long form of tests, with bounds on time: on a machine with nothing else to do")

// Long tells whether tests are to run in their long form and to hold figures of
// time against their bounds. It is set by the flag -soak.
func Long() bool { return *long }

// endAtOnce has programs that tests start end at once: one with the race detector
// waits for a second before it ends well, for races of what still runs then.
func endAtOnce() error {
	const variable, option = "GORACE", "atexit_sleep_ms"
	options := os.Getenv(variable)
	if strings.Contains(options, option) {
		return nil
	}
	return os.Setenv(variable, strings.TrimSpace(options+" "+option+"=0"))
}

// Main runs the tests of m and then removes the binaries that were built. It
// returns the exit code. Packages that use Pubsubd call it from TestMain:
//
//	func TestMain(m *testing.M) { os.Exit(sut.Main(m)) }
func Main(m *testing.M) int {
	if err := endAtOnce(); err != nil {
		fmt.Fprintln(os.Stderr, "setting GORACE:", err)
		return 1
	}
	code := m.Run()
	build.mu.Lock()
	defer build.mu.Unlock()
	for _, dir := range build.dirs {
		if err := os.RemoveAll(dir); err != nil {
			fmt.Fprintln(os.Stderr, "removing the built pubsubd:", err)
		}
	}
	return code
}

// Redis returns the path of redis-server. It fails the test when there is none.
func Redis(t testing.TB) string {
	t.Helper()
	return lookPath(t, "redis-server", "redis-server")
}

// RedisCLI returns the path of redis-cli. It fails the test when there is none.
func RedisCLI(t testing.TB) string {
	t.Helper()
	return lookPath(t, "redis-cli", "redis-tools")
}

func lookPath(t testing.TB, name, debianPackage string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is needed; install %s (Debian package %s): %v", name, name, debianPackage, err)
	}
	return path
}
