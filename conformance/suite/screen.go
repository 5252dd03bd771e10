package suite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/pubsubd/pubsubd/conformance/transcript"
)

// screenMark separates what is done in a case of redis-cli from what it prints.
const screenMark = "-- screen --\n"

// A screen is a case of redis-cli: its arguments, what is done while it runs,
// and what it prints. It has pipes for its input and output.
type screen struct {
	args   []string
	steps  []screenStep
	keep   int  // lines to look at; zero means all
	digits bool // numbers do not matter
	want   string
}

// A screenStep is "send text", "wait text", "publish channel message" or
// "terminate".
type screenStep struct {
	verb  string
	words []string
}

// parseScreen parses a case whose names are behind prefix.
func (c *Case) parseScreen(prefix string) (*screen, error) {
	head, want, ok := strings.Cut(strings.ReplaceAll(c.text, prefixMark, prefix), screenMark)
	if !ok {
		return nil, fmt.Errorf("%s: no line %q", c.ID, screenMark)
	}
	s := &screen{want: want}
	for line := range strings.Lines(head) {
		verb, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		words, err := transcript.SplitWords(rest)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.ID, err)
		}
		n := len(words)
		switch {
		case verb == "args":
			s.args = words
		case verb == "digits" && n == 0:
			s.digits = true
		case verb == "keep" && n == 1:
			s.keep, err = strconv.Atoi(words[0])
		case verb == "send" && n == 1, verb == "wait" && n == 1, verb == "publish" && n == 2, verb == "terminate" && n == 0:
			s.steps = append(s.steps, screenStep{verb, words})
		default:
			err = fmt.Errorf("%q is no step", line)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.ID, err)
		}
	}
	return s, nil
}

// cliVersion is the release of redis-cli whose screens are recorded.
const cliVersion = "redis-cli 7.0."

// noCLI returns why cases of redis-cli cannot be played on the server, empty if
// they can.
func noCLI(s Server) string {
	out, err := exec.Command("redis-cli", "--version").Output()
	switch _, _, splitErr := net.SplitHostPort(s.Addr); {
	case err != nil:
		return "no redis-cli is installed"
	case !strings.HasPrefix(string(out), cliVersion):
		return "the screens are those of " + cliVersion + "x, and another one is installed"
	case s.TLS != nil || splitErr != nil:
		return "redis-cli is played by TCP without TLS"
	}
	return ""
}

// playScreen runs redis-cli for a case and returns what it prints, with the
// prefix taken out.
func (r *runner) playScreen(server Server, c *Case, prefix string) (printed string, s *screen, err error) {
	if s, err = c.parseScreen(prefix); err != nil {
		return "", nil, err
	}
	undo, err := r.prepare(server, c, prefix)
	if err != nil {
		return "", nil, err
	}
	printed, err = s.run(server, 3*r.Timeout)
	printed = strings.ReplaceAll(s.normalize(printed), prefix, prefixMark)
	s.want = strings.ReplaceAll(s.want, prefix, prefixMark)
	return printed, s, errors.Join(err, undo())
}

// run runs redis-cli and returns what it prints and how it ended.
func (s *screen) run(server Server, timeout time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	host, port, err := net.SplitHostPort(server.Addr)
	if err != nil {
		return "", err
	}
	args := []string{"-h", host, "-p", port}
	if server.User != "" {
		args = append(args, "--user", server.User)
	}
	cmd := exec.CommandContext(ctx, "redis-cli", append(args, s.args...)...)
	// Neither the history nor the preferences of whoever runs this matter.
	cmd.Env = []string{"HOME=" + os.DevNull, "TERM=xterm", "PATH=" + os.Getenv("PATH")}
	if server.Password != "" {
		cmd.Env = append(cmd.Env, "REDISCLI_AUTH="+server.Password)
	}
	out := &growing{changed: make(chan struct{}, 1)}
	cmd.Stdout, cmd.Stderr = out, out
	input, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	// Who publishes has logged in before, so that MONITOR does not show it.
	publisher, err := dial(server, timeout)
	if err != nil {
		return "", err
	}
	defer publisher.close()
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("starting redis-cli: %w", err)
	}
	var failed error
	for _, step := range s.steps {
		if failed = step.do(ctx, publisher, cmd, input.Write, out); failed != nil {
			cancel()
			break
		}
	}
	input.Close()
	err = cmd.Wait()
	if cmd.ProcessState == nil {
		return out.String(), fmt.Errorf("running redis-cli: %w", err)
	}
	if ctx.Err() != nil && failed == nil {
		failed = fmt.Errorf("redis-cli did not end within %v", timeout)
	}
	text := out.String()
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text + fmt.Sprintf("[%v]\n", cmd.ProcessState), failed
}

