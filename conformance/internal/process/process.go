// Package process starts and stops a Redis-like server as a child process.
//
// It knows nothing of testing, so that commands can use it too; package sut
// wraps it for tests.
package process

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/pubsubd/pubsubd/internal/freeport"
)

const (
	readyTimeout = 20 * time.Second
	stopTimeout  = 20 * time.Second
	pollInterval = 5 * time.Millisecond
	portAttempts = 5
)

// errAddressInUse says that another process took the port between the moment
// it was found free and the moment the server bound it.
var errAddressInUse = errors.New("address already in use")

// A Server is a running child process that answers on Addr.
type Server struct {
	// Addr is "127.0.0.1:port", or the path of the Unix socket when the
	// server was started with --port 0.
	Addr string
	// Port is the TCP port, zero when the server listens on none.
	Port int

	cmd    *exec.Cmd
	dir    string // working directory, removed once the process has ended
	log    output
	exited chan struct{} // closed after waitErr is set
	// waitErr is what cmd.Wait returned; read it only after exited is closed.
	waitErr error

	mu     sync.Mutex // guards killed
	killed bool
}

// Start runs binary with args on loopback and waits until it answers a PING,
// even with an error such as NOAUTH. Unless args holds --port, a free port is
// found and added. A binary called redis-server is also told not to persist
// anything. The process runs in a directory of its own that goes with it.
func Start(binary string, args ...string) (*Server, error) {
	if flag(args, "--port") != "" {
		return startOnce(binary, args)
	}
	for attempt := 1; ; attempt++ {
		port, err := freeport.Find()
		if err != nil {
			return nil, err
		}
		s, err := startOnce(binary, append([]string{"--port", strconv.Itoa(port)}, args...))
		if errors.Is(err, errAddressInUse) && attempt < portAttempts {
			continue
		}
		return s, err
	}
}

func startOnce(binary string, args []string) (*Server, error) {
	port, err := strconv.Atoi(flag(args, "--port"))
	if err != nil {
		return nil, fmt.Errorf("starting %s: bad --port: %w", binary, err)
	}
	network, addr := "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	if port == 0 {
		network, addr = "unix", flag(args, "--unixsocket")
	}
	if filepath.Base(binary) == "redis-server" {
		args = append([]string{"--save", "", "--appendonly", "no"}, args...)
	}
	// The child gets a working directory of its own, so a relative path to
	// the binary must be resolved in ours.
	path, err := exec.LookPath(binary)
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", binary, err)
	}
	dir, err := os.MkdirTemp("", "conformance-")
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", binary, err)
	}
	s := &Server{Addr: addr, Port: port, dir: dir, exited: make(chan struct{})}
	s.cmd = exec.Command(path, args...)
	s.cmd.Dir = dir
	if err := s.log.open(); err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("starting %s: %w", binary, err)
	}
	s.cmd.Stdout = s.log.file
	s.cmd.Stderr = s.log.file
	if err := s.cmd.Start(); err != nil {
		s.log.end()
		os.RemoveAll(dir)
		return nil, fmt.Errorf("starting %s: %w", binary, err)
	}
	go func() {
		s.waitErr = s.cmd.Wait()
		s.log.end()
		os.RemoveAll(dir)
		close(s.exited)
	}()
	if err := s.waitReady(network); err != nil {
		s.Kill()
		if strings.Contains(strings.ToLower(s.Log()), errAddressInUse.Error()) {
			err = errAddressInUse
		}
		return nil, fmt.Errorf("starting %s %q: %w\n%s", binary, args, err, s.Log())
	}
	return s, nil
}

// flag returns the value that follows the last occurrence of name in args, or
// the empty string.
func flag(args []string, name string) string {
	for i, arg := range slices.Backward(args) {
		if arg == name && i+1 < len(args) {
			return args[i+1]
		}
	}
	return ""
}

// waitReady returns nil once the server has answered a line to PING.
func (s *Server) waitReady(network string) error {
	deadline := time.Now().Add(readyTimeout)
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		err := ping(network, s.Addr, deadline)
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("no answer within %v: %w", readyTimeout, err)
		}
		select {
		case <-s.exited:
			return fmt.Errorf("it ended before it answered: %v", s.waitErr)
		case <-tick.C:
		}
	}
}

func ping(network, addr string, deadline time.Time) error {
	nc, err := net.DialTimeout(network, addr, time.Until(deadline))
	if err != nil {
		return err
	}
	defer nc.Close()
	if err := nc.SetDeadline(deadline); err != nil {
		return err
	}
	// QUIT, so that the server is rid of this client when the end of the
	// stream is seen, and lists only clients of its user from then on.
	if _, err := nc.Write([]byte("PING\r\nQUIT\r\n")); err != nil {
		return err
	}
	r := bufio.NewReader(nc)
	if _, err = r.ReadString('\n'); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, r)
	return err
}

// PID returns the process id of the server.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Log returns what the server has written to its standard output and error so
// far.
func (s *Server) Log() string { return s.log.String() }

// Exited returns a channel that is closed once the process has ended.
func (s *Server) Exited() <-chan struct{} { return s.exited }

// Signal sends sig to the process. It is no error when it has ended already.
func (s *Server) Signal(sig os.Signal) error {
	if err := s.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("sending %v to the server: %w", sig, err)
	}
	return nil
}

// Stop sends SIGTERM, waits for the process to end, and returns an error that
// holds the log if that took too long or its exit status was not zero. A
// server that ended with status zero before, or was killed by Kill, is no
// error. Stop may be called more than once.
func (s *Server) Stop() error {
	if err := s.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return s.Wait()
}

// Wait waits for the process to end by itself, and returns an error as Stop
// does; a process that does not end in time it kills.
func (s *Server) Wait() error {
	select {
	case <-s.exited:
	case <-time.After(stopTimeout):
		s.Kill()
		return fmt.Errorf("the server did not end within %v; its log:\n%s", stopTimeout, s.Log())
	}
	s.mu.Lock()
	killed := s.killed
	s.mu.Unlock()
	if s.waitErr != nil && !killed {
		return fmt.Errorf("the server ended with %w; its log:\n%s", s.waitErr, s.Log())
	}
	return nil
}

// Kill ends the process at once, as a crash would, and waits until it is gone.
func (s *Server) Kill() {
	s.mu.Lock()
	s.killed = true
	s.mu.Unlock()
	// The only error is that the process has ended, which is what is wanted.
	_ = s.cmd.Process.Kill()
	<-s.exited
}

// An output is what the child writes. It goes to a file, not through a pipe: what
// the child had written before something was seen of it is there to be read then.
type output struct {
	mu   sync.Mutex // guards the fields below
	file *os.File   // nil once the child has ended
	text string     // what was in it
}

// open makes the file.
func (o *output) open() (err error) {
	o.file, err = os.CreateTemp("", "conformance-log-")
	return err
}

// end keeps what is in the file and removes it.
func (o *output) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text = o.readLocked()
	_ = o.file.Close()
	_ = os.Remove(o.file.Name())
	o.file = nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.file == nil {
		return o.text
	}
	return o.readLocked()
}

// readLocked reads the file without moving the place where the child writes.
func (o *output) readLocked() string {
	text, err := io.ReadAll(io.NewSectionReader(o.file, 0, math.MaxInt64))
	if err != nil {
		return string(text) + "\nreading the log: " + err.Error()
	}
	return string(text)
}
