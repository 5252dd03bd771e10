package server

import (
	"fmt"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/pubsubd/pubsubd/broker"
)

var monitorLine = regexp.MustCompile(`^\+([0-9]+\.[0-9]{6}) \[([0-9]+) ([^]]+)\] (.*)$`)

// shown returns what a line of MONITOR shows: the command, without the rest.
func shown(t testing.TB, f frame) string {
	t.Helper()
	m := monitorLine.FindStringSubmatch(f.String())
	if m == nil {
		t.Fatalf("not a line of MONITOR: %s", f)
	}
	return m[4]
}

// The lines come in the order in which the commands took effect: a monitor that
// is subscribed sees each message before its line, and both in one order.
func TestMonitorLinesAreInOrder(t *testing.T) {
	s := newServer(t)
	addr := listen(t, s)
	const publishers, rounds = 4, 60
	m := dial(t, addr)
	m.ask("HELLO 3", "%[server…")
	m.send("SUBSCRIBE c", "MONITOR")
	m.want(">[subscribe c 1]", "+OK")
	var wg sync.WaitGroup
	for p := range publishers {
		c := dial(t, addr)
		wg.Go(func() {
			for n := range rounds {
				tag := fmt.Sprintf("%d:%d", p, n)
				switch n % 3 {
				case 0:
					c.ask("PUBLISH c "+tag, "1")
				case 1: // would be a run
					c.send("PUBLISH c "+tag, "PUBLISH c "+tag, "PUBLISH c "+tag)
					c.want("1", "1", "1")
				default:
					c.send("MULTI", "PUBLISH c "+tag, "PUBLISH c "+tag, "EXEC")
					c.want("+OK", "+QUEUED", "+QUEUED", "[1 1]")
				}
			}
		})
	}
	var messages, lines []string
	for len(lines) < publishers*rounds*2 {
		f := m.next()
		if f.kind == '>' {
			payload, _ := message(f)
			messages = append(messages, payload)
			continue
		}
		line := shown(t, f)
		tag, ok := strings.CutPrefix(line, `"PUBLISH" "c" "`)
		if !ok {
			continue
		}
		lines = append(lines, strings.TrimSuffix(tag, `"`))
		if len(messages) < len(lines) {
			t.Fatalf("%s comes before its message", line)
		}
	}
	wg.Wait()
	for i := range lines {
		if lines[i] != messages[i] {
			t.Fatalf("line %d tells of %s, message %d is %s", i, lines[i], i, messages[i])
		}
	}
}

// The lines of EXEC are side by side, whoever else does anything.
func TestMonitorShowsExecInOnePiece(t *testing.T) {
	s := newServer(t)
	addr := listen(t, s)
	m, other := dial(t, addr), dial(t, addr)
	m.ask("MONITOR", "+OK")
	const rounds = 50
	var wg sync.WaitGroup
	wg.Go(func() {
		for range 10 * rounds {
			other.ask("ECHO other", "other")
		}
	})
	c := dial(t, addr)
	wg.Go(func() {
		for n := range rounds {
			queued := []string{"MULTI", "PING", "ECHO a", "EXEC"} // without the broker
			reply := "[+PONG a]"
			if n%2 == 0 {
				queued[1], reply = "PUBLISH c x", "[0 a]"
			}
			c.send(queued...)
			c.want("+OK", "+QUEUED", "+QUEUED", reply)
		}
	})
	for seen := 0; seen < rounds; {
		if got := shown(t, m.next()); got != `"PING"` && got != `"PUBLISH" "c" "x"` {
			continue
		}
		seen++
		for _, want := range []string{`"ECHO" "a"`, `"EXEC"`} {
			if got := shown(t, m.next()); got != want {
				t.Fatalf("%s comes where %s should", got, want)
			}
		}
	}
	wg.Wait()
}

// A monitor that does not read is closed by its output buffer limit: that of
// normal clients or, if they have none, of replicas.
func TestSlowMonitor(t *testing.T) {
	limits := map[string]func(*Config){
		"normal":  func(c *Config) { c.NormalOutput = OutputLimit{Hard: 1 << 20} },
		"replica": func(c *Config) { c.replicaOutput = OutputLimit{Hard: 1 << 20} },
	}
	for name, limit := range limits {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t, limit)
			m, c := pipe(t, s), pipe(t, s)
			m.ask("MONITOR", "+OK")
			filler := strings.Repeat("x", 64<<10)
			for range 32 {
				c.ask("ECHO "+filler, filler)
			}
			synctest.Wait()
			if got := s.closures.count(closedHardLimit); got != 1 || len(s.clients()) != 1 {
				t.Errorf("limit of %s: %d clients are left, %d were closed", name, len(s.clients()), got)
			}
			c.ask("PING", "+PONG")
			if s.modes.Load() != 0 {
				t.Error("commands still take the long way")
			}
		})
	}
}

