package server

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// slowCommands are the commands in the slow log, the latest first.
func slowCommands(s *Server) (list []string) {
	for _, e := range s.slowlog.latest(-1) {
		list = append(list, strings.Join(e.args, " "))
	}
	return list
}

func TestSlowlog(t *testing.T) {
	s := newServer(t, func(c *Config) { c.SlowlogLogSlowerThan = 0 })
	c := pipe(t, s)
	c.ask("CLIENT SETNAME joe", "+OK")
	c.ask("PUBLISH a b", "0")
	list := s.slowlog.latest(-1)
	if len(list) != 2 || list[0].id != 1 || list[1].id != 0 || list[0].name != "joe" || list[0].addr == "" ||
		time.Now().Unix()-list[0].at > int64(patience/time.Second) || list[0].took <= 0 {
		t.Fatalf("the slow log has %+v", list)
	}
	if got := slowCommands(s); !slices.Equal(got, []string{"PUBLISH a b", "CLIENT SETNAME joe"}) {
		t.Errorf("the slow log has %q", got)
	}
	c.ask("SLOWLOG RESET", "+OK")
	c.ask("SLOWLOG LEN", "1") // RESET itself
	if list := s.slowlog.latest(-1); list[len(list)-1].id != 2 {
		t.Errorf("ids do not go on: %+v", list)
	}
	c.ask("CONFIG SET slowlog-log-slower-than 3600000000", "+OK")
	c.ask("SLOWLOG RESET", "+OK")
	c.ask("ECHO x", "x")
	c.ask("SLOWLOG LEN", "0")
	c.ask("CONFIG SET slowlog-log-slower-than 9223372036854775807", "+OK")
	c.ask("ECHO x", "x")
	c.ask("SLOWLOG GET", "[]")
}

// Of messages published in one go the long ones have taken the time.
func TestSlowlogOfRunsOfAllLengths(t *testing.T) {
	s := newServer(t, func(c *Config) { c.SlowlogLogSlowerThan = 10_000 })
	c := localClient(s, newFakeTransport(-1))
	for took, want := range map[time.Duration]int{20 * time.Millisecond: 1, 9 * time.Millisecond: 0, 30 * time.Second: maxRun} {
		c.work()
		c.w.run = run{cmd: publishCommand, name: []byte("PUBLISH"), channel: []byte("c")}
		for i := range maxRun {
			payload := make([]byte, 1)
			if i == 7 {
				payload = make([]byte, 200<<10)
			}
			c.w.run.payloads = append(c.w.run.payloads, payload)
			c.w.run.bytes += len(payload)
			c.w.run.num++
		}
		c.published(1, took)
		list := s.slowlog.latest(-1)
		if len(list) != min(want, 128) {
			t.Errorf("%v: %d messages are entered, want %d", took, len(list), want)
		}
		if want == 1 && (list[0].took < took/2 || list[0].took > took) {
			t.Errorf("of %v the long one took %v", took, list[0].took)
		}
		s.slowlog.reset()
	}
}

// What is published in one go is entered message by message, and what runs in a
// transaction command by command.
func TestSlowlogOfRunsAndTransactions(t *testing.T) {
	s := newServer(t, func(c *Config) { c.SlowlogLogSlowerThan = 0 })
	c := pipe(t, s)
	c.raw(string(slices.Concat(encode("publish", "a", "1"), encode("publish", "a", "2"), encode("SPUBLISH", "a", "3"),
		encode("MULTI"), encode("PUBLISH", "b", "4"), encode("PING"), encode("EXEC"))))
	for _, want := range []string{"0", "0", "0", "+OK", "+QUEUED", "+QUEUED", "[0 +PONG]"} {
		if got := c.next().String(); got != want {
			t.Errorf("answered %q, want %q", got, want)
		}
	}
	want := []string{"PING", "PUBLISH b 4", "MULTI", "SPUBLISH a 3", "publish a 2", "publish a 1"}
	if got := slowCommands(s); !slices.Equal(got, want) {
		t.Errorf("the slow log has %q, want %q", got, want)
	}
}

