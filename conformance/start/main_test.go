// Package start starts servers as harnesses do that know redis-server only: a
// configuration file and arguments, a log that is waited for, and signals.
// Whatever they see must be the same of redis-server and of pubsubd.
package start

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
)

func TestMain(m *testing.M) { os.Exit(sut.Main(m)) }

// patience bounds every wait of these tests.
const patience = 20 * time.Second

// both runs a test on redis-server and on pubsubd.
func both(t *testing.T, test func(t *testing.T, binary string)) {
	t.Run("redis-server", func(t *testing.T) { test(t, sut.Redis(t)) })
	t.Run("pubsubd", func(t *testing.T) { test(t, sut.Pubsubd(t)) })
}

// A started is a process that was started with a file and arguments.
type started struct {
	t    *testing.T
	cmd  *exec.Cmd
	out  string // the file that has its output
	addr string
	done chan struct{} // closed when it has ended
}

// start runs a binary in a directory, its output going to a file there.
func start(t *testing.T, dir, binary string, port int, args ...string) *started {
	t.Helper()
	return startWithInput(t, dir, binary, port, os.DevNull, args...)
}

// startWithInput is start with a file for standard input.
func startWithInput(t *testing.T, dir, binary string, port int, input string, args ...string) *started {
	t.Helper()
	in, err := os.Open(input)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	s := &started{t: t, out: filepath.Join(dir, "stdout"), addr: fmt.Sprintf("127.0.0.1:%d", port), done: make(chan struct{})}
	out, err := os.OpenFile(s.out, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	s.cmd = exec.Command(binary, args...)
	s.cmd.Dir, s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = dir, in, out, out
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = s.cmd.Wait()
		close(s.done)
	}()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill() // unless it has ended
		<-s.done
	})
	return s
}

func (s *started) log() string {
	b, err := os.ReadFile(s.out)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}

// waitLog waits until the output matches.
func (s *started) waitLog(pattern string) {
	s.t.Helper()
	re := regexp.MustCompile("(?s)" + pattern)
	waitFor(s.t, pattern, func() bool { return re.MatchString(s.log()) }, s.log)
}

// terminate ends the process as an operator does, and wants exit code 0.
func (s *started) terminate() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	s.ended(0)
}

// ended waits for the end of the process and wants an exit code.
func (s *started) ended(code int) {
	s.t.Helper()
	select {
	case <-s.done:
	case <-time.After(patience):
		s.t.Fatalf("still running:\n%s", s.log())
	}
	if got := s.cmd.ProcessState.ExitCode(); got != code {
		s.t.Fatalf("exit code %d, want %d:\n%s", got, code, s.log())
	}
}

// client connects, with a password if it is not empty.
func (s *started) client(password string) *redis.Client {
	c := redis.NewClient(&redis.Options{
		Addr: s.addr, Password: password, DisableIdentity: true, Protocol: 2, MaxRetries: -1,
		DialTimeout: patience, ReadTimeout: patience, WriteTimeout: patience,
	})
	s.t.Cleanup(func() { _ = c.Close() })
	return c
}

// ask sends a command and shows the reply or error.
func ask(c *redis.Client, words ...any) string {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	reply, err := c.Do(ctx, words...).Result()
	if err != nil {
		return "error: " + err.Error()
	}
	return fmt.Sprint(reply)
}

func waitFor(t *testing.T, what string, holds func() bool, detail func() string) {
	t.Helper()
	const look = 5 * time.Millisecond
	for deadline := time.Now().Add(patience); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s:\n%s", patience, what, detail())
		}
		<-time.After(look)
	}
}

// takenPort is a port somebody listens on.
func takenPort(t *testing.T) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln.Addr().(*net.TCPAddr).Port
}

// write makes a file of lines.
func write(t *testing.T, path string, lines ...string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
