package bounds

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
	"github.com/pubsubd/pubsubd/conformance/transcript"
)

// What one client may send, before login and after it, is what it may send to
// redis-server, and more is answered as there.
func TestLimitsOfRequests(t *testing.T) {
	parallel(t)
	bulk := func(n int) string { return fmt.Sprintf("$%d\r\n%s\r\n", n, strings.Repeat("x", n)) }
	multi := func(n int, elements string) string { return fmt.Sprintf("*%d\r\n%s", n, elements) }
	const noAuth = "-NOAUTH Authentication required."
	const ping, echo = "$4\r\nPING\r\n", "$4\r\nECHO\r\n"
	tests := []struct {
		name, send string
		inside     bool // after login
		want       string
		closed     bool
		ours       bool // redis-server does not count all of it
	}{
		{"10 arguments before login", multi(10, ping+strings.Repeat(bulk(1), 9)), false, noAuth, false, false},
		{"11 arguments before login", multi(11, ping), false, "-ERR Protocol error: unauthenticated multibulk length", true, false},
		{"16384 bytes before login", multi(2, ping+bulk(16384)), false, noAuth, false, false},
		{"16385 bytes before login", multi(2, ping+"$16385\r\n"), false, "-ERR Protocol error: unauthenticated bulk length", true, false},
		{"an endless line before login", strings.Repeat("x", 65*kib), false, "-ERR Protocol error: too big inline request", true, false},
		{"an endless count before login", "*" + strings.Repeat("1", 65*kib), false, "-ERR Protocol error: too big mbulk count string", true, false},
		{"an endless line", strings.Repeat("x", 65*kib), true, "-ERR Protocol error: too big inline request", true, false},
		{"11 arguments", multi(11, ping+strings.Repeat(bulk(1), 10)), true, "-ERR wrong number of arguments for 'ping' command", false, false},
		{"proto-max-bulk-len", multi(2, echo+bulk(mib)), true, "$" + strings.Repeat("x", mib), false, false},
		{"more than proto-max-bulk-len", multi(2, echo+fmt.Sprintf("$%d\r\n", mib+1)), true, "-ERR Protocol error: invalid bulk length", true, false},
		{"more than client-query-buffer-limit", multi(5, echo+strings.Repeat(bulk(mib-kib), 3)), true, "", true, true},
		{"transactions beyond client-query-buffer-limit", "MULTI\r\n" + strings.Repeat(multi(2, echo+bulk(mib/2)), 8), true, "+OK", true, true},
	}
	for _, target := range sut.Targets {
		s := sut.Start(t, target.Binary(t), "--requirepass", password, "--proto-max-bulk-len", "1mb", "--client-query-buffer-limit", "2mb")
		healthy := admin(t, s)
		for _, tt := range tests {
			if tt.ours && target.Name == "redis" {
				continue
			}
			t.Run(target.Name+"/"+strings.ReplaceAll(tt.name, " ", "-"), func(t *testing.T) {
				c := wire.DialTCP(t, s.Addr)
				if tt.inside {
					ask(t, c, "+OK", "AUTH", password)
				}
				// A server that closes meanwhile does not take all of it.
				_, _ = c.Write([]byte(tt.send))
				var got []transcript.Value
				if tt.closed {
					got = c.Closed(wire.Patience)
				} else {
					got = append(got, c.Read())
				}
				first := ""
				if len(got) > 0 {
					first = string(got[0].Kind) + got[0].Text
				}
				// A reset may overtake the answer to what was not read to its end.
				if first != tt.want && !(tt.closed && first == "" && len(tt.send) > 64*kib) {
					t.Errorf("answered %.80q, want %.80q", first, tt.want)
				}
				ask(t, healthy, "+PONG", "PING")
			})
		}
	}
}
