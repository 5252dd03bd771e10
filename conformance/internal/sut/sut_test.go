package sut

import (
	"strings"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/internal/process"
)

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
