package security

import (
	"crypto/sha256"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
)

// Without a password a stranger is told so and closed before anything is read.
func Test01ProtectedMode(t *testing.T) {
	host := hostAddress(t)
	onBoth(t, []string{"--bind", "0.0.0.0"}, func(t *testing.T, s *server) {
		stranger := func() *conn { return s.dialAt(net.JoinHostPort(host, fmt.Sprint(s.Port))) }
		c := stranger()
		if list := c.Closed(wire.Patience); len(list) != 1 || !strings.HasPrefix(fmt.Sprint(list[0]), "-DENIED Redis is running in protected mode") {
			t.Errorf("received %v", list)
		}
		admin := s.dial()
		admin.ask("PING", "+PONG")
		admin.ask("CONFIG SET requirepass "+sesame, "+OK")
		c = stranger()
		c.ask("PING", noAuth)
		c.ask("AUTH "+sesame, "+OK")
		admin.Send("CONFIG", "SET", "requirepass", "", "protected-mode", "no")
		admin.Want("+OK")
		stranger().ask("PING", "+PONG")
	})
}

// beforeAuth are the requests that are run before a client has logged in.
var beforeAuth = []string{"AUTH", "HELLO", "QUIT", "RESET"}

func Test02NothingBeforeAuth(t *testing.T) {
	onBoth(t, []string{"--requirepass", sesame}, func(t *testing.T, s *server) {
		c := s.dial()
		for _, request := range []string{
			"PING", "PUBLISH a b", "SPUBLISH a b", "SUBSCRIBE a", "PSUBSCRIBE a", "SSUBSCRIBE a", "UNSUBSCRIBE", "PUNSUBSCRIBE", "PUBSUB CHANNELS",
			"CLIENT LIST", "CLIENT ID", "CLIENT SETNAME a", "CONFIG GET port", "INFO", "COMMAND", "ACL WHOAMI", "ACL LIST", "SHUTDOWN", "MONITOR",
			"ECHO a", "SELECT 0", "MULTI", "TIME", "SLOWLOG GET", "LATENCY LATEST", "MEMORY STATS", "ROLE", "FLUSHALL", "LOLWUT",
		} {
			c.ask(request, noAuth)
		}
		c.ask("RESET", "+RESET")
		c.ask("PING", noAuth)
		c.ask("QUIT", "+OK")
		c.closed("QUIT")
	})
}

func Test03HelloBeforeAuth(t *testing.T) {
	onBoth(t, []string{"--requirepass", sesame}, func(t *testing.T, s *server) {
		c := s.dial()
		for _, request := range []string{"HELLO", "HELLO 2", "HELLO 3", "HELLO 3 SETNAME joe"} {
			c.ask(request, "-NOAUTH HELLO must be called with the client already authenticated...")
		}
		c.ask("HELLO 3 AUTH default wrong", wrongPass)
		c.ask("PING", noAuth)
		c.ask("HELLO 2 AUTH default "+sesame, "*14...")
		if got := c.do("CLIENT GETNAME"); got != "$-1" {
			s.shortfall("a HELLO that was refused has set the name %s", got)
		}
	})
}

// Whatever is asked before a login, the answer is an error, and one that tells
// no more than what commands there are and how many arguments they take.
func Test04NoFactsBeforeAuth(t *testing.T) {
	onBoth(t, []string{"--requirepass", sesame}, func(t *testing.T, s *server) {
		names := text(s.as("default").Do("COMMAND", "LIST"))
		c, asked := s.dial(), 0
		for name := range strings.FieldsSeq(names) {
			words := strings.Split(name, "|")
			if slices.Contains(beforeAuth, strings.ToUpper(words[0])) {
				continue
			}
			for len(words) < 6 {
				got := c.do(strings.Join(words, " "))
				known := false
				for _, begin := range []string{noAuth, "-EXECABORT Transaction discarded because of: ", "-ERR wrong number of arguments for '", "-ERR unknown subcommand 'x'. Try ", "-ERR DEBUG command not allowed.", "-ERR MODULE command not allowed."} {
					known = known || strings.HasPrefix(got, begin)
				}
				if !known {
					t.Errorf("%q is answered %.200s", words, got)
				}
				words = append(words, "x")
				asked++
			}
		}
		if asked < 500 {
			t.Errorf("only %d requests were tried", asked)
		}
		c.ask("NOSUCH", "-ERR unknown command 'NOSUCH', with args beginning with: ")
	})
}

