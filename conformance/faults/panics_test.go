package faults

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
	"github.com/pubsubd/pubsubd/conformance/transcript"
)

// startFaulty starts a server that panics where DEBUG FAULT says.
func startFaulty(t *testing.T) *scene {
	t.Helper()
	s, _ := sut.StartOn(t, sut.Faults(t), sut.TCP, append([]string{"--enable-debug-command", "yes"}, verbose...)...)
	return &scene{Server: s, admin: wire.DialTCP(t, s.Addr)}
}

// A panic in one connection ends that connection, and nothing of it is left: a
// pair beside it goes on, and the log has the stack.
func TestPanicInOneConnection(t *testing.T) {
	t.Parallel()
	s := startFaulty(t)
	sub, pub := wire.DialTCP(t, s.Addr), wire.DialTCP(t, s.Addr)
	sub.Send("SUBSCRIBE", "healthy")
	sub.Want(`*3 "subscribe" "healthy" :1`)
	sent := 0
	publish := func() {
		t.Helper()
		sent++
		pub.Send("PUBLISH", "healthy", fmt.Sprint(sent))
		pub.Want(":1")
		sub.Want(fmt.Sprintf(`*3 "message" "healthy" "%d"`, sent))
	}
	publish()
	before, panics := 0, 0
	for _, tt := range []struct {
		name     string
		requests [][]string
	}{
		{"in a pipeline", [][]string{{"PUBLISH", "healthy", "before"}, {"DEBUG", "FAULT", "connection"}, {"PUBLISH", "healthy", "after"}}},
		{"alone", [][]string{{"DEBUG", "FAULT", "connection"}}},
		{"subscribed", [][]string{{"HELLO", "3"}, {"SUBSCRIBE", "mine"}, {"PSUBSCRIBE", "m*"}, {"SSUBSCRIBE", "mine"}, {"DEBUG", "FAULT", "connection"}}},
		{"in EXEC", [][]string{{"MULTI"}, {"PING"}, {"DEBUG", "FAULT", "connection"}, {"EXEC"}}},
		{"with tracking", [][]string{{"HELLO", "3"}, {"CLIENT", "TRACKING", "on"}, {"DEBUG", "FAULT", "connection"}}},
		{"while watched", [][]string{{"DEBUG", "FAULT", "connection"}}},
		{"again", [][]string{{"DEBUG", "FAULT", "connection"}}},
	} {
		var monitor *wire.Conn
		if tt.name == "while watched" {
			monitor = wire.DialTCP(t, s.Addr)
			monitor.Send("MONITOR")
			monitor.Want("+OK")
		}
		c := wire.DialTCP(t, s.Addr)
		var all []byte
		for _, r := range tt.requests {
			all = wire.AppendRequest(all, r...)
		}
		c.Raw(string(all))
		for _, v := range c.Closed(wire.Patience) {
			if v.Kind == transcript.SimpleError || strings.Contains(fmt.Sprint(v), "fault") {
				t.Errorf("%s: the client was sent %v", tt.name, v)
			}
		}
		panics++
		if tt.name == "in a pipeline" {
			sub.Want(`*3 "message" "healthy" "before"`)
		}
		publish()
		if e := closureOf(t, s.admin, c.LocalAddr().String()); e["reason"] != "panic" || e["detail"] != "injected fault" {
			t.Errorf("%s: %v", tt.name, e)
		}
		if lines := awaitLines(t, s.Server, int(panics), "panic", "injected fault"); len(lines) != panics || !strings.Contains(fmt.Sprint(lines[panics-1]["stack"]), "server.(*client).fault") ||
			lines[panics-1]["addr"] != c.LocalAddr().String() {
			t.Errorf("%s: the log has %v", tt.name, lines)
		}
		if before == 0 { // by now the server has started all that it needs itself
			sut.Until(t, "the first to be gone", func() bool { return s.admin.InfoNumber("connected_clients") == 3 })
			before = s.admin.InfoNumber("goroutines")
		}
		if monitor != nil {
			monitor.Send("QUIT")
			monitor.Closed(wire.Patience)
		}
	}
	if n := s.admin.InfoNumber("recovered_panics"); n != panics {
		t.Errorf("recovered_panics:%d, want %d", n, panics)
	}
	if n := s.admin.InfoNumber("closed_panic"); n != panics {
		t.Errorf("closed_panic:%d, want %d", n, panics)
	}
	sut.Until(t, "nobody to be left", func() bool { return s.admin.InfoNumber("connected_clients") == 3 })
	for _, tt := range []struct {
		request []string
		want    string
	}{
		{[]string{"PUBSUB", "CHANNELS"}, `*1 "healthy"`},
		{[]string{"PUBSUB", "NUMPAT"}, ":0"},
		{[]string{"PUBSUB", "SHARDCHANNELS"}, "*0"},
		{[]string{"PUBLISH", "mine", "x"}, ":0"},
	} {
		s.admin.Send(tt.request...)
		s.admin.Want(tt.want)
	}
	if n := s.admin.InfoNumber("tracking_clients"); n != 0 {
		t.Errorf("tracking_clients:%d", n)
	}
	sut.Until(t, fmt.Sprintf("no more than %d goroutines to be left", before), func() bool { return s.admin.InfoNumber("goroutines") <= before })
}