func TestSlowlogKeepsAtMost(t *testing.T) {
	var l slowLog
	for range 10 {
		l.add(slowEntry{}, 4)
	}
	if list := l.latest(-1); len(list) != 4 || list[0].id != 9 || list[3].id != 6 {
		t.Errorf("kept %+v", list)
	}
	if list := l.latest(2); len(list) != 2 || list[0].id != 9 || list[1].id != 8 {
		t.Errorf("the latest two are %+v", list)
	}
	l.trim(1)
	if list := l.latest(5); len(list) != 1 || list[0].id != 9 {
		t.Errorf("kept %+v of one", list)
	}
	l.reset()
	if l.len() != 0 {
		t.Errorf("%d entries after a reset", l.len())
	}
}

func TestLoggedArgs(t *testing.T) {
	many := make([]string, 40)
	for i := range many {
		many[i] = "a"
	}
	for _, tt := range []struct{ request, want []string }{
		{[]string{"PING"}, []string{"PING"}},
		{[]string{"ECHO", strings.Repeat("x", 128)}, []string{"ECHO", strings.Repeat("x", 128)}},
		{[]string{"ECHO", strings.Repeat("x", 129)}, []string{"ECHO", strings.Repeat("x", 128) + "... (1 more bytes)"}},
		{append([]string{"SUBSCRIBE"}, many[:31]...), append([]string{"SUBSCRIBE"}, many[:31]...)},
		{append([]string{"SUBSCRIBE"}, many[:32]...), append(append([]string{"SUBSCRIBE"}, many[:30]...), "... (2 more arguments)")},
		{[]string{"auth", "p"}, []string{"auth", redacted}},
		{[]string{"AUTH", "u", "p", "q"}, []string{"AUTH", redacted, redacted, redacted}},
		{[]string{"HELLO", "3"}, []string{"HELLO", "3"}},
		{[]string{"HELLO", "3", "setname", "auth", "AUTH", "auth", "p", "SETNAME", "n"}, []string{"HELLO", "3", "setname", "auth", "AUTH", redacted, redacted, "SETNAME", "n"}},
		{[]string{"HELLO", "3", "AUTH", "u", "p", "AUTH", "v", "q"}, []string{"HELLO", "3", "AUTH", redacted, redacted, "AUTH", redacted, redacted}},
		{[]string{"HELLO", "3", "AUTH", "u"}, []string{"HELLO", "3", "AUTH", redacted}},
		{[]string{"CONFIG", "SET", "timeout", "requirepass", "p"}, []string{"CONFIG", "SET", "timeout", "requirepass", redacted}},
		{[]string{"CONFIG", "SET", "timeout", "requirepass", "RequirePass", "p", "tls-key-file-pass", "q"}, []string{"CONFIG", "SET", "timeout", "requirepass", "RequirePass", redacted, "tls-key-file-pass", redacted}},
	} {
		var argv [][]byte
		for _, a := range tt.request {
			argv = append(argv, []byte(a))
		}
		cmd, _ := lookup(argv)
		if got := loggedArgs(cmd, argv); !slices.Equal(got, tt.want) {
			t.Errorf("%q is logged as %q, want %q", tt.request, got, tt.want)
		}
	}
}

func TestSlowLogKeepsLittleOfNames(t *testing.T) {
	s := newServer(t, func(c *Config) { c.SlowlogLogSlowerThan = 0 })
	c := pipe(t, s)
	c.ask("CLIENT SETNAME "+strings.Repeat("n", 2*maxSlowName), "+OK")
	if e := s.slowlog.latest(1)[0]; len(e.name) != maxSlowName {
		t.Errorf("%d bytes of the name are kept", len(e.name))
	}
}