func TestMonitorsComeAndGo(t *testing.T) {
	s := newServer(t)
	addr := listen(t, s)
	a, b, c := dial(t, addr), dial(t, addr), dial(t, addr)
	a.ask("MONITOR", "+OK")
	b.ask("MONITOR", "+OK")
	b.send("CLIENT REPLY OFF", "PING")
	if got := shown(t, a.next()); got != `"CLIENT" "REPLY" "OFF"` {
		t.Error(got)
	}
	if got := shown(t, a.next()); got != `"PING"` {
		t.Error(got)
	}
	c.ask("ECHO only-a", "only-a")
	if got := shown(t, a.next()); got != `"ECHO" "only-a"` {
		t.Error(got)
	}
	b.send("CLIENT REPLY ON")
	b.want("+OK")
	b.want("+…")
	a.want("+…")
	if flags := flagsOf(c); strings.Join(flags, " ") != "O O N" {
		t.Errorf("flags %q", flags)
	}
	a.ask("RESET", "+RESET")
	b.want("+…")
	a.ask("PING", "+PONG")
	b.want("+…")
	_ = b.nc.Close()
	waitFor(t, "the last monitor to be gone", func() bool { return s.modes.Load() == 0 })
	c.ask("PING", "+PONG")
	if list := s.monitors.list.Load(); len(*list) != 0 {
		t.Errorf("%d monitors are left", len(*list))
	}
}