// A panic in what clients share ends the process, at once and with a line in the
// log: the server does not go on without what it may have lost.
func TestPanicInWhatClientsShare(t *testing.T) {
	t.Parallel()
	for name, requests := range map[string][][]string{
		"broker":  {{"DEBUG", "FAULT", "broker"}},
		"EXEC":    {{"MULTI"}, {"PUBLISH", "a", "b"}, {"DEBUG", "FAULT", "connection"}, {"EXEC"}},
		"outbox":  {{"DEBUG", "FAULT", "outbox"}},
		"flusher": {{"DEBUG", "FAULT", "flusher"}},
		"drain":   {{"DEBUG", "FAULT", "drain"}},
		"ticker":  {{"DEBUG", "FAULT", "ticker"}},
		"timer":   {{"DEBUG", "FAULT", "timer"}},
		"server":  {{"DEBUG", "FAULT", "server"}},
		"client":  {{"DEBUG", "FAULT", "client"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startFaulty(t)
			for _, r := range requests {
				s.admin.Send(r...)
			}
			select {
			case <-s.Exited():
			case <-time.After(wire.Patience):
				t.Fatalf("the server goes on; its log:\n%s", s.Log())
			}
			s.Kill() // it has ended with an error, as it should
			for _, v := range s.admin.Closed(wire.Patience) {
				if v.Kind == transcript.SimpleError {
					t.Errorf("the client was sent %v", v)
				}
			}
			text := s.Log()
			line, trace, _ := strings.Cut(text[max(0, strings.Index(text, `{"level":"error"`)):], "\n")
			if !strings.Contains(line, "panic in what clients share") || !strings.Contains(line, "server.") || !strings.Contains(line, `"stack"`) {
				t.Errorf("the log has no line about it:\n%s", text)
			}
			if !strings.Contains(trace, "panic: pubsubd: ") || !strings.Contains(trace, "goroutine ") {
				t.Errorf("standard error has no stack:\n%s", trace)
			}
		})
	}
}

// What is released cannot be made to panic.
func TestReleaseHasNoFaults(t *testing.T) {
	t.Parallel()
	s, _ := sut.StartOn(t, sut.Pubsubd(t), sut.TCP, "--enable-debug-command", "yes")
	c := wire.DialTCP(t, s.Addr)
	c.Send("DEBUG", "FAULT", "connection")
	c.Want("-ERR unknown subcommand or wrong number of arguments for 'FAULT'. Try DEBUG HELP.")
	c.Send("PING")
	c.Want("+PONG")
}
