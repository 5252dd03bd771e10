package suite

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
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
// and what it prints.
type screen struct {
	args       []string
	steps      []screenStep
	onTerminal bool // otherwise it has pipes
	keep       int  // lines to look at; zero means all
	digits     bool // numbers do not matter
	want       string
}

// A screenStep is "send text", "wait text", "publish channel message",
// "spublish channel message", "ping", which somebody else does, or "terminate", and on a terminal "type text" or
// "interrupt".
type screenStep struct {
	verb  string
	words []string
}

// parseScreen parses a case whose names are behind prefix, for a redis-cli on a
// server.
func (c *Case) parseScreen(prefix string, server Server) (*screen, error) {
	text := strings.NewReplacer(prefixMark, prefix, userMark, server.user()).Replace(c.text)
	head, want, ok := strings.Cut(text, screenMark)
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
		case verb == "terminal" && n == 0:
			s.onTerminal = true
		case verb == "keep" && n == 1:
			s.keep, err = strconv.Atoi(words[0])
		case verb == "wait" && n == 1, verb == "publish" && n == 2, verb == "spublish" && n == 2, verb == "ping" && n == 0, verb == "terminate" && n == 0,
			verb == "send" && n == 1 && !s.onTerminal, verb == "type" && n == 1 && s.onTerminal, verb == "interrupt" && n == 0 && s.onTerminal:
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

// proto is the protocol that redis-cli is told to speak.
func (s *screen) proto() int {
	if slices.Contains(s.args, "-3") {
		return 3
	}
	return 2
}

// publishes reports whether something is published.
func (s *screen) publishes() bool {
	is := func(word string) bool { return publishes.MatchString(word) }
	return slices.ContainsFunc(s.args, is) || slices.ContainsFunc(s.steps, func(st screenStep) bool {
		return is(st.verb) || slices.ContainsFunc(st.words, is)
	})
}

var publishes = regexp.MustCompile(`(?i)\bpublish\b`)

// cliVersion is the release of redis-cli whose screens are recorded.
const cliVersion = "redis-cli 7.0."

// noCLI returns why cases of redis-cli cannot be played on the server, empty if
// they can.
func noCLI(s Server) string {
	out, err := exec.Command("redis-cli", "--version").Output()
	_, addrErr := s.place()
	switch {
	case err != nil:
		return "no redis-cli is installed"
	case !strings.HasPrefix(string(out), cliVersion):
		return "the screens are those of " + cliVersion + "x, and another one is installed"
	case addrErr != nil:
		return addrErr.Error()
	case s.TLS != nil && len(s.CLI) == 0:
		return "redis-cli has not been told how to speak TLS"
	}
	return ""
}

// playScreen runs redis-cli for a case and returns what it prints, with the
// prefix taken out. Its name is redis-cli behind who.
func (r *runner) playScreen(server Server, c *Case, prefix, who string) (printed string, s *screen, err error) {
	if s, err = c.parseScreen(prefix, server); err != nil {
		return "", nil, err
	}
	undo, err := r.prepare(server, c, prefix)
	if err != nil {
		return "", nil, err
	}
	printed, err = s.run(r.ctx, server, 3*max(r.Timeout, c.patience), r.observing(who))
	printed = strings.ReplaceAll(s.normalize(printed, server), prefix, prefixMark)
	s.want = strings.ReplaceAll(s.want, prefix, prefixMark)
	return printed, s, errors.Join(err, undo())
}

// A place is how redis-cli is told where a server is, and how its prompt shows
// it.
type place struct {
	args   []string
	prompt string
}

func (s Server) place() (place, error) {
	if s.isUnix() {
		path := strings.TrimPrefix(s.Addr, "unix:")
		return place{[]string{"-s", path}, "redis " + path}, nil
	}
	host, port, err := net.SplitHostPort(s.Addr)
	return place{[]string{"-h", host, "-p", port}, s.Addr}, err
}

// run runs redis-cli and returns what it prints and how it ended.
func (s *screen) run(ctx context.Context, server Server, timeout time.Duration, observe func(client string, sent bool, b []byte)) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("redis-cli did not end within %v", timeout))
	defer cancel()
	at, err := server.place()
	if err != nil {
		return "", err
	}
	args := append(at.args, server.CLI...)
	if server.User != "" {
		args = append(args, "--user", server.User)
	}
	cmd := exec.CommandContext(ctx, "redis-cli", append(args, s.args...)...)
	// Neither the history nor the preferences of whoever runs this matter.
	cmd.Env = []string{"HOME=" + os.DevNull, "TERM=xterm", "PATH=" + os.Getenv("PATH")}
	if server.Password != "" {
		cmd.Env = append(cmd.Env, "REDISCLI_AUTH="+server.Password)
	}
	if observe == nil {
		observe = func(string, bool, []byte) {}
	}
	// Who publishes has logged in before, so that MONITOR does not show it.
	publisher, err := dial(ctx, server, timeout)
	if err != nil {
		return "", err
	}
	defer publisher.close()
	p, err := seat(cmd, s.onTerminal, observe)
	if err != nil {
		return "", err
	}
	var failed error
	for _, step := range s.steps {
		if failed = step.do(ctx, publisher, p); failed != nil {
			cancel()
			break
		}
	}
	err = p.leave()
	text := p.screen.String()
	if cmd.ProcessState == nil {
		return text, fmt.Errorf("running redis-cli: %w", err)
	}
	if failed == nil {
		failed = context.Cause(ctx)
	}
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text + fmt.Sprintf("[%v]\n", cmd.ProcessState), failed
}