// The messages of a run that had begun before there was a monitor are shown.
func TestMonitorDuringRun(t *testing.T) {
	s := newServer(t)
	m := pipe(t, s)
	pub := localClient(s, discardTransport{})
	pub.addr = "run"
	requests := [][][]byte{{[]byte("Publish"), []byte("c"), []byte("1")}, {[]byte("Publish"), []byte("c"), []byte("2")}}
	sub := pipe(t, s)
	sub.ask("SUBSCRIBE c", "[subscribe c 1]")
	for _, argv := range requests {
		pub.dispatch(argv)
	}
	if pub.w.run.num != 2 {
		t.Fatalf("%d messages are collected", pub.w.run.num)
	}
	m.ask("MONITOR", "+OK")
	pub.dispatch([][]byte{[]byte("Publish"), []byte("c"), []byte("3")}) // would have joined
	pub.deliverAll()
	for _, want := range []string{`"Publish" "c" "1"`, `"Publish" "c" "2"`, `"Publish" "c" "3"`} {
		if got := shown(t, m.next()); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	sub.want("[message c 1]", "[message c 2]", "[message c 3]")
	if got := string(pub.reply); got != "" {
		t.Errorf("%q is left", got)
	}
}

func TestMonitorLine(t *testing.T) {
	now := time.Unix(1700000000, 42_999)
	for _, tt := range []struct {
		c    *client
		argv string
		want string
	}{
		{&client{addr: "127.0.0.1:5"}, "PING", `+1700000000.000042 [0 127.0.0.1:5] "PING"`},
		{&client{addr: "[::1]:5", db: 9}, "ECHO \"a\\\" \x00\x7f\xff\n\r\t\a\b'", `+1700000000.000042 [9 [::1]:5] "ECHO" "\"a\\\"" "\x00\x7f\xff\n\r\t\a\b'"`},
		{&client{addr: "/run/s:0", unix: true}, "auth default secret", `+1700000000.000042 [0 unix:/run/s] "auth" "(redacted)" "(redacted)"`},
		{&client{}, "AUTH a b secret", `+1700000000.000042 [0 ] "AUTH" "(redacted)" "(redacted)" "(redacted)"`},
		{&client{}, "HELLO 3 SETNAME auth AUTH u secret", `+1700000000.000042 [0 ] "HELLO" "3" "SETNAME" "auth" "AUTH" "(redacted)" "(redacted)"`},
		{&client{}, "HELLO 3 nope auth u secret SETNAME n", `+1700000000.000042 [0 ] "HELLO" "3" "nope" "auth" "(redacted)" "(redacted)" "SETNAME" "n"`},
		{&client{}, "HELLO AUTH u secret", `+1700000000.000042 [0 ] "HELLO" "AUTH" "(redacted)" "(redacted)"`},
		{&client{}, "HELLO 3 AUTH secret", `+1700000000.000042 [0 ] "HELLO" "3" "AUTH" "(redacted)"`},
		{&client{}, "HELLO 3 SETNAME", `+1700000000.000042 [0 ] "HELLO" "3" "SETNAME"`},
	} {
		var argv [][]byte
		for _, w := range strings.Split(tt.argv, " ") {
			argv = append(argv, []byte(w))
		}
		cmd, _ := lookup(argv)
		if got := string(tt.c.appendMonitorLine(nil, now, cmd, argv)); got != tt.want+"\r\n" {
			t.Errorf("%q:\n got %s\nwant %s", tt.argv, got, tt.want)
		}
	}
}

func TestMonitorOfUnixSocket(t *testing.T) {
	s := newServer(t)
	path := t.TempDir() + "/s"
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(ln)
	m := pipe(t, s)
	m.ask("MONITOR", "+OK")
	nc, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	newTestConn(t, nc).ask("PING", "+PONG")
	if got := m.next().String(); !strings.Contains(got, " [0 unix:"+path+"] \"PING\"") {
		t.Error(got)
	}
}

// Invalidations reach a client while it receives messages, each of them whole.
func TestInvalidationsAmongMessages(t *testing.T) {
	s := newServer(t)
	addr := listen(t, s)
	c, flusher := dial(t, addr), dial(t, addr)
	c.ask("HELLO 3", "%[server…")
	c.send("CLIENT TRACKING ON", "SUBSCRIBE c")
	c.want("+OK", ">[subscribe c 1]")
	const each = 200
	var wg sync.WaitGroup
	wg.Go(func() {
		for range each {
			flusher.ask("FLUSHALL", "+OK")
		}
	})
	wg.Go(func() {
		for range each {
			s.broker.PublishFrom(nil, broker.Channel, "c", []byte("x"))
		}
	})
	var messages, invalidations int
	for messages+invalidations < 2*each {
		switch got := c.next().String(); got {
		case ">[message c x]":
			messages++
		case ">[invalidate nil]":
			invalidations++
		default:
			t.Fatal(got)
		}
	}
	wg.Wait()
	if messages != each {
		t.Errorf("%d messages", messages)
	}
	_ = c.nc.Close()
	waitFor(t, "nobody to track keys", func() bool { return s.tracking.Load() == 0 })
}

// What others redirect to the client that runs EXEC comes behind the whole reply,
// once for each command, in RESP2 as well.
func TestRedirectedInvalidationsOfExec(t *testing.T) {
	s := newServer(t)
	addr := listen(t, s)
	for _, version := range []string{"2", "3"} {
		c, other := dial(t, addr), dial(t, addr)
		c.ask("HELLO "+version, map[string]string{"2": "[server…", "3": "%[server…"}[version])
		other.ask("CLIENT TRACKING ON REDIRECT "+c.do("CLIENT ID"), "+OK")
		for _, touch := range []string{"PING", "SUBSCRIBE __redis__:invalidate"} {
			c.send("MULTI", touch, "FLUSHALL", "FLUSHDB", "EXEC", "PING")
			c.want("+OK", "+QUEUED", "+QUEUED", "+QUEUED")
			subscribed := touch != "PING"
			reply, pong, invalidation := "[+PONG +OK +OK]", "+PONG", ">[invalidate nil]"
			switch {
			case subscribed && version == "2":
				reply, pong, invalidation = "[[subscribe __redis__:invalidate 1] +OK +OK]", "[pong ]", "[message __redis__:invalidate nil]"
			case subscribed:
				reply = "[>[subscribe __redis__:invalidate 1] +OK +OK]"
			}
			c.want(reply)
			if subscribed || version == "3" {
				c.want(invalidation, invalidation)
			}
			c.want(pong)
		}
		_, _ = c.nc.Close(), other.nc.Close()
		waitFor(t, "nobody to track keys", func() bool { return s.tracking.Load() == 0 })
	}
}

// A command that panics lets go of what holds others up while there are
// monitors.
func TestPanicWhileMonitored(t *testing.T) {
	log, _ := logger()
	log = log.WithOptions(zap.Hooks(func(e zapcore.Entry) error {
		if e.Message == "user requested shutdown" {
			panic("injected") // while a command runs
		}
		return nil
	}))
	s := newServer(t, func(c *Config) { c.Logger = log })
	addr := listen(t, s)
	monitor, other := dial(t, addr), dial(t, addr)
	monitor.ask("MONITOR", "+OK")
	for _, requests := range [][]string{{"SHUTDOWN"}, {"PUBLISH c x", "SHUTDOWN"}} {
		c := dial(t, addr)
		c.send(requests...)
		c.end()
	}
	if n := s.panics.Load(); n != 2 {
		t.Errorf("%d panics", n)
	}
	other.send("PUBLISH c x", "MULTI", "PUBLISH c y", "EXEC")
	other.want("0", "+OK", "+QUEUED", "[0]")
}
