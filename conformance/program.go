package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/pubsubd/pubsubd/conformance/transcript"
)

// startTimeout is how long a server that -exec starts may take to listen.
const startTimeout = 20 * time.Second

// A program is a server that -exec starts.
type program struct {
	command, addr string
	cmd           *exec.Cmd // nil while it does not run
}

// start starts the program, after ending the one that runs, and waits until it
// listens.
func (p *program) start() error {
	p.stop()
	_, port, err := net.SplitHostPort(p.addr)
	if err != nil {
		return fmt.Errorf("-exec needs -addr host:port: %w", err)
	}
	words, err := transcript.SplitWords(strings.NewReplacer("$ADDR", p.addr, "$PORT", port).Replace(p.command))
	if err != nil || len(words) == 0 {
		return fmt.Errorf("-exec: %q is no command", p.command)
	}
	p.cmd = exec.Command(words[0], words[1:]...)
	p.cmd.Stderr = os.Stderr
	if err := p.cmd.Start(); err != nil {
		p.cmd = nil
		return fmt.Errorf("-exec: %w", err)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); ; <-tick.C {
		nc, err := net.DialTimeout("tcp", p.addr, time.Second)
		if err == nil {
			return nc.Close()
		}
		if time.Since(began) > startTimeout {
			p.stop()
			return fmt.Errorf("-exec: %s does not listen: %w", words[0], err)
		}
	}
}

// stop ends the program at once, since one that hangs ends in no other way.
func (p *program) stop() {
	if p.cmd == nil {
		return
	}
	// The only errors are that it has ended already, and that it was killed.
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	p.cmd = nil
}