func (st screenStep) do(ctx context.Context, publisher *admin, p *person) error {
	switch st.verb {
	case "send":
		return p.write(st.words[0] + "\n")
	case "type":
		return p.typeLine(ctx, st.words[0])
	case "interrupt":
		return p.write(interruptKey)
	case "wait":
		return p.await(ctx, st.words[0])
	case "terminate":
		return p.cmd.Process.Signal(syscall.SIGTERM)
	}
	words := append([]string{strings.ToUpper(st.verb)}, st.words...)
	v, err := publisher.do(words...)
	if err == nil && st.verb == "ping" && (v.Kind != transcript.SimpleString || v.Text != "PONG") {
		err = fmt.Errorf("PING was answered %s", brief(v.String()))
	}
	return err
}

var (
	numbers    = regexp.MustCompile(`[0-9]+(\.[0-9]+)?[KMG]?`)
	blanks     = regexp.MustCompile(` +`)
	monitored  = regexp.MustCompile(`(?m)^[0-9]+\.[0-9]{6} \[([0-9]+) (\[[^]]*\]:[0-9]+|[^]]+)\]`)
	slowAnswer = regexp.MustCompile(`(?m)^\([0-9]+\.[0-9]+s\)\n`)
)

// normalize takes out of what redis-cli prints what differs from run to run. The
// last line, how it ended, stays as it is.
func (s *screen) normalize(text string, server Server) string {
	if at, err := server.place(); err == nil && s.onTerminal {
		text = strings.ReplaceAll(text, at.prompt, "<addr>")
	}
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
func (r *runner) screenIn(c *Case, proto int) []Difference {
	var list, failures []Difference
	got, s, err := r.playScreen(r.server, c, r.prefix(), "")
	if err != nil {
		failures = append(failures, failure(proto, err))
	}
	want := ""
	switch {
	case s == nil:
		return failures
	case r.Peer == nil:
		want = s.want
	default:
		var err error
		if want, _, err = r.playScreen(*r.Peer, c, r.prefix(), "peer "); err != nil {
			failures = append(failures, peerFailure(proto, err))
		}
	}
	switch {
	case got != want:
		list = []Difference{{
			Proto: proto, Want: []byte(want), Got: []byte(got), Wants: "expected", Gots: "received",
			unsupported: unknownOnScreen(got) && !unknownOnScreen(want),
		}}
	case len(failures) > 0 || got == s.want:
	case strings.Contains(got, notConnected):
		list = []Difference{{Proto: proto, Text: "redis-cli reached neither the server nor the peer"}}
	default:
		list = r.silent(proto)
	}
	return append(list, failures...)
}

// notConnected is what redis-cli prints where nobody listens.
const notConnected = "Could not connect to Redis"

// unknownOnScreen reports whether redis-cli shows that a command is unknown.
func unknownOnScreen(text string) bool {
	for line := range strings.Lines(text) {
		line = strings.TrimPrefix(strings.TrimPrefix(line, "(error) "), "ERROR: ")
		if unknown(transcript.Value{Kind: transcript.SimpleError, Text: strings.TrimSpace(line)}) {
			return true
		}
	}
	return false
}

// recordScreen takes what redis-cli prints for what the case lists.
func (r *runner) recordScreen(c *Case, prefix string) error {
	got, _, err := r.playScreen(r.server, c, prefix, "")
	if err != nil {
		return err
	}
	head, _, _ := strings.Cut(c.text, screenMark)
	c.text = head + screenMark + got
	return nil
}

// maxPrinted is how many bytes are kept of what redis-cli prints.
const maxPrinted = 1 << 20

// A growing is what a program has printed so far, up to maxPrinted.
type growing struct {
	changed chan struct{} // filled whenever there is more
	observe func(client string, sent bool, b []byte)

	mu   sync.Mutex // guards the fields below
	size int
	text interface {
		Write(p []byte) (int, error)
		String() string
	}
}

func (g *growing) Write(p []byte) (int, error) {
	g.observe("redis-cli", false, p)
	g.mu.Lock()
	kept := p[:min(len(p), maxPrinted-g.size)]
	g.size += len(kept)
	g.text.Write(kept)
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
