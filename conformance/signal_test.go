//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/internal/fake"
	"github.com/pubsubd/pubsubd/conformance/internal/sut"
)

// A holding server knows one directive, leaves WAIT without an answer, and notes
// what it is sent.
type holding struct {
	waits chan struct{} // closed when WAIT has come

	mu    sync.Mutex // guards the fields below
	value string
	heard []string
}

// start returns its address.
func (h *holding) start(t *testing.T) string {
	t.Helper()
	h.waits, h.value = make(chan struct{}), "before"
	return fake.Start(t, h.answer)
}

func (h *holding) answer(_ int, words []string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.heard = append(h.heard, strings.Join(words, " "))
	switch {
	case words[0] == "CONFIG" && words[1] == "GET":
		return fmt.Sprintf("*2\r\n$5\r\nfirst\r\n$%d\r\n%s\r\n", len(h.value), h.value)
	case words[0] == "CONFIG":
		h.value = words[3]
		return "+OK\r\n"
	case words[0] == "WAIT":
		close(h.waits)
		return ""
	case words[0] == "PING" && len(words) == 2:
		return fmt.Sprintf("$%d\r\n%s\r\n", len(words[1]), words[1])
	case words[0] == "PING":
		return "+PONG\r\n"
	}
	return "-ERR unknown command\r\n"
}

// ownCommand returns the command as a process of its own.
func ownCommand(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	return cmd
}

// TestSignals holds that what a case has changed is put back whatever ends the
// command but SIGKILL: a terminal that goes says so twice.
func TestSignals(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		step    string
		signals []os.Signal
		deaf    bool // nobody reads what it writes
	}{
		"Ctrl-C":            {step: "WAIT", signals: []os.Signal{os.Interrupt}},
		"SIGTERM":           {step: "WAIT", signals: []os.Signal{syscall.SIGTERM}},
		"the terminal goes": {step: "WAIT", signals: []os.Signal{syscall.SIGHUP, syscall.SIGHUP}},
		"nobody reads":      {step: "PING", deaf: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var h holding
			addr, dir := h.start(t), t.TempDir()
			text := "# One.\nwhy: w\n\ncase: SUB-001 one\nrestore: first\nc1> CONFIG SET first during\nc1< +OK\nc1> " + tt.step + "\nc1< +PONG\n"
			if err := os.WriteFile(filepath.Join(dir, "a.txt"), []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
			cmd := ownCommand(t, "-addr", addr, "-dir", dir, "-case", "SUB-001", "-v", "-alone", "-resp", "2", "-timeout", "1h", "-limit", "2h")
			if tt.deaf {
				r, w, err := os.Pipe()
				if err != nil {
					t.Fatal(err)
				}
				r.Close()
				defer w.Close()
				cmd.Stdout, cmd.Stderr = w, w
			}
			// Under nohup the command would ignore the end of a terminal.
			hangups := make(chan os.Signal, 1)
			signal.Notify(hangups, syscall.SIGHUP)
			defer signal.Stop(hangups)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				_ = cmd.Wait() // its state tells
			}()
			if len(tt.signals) > 0 {
				select {
				case <-h.waits:
				case <-ended:
					t.Error("it has ended before the case was played")
				}
			}
			for _, s := range tt.signals {
				_ = cmd.Process.Signal(s) // the second may come too late
			}
			<-ended
			h.mu.Lock()
			defer h.mu.Unlock()
			if !cmd.ProcessState.Exited() || h.value != "before" {
				t.Errorf("%v, and the directive is %q; the server was told %q", cmd.ProcessState, h.value, h.heard)
			}
			if !strings.Contains(strings.Join(h.heard, "\n"), "CONFIG SET first during") {
				t.Errorf("nothing was changed: %q", h.heard)
			}
		})
	}
}

// TestExecEndsAll holds that a server ends which -exec has started by way of
// another program.
func TestExecEndsAll(t *testing.T) {
	t.Parallel()
	p := &program{command: "sh -c \"" + sut.Pubsubd(t) + " --port $PORT & wait\"", addr: freeAddr(t)}
	for range 2 {
		if err := p.start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	p.stop()
	if p.listens() == nil {
		t.Error("the server still runs")
	}
}

// TestPasswordIsNotHandedOn holds that what -exec starts does not find the password
// in its environment.
func TestPasswordIsNotHandedOn(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "env")
	server := "sh -c \"env >" + file + "; exec " + sut.Pubsubd(t) + " --port $PORT --requirepass secret\""
	cmd := ownCommand(t, "-addr", freeAddr(t), "-exec", server, "-case", "SUB-001", "-timeout", "20s")
	cmd.Env = append(cmd.Env, authEnv+"=secret", peerAuthEnv+"=secret")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	env, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(env), "PATH=") || strings.Contains(string(env), "secret") {
		t.Errorf("%v, the server has\n%s", err, env)
	}
}
