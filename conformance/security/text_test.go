package security

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/internal/wire"
	"github.com/pubsubd/pubsubd/conformance/transcript"
)

func Test22ClientNames(t *testing.T) {
	const refused = "-ERR Client names cannot contain spaces, newlines or special characters."
	onBoth(t, nil, func(t *testing.T, s *server) {
		c := s.dial()
		for _, name := range []string{" ", "a b", "a\nb", "a\r\nb", "\x00", "a\x00", "\x1b[2J", "\x7f", "é", "\xff", "a=\t"} {
			for _, args := range [][]string{{"CLIENT", "SETNAME", name}, {"HELLO", "3", "SETNAME", name}} {
				c.Send(args...)
				if v := c.Read(); string(rune(v.Kind))+v.Text != refused {
					t.Errorf("%q: %v", args, v)
				}
			}
			if v := c.Do("CLIENT", "SETINFO", "lib-name", name); v.Kind != transcript.SimpleError {
				t.Errorf("CLIENT SETINFO lib-name %q: %v", name, v)
			}
		}
		c.ask("CLIENT SETNAME a-b.c=1", "+OK")
		c.ask("CLIENT GETNAME", `"a-b.c=1"`)
	})
}

// What a client sends never ends a line of an error, so that nobody can forge an
// answer, to themselves or to who uses their connection after them.
func Test23RepliesAreNotSplit(t *testing.T) {
	const forged = "x\r\n+FORGED\r\n$6\r\nFORGED\r\n:1\r\n"
	onBoth(t, []string{"--enable-debug-command", "yes"}, func(t *testing.T, s *server) {
		c := s.dial()
		for _, args := range [][]string{
			{forged}, {forged, forged}, {"CLIENT", forged}, {"CONFIG", forged}, {"ACL", forged, forged}, {"PUBSUB", forged}, {"COMMAND", forged},
			{"HELLO", "3", forged}, {"HELLO", forged}, {"AUTH", forged, forged}, {"CLIENT", "SETNAME", forged}, {"CLIENT", "SETINFO", forged, "x"},
			{"CLIENT", "KILL", "TYPE", forged}, {"CLIENT", "KILL", forged}, {"CLIENT", "LIST", "TYPE", forged}, {"CLIENT", "REPLY", forged},
			{"CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", forged, "PREFIX", forged}, {"CONFIG", "SET", forged, "1"}, {"CONFIG", "SET", "port", forged},
			{"CONFIG", "SET", "loglevel", forged}, {"CONFIG", "SET", "timeout", "1", "timeout\r\n+FORGED", "2"}, {"ACL", "SETUSER", forged, "on"},
			{"ACL", "SETUSER", "joe", forged}, {"ACL", "SETUSER", "joe", "+" + forged}, {"ACL", "SETUSER", "joe", "(" + forged + ")"}, {"ACL", "DRYRUN", forged, "get"},
			{"ACL", "DRYRUN", "default", forged}, {"ACL", "CAT", forged}, {"ACL", "LOG", forged}, {"ACL", "GENPASS", forged}, {"COMMAND", "GETKEYS", forged},
			{"COMMAND", "LIST", "FILTERBY", forged, "x"}, {"DEBUG", forged}, {"DEBUG", "ERROR", forged}, {"DEBUG", "PROTOCOL", forged}, {"SELECT", forged},
			{"SLOWLOG", "GET", forged}, {"LATENCY", "GRAPH", forged}, {"LATENCY", forged}, {"MEMORY", forged}, {"SHUTDOWN", forged}, {"REPLICAOF", forged, forged},
			{"SCRIPT", forged}, {"FUNCTION", "DELETE", forged}, {"MODULE", forged}, {"OBJECT", forged}, {"FLUSHALL", forged}, {"SWAPDB", forged, "0"},
			{"PING", forged, forged}, {"EXEC", forged}, {"SUBSCRIBE" + forged, "x"}, {"CLIENT", "PAUSE", forged}, {"CLIENT", "UNBLOCK", forged},
		} {
			c.Send(args...)
			c.Send("ECHO", "behind")
			for n := 0; ; n++ {
				v := c.Read()
				if strings.Contains(v.Text, "behind") && v.Kind == transcript.BulkString {
					if n != 1 {
						t.Errorf("%.60q has %d answers", args, n)
					}
					break
				}
				if (v.Kind == transcript.SimpleError || v.Kind == transcript.SimpleString) && strings.ContainsAny(v.Text, "\r\n") {
					t.Errorf("%.60q: half of a line end is in the answer %q", args, v.Text)
				}
				if v.Kind == transcript.EOF || v.Kind == transcript.SimpleString && v.Text == "FORGED" {
					t.Fatalf("%.60q: %v", args, v)
				}
			}
		}
		for name, sent := range map[string]string{"an element": "*1\r\n+FORGED\r\n", "a quote": "'+FORGED\n:1\r\n", "a count": "*1\r+\r\n:1\r\n"} {
			c := s.dial()
			c.Raw(sent)
			if list := c.Closed(wire.Patience); len(list) != 1 || list[0].Kind != transcript.SimpleError {
				t.Errorf("a protocol error about %s has the answers %v", name, list)
			}
		}
	})
}

