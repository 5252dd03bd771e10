package clients_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
)

const (
	// python is the interpreter that the Debian package python3-redis is for.
	python    = "/usr/bin/python3"
	redispy   = "redispy"
	expected  = "redispy/expected"
	restartMe = "ready-for-restart"
)

// modules are the files in redispy that programs import.
var modules = []string{"common", "robust"}

// serverArgs are the arguments of the server for programs that need any.
var serverArgs = map[string][]string{
	"password": {"--requirepass", "correct horse"},
}

// TestRedisPy runs every program in redispy and compares its output with the
// recorded one.
func TestRedisPy(t *testing.T) {
	t.Parallel()
	requireRedisPy(t)
	for _, program := range programs(t) {
		t.Run(program, func(t *testing.T) {
			onEachTarget(t, serverArgs[program], func(t *testing.T, server *sut.Server) {
				compare(t, program, runProgram(t, program, server.Port, nil))
			})
		})
	}
}

// TestRedisPyRestart runs the program whose server is restarted in the middle.
func TestRedisPyRestart(t *testing.T) {
	requireRedisPy(t)
	const program = "survives_restart"
	onEachRestartable(t, func(t *testing.T, server *restartable) {
		restarts := 0
		out := runProgram(t, program, server.Port, func() {
			server.restart(t)
			restarts++
		})
		if restarts != 1 {
			t.Errorf("the program asked for %d restarts", restarts)
		}
		compare(t, program, out)
	})
}

// TestRedisPyExpectations fails when a recorded output belongs to no program.
func TestRedisPyExpectations(t *testing.T) {
	t.Parallel()
	for _, path := range glob(t, filepath.Join(expected, "*")) {
		program := strings.TrimSuffix(filepath.Base(path), ".txt")
		if _, err := os.Stat(filepath.Join(redispy, program+".py")); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// programs returns the names of the programs that only need a server.
func programs(t *testing.T) []string {
	var names []string
	for _, path := range glob(t, filepath.Join(redispy, "*.py")) {
		name := strings.TrimSuffix(filepath.Base(path), ".py")
		if !slices.Contains(modules, name) && name != "survives_restart" {
			names = append(names, name)
		}
	}
	return names
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no file is called %s (%v)", pattern, err)
	}
	return paths
}

// requireRedisPy fails the test when redis-py is missing and logs its version
// otherwise.
func requireRedisPy(t *testing.T) {
	t.Helper()
	out, err := exec.Command(python, "-c", "import redis; print(redis.__version__)").CombinedOutput()
	if err != nil {
		t.Fatalf("redis-py is needed for %s; install the Debian package python3-redis: %v\n%s", python, err, out)
	}
	t.Logf("redis-py %s", bytes.TrimSpace(out))
}

// runProgram runs a program against the server on port and returns its
// standard output. When the program asks for a restart of its server, runProgram
// calls restart and tells it that the server is back.
func runProgram(t *testing.T, program string, port int, restart func()) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, python, "-B", program+".py", "127.0.0.1", strconv.Itoa(port))
	cmd.Dir = redispy
	cmd.Env = append(os.Environ(), "PYTHONIOENCODING=utf-8")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting %s.py: %v", program, err)
	}
	var out strings.Builder
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		fmt.Fprintln(&out, lines.Text())
		if restart != nil && lines.Text() == restartMe {
			restart()
			// A program that has ended meanwhile is reported below.
			_, _ = io.WriteString(stdin, "restarted\n")
		}
	}
	readErr := lines.Err()
	if err := cmd.Wait(); err != nil || readErr != nil {
		t.Fatalf("%s.py: %v (reading: %v)\n%s\n%s", program, err, readErr, out.String(), stderr.String())
	}
	return out.String()
}

// compare fails the test unless the program printed what was recorded. With
// -update it records the output instead.
func compare(t *testing.T, program, out string) {
	t.Helper()
	path := filepath.Join(expected, program+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(out), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if out != string(want) {
		t.Errorf("%s.py printed\n%s\nwant\n%s", program, out, want)
	}
}
