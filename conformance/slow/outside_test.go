//go:build linux

package slow

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/numbered"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
)

// A publisher publishes numbered messages; see numbered.Publisher.
type publisher interface {
	Answered() int
	Slowest() time.Duration
	Stop() error
}

// An outside is a publisher in a process of its own: how long it waits is the
// server's doing, and not that of the many readers in this one, which leave
// little of its processors.
type outside struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader

	answered int           // when it was last asked
	slowest  time.Duration // when it was last asked
	err      error
}

// outsideVariable has, in the environment of such a process, the address of the
// server and the size of the messages.
const outsideVariable = "PUBSUBD_TEST_PUBLISHER"

// publishOutside publishes to channel c, and waits for each answer.
func publishOutside(t *testing.T, addr string, size int) *outside {
	t.Helper()
	p := &outside{cmd: exec.Command(os.Args[0], "-test.run=^TestPublishOutside$")}
	p.cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d", outsideVariable, addr, size))
	p.cmd.Stderr = os.Stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		p.cmd.Wait()
	})
	return p
}

// TestPublishOutside is what runs in the other process. It tells how many
// messages were answered and how long the slowest took, in nanoseconds, for each
// line that it is given, and once more when there are no more and it has stopped.
func TestPublishOutside(t *testing.T) {
	addr, size, ok := strings.Cut(os.Getenv(outsideVariable), " ")
	if !ok {
		return // this is not that process
	}
	n, err := strconv.Atoi(size)
	if err != nil {
		t.Fatal(err)
	}
	p := numbered.Publish(wire.DialTCP(t, addr), numbered.Options{ID: lonely, Channel: "c", Size: n})
	tell := func() { fmt.Println(p.Answered(), int64(p.Slowest())) }
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		tell()
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	tell()
}

// hear reads what the process tells.
func (p *outside) hear() {
	if p.err == nil {
		_, p.err = fmt.Fscanln(p.out, &p.answered, &p.slowest)
	}
}

func (p *outside) Answered() int { return p.answered }

func (p *outside) Slowest() time.Duration {
	if p.cmd.ProcessState == nil && p.err == nil {
		if _, p.err = io.WriteString(p.in, "\n"); p.err == nil {
			p.hear()
		}
	}
	return p.slowest
}

func (p *outside) Stop() error {
	p.in.Close()
	p.hear()
	if p.err == nil {
		_, p.err = io.Copy(io.Discard, p.out)
	}
	if err := p.cmd.Wait(); p.err == nil {
		p.err = err
	}
	return p.err
}
