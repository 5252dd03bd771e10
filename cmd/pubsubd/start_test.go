package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/pubsubd/pubsubd/internal/freeport"
	"github.com/pubsubd/pubsubd/server"
)

// patience bounds every wait of these tests.
const patience = 20 * time.Second

// A running is the program in this process.
type running struct {
	t       *testing.T
	signals chan os.Signal
	hangups chan os.Signal
	lines   *bufio.Scanner
	code    chan int
}

func startProgram(t *testing.T, args ...string) *running {
	t.Helper()
	r := &running{t: t, signals: make(chan os.Signal, 1), hangups: make(chan os.Signal, 1), code: make(chan int, 1)}
	stdout, said := io.Pipe()
	r.lines = bufio.NewScanner(stdout)
	go func() {
		r.code <- runWith(r.signals, r.hangups, said, io.Discard, args...)
		said.Close()
	}()
	return r
}

// waitLine reads the log up to a line that holds a text.
func (r *running) waitLine(text string) string {
	r.t.Helper()
	for r.lines.Scan() {
		if strings.Contains(r.lines.Text(), text) {
			return r.lines.Text()
		}
	}
	r.t.Fatalf("the log ends without %q", text)
	return ""
}

// end stops the program with a signal.
func (r *running) end() {
	r.t.Helper()
	r.signals <- syscall.SIGTERM
	r.waitLine("ready to exit, bye bye")
	for r.lines.Scan() {
	}
	if code := <-r.code; code != 0 {
		r.t.Errorf("exit code %d", code)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	port, err := freeport.Find()
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(port)
}

// systemd is told when the server is ready, reloads and stops.
func TestNotify(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "notify")
	ln, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	t.Setenv("NOTIFY_SOCKET", socket)
	told := func() string {
		t.Helper()
		b := make([]byte, 1<<10)
		if err := ln.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		n, err := ln.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
	r := startProgram(t, "--bind", "127.0.0.1", "--port", freePort(t), "--supervised", "auto", "--daemonize", "yes")
	r.waitLine("Ready to accept connections")
	if got := told(); got != "READY=1\nSTATUS=Ready to accept connections" {
		t.Errorf("told %q at the start", got)
	}
	r.hangups <- syscall.SIGHUP
	r.waitLine("reloaded")
	before := monotonicMicros()
	var began int64
	if _, err := fmt.Sscanf(told(), "RELOADING=1\nMONOTONIC_USEC=%d", &began); err != nil || began <= 0 && before > 0 || began > before {
		t.Errorf("a reload that began at %d, before %d: %v", began, before, err)
	}
	if got := told(); got != "READY=1" {
		t.Errorf("told %q after the reload", got)
	}
	r.end()
	if got := told(); got != "STOPPING=1" {
		t.Errorf("told %q at the end", got)
	}
}

func TestFindSupervisor(t *testing.T) {
	for _, c := range []struct {
		mode, socket string
		by           string
		complaint    string
	}{
		{"no", "/x", "", ""},
		{"auto", "", "", ""},
		{"auto", "/x", "systemd", ""},
		{"systemd", "/x", "systemd", ""},
		{"systemd", "", "", "systemd supervision requested, but NOTIFY_SOCKET not found"},
		{"upstart", "/x", "", "upstart supervision requested, but UPSTART_JOB not found"},
	} {
		t.Setenv("NOTIFY_SOCKET", c.socket)
		s, by, complaint := findSupervisor(c.mode)
		if by != c.by || complaint != c.complaint || (s.socket != "") != (by != "") {
			t.Errorf("%s with %q: %+v, %q, %q", c.mode, c.socket, s, by, complaint)
		}
	}
	if err := (supervisor{filepath.Join(t.TempDir(), "nobody")}).notify("READY=1"); err == nil {
		t.Error("nobody was told and nothing was wrong")
	}
}

// Arguments in the environment stand between the file and the command line.
func TestArgumentsFromTheEnvironment(t *testing.T) {
	file := filepath.Join(t.TempDir(), "conf")
	if err := os.WriteFile(file, []byte("timeout 1\nhz 11\nmaxclients 101\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, env := range []string{`--hz 12 "--maxclients 102"`, `'` + file + `' --hz 12 --maxclients 102`} {
		t.Setenv(argsVariable, env+" --bind 127.0.0.1 --port "+freePort(t)+" --log-format json")
		args := []string{"--maxclients", "103", "--loglevel", "notice"}
		if env[0] == '-' {
			args = append([]string{file}, args...)
		}
		r := startProgram(t, args...)
		line := r.waitLine("Running mode=standalone, port=")
		if ok := regexp.MustCompile(`^\{"level":"notice","time":"[^"]+","msg":"Running mode=standalone, port=[1-9][0-9]*\."\}$`).MatchString(line); !ok {
			t.Errorf("a line in JSON: %s", line)
		}
		r.end()

		o := parseArgs(args).with(parseArgs(strings.Fields(strings.ReplaceAll(strings.ReplaceAll(env, "'", ""), `"`, ""))))
		conf, err := o.load(nil)
		if err != nil || conf.Timeout != time.Second || conf.Hz != 12 || conf.MaxClients != 103 || conf.ConfigFile != file {
			t.Errorf("%s: timeout %v, hz %d, maxclients %d, file %s: %v", env, conf.Timeout, conf.Hz, conf.MaxClients, conf.ConfigFile, err)
		}
	}
	t.Setenv(argsVariable, "--hz '1")
	var stdout, stderr bytes.Buffer
	if code := runWith(nil, nil, &stdout, &stderr); code != 1 || !strings.HasSuffix(stderr.String(), "Unbalanced quotes in PUBSUBD_ARGS\n") {
		t.Errorf("exit code %d, %q", code, stderr.String())
	}
}

// CONFIG SET changes the format of the lines from there on, those with fields of
// their own too.
func TestLogFormatSwitches(t *testing.T) {
	var out bytes.Buffer
	conf := server.NewConfig()
	l, err := newLog(conf, &out)
	if err != nil {
		t.Fatal(err)
	}
	conf.Logger, conf.Level, conf.SetLogFormat = l.Logger, &l.level, l.setFormat
	with := l.With(zap.Int("n", 1))
	with.Info("first")
	for format, want := range map[string]string{
		"json":    `"msg":"second","n":1}`,
		"redis":   fmt.Sprintf(`%d:M `, os.Getpid()),
		"console": "\tnotice\tsecond\t",
	} {
		conf.SetLogFormat(format)
		out.Reset()
		with.Info("second")
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s: %q", format, out.String())
		}
	}
	with.Debug("third")
	if strings.Contains(out.String(), "third") {
		t.Error("a line below the level was written")
	}
}

// The lines that harnesses wait for, in their order and in each format.
func TestStartLines(t *testing.T) {
	pid := os.Getpid()
	for format, form := range map[string]string{
		"console": `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\S+\s+notice\s+%s$`,
		"redis":   fmt.Sprintf(`^%d:M \d\d [A-Z][a-z][a-z] \d{4} \d\d:\d\d:\d\d\.\d{3} \* `, pid) + `%s$`,
	} {
		port := freePort(t)
		file := filepath.Join(t.TempDir(), "pid")
		r := startProgram(t, "--bind", "127.0.0.1", "--port", port, "--log-format", format, "--pidfile", file, "--requirepass", "sesame", "--appendonly", "yes")
		for _, text := range []string{"PID: " + fmt.Sprint(pid), "Running mode=standalone, port=" + port + ".", "Server initialized", "Ready to accept connections"} {
			line := r.waitLine(text)
			want := fmt.Sprintf(form, ".*"+regexp.QuoteMeta(text)+".*")
			if !regexp.MustCompile(want).MatchString(line) {
				t.Errorf("%s: %q does not match %s", format, line, want)
			}
		}
		if b, err := os.ReadFile(file); err != nil || string(b) != fmt.Sprintf("%d\n", pid) {
			t.Errorf("the pid file has %q: %v", b, err)
		}
		r.end()
		if _, err := os.Stat(file); !os.IsNotExist(err) {
			t.Errorf("the pid file is still there: %v", err)
		}
	}
}

func TestWarnings(t *testing.T) {
	for args, want := range map[string]string{
		"--requirepass sesame":       "the password is an argument of this process",
		"--user joe on >sesame":      "the password is an argument of this process",
		"--supervised systemd":       "systemd supervision requested, but NOTIFY_SOCKET not found",
		"--appendonly yes --hz 5":    `these directives have no effect here\s+\{"directives": \["appendonly"\]\}`,
		"--pidfile /nonexistent/pid": "Failed to write PID file: No such file or directory",
	} {
		t.Setenv("NOTIFY_SOCKET", "")
		r := startProgram(t, append(strings.Fields(args), "--bind", "127.0.0.1", "--port", freePort(t))...)
		found := false
		for r.lines.Scan() && !strings.Contains(r.lines.Text(), "Ready to accept connections") {
			found = found || regexp.MustCompile(`\swarning\s+`+want).MatchString(r.lines.Text())
			if strings.Contains(r.lines.Text(), "sesame") {
				t.Error("the log has the password")
			}
		}
		if !found {
			t.Errorf("%s: no warning %s", args, want)
		}
		r.end()
	}
}
