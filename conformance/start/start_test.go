package start

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
)

// suiteFile is a file as the test suite of Redis writes them.
func suiteFile(t *testing.T, dir string, port int, more ...string) string {
	t.Helper()
	return write(t, filepath.Join(dir, "redis.conf"), append([]string{
		"always-show-logo yes",
		"notify-keyspace-events KEA",
		"daemonize no",
		"pidfile " + filepath.Join(dir, "redis.pid"),
		fmt.Sprintf("port %d", port),
		"timeout 0",
		"bind 127.0.0.1",
		"loglevel verbose",
		`logfile ""`,
		"databases 16",
		"latency-monitor-threshold 1",
		"repl-diskless-sync-delay 0",
		"save 900 1",
		"save 300 10",
		"save 60 10000",
		"rdbcompression yes",
		"dbfilename dump.rdb",
		"dir " + dir,
		"slave-serve-stale-data yes",
		"appendonly no",
		"appendfsync everysec",
		"no-appendfsync-on-rewrite no",
		"activerehashing yes",
		"enable-protected-configs yes",
		"enable-debug-command yes",
		"enable-module-command yes",
		"propagation-error-behavior ignore",
		"shutdown-on-sigterm nosave",
		"# the end",
	}, more...)...)
}

// A harness writes a file, starts the server with it, waits for its lines,
// sets directives and back, has the file rewritten and starts again.
func TestHarness(t *testing.T) {
	const password = "a\x00b"
	both(t, func(t *testing.T, binary string) {
		dir, port := t.TempDir(), sut.FreePort(t)
		conf := suiteFile(t, dir, port, `requirepass "a\x00b"`, "maxclients 10", "client-output-buffer-limit pubsub 1mb 64kb 5")
		s := start(t, dir, binary, port, conf, "--loglevel", "notice", "--client-query-buffer-limit 2mb", "--shutdown-on-sigint", "nosave", "force", "now")
		s.waitLog(fmt.Sprintf(" PID: %d.*Server initialized.*Ready to accept connections", s.cmd.Process.Pid))
		if got := ask(s.client(""), "PING"); got != "error: NOAUTH Authentication required." {
			t.Errorf("without the password: %s", got)
		}
		c := s.client(password)
		expect := func(want string, words ...any) {
			t.Helper()
			if got := ask(c, words...); got != want {
				t.Errorf("%q: %s, want %s", words, got, want)
			}
		}
		expect("OK", "SELECT", "9")
		expect("OK", "FLUSHALL")
		expect("OK", "FUNCTION", "FLUSH")
		expect("[maxclients 10]", "CONFIG", "GET", "maxclients")
		expect("[loglevel notice]", "CONFIG", "GET", "loglevel")
		expect("[client-query-buffer-limit 2097152]", "CONFIG", "GET", "client-query-buffer-limit")
		expect("[client-output-buffer-limit normal 0 0 0 slave 268435456 67108864 60 pubsub 1048576 65536 5]", "CONFIG", "GET", "client-output-buffer-limit")
		expect("[shutdown-on-sigint nosave now force]", "CONFIG", "GET", "shutdown-on-sigint")
		expect("[save 900 1 300 10 60 10000]", "CONFIG", "GET", "save")
		expect("[requirepass "+password+"]", "CONFIG", "GET", "requirepass")
		expect("[dir "+dir+"]", "CONFIG", "GET", "dir")
		if pid, err := os.ReadFile(filepath.Join(dir, "redis.pid")); err != nil || string(pid) != fmt.Sprintf("%d\n", s.cmd.Process.Pid) {
			t.Errorf("the pid file: %q, %v", pid, err)
		}

		// as at the beginning and the end of a test
		expect("OK", "CONFIG", "SET", "appendonly", "no", "maxmemory", "100mb", "slave-priority", "7", "timeout", "30")
		expect("OK", "CONFIG", "SET", "maxmemory", "0", "save", "")
		expect("OK", "CONFIG", "REWRITE")
		s.terminate()
		if _, err := os.Stat(filepath.Join(dir, "redis.pid")); !os.IsNotExist(err) {
			t.Errorf("the pid file is still there: %v", err)
		}

		text, err := os.ReadFile(conf)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range []string{"# the end", "timeout 30", `save ""`, "replica-priority 7", "loglevel notice", "maxclients 10", "always-show-logo yes"} {
			if !strings.Contains("\n"+string(text), "\n"+line+"\n") {
				t.Errorf("the file lacks %q:\n%s", line, text)
			}
		}
		again := start(t, dir, binary, port, conf)
		again.waitLog("Ready to accept connections")
		c = again.client(password)
		expect("[save ]", "CONFIG", "GET", "save")
		expect("[timeout 30]", "CONFIG", "GET", "timeout")
		expect("[slave-priority 7]", "CONFIG", "GET", "slave-priority")
		expect("[loglevel notice]", "CONFIG", "GET", "loglevel")
		expect("[client-output-buffer-limit normal 0 0 0 slave 268435456 67108864 60 pubsub 1048576 65536 5]", "CONFIG", "GET", "client-output-buffer-limit")
		again.terminate()
	})
}