// What a client sends never begins a line of the log.
func Test24LogIsNotSplit(t *testing.T) {
	const forged = "x\r\nFORGED\n2026-01-01T00:00:00.000Z\tnotice\tFORGED\x1b[2J"
	onBoth(t, []string{"--loglevel", "debug", "--enable-debug-command", "yes", "--requirepass", sesame}, func(t *testing.T, s *server) {
		c := s.dial()
		c.Send("AUTH", forged, forged)
		c.Want(wrongPass)
		c.ask("AUTH "+sesame, "+OK")
		for _, args := range [][]string{
			{"DEBUG", "LOG", forged}, {"CLIENT", "SETNAME", forged}, {"SUBSCRIBE", forged}, {"UNSUBSCRIBE"}, {"GET", forged}, {forged}, {"ACL", "SETUSER", forged},
			{"ACL", "SETUSER", "joe", "&" + forged}, {"CONFIG", "SET", "tls-cert-file", forged, "tls-port", "1"}, {"CONFIG", "SET", "bind", forged},
			{"CONFIG", "SET", "dir", forged}, {"CONFIG", "SET", "tls-protocols", forged, "tls-port", "1"},
		} {
			c.Do(args...)
		}
		c.alive("forged lines")
		s.Stop()
		for line := range strings.SplitSeq(s.Log(), "\n") {
			if strings.HasPrefix(line, "FORGED") || strings.HasPrefix(line, "2026-01-01") || strings.Contains(line, "\x1b") || strings.Contains(line, "\r") {
				s.shortfall("somebody has written into the log: %q", line)
			}
		}
	})
}

// A browser that was tricked into sending a request here does no harm: what may
// stand in the body is not run.
func Test25CrossProtocol(t *testing.T) {
	onBoth(t, nil, func(t *testing.T, s *server) {
		listener := s.dial()
		listener.ask("SUBSCRIBE a", "*3...")
		for i, request := range []string{
			"POST / HTTP/1.1\r\nHost: x\r\n\r\nPUBLISH a attacked\r\n",
			"post / HTTP/1.1\r\n\r\nPUBLISH a attacked\r\n",
			"GET / HTTP/1.1\r\nHost: localhost\r\n\r\nPUBLISH a attacked\r\n",
			"GET / HTTP/1.1\r\nhost: localhost\r\nPUBLISH a attacked\r\n",
			"*2\r\n$4\r\nPOST\r\n$1\r\n/\r\nPUBLISH a attacked\r\n",
			"*1\r\n$5\r\nHost:\r\n*3\r\n$7\r\nPUBLISH\r\n$1\r\na\r\n$8\r\nattacked\r\n",
			"PUT / HTTP/1.1\r\nHost: localhost\r\n\r\nPUBLISH a attacked\r\n",
		} {
			c := s.dial()
			c.Raw(request)
			for _, v := range c.Closed(wire.Patience) {
				if v.Kind != transcript.SimpleError {
					t.Errorf("%q is answered %v", request, v)
				}
			}
			end := fmt.Sprint("end-", i)
			s.dial().ask("PUBLISH a "+end, ":1")
			listener.Want(`*3 "message" "a" "` + end + `"`)
		}
		if !strings.Contains(s.Log(), "ossible") || !strings.Contains(strings.ToLower(s.Log()), "attack") {
			t.Errorf("the log does not say so:\n%s", s.Log())
		}
	})
}