func Test05SameAnswerForAllWrongLogins(t *testing.T) {
	onBoth(t, []string{"--requirepass", sesame}, func(t *testing.T, s *server) {
		admin := s.as("default")
		admin.ask("ACL SETUSER off off >"+sesame+" +@all", "+OK")
		admin.ask("ACL SETUSER off-nopass off nopass +@all", "+OK")
		admin.ask("ACL SETUSER nobody on +@all", "+OK") // no password is right
		c := s.dial()
		for _, login := range []string{"default wrong", "nosuch " + sesame, "off " + sesame, "off wrong", "off-nopass x", "nobody " + sesame} {
			c.ask("AUTH "+login, wrongPass)
			c.ask("HELLO 3 AUTH "+login, wrongPass)
		}
		c.ask("PING", noAuth)
	})
}

// The time of a wrong login does not tell whether there is such a user. In its
// short form the test holds a difference that only a deliberate delay makes, of
// the fastest of each: the others show how busy the machine is.
func Test06SameTimeForAllWrongLogins(t *testing.T) {
	const bound, shortBound = 200 * time.Microsecond, 20 * time.Millisecond
	tries, most := 100, shortBound
	if sut.Long() {
		tries, most = 20_000, bound
	}
	measure := func(t *testing.T, s *server) {
		s.as("default").ask("ACL SETUSER joe on >"+sesame+" +@all", "+OK")
		c := s.dial()
		logins := []string{"joe wrong", "nosuch wrong", "off wrong"}
		s.as("default").ask("ACL SETUSER off off >"+sesame, "+OK")
		took := make([][]time.Duration, len(logins))
		for range tries {
			for i, login := range logins {
				began := time.Now()
				c.ask("AUTH "+login, wrongPass)
				took[i] = append(took[i], time.Since(began))
			}
		}
		at, which := 0, "fastest"
		if sut.Long() {
			at, which = tries/2, "medians"
		}
		var typical []time.Duration
		for _, list := range took {
			slices.Sort(list)
			typical = append(typical, list[at])
		}
		difference := slices.Max(typical) - slices.Min(typical)
		t.Logf("R10: a wrong password takes %v, a missing user %v, a disabled one %v (%s of %d)", typical[0], typical[1], typical[2], which, tries)
		if difference > most {
			s.shortfall("the %s differ by %v, of %v allowed", which, difference, most)
		}
	}
	args := []string{"--requirepass", sesame}
	if !sut.Long() {
		onBoth(t, args, measure)
		return
	}
	measure(t, &server{Server: startBinary(t, sut.Release(t), args...), t: t})
	measure(t, &server{Server: startBinary(t, sut.Redis(t), args...), t: t, redis: true})
}

func Test07NearMisses(t *testing.T) {
	onBoth(t, []string{"--requirepass", sesame}, func(t *testing.T, s *server) {
		c := s.dial()
		for _, near := range []string{
			"", sesame[:len(sesame)-1], sesame[1:], sesame + "x", "x" + sesame, strings.ToUpper(sesame), sesame + " ", " " + sesame,
			sesame + "\x00", sesame + "\x00x", "\x00" + sesame, sesame + "\r\n", strings.Repeat(sesame, 8<<10/len(sesame)), strings.Repeat("x", 16384),
			fmt.Sprintf("%x", sha256.Sum256([]byte(sesame))), "#" + sesame, ">" + sesame, "nopass",
		} {
			c.Send("AUTH", near)
			c.Want(wrongPass)
			c.Send("AUTH", "default", near)
			c.Want(wrongPass)
		}
		for _, user := range []string{"", "Default", "default ", "default\x00", "\x00default", "defaul", "*"} {
			c.Send("AUTH", user, sesame)
			c.Want(wrongPass)
		}
		c.ask("PING", noAuth)
		c.ask("AUTH "+sesame, "+OK")
	})
}

