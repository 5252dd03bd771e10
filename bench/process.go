//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/pubsubd/pubsubd/internal/freeport"
)

const (
	startPatience = 10 * time.Second // until a server must answer PING
	stopPatience  = 5 * time.Second  // from SIGTERM until SIGKILL
)

// A program is a server that can be started.
type program struct {
	name string   // in tables
	path string   // of the executable
	args []string // besides --port

	proto  protocol
	config string // contents of configFile in its directory; empty for no such file

	profiles string // directory that takes its profiles; empty for none
}

// configFile is the name of a server's configuration.
const configFile = "server.conf"

// with returns the program started with more arguments, behind those that it
// has; a later one wins.
func (p program) with(args []string) program {
	p.args = slices.Concat(p.args, args)
	return p
}

// A process is a server that was started.
type process struct {
	addr  string
	pid   int
	proto protocol

	cmd    *exec.Cmd
	dir    string // its working directory, removed by stop
	log    string // file that takes its output
	exited chan struct{}
}

// start starts a server on a free loopback port, in an empty directory of its
// own, and waits until it answers. The caller stops it.
func start(ctx context.Context, prog program) (_ *process, err error) {
	port, err := freeport.Find()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "pubsubd-bench-")
	if err != nil {
		return nil, err
	}
	p := &process{
		addr:   net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
		proto:  prog.proto,
		dir:    dir,
		log:    filepath.Join(dir, "output.log"),
		exited: make(chan struct{}),
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("starting %s: %w%s", prog.name, err, p.epitaph())
			p.stop()
		}
	}()
	if prog.config != "" {
		if err := os.WriteFile(filepath.Join(dir, configFile), []byte(prog.config), 0o600); err != nil {
			return nil, err
		}
	}
	output, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer output.Close()
	p.cmd = exec.Command(prog.path, append([]string{"--port", strconv.Itoa(port)}, prog.args...)...)
	p.cmd.Dir = dir
	if prog.profiles != "" {
		p.cmd.Env = append(os.Environ(), profileVariable+"="+filepath.Join(prog.profiles, filepath.Base(dir)))
	}
	p.cmd.Stdout, p.cmd.Stderr = output, output
	p.cmd.SysProcAttr = &syscall.SysProcAttr{
		Setpgid:   true,            // an interrupt from the terminal is ours to handle
		Pdeathsig: syscall.SIGKILL, // should we be killed and not get to stop it
	}
	started := make(chan error)
	go func() {
		// Pdeathsig is sent when the thread that started the process ends, so
		// this thread stays with it.
		runtime.LockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			// How it ended is seen from its output; stop's own signal is not
			// worth reporting.
			_ = p.cmd.Wait()
			close(p.exited)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	p.pid = p.cmd.Process.Pid
	return p, p.awaitReady(ctx)
}

// awaitReady waits until the server answers PING.
func (p *process) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startPatience,
		fmt.Errorf("no reply to PING on %s within %v", p.addr, startPatience))
	defer cancel()
	for {
		err := p.ping(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return errors.New("it does not run")
		case <-ctx.Done():
			return fmt.Errorf("%w (last: %w)", context.Cause(ctx), err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (p *process) ping(ctx context.Context) error {
	nc, err := p.target().dial(ctx, time.Second)
	if err != nil {
		return err
	}
	defer nc.Close()
	request, answer := p.proto.ping(false)
	if _, err := nc.Write(request); err != nil {
		return err
	}
	return expect(nc, answer)
}

// target returns the process as something to drive.
func (p *process) target() target {
	return target{addr: p.addr, proto: p.proto, probe: probe{pid: p.pid}}
}

// stop ends the process, waits for it, and removes its directory.
func (p *process) stop() {
	if p.pid != 0 {
		// A signal to a process that has ended already is an error without
		// consequence: exited is closed then.
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.exited:
		case <-time.After(stopPatience):
			_ = p.cmd.Process.Kill()
			<-p.exited
		}
	}
	os.RemoveAll(p.dir)
}

// epitaph returns how the server ended, if it did, and the end of what it
// printed, to be put behind an error message.
func (p *process) epitaph() string {
	if p.pid == 0 {
		return ""
	}
	select {
	case <-p.exited:
		return fmt.Sprintf(" (the process ended: %v)", p.cmd.ProcessState) + p.lastOutput()
	case <-time.After(100 * time.Millisecond): // its connections close before it is gone
		return p.lastOutput()
	}
}

// lastOutput returns the end of what the server printed, or nothing.
func (p *process) lastOutput() string {
	const most = 5
	b, err := os.ReadFile(p.log)
	text := strings.TrimSpace(string(b))
	if err != nil || text == "" {
		return ""
	}
	lines := strings.Split(text, "\n")
	lines = lines[max(0, len(lines)-most):]
	return "\n  it printed: " + strings.Join(lines, "\n              ")
}

// buildPubsubd builds the server of this module into dir, with build tags.
func buildPubsubd(ctx context.Context, dir, tags string) (path string, err error) {
	path = filepath.Join(dir, "pubsubd")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", tags, "-o", path, "github.com/pubsubd/pubsubd/cmd/pubsubd")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building cmd/pubsubd: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	return path, nil
}
