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
	"strings"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
)

// restartMe is the line by which a program asks for a restart of its server.
const restartMe = "ready-for-restart"

// A suite is a folder of programs that use one client library. A program takes
// the arguments of sut.Endpoint.Args, and its output is the one recorded in the
// folder's expected/NAME.txt.
type suite struct {
	dir string
	ext string // of the programs' files
	// command returns what runs the program called name in dir. It may
	// compile it into a folder of the test.
	command func(t *testing.T, dir, name string) []string
	// only, if there are any, are the programs to run; the default is all.
	only []string
	// modules are the files in dir that are no programs, without ext.
	modules []string
	// version is a command that prints the versions of what packages
	// install, and fails when something is missing.
	version  []string
	packages string
	// everywhere are the programs that run over each network of sut.Target
	// among networks; all run over TCP.
	everywhere []string
	networks   []string
}

// serverArgs are the arguments of the server for programs that need any, by
// name, the same in all suites.
var serverArgs = map[string][]string{
	"password": {"--requirepass", "correct horse"},
}

// run runs every program of the suite and compares its output.
func (s *suite) run(t *testing.T) {
	t.Parallel()
	s.requireLibrary(t)
	for _, program := range s.programs(t) {
		t.Run(program, func(t *testing.T) {
			command := s.command(t, s.dir, program)
			eachTarget(t, func(t *testing.T, target sut.Target) {
				for _, network := range target.Networks {
					if network == sut.TCP {
						s.runOn(t, target, network, program, command)
					} else if slices.Contains(s.networks, network) && slices.Contains(s.everywhere, program) && !*update {
						t.Run(network, func(t *testing.T) { s.runOn(t, target, network, program, command) })
					}
				}
			})
		})
	}
	if !*update {
		s.checkRecorded(t)
	}
}

// runOn runs a program against a fresh server that it reaches over network.
func (s *suite) runOn(t *testing.T, target sut.Target, network, program string, command []string) {
	t.Helper()
	server, at := sut.StartOn(t, target.Binary(t), network, serverArgs[program]...)
	out := runProgram(t, s.dir, append(slices.Clone(command), at.Args()...), server.Restart)
	s.compare(t, program, out)
}

// programs returns the names of the suite's programs.
func (s *suite) programs(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, path := range glob(t, filepath.Join(s.dir, "*"+s.ext)) {
		if name := strings.TrimSuffix(filepath.Base(path), s.ext); !slices.Contains(s.modules, name) {
			names = append(names, name)
		}
	}
	for _, name := range slices.Concat(s.only, s.everywhere) {
		if !slices.Contains(names, name) {
			t.Errorf("%s has no program called %s", s.dir, name)
		}
	}
	if len(s.only) > 0 {
		return s.only
	}
	return names
}

// checkRecorded fails the test when a recorded output belongs to no program.
func (s *suite) checkRecorded(t *testing.T) {
	t.Helper()
	for _, path := range glob(t, filepath.Join(s.dir, "expected", "*")) {
		program := strings.TrimSuffix(filepath.Base(path), ".txt")
		if _, err := os.Stat(filepath.Join(s.dir, program+s.ext)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no file is called %s (%v)", pattern, err)
	}
	return paths
}

// requireLibrary fails the test when the library is missing and logs its
// version otherwise.
func (s *suite) requireLibrary(t *testing.T) {
	t.Helper()
	logVersion(t, s.packages, s.version...)
}

// logVersion runs a command that prints the version of something and logs what
// it prints, on one line. The test fails, and names the Debian packages, when
// the command does.
func logVersion(t *testing.T, packages string, command ...string) {
	t.Helper()
	out, err := exec.Command(command[0], command[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("install the Debian packages %s, or run .ci/deps: %q: %v\n%s", packages, command, err, out)
	}
	t.Logf("%s", bytes.Join(bytes.Fields(out), []byte(" ")))
}

// interpreted returns the command of a suite whose programs are run by another
// one.
func interpreted(ext string, interpreter ...string) func(*testing.T, string, string) []string {
	return func(_ *testing.T, _, name string) []string {
		return append(slices.Clone(interpreter), name+ext)
	}
}

// runProgram runs command in dir and returns its standard output. When the
// program asks for a restart of its server, runProgram calls restart and tells
// it that the server is back.
func runProgram(t *testing.T, dir string, command []string, restart func()) string {
	t.Helper()
	// Interpreters are slow to start on a busy machine, and each wait of a program
	// has its own bound.
	ctx, cancel := context.WithTimeout(context.Background(), 4*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PYTHONIOENCODING=utf-8", "LANG=C.UTF-8", "LC_ALL=C.UTF-8")
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
	cmd.Cancel = func() error {
		// A process that the program has started may hold its end.
		stdout.Close()
		return cmd.Process.Kill()
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting %q: %v", command, err)
	}
	var out strings.Builder
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		fmt.Fprintln(&out, lines.Text())
		if lines.Text() == restartMe {
			restart()
			// A program that has ended meanwhile is reported below.
			_, _ = io.WriteString(stdin, "restarted\n")
		}
	}
	readErr := lines.Err()
	if err := cmd.Wait(); err != nil || readErr != nil {
		t.Fatalf("%q: %v (reading: %v)\n%s\n%s", command, err, readErr, out.String(), stderr.String())
	}
	return out.String()
}

// compare fails the test unless the program printed what was recorded. With
// -update it records the output instead.
func (s *suite) compare(t *testing.T, program, out string) {
	t.Helper()
	path := filepath.Join(s.dir, "expected", program+".txt")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
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
		t.Errorf("%s of %s printed\n%s\nwant\n%s", program, s.dir, out, want)
	}
}
