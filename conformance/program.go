package main

import (
	"context"
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
	cmd           *exec.Cmd     // nil while it does not run
	ended         chan struct{} // closed once cmd has ended
}

// start starts the program, after ending the one that runs, and waits until it
// listens or ctx ends. It fails if somebody else listens at the address, since cases that
// need to be alone would then be played on a server that -exec has not started.
func (p *program) start(ctx context.Context) error {
	p.stop()
	_, port, err := net.SplitHostPort(p.addr)
	if err != nil {
		return fmt.Errorf("-exec needs -addr host:port: %w", err)
	}
	words, err := transcript.SplitWords(strings.NewReplacer("$ADDR", p.addr, "$PORT", port).Replace(p.command))
	if err != nil || len(words) == 0 {
		return fmt.Errorf("-exec: %q is no command", p.command)
	}
	if p.listens() == nil {
		return fmt.Errorf("-exec: something that -exec has not started, or not ended, listens at %s", p.addr)
	}
	cmd, ended := exec.Command(words[0], words[1:]...), make(chan struct{})
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = ownGroup()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("-exec: %w", err)
	}
	p.cmd, p.ended = cmd, ended
	go func() {
		// How it ended does not matter; that it did does.
		_ = cmd.Wait()
		close(ended)
	}()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(startTimeout); ; {
		err := p.listens()
		select {
		case <-ended:
			endGroup(cmd.Process) // what it has left behind
			p.cmd = nil
			return fmt.Errorf("-exec: %s has ended (%v); it must be the server itself and stay", words[0], cmd.ProcessState)
		default:
		}
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ended:
		case <-ctx.Done():
			p.stop()
			return fmt.Errorf("-exec: waiting for %s to listen: %w", words[0], context.Cause(ctx))
		case <-deadline:
			p.stop()
			return fmt.Errorf("-exec: %s does not listen: %w", words[0], err)
		}
	}
}

// listens returns nil if something listens at the address.
func (p *program) listens() error {
	nc, err := net.DialTimeout("tcp", p.addr, time.Second)
	if err != nil {
		return err
	}
	return nc.Close()
}

// stop ends the program at once, since one that hangs ends in no other way, with
// all that it has started, and waits until nobody listens any more.
func (p *program) stop() {
	if p.cmd == nil {
		return
	}
	endGroup(p.cmd.Process)
	<-p.ended
	p.cmd = nil
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(startTimeout); p.listens() == nil && time.Now().Before(deadline); {
		<-tick.C
	}
}
