package transcript

import (
	"strings"
	"testing"
	"time"
)

// TestLastPing holds that the PING at the end of a play must be answered as the
// state of the connection asks, and in no other way.
func TestLastPing(t *testing.T) {
	t.Parallel()
	const (
		mark   = "end of c1"
		bulk   = "$9\r\n" + mark + "\r\n"
		pong   = "*2\r\n$4\r\npong\r\n" + bulk
		queued = "+QUEUED\r\n"
		noauth = "-NOAUTH Authentication required.\r\n"
		noperm = "-NOPERM this user has no permissions to run the 'ping' command\r\n"
	)
	subscribed := "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"
	tests := []struct {
		name    string
		script  string
		proto   int
		login   bool
		answers map[string]string
		right   string // how PING is answered
	}{
		{name: "nothing special", script: "c1> A\nc1< +OK\n", right: bulk},
		{name: "subscribed in RESP2", script: "c1> SUBSCRIBE a\nc1< >3 \"subscribe\" \"a\" :1\n", right: pong},
		{name: "subscribed in RESP3", proto: 3, script: "c1> SUBSCRIBE a\nc1< >3 \"subscribe\" \"a\" :1\n", right: bulk,
			answers: map[string]string{"SUBSCRIBE a": strings.Replace(subscribed, "*", ">", 1)}},
		{name: "unsubscribed", script: "c1> SUBSCRIBE a\nc1< >3 \"subscribe\" \"a\" :1\nc1> UNSUBSCRIBE\nc1< >3 \"unsubscribe\" \"a\" :0\n", right: bulk,
			answers: map[string]string{"UNSUBSCRIBE": "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n"}},
		{name: "a transaction", script: "c1> MULTI\nc1< +OK\n", right: queued},
		{name: "MULTI as an argument", script: "c1> ECHO MULTI\nc1< +OK\n", right: bulk},
		{name: "a transaction that is over", script: "c1> MULTI\nc1< +OK\nc1> EXEC\nc1< *0\n", right: bulk},
		{name: "a transaction that was refused", script: "c1> SUBSCRIBE a\nc1< >3 \"subscribe\" \"a\" :1\nc1> MULTI\nc1< -ERR no 'multi'\n", right: pong,
			answers: map[string]string{"MULTI": "-ERR no 'multi'\r\n"}},
		{name: "logged out", script: "c1> A\nc1< -NOAUTH x\n", right: noauth, answers: map[string]string{"A": "-NOAUTH x\r\n"}},
		{name: "another user", login: true, script: "c1> AUTH u p\nc1< +OK\n", right: noperm},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for form, answer := range map[string]string{"bulk": bulk, "pong": pong, "queued": queued, "noauth": noauth, "noperm": noperm} {
				f := fakeServer{answers: map[string]string{
					"A": ok, "AUTH u p": ok, "AUTH me": ok, "ECHO MULTI": ok, "MULTI": ok, "EXEC": "*0\r\n", "SUBSCRIBE a": subscribed, "PING " + mark: answer,
				}}
				for line, text := range tt.answers {
					f.answers[line] = text
				}
				// A user without PING and one who has logged in are both known by AUTH.
				right := answer == tt.right || tt.right == noperm && answer == bulk || tt.right == noauth && answer == bulk
				f.closeAfter = map[string]bool{"PING " + mark: !right} // so that nobody waits for more
				p := Player{Addr: f.start(t), Timeout: time.Minute}
				if tt.login {
					p.Login = []string{"AUTH", "me"}
				}
				problems := Judge(p.Play(mustParse(t, tt.script), max(tt.proto, 2)))
				if right != (len(problems) == 0) {
					t.Errorf("the answer %s: problems %v", form, problems)
				}
				if !right && (form == "bulk" || form == "pong") && (len(problems) != 1 || len(problems[0].Want) != 1 || len(problems[0].Got) != 1) {
					t.Errorf("the answer %s is not told as one: %+v", form, problems)
				}
			}
		})
	}
}

// TestPongs holds that the answer of a server that has one form for subscribers
// of both protocols is taken only for subscribers.
func TestPongs(t *testing.T) {
	t.Parallel()
	const pong = "*2\r\n$4\r\npong\r\n$9\r\nend of c1\r\n"
	f := fakeServer{answers: map[string]string{"A": ok, "PING end of c1": pong, "SUBSCRIBE a": ">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"}}
	p := Player{Addr: f.start(t), Timeout: time.Minute}
	for script, subscribed := range map[string]bool{"c1> A\nc1< +OK\n": false, "c1> SUBSCRIBE a\nc1< >3 \"subscribe\" \"a\" :1\n": true} {
		for _, p.Pongs = range []bool{false, true} {
			if problems := Judge(p.Play(mustParse(t, script), 3)); (len(problems) == 0) != (subscribed && p.Pongs) {
				t.Errorf("%q with Pongs %v: %v", script, p.Pongs, problems)
			}
		}
	}
}
