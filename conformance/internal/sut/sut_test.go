package sut

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/internal/process"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

func TestEndAtOnce(t *testing.T) {
	for options, want := range map[string]string{
		"":                  "atexit_sleep_ms=0",
		"halt_on_error=1":   "halt_on_error=1 atexit_sleep_ms=0",
		"atexit_sleep_ms=5": "atexit_sleep_ms=5",
	} {
		t.Setenv("GORACE", options)
		if err := endAtOnce(); err != nil || os.Getenv("GORACE") != want {
			t.Errorf("with %q it is %q, %v; want %q", options, os.Getenv("GORACE"), err, want)
		}
	}
}

func TestStartAnswersAndStops(t *testing.T) {
	t.Parallel()
	s := Start(t, Redis(t), "--requirepass", "secret")
	if s.Port == 0 || !strings.HasPrefix(s.Addr, "127.0.0.1:") {
		t.Errorf("Addr %q, Port %d", s.Addr, s.Port)
	}
	s.Stop()
	select {
	case <-s.Exited():
	default:
		t.Error("the process is still there after Stop")
	}
	if !strings.Contains(s.Log(), "Ready to accept connections") {
		t.Errorf("the log lacks the line a started server writes:\n%s", s.Log())
	}
	s.Stop() // a second time does nothing
}

func TestStartOnUnixSocket(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/s"
	s := Start(t, Redis(t), "--port", "0", "--unixsocket", path)
	if s.Addr != path || s.Port != 0 {
		t.Errorf("Addr %q, Port %d", s.Addr, s.Port)
	}
}

func TestStartReportsAServerThatEnds(t *testing.T) {
	t.Parallel()
	s, err := process.Start(Redis(t), "--nosuchdirective", "1")
	if err == nil {
		s.Kill()
		t.Fatal("no error")
	}
	if !strings.Contains(err.Error(), "Bad directive") {
		t.Errorf("the error does not show the server's log: %v", err)
	}
}

func TestKillIsNoFailedStop(t *testing.T) {
	t.Parallel()
	s := Start(t, Redis(t))
	s.Kill()
	s.Stop()
}

// What a server has logged before its client sees the effect is in its Log by
// then, each time.
func TestLogIsComplete(t *testing.T) {
	t.Parallel()
	s := Start(t, Pubsubd(t), "--enable-debug-command", "yes")
	nc, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	r := bufio.NewReader(nc)
	for n := range 1000 {
		fmt.Fprintf(nc, "DEBUG LOG line-%d.\r\n", n)
		if answer, err := r.ReadString('\n'); answer != "+OK\r\n" {
			t.Fatalf("%q, %v", answer, err)
		}
		if !strings.Contains(s.Log(), fmt.Sprintf("line-%d.", n)) {
			t.Fatalf("line %d is missing", n)
		}
	}
}