// Arguments are taken as 7.0 takes them.
func TestArguments(t *testing.T) {
	for _, c := range []struct {
		args  []string
		stdin string
		name  string
		want  string
	}{
		{[]string{"--timeout", "5", "--timeout", "6"}, "", "timeout", "6"},
		{[]string{"--timeout 5"}, "", "timeout", "5"},
		{[]string{"--TimeOut 5", "--loglevel verbose"}, "", "timeout", "5"},
		{[]string{"--save", "900", "1", "60", "2"}, "", "save", "900 1 60 2"},
		{[]string{"--save", "900 1 60 2"}, "", "save", "900 1 60 2"},
		{[]string{"--client-output-buffer-limit", "pubsub 1mb  2mb 60"}, "", "client-output-buffer-limit", "normal 0 0 0 slave 268435456 67108864 60 pubsub 1048576 2097152 60"},
		{[]string{"--bind", "127.0.0.1 -::1"}, "", "bind", "127.0.0.1 -::1"},
		{[]string{"--save", "--timeout", "5"}, "", "save", ""},
		{[]string{"--timeout", "5", "--save"}, "", "save", ""},
		{[]string{"--save", ""}, "", "save", ""},
		{[]string{"--proc-title-template", "--x y"}, "", "proc-title-template", "--x y"},
		{[]string{"--syslog-ident", "--syslog-ident"}, "", "syslog-ident", "--syslog-ident"},
		{[]string{"--syslog-ident", "a b\"'\\\n"}, "", "syslog-ident", "a b\"'\\\n"},
		{[]string{"--syslog-ident", ""}, "", "syslog-ident", ""},
		{[]string{"--timeout", "5", "-"}, "timeout 7\nmaxclients 20\n", "timeout", "5"},
		{[]string{"-", "--timeout", "5"}, "timeout 7\nmaxclients 20\n", "maxclients", "20"},
		{[]string{"--syslog-ident", "-", "--timeout", "5"}, "", "syslog-ident", "-"},
		{[]string{"--maxmemory 700mb", "--maxmemory-policy volatile-lru"}, "", "maxmemory", "734003200"},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			both(t, func(t *testing.T, binary string) {
				port := sut.FreePort(t)
				args := append([]string{"empty.conf"}, c.args...)
				if c.args[0] == "-" {
					args = c.args
				}
				dir := t.TempDir()
				write(t, filepath.Join(dir, "empty.conf"), "")
				write(t, filepath.Join(dir, "stdin"), fmt.Sprintf("bind 127.0.0.1\nport %d\nsave ''\n", port)+c.stdin)
				if c.stdin == "" {
					write(t, filepath.Join(dir, "empty.conf"), fmt.Sprintf("bind 127.0.0.1\nport %d", port))
				}
				s := startWithInput(t, dir, binary, port, filepath.Join(dir, "stdin"), args...)
				s.waitLog("Ready to accept connections")
				if got, want := ask(s.client(""), "CONFIG", "GET", c.name), "["+c.name+" "+c.want+"]"; got != want {
					t.Errorf("%s, want %s", got, want)
				}
				s.terminate()
			})
		})
	}
}

// What is wrong is said in the same lines, but for the name of the program.
func TestErrors(t *testing.T) {
	for _, c := range []struct {
		lines []string
		args  []string
		want  string
	}{
		{[]string{"timeout 1", "", "nosuch 1"}, nil, "Reading the configuration file, at line 3\n>>> 'nosuch 1'\nBad directive or wrong number of arguments\n"},
		{[]string{"timeout 1"}, []string{"--port", "x"}, "Reading the configuration file, at line 3\n>>> 'port \"x\"'\nargument couldn't be parsed into an integer\n"},
		{[]string{"  maxclients 0  "}, nil, "Reading the configuration file, at line 1\n>>> 'maxclients 0'\nargument must be between 1 and 4294967295 inclusive\n"},
		{[]string{"syslog-ident 'x"}, nil, "Reading the configuration file, at line 1\n>>> 'syslog-ident 'x'\nUnbalanced quotes in configuration line\n"},
		{nil, []string{"--port=1"}, "Reading the configuration file, at line 3\n>>> 'port=1'\nBad directive or wrong number of arguments\n"},
		{nil, []string{"--port", "1", "2"}, "Reading the configuration file, at line 3\n>>> 'port \"1\" \"2\"'\nwrong number of arguments\n"},
		{nil, []string{"--timeout", "--port", "1"}, "Reading the configuration file, at line 3\n>>> 'timeout \"--port\" \"1\"'\nwrong number of arguments\n"},
		{nil, []string{"a\"b"}, "Reading the configuration file, at line 3\n>>> '\"a\\\"b\"'\nBad directive or wrong number of arguments\n"},
		{[]string{"logfile /nonexistent/log"}, nil, "Can't open the log file: No such file or directory\n"},
		{[]string{"dir /nonexistent"}, nil, "Reading the configuration file, at line 1\n>>> 'dir /nonexistent'\nNo such file or directory\n"},
		{[]string{"rename-command ping echo"}, nil, "Reading the configuration file, at line 1\n>>> 'rename-command ping echo'\nTarget command name already exists\n"},
		{[]string{"include /nonexistent"}, nil, "Fatal error, can't open config file '/nonexistent': No such file or directory\n"},
	} {
		t.Run(strings.Join(append(c.lines, c.args...), " "), func(t *testing.T) {
			both(t, func(t *testing.T, binary string) {
				dir := t.TempDir()
				s := start(t, dir, binary, 0, append([]string{write(t, filepath.Join(dir, "conf"), c.lines...)}, c.args...)...)
				s.ended(1)
				if !strings.HasSuffix(s.log(), c.want) || strings.Contains(c.want, ">>>") && !strings.Contains(s.log(), "*** FATAL CONFIG FILE ERROR (") {
					t.Errorf("said\n%s\nwant\n%s", s.log(), c.want)
				}
			})
		})
	}
	both(t, func(t *testing.T, binary string) {
		dir, port := t.TempDir(), takenPort(t)
		s := start(t, dir, binary, port, "--bind", "127.0.0.1", "--port", fmt.Sprint(port))
		s.ended(1)
		if log := s.log(); !strings.Contains(log, "Failed listening on port") || !strings.Contains(log, "Address already in use") || strings.Contains(log, "Server initialized") {
			t.Errorf("a taken port:\n%s", log)
		}
	})
}
