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

	"github.com/pubsubd/pubsubd/pubsubtest"
	"github.com/pubsubd/pubsubd/server"
)

func TestArguments(t *testing.T) {
	conf := server.NewConfig()
	args := strings.Fields("--port 7777 --BIND 127.0.0.1 ::1 --client-output-buffer-limit pubsub 1mb 64k 5 normal 1k 2kb 3 --loglevel warning --timeout 5")
	if err := parseArgs(conf, args); err != nil {
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
		{"7777", "7777", 2, "Bad directive or wrong number of arguments"},
		{"--loglevel loud", `loglevel "loud"`, 2, "argument(s) must be one of the following: debug, verbose, notice, warning"},
		{"--user v on >sesame --user v off", "user (redacted)", 3, "Error in user declaration 'v': Duplicate user found. A user can only be defined once in config files"},
		{"--user v on >sesame foo", "user (redacted)", 2, "Error in user declaration 'foo': Syntax error"},
		{"--user v #sesame", "user (redacted)", 2, "Error in user declaration '#(redacted)': The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"},
		{"--protected-mode 1", `protected-mode "1"`, 2, "argument must be 'yes' or 'no'"},
		{"--client-output-buffer-limit pubsub 1", `client-output-buffer-limit "pubsub" "1"`, 2, "Wrong number of arguments in buffer limit configuration."},
	} {
		var stdout, stderr bytes.Buffer
		code := run(strings.Fields(c.args), nil, &stdout, &stderr)
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
	if code := run([]string{"--requirepass", "sesame", "twice"}, nil, &stdout, &stderr); code != 1 || strings.Contains(stderr.String(), "sesame") {
		t.Errorf("exit code %d, stderr %q", code, stderr.String())
	}
}

func TestVersionAndHelp(t *testing.T) {
	var version, help, stderr bytes.Buffer
	if code := run([]string{"--version"}, nil, &version, &stderr); code != 0 || !strings.HasPrefix(version.String(), "pubsubd v="+server.Version+" ") {
		t.Errorf("--version: exit code %d, %q", code, version.String())
	}
	if code := run([]string{"--help"}, nil, &help, &stderr); code != 0 || !strings.Contains(help.String(), "--client-output-buffer-limit") {
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
	for _, args := range [][]string{nil, {"--logfile", logFile}} {
		var stdout, stderr bytes.Buffer
		code := run(append([]string{"--bind", "127.0.0.1", "--port", port}, args...), nil, &stdout, &stderr)
		said := stdout.String() + stderr.String()
		want := "Failed listening on port " + port + " (TCP), aborting: listening on 127.0.0.1:" + port + ": bind: Address already in use\n"
		if code != 1 || strings.Count(said, want) != 1 {
			t.Errorf("%q: exit code %d, said %q, want 1 and once %q", args, code, said, want)
		}
	}
	if b, err := os.ReadFile(logFile); err != nil || !bytes.Contains(b, []byte("aborting")) {
		t.Errorf("the log file has %q (%v), want the reason", b, err)
	}
}

func TestLogFileThatCannotBeOpened(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run([]string{"--logfile", t.TempDir()}, nil, &stdout, &stderr); code != 1 || !strings.HasPrefix(stderr.String(), "Can't open the log file: ") {
		t.Errorf("exit code %d, stderr %q", code, stderr.String())
	}
}

// A signal ends the server with what a client still gets, and exit code 0.
func TestSignal(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(ln.Addr().(*net.TCPAddr).Port)
	ln.Close()
	signals := make(chan os.Signal, 1)
	stdout, said := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- run([]string{"--bind", "127.0.0.1", "--port", port}, signals, said, io.Discard)
		said.Close()
	}()
	lines := bufio.NewScanner(stdout)
	for lines.Scan() && !strings.Contains(lines.Text(), "Ready to accept connections") {
	}
	signals <- os.Interrupt
	bye := false
	for lines.Scan() {
		bye = bye || strings.HasSuffix(lines.Text(), "bye")
	}
	if got := <-code; got != 0 || !bye {
		t.Errorf("exit code %d, said bye: %v", got, bye)
	}
}

func TestPing(t *testing.T) {
	open := pubsubtest.RunT(t)
	closed := pubsubtest.RunT(t, pubsubtest.Password("secret"))
	for _, c := range []struct {
		args         []string
		code         int
		stdout, fail string
	}{
		{at(open), 0, "+PONG\n", ""},
		{at(closed), 0, "-NOAUTH Authentication required.\n", ""},
		{[]string{"--port"}, 1, "", `"--port": an option and its value are needed`},
		{[]string{"--what", "1"}, 1, "", `unknown option "--what"`},
		{[]string{"--port", "1"}, 1, "", "refused"},
	} {
		var stdout, stderr bytes.Buffer
		code := run(append([]string{"ping"}, c.args...), nil, &stdout, &stderr)
		if code != c.code || stdout.String() != c.stdout || !strings.Contains(stderr.String(), c.fail) {
			t.Errorf("ping %q: exit code %d, %q, %q, want %d, %q, %q", c.args, code, stdout.String(), stderr.String(), c.code, c.stdout, c.fail)
		}
	}
}

func at(srv *pubsubtest.Server) []string {
	host, port, _ := net.SplitHostPort(srv.Addr())
	return []string{"--host", host, "--port", port}
}
