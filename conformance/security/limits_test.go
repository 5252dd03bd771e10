package security

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
	"github.com/pubsubd/pubsubd/internal/procfs"
	"github.com/pubsubd/pubsubd/internal/testcert"
)

func Test10LimitsBeforeAuth(t *testing.T) {
	onBoth(t, []string{"--requirepass", sesame}, func(t *testing.T, s *server) {
		const longest = 16384
		for _, c := range []struct{ sent, answer string }{
			{"*11\r\n", "-ERR Protocol error: unauthenticated multibulk length"},
			{"*1000000\r\n", "-ERR Protocol error: unauthenticated multibulk length"},
			{"*2\r\n$4\r\nAUTH\r\n$16385\r\n", "-ERR Protocol error: unauthenticated bulk length"},
			{"*1\r\n$536870912\r\n", "-ERR Protocol error: unauthenticated bulk length"},
			{"*10\r\n" + strings.Repeat("$4\r\nPING\r\n", 10), noAuth},
			{fmt.Sprintf("*2\r\n$4\r\nAUTH\r\n$%d\r\n%s\r\n", longest, strings.Repeat("x", longest)), wrongPass},
		} {
			nc := s.dial()
			nc.Raw(c.sent)
			if v := nc.Read(); string(rune(v.Kind))+v.Text != c.answer {
				t.Errorf("%.40q: %v, want %s", c.sent, v, c.answer)
			}
			if strings.HasPrefix(c.answer, "-ERR Protocol") {
				nc.closed(c.sent)
			}
		}
		// They are lifted by the login.
		c := s.as("default")
		c.Send("ECHO", strings.Repeat("x", 100_000))
		if got := c.Read().Text; len(got) != 100_000 {
			t.Errorf("ECHO returns %d bytes", len(got))
		}
	})
}

// Whoever has not logged in cannot make the server keep answers by not reading
// them: the class of CVE-2025-21605.
func TestCVE202521605AnswersBeforeAuth(t *testing.T) {
	t.Parallel()
	for name, binary := range map[string]func(testing.TB) string{"pubsubd": sut.Release, "redis": sut.Redis} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &server{Server: startBinary(t, binary(t), "--requirepass", sesame), t: t, redis: name == "redis"}
			before, err := procfs.RSS(s.PID())
			if err != nil {
				t.Fatal(err)
			}
			const clients = 20
			closed := 0
			request := strings.Repeat("PING\r\n", 10_000)
			for range clients {
				c := s.dial()
				for range 1000 { // 60 MB, for which 330 MB of errors are due
					if _, err := c.Write([]byte(request)); err != nil {
						closed++
						break
					}
				}
			}
			if closed != clients {
				t.Errorf("%d of %d clients were closed", closed, clients)
			}
			after, err := procfs.RSS(s.PID())
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("R3: %d clients that do not read NOAUTH: %d closed, memory +%d KiB", clients, closed, (after-before)>>10)
			if grown := after - before; grown > 32<<20 {
				t.Errorf("memory has grown by %d bytes", grown)
			}
		})
	}
}

// Who has to log in and does not is closed in time, whatever they send; package
// bounds has more of it.
func Test11SilentClients(t *testing.T) {
	t.Parallel()
	s := start(t, "--requirepass", sesame, "--auth-timeout", "0") // until all have come
	in, listener := s.as("default"), s.as("default")
	listener.ask("SUBSCRIBE a", "*3...")
	strangers := map[string]*conn{"silent": s.dial(), "half a request": s.dial(), "wrong passwords": s.dial(), "logged out": s.as("default")}
	strangers["half a request"].Raw("*2\r\n$4\r\nAU")
	strangers["wrong passwords"].ask("AUTH wrong", wrongPass)
	strangers["logged out"].ask("RESET", "+RESET")
	in.ask("CONFIG SET auth-timeout 1", "+OK")
	for what, c := range strangers {
		c.closed(what)
	}
	in.ask("PUBLISH a x", ":1")
	listener.Want(`*3 "message" "a" "x"`)

	// Without a password there is nothing to wait for.
	in.Send("CONFIG", "SET", "requirepass", "")
	in.Want("+OK")
	free := s.dial()
	in.ask("CONFIG GET auth-timeout", `*2 "auth-timeout" "1"`)
	over := time.After(2 * time.Second)
	<-over
	free.alive("no password is needed")

	// redis-server keeps them.
	r := startTarget(t, true, "--requirepass", sesame)
	r.as("default").ask("CONFIG GET auth-timeout", "*0")
	t.Log("redis-server: a client that has not logged in stays for ever")
}

// A client too many is told so and costs nothing: by TLS it is closed before the
// handshake.
func Test12MaxClients(t *testing.T) {
	ca := testcert.New(t)
	pair := ca.Issue("server")
	args := []string{"--maxclients", "3", "--tls-auth-clients", "no", "--tls-cert-file", pair.CertFile, "--tls-key-file", pair.KeyFile, "--tls-ca-cert-file", ca.File}
	onBoth(t, args, func(t *testing.T, s *server) {
		port := strconv.Itoa(sut.FreePort(t))
		admin := s.dial()
		admin.ask("CONFIG SET tls-port "+port, "+OK")
		for range 2 {
			s.dial().ask("PING", "+PONG")
		}
		for range 3 {
			c := s.dial()
			c.Want("-ERR max number of clients reached")
			c.closed("one client too many")
			c = s.dialAt("127.0.0.1:" + port) // and sends nothing
			if list := c.Closed(wire.Patience); len(list) > 0 && !s.redis {
				t.Errorf("by TLS: %v", list)
			}
		}
		if got := admin.InfoNumber("rejected_connections"); got != 6 {
			t.Errorf("rejected_connections:%d", got)
		}
		if got := admin.InfoNumber("connected_clients"); got != 3 {
			t.Errorf("connected_clients:%d", got)
		}
	})
}

// Maxclients leaves 32 of the files that may be open to the server itself.
func Test12MaxClientsBelowFiles(t *testing.T) {
	t.Parallel()
	for _, target := range sut.Targets {
		s := &server{Server: startBinary(t, wrapped(t, target.Binary(t), "ulimit -n 100")), t: t}
		s.dial().ask("CONFIG GET maxclients", `*2 "maxclients" "68"`)
	}
}