// All wrong passwords are refused and counted, and ACL LOG shows who and not
// what.
func Test08ManyWrongPasswords(t *testing.T) {
	onBoth(t, []string{"--requirepass", sesame}, func(t *testing.T, s *server) {
		const tries = 1000
		c := s.dial()
		for i := 0; i < tries; {
			var pipeline []byte
			for range 50 { // redis-server closes who has more answers to read
				pipeline = wire.AppendRequest(pipeline, "AUTH", "default", fmt.Sprintf("guess-%d", i))
				i++
			}
			c.Raw(string(pipeline))
			for range 50 {
				c.Want(wrongPass)
			}
		}
		admin := s.as("default")
		if got, _ := admin.Info("acl_access_denied_auth"); got != fmt.Sprint(tries) {
			s.shortfall("INFO counts %q of %d wrong passwords", got, tries)
		}
		log := text(admin.Do("ACL", "LOG"))
		if strings.Contains(log, "guess-") || !strings.Contains(log, fmt.Sprintf("count\n%d\n", tries)) || !strings.Contains(log, "username\ndefault\n") {
			t.Errorf("ACL LOG: %s", log)
		}
	})
}

// With max-auth-failures guessing ends the connection, however it is done.
func Test08MaxAuthFailures(t *testing.T) {
	t.Parallel()
	s := start(t, "--requirepass", sesame, "--max-auth-failures", "3")
	c := s.dial()
	c.Raw(strings.Repeat("AUTH wrong\r\n", 100))
	if list := c.Closed(wire.Patience); len(list) != 3 || fmt.Sprint(list[2]) != wrongPass {
		t.Errorf("%d of 100 guesses were answered: %v", len(list), list)
	}
	c = s.dial()
	for range 3 { // who knows the password may mistype it now and then
		c.ask("AUTH wrong", wrongPass)
		c.ask("HELLO 3 AUTH default wrong", wrongPass)
		c.ask("AUTH "+sesame, "+OK")
	}
	// Who is in may not use that to guess what others have.
	c.ask("ACL SETUSER joe on >other +@all", "+OK")
	c.ask("MULTI", "+OK")
	for range 3 {
		c.ask("AUTH joe wrong", "+QUEUED")
	}
	c.ask("AUTH joe other", "+QUEUED")
	c.ask("ACL WHOAMI", "+QUEUED")
	if got := text(c.Do("EXEC")); got != strings.Repeat("\n"+wrongPass[1:], 4)+"\ndefault" {
		t.Errorf("EXEC: %s", got)
	}
	c.closed("guessing in a transaction")
	admin := s.as("default")
	if got := admin.InfoNumber("acl_access_denied_auth"); got != 12 {
		t.Errorf("acl_access_denied_auth:%d", got)
	}
	if got := strings.Count(s.Log(), "closing a client after too many wrong passwords"); got == 0 {
		t.Errorf("the log does not say so:\n%s", s.Log())
	}
	admin.ask("CONFIG SET max-auth-failures 0", "+OK")
	for range 10 {
		admin.ask("AUTH wrong", wrongPass)
	}
	// A limit that comes later shuts nobody out who knows the password.
	admin.ask("CONFIG SET max-auth-failures 3", "+OK")
	admin.ask("AUTH "+sesame, "+OK")
}

func Test09LoginStays(t *testing.T) {
	onBoth(t, []string{"--requirepass", sesame}, func(t *testing.T, s *server) {
		c := s.as("default")
		c.ask("ACL SETUSER joe on >"+sesame+" +@all", "+OK")
		c.ask("AUTH joe "+sesame, "+OK")
		c.ask("AUTH default wrong", wrongPass)
		c.ask("ACL WHOAMI", `"joe"`)
		c.ask("CONFIG SET requirepass other", "+OK")
		c.ask("ACL WHOAMI", `"joe"`)
		in := s.dial()
		in.ask("AUTH other", "+OK")
		c.ask("CONFIG SET requirepass another", "+OK")
		in.ask("PING", "+PONG")
		in.ask("RESET", "+RESET")
		in.ask("PING", noAuth)
		c.ask("RESET", "+RESET")
		c.ask("PING", noAuth)
	})
}
