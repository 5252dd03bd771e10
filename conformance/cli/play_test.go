package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/terminal"
)

// The size of the terminal. redis-cli's line editor scrolls a line that is
// too long for it sideways.
const columns, rows = 200, 50

// A player runs redis-cli for one scenario.
type player struct {
	t    *testing.T
	sc   *scenario
	port int
	ctx  context.Context

	others      *redis.Client // everybody but redis-cli
	subscribers map[string]*redis.PubSub

	cmd   *exec.Cmd
	input *os.File
	ended chan struct{} // closed when there is no more output
	mark  int           // how much of the output earlier steps have dealt with

	changed chan struct{} // filled whenever there is more output
	mu      sync.Mutex    // guards seen
	seen    output
}

// An output collects what redis-cli prints: a screen if that is a terminal, a
// bytes.Buffer otherwise.
type output interface {
	Write(p []byte) (int, error)
	String() string
}

// play runs the scenario against a fresh server and returns what is seen in
// the end, normalized, and how redis-cli ended.
func play(t *testing.T, sc *scenario, target target) string {
	server := sut.Start(t, target.binary(t), sc.server...)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	p := &player{
		t: t, sc: sc, port: server.Port, ctx: ctx,
		subscribers: map[string]*redis.PubSub{},
		ended:       make(chan struct{}),
		changed:     make(chan struct{}, 1),
	}
	p.meetOthers(server.Addr)
	defer p.others.Close()
	p.start()
	for _, step := range sc.steps {
		if err := step.run(p, step); err != nil {
			t.Fatalf("%s:%d: %s %s: %v; seen so far:\n%s", sc.path, step.line, step.verb, step.text, err, p.text())
		}
	}
	return p.finish()
}

// meetOthers connects the publisher and the subscribers of the scenario.
func (p *player) meetOthers(addr string) {
	password := ""
	if i := slices.Index(p.sc.server, "--requirepass"); i >= 0 && i+1 < len(p.sc.server) {
		password = p.sc.server[i+1]
	}
	p.others = redis.NewClient(&redis.Options{
		Addr: addr, Protocol: 2, Password: password,
		DialTimeout: patience, ReadTimeout: patience, WriteTimeout: patience,
	})
	for _, command := range p.sc.before {
		if err := p.command(command); err != nil {
			p.t.Fatalf("%s: before %q: %v", p.sc.path, command, err)
		}
	}
	for _, channel := range p.sc.subscribers {
		ps := p.others.Subscribe(p.ctx, channel)
		p.t.Cleanup(func() { ps.Close() })
		if _, err := ps.Receive(p.ctx); err != nil {
			p.t.Fatalf("%s: subscribing to %s: %v", p.sc.path, channel, err)
		}
		p.subscribers[channel] = ps
	}
}

// start starts redis-cli and collects its output in the background.
func (p *player) start() {
	t := p.t
	port := strconv.Itoa(p.port)
	args := []string{"-p", port}
	for _, arg := range p.sc.args {
		args = append(args, strings.ReplaceAll(arg, "$PORT", port))
	}
	p.cmd = exec.Command(sut.RedisCLI(t), args...)
	// Nothing of the person who runs the tests, such as a history or
	// preferences of redis-cli, may be seen or changed.
	p.cmd.Env = append([]string{"HOME=" + t.TempDir(), "TERM=xterm"}, p.sc.env...)

	var theirs, ours []*os.File
	if p.sc.terminal {
		keyboard, device, err := terminal.Open(columns, rows)
		if err != nil {
			t.Fatal(err)
		}
		p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = device, device, device
		p.cmd.SysProcAttr = terminal.Own()
		p.input, p.seen = keyboard, new(terminal.Screen)
		theirs, ours = []*os.File{device}, []*os.File{keyboard}
	} else {
		stdin, input, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		printed, stdout, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = stdin, stdout, stdout
		p.input, p.seen = input, new(bytes.Buffer)
		theirs, ours = []*os.File{stdin, stdout}, []*os.File{printed, input}
	}
	err := p.cmd.Start()
	for _, f := range theirs {
		f.Close()
	}
	if err != nil {
		t.Fatalf("starting redis-cli: %v", err)
	}
	go p.collect(ours[0])
	t.Cleanup(func() {
		// Both are without effect when finish has waited for its end.
		p.cmd.Process.Kill()
		p.cmd.Wait()
		<-p.ended
		for _, f := range ours {
			f.Close()
		}
	})
}

// collect reads until the end of the output. A terminal ends with an error
// when the last program on it has ended, a pipe without one.
func (p *player) collect(from *os.File) {
	defer close(p.ended)
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		p.mu.Lock()
		p.seen.Write(buf[:n])
		p.mu.Unlock()
		select {
		case p.changed <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

func (p *player) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen.String()
}

// await waits until condition holds for the text that is seen.
func (p *player) await(condition func(text string) bool) error {
	for {
		if condition(p.text()) {
			return nil
		}
		select {
		case <-p.changed:
		case <-p.ended:
			if condition(p.text()) {
				return nil
			}
			return fmt.Errorf("redis-cli has ended")
		case <-p.ctx.Done():
			return fmt.Errorf("not within %v", patience)
		}
	}
}

// command sends a command as another client.
func (p *player) command(words []string) error {
	args := make([]any, len(words))
	for i, word := range words {
		args[i] = word
	}
	return p.others.Do(p.ctx, args...).Err()
}

// finish closes the input of a redis-cli that has a pipe, waits for its end
// and returns all that was seen.
func (p *player) finish() string {
	p.t.Helper()
	if !p.sc.terminal {
		p.input.Close() // a step may have done so
	}
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.t.Fatalf("%s: redis-cli does not end; seen so far:\n%s", p.sc.path, p.text())
	}
	if err := p.cmd.Wait(); p.cmd.ProcessState == nil {
		p.t.Fatalf("%s: waiting for redis-cli: %v", p.sc.path, err)
	}
	text := p.text()
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	text += fmt.Sprintf("[%v]\n", p.cmd.ProcessState)
	return p.sc.normalize(text, p.port)
}
