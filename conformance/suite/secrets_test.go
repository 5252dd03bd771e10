package suite

import (
	"strings"
	"sync"
	"testing"
	"time"
)

// TestPasswordThatIsRepeated holds that a server that repeats a password, in whatever
// form and place, does not bring it into a report, an error or what is observed.
func TestPasswordThatIsRepeated(t *testing.T) {
	t.Parallel()
	const password = `hid"den\secret`
	for name, tt := range map[string]struct{ login, later string }{
		"no RESP":             {password + "\r\n", ""},
		"a piece as no RESP":  {"den\\secret\r\n", ""},
		"a length":            {"$" + password + "\r\n", ""},
		"behind a bulk":       {"$0\r\nhi", ""},
		"the request":         {"*2\r\n$4\r\nAUTH\r\n" + password + "\r\n", ""},
		"a long line":         {strings.Repeat(password, 20) + "\r\n", ""},
		"a bulk error":        {"!14\r\n" + password + "\r\n", ""},
		"a part":              {"-ERR unknown: " + password[:8] + "\r\n", ""},
		"between quotes":      {"-ERR \"hid\\\"den\\\\secret\"\r\n", ""},
		"later":               {"+OK\r\n", "-ERR " + password + "\r\n"},
		"later, as no RESP":   {"+OK\r\n", password + "\r\n"},
		"later, as a value":   {"+OK\r\n", "$14\r\n" + password + "\r\n"},
		"later, as a version": {"+OK\r\n", "$29\r\nredis_version:" + password + "\r\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(_ int, words []string) string {
				if words[0] == "AUTH" {
					return tt.login
				}
				return tt.later
			})
			s.Password = password
			var mu sync.Mutex
			var seen strings.Builder
			id, err := Identify(t.Context(), s, time.Minute)
			if err != nil {
				seen.WriteString(err.Error())
			}
			const text = "why: w\ncase: SUB-001 x\nc1> PING\nc1< +PONG\n\ncase: RCL-001 x\nargs PING\n-- screen --\nPONG\n[exit status 0]\n"
			peer := s
			for _, o := range []Options{{}, {Peer: &peer}} {
				o.Protocols, o.Timeout = []int{2}, 10*time.Second
				o.Observe = func(_ string, _ bool, b []byte) {
					mu.Lock()
					defer mu.Unlock()
					seen.Write(b)
				}
				r := play(t, s, text, o)
				r.Name = id.Name
				for _, format := range Formats {
					seen.WriteString(written(t, r, format))
				}
			}
			for _, piece := range []string{`hid"`, `hid\"`, `hid&#34;`, `hid\u0022`, `hid\\"`, "secret"} {
				if out := seen.String(); strings.Contains(out, piece) {
					t.Errorf("%q shows in\n%s", piece, out)
				}
			}
			if strings.HasPrefix(name, "behind") && strings.Contains(seen.String(), `"hi"`) {
				t.Errorf("two bytes show in\n%s", seen.String())
			}
		})
	}
}
