package security

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
)

// hidden are the directives whose values CONFIG does not tell.
var hidden = []string{"tls-key-file-pass", "tls-client-key-file-pass", "masterauth"}

func Test18PassPhrasesAreNotTold(t *testing.T) {
	t.Parallel()
	for name, redis := range map[string]bool{"pubsubd": false, "redis": true} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "conf")
			if err := os.WriteFile(file, []byte("# mine\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			binary := sut.Pubsubd(t)
			if redis {
				binary = sut.Redis(t)
			}
			// The file comes before the arguments that are added.
			s := &server{Server: startBinary(t, wrapped(t, binary, `set -- '`+file+`' "$@"`), "--loglevel", "debug"), t: t, redis: redis}
			c := s.dial()
			for _, d := range hidden {
				c.ask("CONFIG SET "+d+" "+sesame, "+OK")
				if got := c.do("CONFIG GET " + d); strings.Contains(got, sesame) {
					s.shortfall("CONFIG GET %s: %s", d, got)
				}
			}
			if got := text(c.Do("CONFIG", "GET", "*")); strings.Contains(got, sesame) {
				s.shortfall("CONFIG GET * tells a pass phrase")
			}
			c.ask("CONFIG REWRITE", "+OK")
			written, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(written), sesame) {
				s.shortfall("CONFIG REWRITE writes a pass phrase")
			}
			if strings.Contains(s.Log(), sesame) {
				t.Errorf("the log has a pass phrase:\n%s", s.Log())
			}
			if !redis && !strings.Contains(s.Log(), "CONFIG REWRITE writes no pass phrases") {
				t.Errorf("the log does not say what was left out:\n%s", s.Log())
			}
			// The password of the default user is told as ever, to those who may ask.
			c.ask("CONFIG SET requirepass "+sesame, "+OK")
			c.ask("CONFIG GET requirepass", `*2 "requirepass" "`+sesame+`"`)
			c.ask("ACL SETUSER joe on nopass +@all -config|get", "+OK")
			c.ask("AUTH joe x", "+OK")
			c.ask("CONFIG GET requirepass", noCommand)
		})
	}
}

// useSecrets does all that passes a password to the server.
func useSecrets(t *testing.T, s *server) {
	t.Helper()
	c := s.dial()
	c.ask("CONFIG SET slowlog-log-slower-than 0 latency-monitor-threshold 1", "+OK")
	c.ask("CONFIG SET requirepass "+sesame, "+OK")
	c.ask("ACL SETUSER joe on >"+sesame+" +@all", "+OK")
	c.ask("ACL SETUSER joe >"+sesame+" +nosuch", "-ERR...")
	c.ask("ACL SETUSER joe <"+sesame+"x", "-ERR...")
	c.ask("ACL GETUSER "+sesame, "$-1")
	c.ask("ACL DELUSER "+sesame, ":0")
	for _, request := range []string{"AUTH " + sesame, "AUTH joe " + sesame, "HELLO 3 AUTH joe " + sesame, "HELLO 2 AUTH joe " + sesame + " SETNAME joe"} {
		in := s.dial()
		if got := in.do(request); strings.HasPrefix(got, "-") {
			t.Errorf("%s: %s", request, got)
		}
		in.ask("MULTI", "+OK")
		in.ask(strings.Replace(request, "3", "2", 1), "+QUEUED")
		in.ask("EXEC", "*1...")
		in.ask(strings.Replace(request, sesame, "no-"+sesame, 1), wrongPass)
		in.alive(request)
	}
	c.ask("CONFIG SET masterauth "+sesame+" tls-key-file-pass "+sesame, "+OK")
	c.ask("CONFIG SET requirepass "+sesame+" port x", "-ERR...")
	c.ask("AUTH a b "+sesame, "-ERR...")
	c.ask("CONFIG SET tls-key-file-pass "+sesame+" tls-port 1", "-ERR...")
}

