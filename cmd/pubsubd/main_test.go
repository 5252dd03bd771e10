package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/pubsubd/pubsubd/server"
)

// runWith is a run of the program with these arguments.
func runWith(signals, hangups <-chan os.Signal, stdout, stderr io.Writer, args ...string) int {
	p := &program{args: args, signals: signals, hangups: hangups, stdin: strings.NewReader(""), stdout: stdout, stderr: stderr}
	return p.run()
}

func TestArguments(t *testing.T) {
	args := strings.Fields("--port 7777 --BIND 127.0.0.1 ::1 --client-output-buffer-limit pubsub 1mb 64k 5 normal 1k 2kb 3 --loglevel warning --timeout 5")
	conf, err := parseArgs(args).load(nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"port": "7777", "bind": "127.0.0.1 ::1", "loglevel": "warning", "timeout": "5", "maxclients": "10000",
		"client-output-buffer-limit": "normal 1000 2048 3 slave 268435456 67108864 60 pubsub 1048576 64000 5",
	}
	for name, value := range want {
		if got := conf.Get(name); len(got) != 1 || got[0][1] != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
}

func TestBadArguments(t *testing.T) {
	const block = "\n*** FATAL CONFIG FILE ERROR (pubsubd " + server.Version + ") ***\nReading the configuration file, at line %d\n>>> '%s'\n%s\n"
	for _, c := range []struct {
		args, line string
		at         int
		why        string
	}{
		{"--nosuch 1", `nosuch "1"`, 2, "Bad directive or wrong number of arguments"},
		{"--port", "port", 2, "wrong number of arguments"},
		{"--port 1 2", `port "1" "2"`, 2, "wrong number of arguments"},
		{"--port abc", `port "abc"`, 2, "argument couldn't be parsed into an integer"},
		{"--timeout 1 --port 65536", `port "65536"`, 3, "argument must be between 0 and 65535 inclusive"},
		{"--port=1", "port=1", 2, "wrong number of arguments"},
		{"--loglevel loud", `loglevel "loud"`, 2, "argument(s) must be one of the following: debug, verbose, notice, warning, nothing"},
		{"--user v on >sesame --user v off", "user (redacted)", 3, "Error in user declaration 'v': Duplicate user found. A user can only be defined once in config files"},
		{"--user v on >sesame foo", "user (redacted)", 2, "Error in user declaration 'foo': Syntax error"},
		{"--user v #sesame", "user (redacted)", 2, "Error in user declaration '#(redacted)': The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"},
		{"--protected-mode 1", `protected-mode "1"`, 2, "argument must be 'yes' or 'no'"},
		{"--client-output-buffer-limit pubsub 1", `client-output-buffer-limit "pubsub" "1"`, 2, "Wrong number of arguments in buffer limit configuration."},
	} {
		var stdout, stderr bytes.Buffer
		code := runWith(nil, nil, &stdout, &stderr, strings.Fields(c.args)...)
		why := c.why
		if c.args == "--port=1" {
			why = "Bad directive or wrong number of arguments" // no directive has that name
		}
		if want := fmt.Sprintf(block, c.at, c.line, why); code != 1 || stderr.String() != want || stdout.Len() > 0 {
			t.Errorf("pubsubd %s: exit code %d, stderr %q, want 1 and %q", c.args, code, stderr.String(), want)
		}
	}
}

func TestAPasswordIsNotRepeatedInErrors(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := runWith(nil, nil, &stdout, &stderr, "--requirepass", "sesame", "twice"); code != 1 || strings.Contains(stderr.String(), "sesame") {
		t.Errorf("exit code %d, stderr %q", code, stderr.String())
	}
}

func TestVersionAndHelp(t *testing.T) {
	var version, help, stderr bytes.Buffer
	if code := runWith(nil, nil, &version, &stderr, "--version"); code != 0 || version.String() != versionLine()+"\n" || !strings.HasPrefix(version.String(), "Redis server v="+server.RedisVersion+" ") {
		t.Errorf("--version: exit code %d, %q", code, version.String())
	}
	if code := runWith(nil, nil, &help, &stderr, "--help"); code != 0 || !strings.Contains(help.String(), "--client-output-buffer-limit") {
		t.Errorf("--help: exit code %d, %q", code, help.String())
	}
}

func TestPortInUse(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	port := strconv.Itoa(ln.Addr().(*net.TCPAddr).Port)
	logFile := filepath.Join(t.TempDir(), "log")
	pidFile := filepath.Join(t.TempDir(), "pid") // of the server that has the port
	if err := os.WriteFile(pidFile, []byte("1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"--pidfile", pidFile}, {"--logfile", logFile}} {
		var stdout, stderr bytes.Buffer
		code := runWith(nil, nil, &stdout, &stderr, append([]string{"--bind", "127.0.0.1", "--port", port}, args...)...)
		said := stdout.String() + stderr.String()
		want := "Failed listening on port " + port + " (TCP), aborting: listening on 127.0.0.1:" + port + ": bind: Address already in use\n"
		if code != 1 || strings.Count(said, want) != 1 {
			t.Errorf("%q: exit code %d, said %q, want 1 and once %q", args, code, said, want)
		}
	}
	if b, err := os.ReadFile(logFile); err != nil || !bytes.Contains(b, []byte("aborting")) {
		t.Errorf("the log file has %q (%v), want the reason", b, err)
	}
	if b, err := os.ReadFile(pidFile); err != nil || string(b) != "1\n" {
		t.Errorf("the pid file has become %q (%v)", b, err)
	}
}

func TestLogFileThatCannotBeOpened(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := runWith(nil, nil, &stdout, &stderr, "--logfile", t.TempDir(), "--daemonize", "yes"); code != 1 || !strings.HasSuffix(stderr.String(), " ***\nCan't open the log file: Is a directory\n") {
		t.Errorf("exit code %d, stderr %q", code, stderr.String())
	}
}

// A signal ends the server with what a client still gets, and exit code 0.
func TestSignal(t *testing.T) {
	signals := make(chan os.Signal, 1)
	stdout, said := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- runWith(signals, nil, said, io.Discard, "--bind", "127.0.0.1", "--port", freePort(t))
		said.Close()
	}()
	lines := bufio.NewScanner(stdout)
	for lines.Scan() && !strings.Contains(lines.Text(), "Ready to accept connections") {
	}
	signals <- os.Interrupt
	bye := false
	for lines.Scan() {
		bye = bye || strings.HasSuffix(lines.Text(), "bye bye...")
	}
	if got := <-code; got != 0 || !bye {
		t.Errorf("exit code %d, said bye: %v", got, bye)
	}
}

// Users that cannot be loaded are told of in the log too, which is all there is
// of a program in the background.
func TestACLFailure(t *testing.T) {
	dir := t.TempDir()
	logFile := filepath.Join(dir, "log")
	var stdout, stderr bytes.Buffer
	code := runWith(nil, nil, &stdout, &stderr, "--logfile", logFile, "--aclfile", filepath.Join(dir, "none"))
	b, err := os.ReadFile(logFile)
	const want = "not starting because of ACL errors: Error loading ACLs, opening file"
	if code != 1 || err != nil || !bytes.Contains(b, []byte(want)) || !strings.Contains(stderr.String(), want) {
		t.Errorf("exit code %d, log %q (%v), stderr %q", code, b, err, stderr.String())
	}
}