func (st screenStep) do(ctx context.Context, publisher *admin, cmd *exec.Cmd, write func([]byte) (int, error), out *growing) error {
	switch st.verb {
	case "send":
		_, err := write([]byte(st.words[0] + "\n"))
		return err
	case "wait":
		return out.await(ctx, st.words[0])
	case "terminate":
		return cmd.Process.Signal(syscall.SIGTERM)
	}
	_, err := publisher.do("PUBLISH", st.words[0], st.words[1])
	return err
}

var (
	numbers    = regexp.MustCompile(`[0-9]+(\.[0-9]+)?[KMG]?`)
	blanks     = regexp.MustCompile(` +`)
	monitored  = regexp.MustCompile(`(?m)^[0-9]+\.[0-9]{6} \[([0-9]+) [^]]+\]`)
	slowAnswer = regexp.MustCompile(`(?m)^\([0-9]+\.[0-9]+s\)\n`)
)

// normalize takes out of what redis-cli prints what differs from run to run. The
// last line, how it ended, stays as it is.
func (s *screen) normalize(text string) string {
	text = slowAnswer.ReplaceAllString(text, "")
	text = monitored.ReplaceAllString(text, "<time> [$1 <addr>]")
	lines := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
	text, end := strings.Join(lines[:len(lines)-1], ""), lines[len(lines)-1]+"\n"
	if s.keep > 0 {
		text = strings.Join(lines[:min(len(lines)-1, s.keep)], "")
	}
	if s.digits {
		text = blanks.ReplaceAllString(numbers.ReplaceAllString(text, "<n>"), " ")
	}
	return text + end
}

// screenIn plays a case of redis-cli and returns its differences.
func (r *runner) screenIn(c *Case) []Difference {
	got, s, err := r.playScreen(r.server, c, r.prefix())
	want, verb := "", "expected"
	switch {
	case s != nil && r.Peer != nil:
		var peerErr error
		want, _, peerErr = r.playScreen(*r.Peer, c, r.prefix())
		if err == nil {
			err = peerErr
		}
	case s != nil:
		want = s.want
	}
	if err == nil && got == want {
		return nil
	}
	d := Difference{Want: []byte(want), Got: []byte(got), Wants: verb, Gots: "received"}
	if err != nil {
		d.Text = err.Error()
	}
	return []Difference{d}
}

// recordScreen takes what redis-cli prints for what the case lists.
func (r *runner) recordScreen(c *Case, prefix string) error {
	got, _, err := r.playScreen(r.server, c, prefix)
	if err != nil {
		return err
	}
	head, _, _ := strings.Cut(c.text, screenMark)
	c.text = head + screenMark + got
	return nil
}

// A growing is what a program has printed so far.
type growing struct {
	changed chan struct{} // filled whenever there is more

	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (g *growing) Write(p []byte) (int, error) {
	g.mu.Lock()
	g.text.Write(p)
	g.mu.Unlock()
	select {
	case g.changed <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (g *growing) String() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.text.String()
}

// await waits until text has been printed.
func (g *growing) await(ctx context.Context, text string) error {
	for !strings.Contains(g.String(), text) {
		select {
		case <-g.changed:
		case <-ctx.Done():
			return fmt.Errorf("redis-cli has not printed %q in time", text)
		}
	}
	return nil
}