// No password is in what the server tells of what was sent to it.
func Test19SecretsAreNotListed(t *testing.T) {
	onBoth(t, nil, func(t *testing.T, s *server) {
		c := s.dial()
		c.ask("ACL SETUSER low on nopass -@all +client|setname +client|info +ping &*", "+OK")
		monitor := s.dial()
		monitor.ask("MONITOR", "+OK")
		useSecrets(t, s)
		for _, request := range []string{"CLIENT LIST", "CLIENT INFO", "ACL LOG", "ACL LIST", "SLOWLOG GET -1", "INFO everything", "LATENCY LATEST", "MEMORY DOCTOR"} {
			got := text(c.Do(strings.Fields(request)...))
			if strings.Contains(got, sesame) {
				s.shortfall("%s has a password", request)
			}
			if request == "SLOWLOG GET -1" && strings.Count(got, "(redacted)") < 5 {
				t.Errorf("the slow log has too little to look at: %s", got)
			}
		}
		c.ask("ECHO the-end", `"the-end"`)
		seen := 0
		for line := ""; !strings.Contains(line, "the-end"); seen++ {
			line = monitor.Read().Text
			if strings.Contains(line, sesame) {
				s.shortfall("MONITOR shows a password: %s", line)
			}
		}
		if seen < 10 {
			t.Errorf("MONITOR has shown %d lines only", seen)
		}
		low := s.dial()
		low.ask("AUTH low x", "+OK")
		low.ask("CLIENT LIST", noCommand)
		low.ask("CLIENT INFO", "...")
	})
}

// No password is in the log, whatever the level, also when it comes in what is
// no request, from somebody who has not logged in.
func Test20SecretsAreNotLogged(t *testing.T) {
	onBoth(t, []string{"--loglevel", "debug"}, func(t *testing.T, s *server) {
		useSecrets(t, s)
		for _, broken := range []string{
			"*2\r\n$4\r\nAUTH\r\n" + sesame + "\r\n",
			"*2\r\n$4\r\nAUTH\r\n$" + sesame + "\r\n",
			"*" + sesame + "\r\n",
			"AUTH '" + sesame + "\r\n",
			"*2\r\n$4\r\nAUTH\r\n$99999\r\n" + sesame,
			"POST / " + sesame + "\r\n",
			sesame + strings.Repeat("x", 70_000),
		} {
			c := s.dial()
			_ = c.SetWriteDeadline(time.Now().Add(wire.Patience))
			_, _ = c.Write([]byte(broken)) // a server that closes meanwhile does not take all of it
			c.Closed(wire.Patience)
		}
		s.Stop()
		for line := range strings.Lines(s.Log()) {
			if strings.Contains(line, sesame) {
				s.shortfall("the log has a password: %s", line)
			}
			if strings.Contains(line, "got '") || strings.Contains(line, "got \\\"") {
				s.shortfall("the log has a byte of what was sent: %s", line)
			}
		}
		if !strings.Contains(strings.ToLower(s.Log()), "protocol error") {
			t.Errorf("the log tells of no protocol error:\n%s", s.Log())
		}
	})
}

// A password among the arguments can be read by every user of the machine, which
// the log says, once. In the environment or the file it cannot.
func Test21PasswordsAmongArguments(t *testing.T) {
	t.Parallel()
	const warning = "the password is an argument of this process"
	file := filepath.Join(t.TempDir(), "conf")
	if err := os.WriteFile(file, []byte("requirepass "+sesame+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	binary := sut.Pubsubd(t)
	for _, c := range []struct {
		what, setup string
		args        []string
		warnings    int
	}{
		{"arguments", "", []string{"--requirepass", sesame}, 1},
		{"several arguments", "", []string{"--requirepass", sesame, "--masterauth", sesame, "--user", "joe", "on", ">" + sesame}, 1},
		{"a user", "", []string{"--user default on >" + sesame + " ~* &* +@all"}, 1},
		{"the environment", "PUBSUBD_ARGS='--requirepass " + sesame + "'; export PUBSUBD_ARGS", nil, 0},
		{"the file", `set -- '` + file + `' "$@"`, nil, 0},
		{"standard input", `set -- "$@" -; exec <'` + file + `'`, nil, 0},
	} {
		s := &server{Server: startBinary(t, wrapped(t, binary, c.setup), c.args...), t: t}
		s.dial().ask("PING", noAuth)
		s.as("default")
		if n := strings.Count(s.Log(), warning); n != c.warnings {
			t.Errorf("%s: %d warnings\n%s", c.what, n, s.Log())
		}
		if strings.Contains(s.Log(), sesame) {
			t.Errorf("%s: the log has the password:\n%s", c.what, s.Log())
		}
		line, err := os.ReadFile("/proc/" + strconv.Itoa(s.PID()) + "/cmdline")
		if err != nil {
			t.Fatal(err)
		}
		if shown := strings.Contains(string(line), sesame); shown != (c.warnings > 0) {
			t.Errorf("%s: whether the list of processes has the password: %v, warned %d times", c.what, shown, c.warnings)
		}
	}
}
