package server

import (
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Leave for clients of this host is not for others.
func TestProtectedCommands(t *testing.T) {
	const refused = "-ERR DEBUG command not allowed. If…"
	for leave, want := range map[string]map[string]string{
		"":      {"tcp": refused, "unix": refused, "pipe": refused},
		"no":    {"tcp": refused, "unix": refused, "pipe": refused},
		"yes":   {"tcp": "-ERR x", "unix": "-ERR x", "pipe": "-ERR x"},
		"local": {"tcp": "-ERR x", "unix": "-ERR x", "pipe": refused},
	} {
		s := newServer(t, func(c *Config) { c.DebugCommand = leave })
		for network, answer := range want {
			c := pipe(t, s)
			if network != "pipe" {
				addr := "127.0.0.1:0"
				if network == "unix" {
					addr = filepath.Join(t.TempDir(), "s")
				}
				ln, err := net.Listen(network, addr)
				if err != nil {
					t.Fatal(err)
				}
				go func() { _ = s.Serve(ln) }()
				nc, err := net.Dial(network, ln.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				c = newTestConn(t, nc)
			}
			c.raw(string(encode("DEBUG", "ERROR", "ERR x")))
			c.want(answer)
			c.ask("DEBUG", "-ERR wrong number of arguments for 'debug' command")
		}
	}
}

// The end of the server ends DEBUG SLEEP.
func TestDebugSleep(t *testing.T) {
	s := newServer(t, func(c *Config) { c.DebugCommand = "yes" })
	sleeper, other := pipe(t, s), pipe(t, s)
	for _, none := range []string{"0", "-1", "x", "nan", "1e-9"} {
		sleeper.ask("DEBUG SLEEP "+none, "+OK")
	}
	sleeper.send("MULTI", "DEBUG SLEEP 0.001", "EXEC")
	sleeper.want("+OK", "+QUEUED", "[+OK]")
	sleeper.send("DEBUG SLEEP inf")
	waitFor(t, "the sleep to begin", func() bool { return strings.Contains(other.do("CLIENT LIST"), "cmd=debug") })
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestDebugLog(t *testing.T) {
	log, logs := logger()
	s := newServer(t, func(c *Config) { c.DebugCommand, c.Logger = "yes", log })
	pipe(t, s).ask("DEBUG LOG hello", "+OK")
	two := pipe(t, s)
	two.raw("*3\r\n$5\r\nDEBUG\r\n$3\r\nLOG\r\n$11\r\nhello\nworld\r\n")
	two.want("+OK")
	if n := logs.FilterMessage(`DEBUG LOG: "hello\nworld"`).Len(); n != 1 {
		t.Errorf("a text of two lines is in %d lines of the log", n)
	}
	if n := logs.FilterMessage("DEBUG LOG: hello").Len(); n != 1 {
		t.Errorf("%d lines in the log", n)
	}
}

// An error reply that is asked for is one line whatever is in it, and is no
// error of the server.
func TestDebugError(t *testing.T) {
	s := newServer(t, func(c *Config) { c.DebugCommand = "yes" })
	c := pipe(t, s)
	c.raw(string(encode("DEBUG", "ERROR", "OOPS a\r\n+b\xff")))
	c.want("-OOPS a  +b\xff")
	if got := infoOf(t, s, "total_error_replies"); got != "0" {
		t.Errorf("%s errors are counted", got)
	}
}

// A client that takes the server for a database is told of once, by its name.
func TestDataCommandsAreToldOf(t *testing.T) {
	log, logs := logger()
	s := newServer(t, func(c *Config) { c.Logger = log })
	c := pipe(t, s)
	for range 3 {
		c.ask("Get a", "-ERR unknown command 'Get', with args beginning with: 'a' ")
		c.ask("NOSUCH a", "-ERR unknown command 'NOSUCH', with args beginning with: 'a' ")
	}
	lines := logs.FilterField(zap.String("command", "get")).All()
	if len(lines) != 1 || lines[0].Level != zapcore.InfoLevel {
		t.Errorf("the log has %+v", lines)
	}
	for name := range dataCommands {
		if cmd := commandByName[name]; cmd != nil || len(name) > maxName {
			t.Errorf("%s is a command here, or too long to be looked up", name)
		}
	}
}

func TestMisledLog(t *testing.T) {
	var m misledLog
	now := time.Unix(1000, 0)
	for i := range maxMisled {
		name := strconv.Itoa(i)
		if !m.first(name, now) {
			t.Errorf("the client named %s is not told of", name)
		}
		if m.first("in the same second as "+name, now) {
			t.Error("two lines at once")
		}
		now = now.Add(misledPeriod)
		if m.first(name, now) {
			t.Errorf("the client named %s is told of twice", name)
		}
	}
	if m.first("one more", now) {
		t.Error("more names are kept than allowed")
	}
}
