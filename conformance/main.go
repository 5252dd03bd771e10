// Command conformance holds a server to what clients of Redis pub/sub rely on.
//
//	go run ./conformance -addr 127.0.0.1:6379    play the cases on a server that runs
//	go run ./conformance -addr … -peer host:port compare it with another one
//	go run ./conformance -addr … -case SUB-001 -v
//	go run ./conformance -start ./pubsubd        replay the transcripts on servers it starts
//	go run ./conformance -addr … -transcripts    replay them on one that runs
//	go run ./conformance -record                 record the transcripts from redis-server
//	go run ./conformance -record -addr … -alone  record the cases from a server
//
// The exit code is 0 if all is as expected, 1 if there are differences and 2
// if nothing was played; of go run it is 1 in both cases.
package main

import (
	"context"
	"crypto/tls"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"github.com/pubsubd/pubsubd/conformance/transcript"
)

const transcriptDir = "testdata/transcripts"

//go:embed testdata/transcripts
var embedded embed.FS

// config is the command line.
type config struct {
	addr, start, peer string
	tls               *tls.Config // of addr; nil for plain text
	tlsArgs           []string    // the same for redis-cli
	record, verbose   bool
	transcripts       bool // with addr, those and not the cases
	matrix            matrixFlags
	dir               string // of the transcripts; empty means those built in
	run               *regexp.Regexp
	protocols         []int
	expect            transcript.Expect
}

func main() {
	c, err := parseFlags(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(2)
	}
	// What is started is not to know them.
	_ = os.Unsetenv(authEnv)
	_ = os.Unsetenv(peerAuthEnv)
	ctx := untilSignal()
	ok, err := c.main(ctx, os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}

// untilSignal returns a context that ends with the first signal that asks for the
// end, so that what cases have changed is put back. A second Ctrl-C or SIGTERM
// ends the program at once.
//
// The end of a terminal, SIGHUP, often comes twice, and that nobody reads what is
// written any more, SIGPIPE, is told by the write: neither ends it at once.
func untilSignal() context.Context {
	caught := make(chan os.Signal, 1)
	ending := []os.Signal{os.Interrupt, syscall.SIGTERM}
	signal.Notify(caught, syscall.SIGPIPE)
	if !signal.Ignored(syscall.SIGHUP) { // as it is under nohup
		signal.Notify(caught, syscall.SIGHUP)
		ending = append(ending, syscall.SIGHUP)
	}
	ctx, release := signal.NotifyContext(context.Background(), ending...)
	context.AfterFunc(ctx, release)
	return ctx
}

func parseFlags(args []string, usage io.Writer) (*config, error) {
	c := &config{}
	var resp, run, expect string
	f := flag.NewFlagSet("conformance", flag.ContinueOnError)
	f.SetOutput(usage)
	f.StringVar(&c.addr, "addr", "", "play the cases on the server at this `host:port`, or unix:path")
	f.BoolVar(&c.transcripts, "transcripts", false, "with -addr, replay the transcripts, which change directives, instead of the cases")
	c.matrix.define(f)
	var secure tlsFlags
	secure.define(f)
	f.StringVar(&c.start, "start", "", "play on servers started from this `binary`, as --port n and further --name value")
	f.StringVar(&c.peer, "peer", "", "compare with a live server instead of the recording: `redis` starts redis-server, or host:port")
	f.BoolVar(&c.record, "record", false, "record all transcripts again from a redis-server it starts, or with -addr the cases from that server")
	f.BoolVar(&c.verbose, "v", false, "name each transcript as it is played, or each case that passed; with -case show every byte on standard error")
	f.StringVar(&c.dir, "dir", "", "`directory` of the transcripts, or of the cases (default those built in; with -record those under conformance/testdata)")
	f.StringVar(&run, "run", "", "play only the transcripts whose name, or the cases whose id or area, matches this `regexp`")
	f.StringVar(&resp, "resp", "2,3", "protocols to play in; transcripts that choose theirs themselves are played with either")
	f.StringVar(&expect, "expect", string(transcript.ExpectPubsubd), "whose answers to expect where they differ on purpose: pubsubd or redis-7.0")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	var err error
	if c.run, err = regexp.Compile(run); err != nil {
		return nil, fmt.Errorf("-run: %w", err)
	}
	for p := range strings.SplitSeq(resp, ",") {
		switch p {
		case "2", "3":
			c.protocols = append(c.protocols, int(p[0]-'0'))
		default:
			return nil, fmt.Errorf("-resp: %q is not 2 or 3", p)
		}
	}
	c.expect = transcript.Expect(expect)
	if c.expect != transcript.ExpectPubsubd && c.expect != transcript.ExpectRedis {
		return nil, fmt.Errorf("-expect: %q is neither pubsubd nor redis-7.0", expect)
	}
	if c.run.String() != "" && c.matrix.id != "" {
		return nil, errors.New("-case names one case, and -run many; give one of them")
	}
	c.addr, c.peer = withHost(c.addr), withHost(c.peer)
	if c.tls, err = secure.config(); err != nil {
		return nil, err
	}
	c.tlsArgs = secure.cli()
	if c.tls != nil && c.addr == "" {
		return nil, errors.New("-tls goes with -addr")
	}
	switch {
	case c.transcripts && c.addr == "":
		return nil, errors.New("-transcripts goes with -addr")
	case c.record && (c.start != "" || c.peer != "" || c.transcripts):
		return nil, errors.New("-record records the transcripts from a server it starts or, with -addr, the cases; it goes with none of -start, -peer, -transcripts")
	case c.addr != "" && c.start != "", !c.record && c.addr == "" && c.start == "":
		return nil, errors.New("one of -addr, -start, -record is needed")
	}
	if err := c.applies(f); err != nil {
		return nil, err
	}
	return c, c.matrix.check(c)
}

// withHost returns the address with the host that an empty one stands for: not all
// that is given it takes it so.
func withHost(addr string) string {
	if host, port, err := net.SplitHostPort(addr); err == nil && host == "" {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return addr
}

// applies returns an error if an option is given that would do nothing.
func (c *config) applies(f *flag.FlagSet) (err error) {
	f.Visit(func(g *flag.Flag) {
		switch {
		case slices.Contains(caseFlags, g.Name) && !c.cases():
			err = fmt.Errorf("-%s goes with -addr and the cases, not with transcripts", g.Name)
		case g.Name == "expect" && (c.cases() || c.record):
			err = errors.New("-expect goes with -start or -transcripts; -column says it of cases")
		case slices.Contains(judgingFlags, g.Name) && c.record:
			err = fmt.Errorf("-%s says how a run is judged, and -record judges nothing", g.Name)
		}
	})
	return err
}

// cases reports whether the cases are played, and not the transcripts.
func (c *config) cases() bool { return c.addr != "" && c.start == "" && !c.transcripts }

// main does what the command line asks for and reports whether all was as
// expected. It writes the result to out, and with -case and -v what goes over
// the wire to watch. The end of ctx ends the playing of cases.
func (c *config) main(ctx context.Context, out, watch io.Writer) (bool, error) {
	if c.cases() {
		return c.playMatrix(ctx, out, watch)
	}
	if c.record && c.dir == "" {
		c.dir = filepath.Join("conformance", transcriptDir)
	}
	scripts, err := c.load()
	if err != nil {
		return false, err
	}
	scripts = slices.DeleteFunc(scripts, func(s *transcript.Script) bool { return !c.run.MatchString(s.Name) })
	if len(scripts) == 0 {
		return false, errors.New("no transcript has such a name")
	}
	if c.record {
		return true, c.recordAll(out, scripts)
	}
	return c.replay(out, scripts)
}

func (c *config) load() ([]*transcript.Script, error) {
	if c.dir != "" {
		scripts, err := transcript.LoadFS(os.DirFS(c.dir))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.dir, err)
		}
		return scripts, nil
	}
	sub, err := fs.Sub(embedded, transcriptDir)
	if err != nil {
		return nil, err
	}
	return transcript.LoadFS(sub)
}

// recordAll plays every script on redis-server and writes the files again.
func (c *config) recordAll(out io.Writer, scripts []*transcript.Script) (err error) {
	servers := &transcript.Binary{Path: "redis-server"}
	defer func() { err = errors.Join(err, servers.Close()) }()
	for _, s := range scripts {
		var runs []*transcript.Run
		for _, proto := range s.Protocols {
			r, err := play(servers, s, proto, transcript.ExpectRedis, nil)
			if err != nil {
				return fmt.Errorf("%s: %w", s.Name, err)
			}
			runs = append(runs, r)
		}
		if err := s.Record(runs...); err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		file := filepath.Join(c.dir, filepath.FromSlash(s.Name)+".txt")
		if err := os.WriteFile(file, []byte(s.Format()), 0o666); err != nil {
			return fmt.Errorf("recording: %w", err)
		}
		if c.verbose {
			fmt.Fprintln(out, "recorded", s.Name)
		}
	}
	fmt.Fprintf(out, "%d transcripts recorded\n", len(scripts))
	return nil
}

// play plays s on one of servers, with TLS if secure is not nil.
func play(servers transcript.Servers, s *transcript.Script, proto int, expect transcript.Expect, secure *tls.Config) (*transcript.Run, error) {
	addr, release, err := servers.Acquire(s)
	if err != nil {
		return nil, err
	}
	r := transcript.Player{Addr: addr, Expect: expect, TLS: secure}.Play(s, proto)
	if err := release(); err != nil {
		return nil, err
	}
	return r, nil
}

// servers returns those under test and, with -peer, those to compare with.
func (c *config) servers() (ours, peer transcript.Servers) {
	if c.start != "" {
		ours = &transcript.Binary{Path: c.start}
	} else {
		ours = transcript.Address(c.addr)
	}
	switch c.peer {
	case "":
		return ours, nil
	case "redis":
		return ours, &transcript.Binary{Path: "redis-server"}
	}
	return ours, transcript.Address(c.peer)
}

func (c *config) replay(out io.Writer, scripts []*transcript.Script) (ok bool, err error) {
	ours, peer := c.servers()
	defer func() { err = errors.Join(err, ours.Close()) }()
	if peer != nil {
		defer func() { err = errors.Join(err, peer.Close()) }()
	}
	t := totals{}
	for _, s := range scripts {
		t.exchanges += s.Exchanges()
		for _, proto := range s.Protocols {
			if proto != transcript.Raw && !slices.Contains(c.protocols, proto) {
				continue
			}
			problems, err := c.judge(ours, peer, s, proto)
			if errors.Is(err, transcript.ErrNeedsStart) {
				t.needStart = append(t.needStart, s.Name)
				break
			}
			if err != nil {
				return false, fmt.Errorf("%s: %w", s.Name, err)
			}
			t.add(out, s, proto, problems, c.verbose)
		}
	}
	t.print(out, len(scripts))
	return t.failed == 0, nil
}

// judge plays s in proto and returns what is wrong.
func (c *config) judge(ours, peer transcript.Servers, s *transcript.Script, proto int) ([]transcript.Problem, error) {
	r, err := play(ours, s, proto, c.expect, c.tls)
	if err != nil {
		return nil, err
	}
	if peer == nil {
		return transcript.Judge(r), nil
	}
	p, err := play(peer, s, proto, transcript.ExpectRedis, nil)
	if err != nil {
		return nil, err
	}
	return transcript.Compare(p, r), nil
}

// totals counts what was played.
type totals struct {
	runs, played, exchanges, failed int
	needStart                       []string
}

func (t *totals) add(out io.Writer, s *transcript.Script, proto int, problems []transcript.Problem, verbose bool) {
	t.runs++
	t.played += s.Exchanges()
	name := s.Name
	if proto != transcript.Raw {
		name += fmt.Sprintf(" (RESP%d)", proto)
	}
	if len(problems) == 0 {
		if verbose {
			fmt.Fprintln(out, "ok  ", name)
		}
		return
	}
	t.failed++
	fmt.Fprintln(out, "FAIL", name)
	for _, p := range problems {
		fmt.Fprintf(out, "  %v\n", p)
	}
}

func (t *totals) print(out io.Writer, scripts int) {
	fmt.Fprintf(out, "%d transcripts with %d exchanges; %d runs with %d exchanges played, %d failed\n",
		scripts, t.exchanges, t.runs, t.played, t.failed)
	if len(t.needStart) > 0 {
		fmt.Fprintf(out, "%d not played, since they need -start: %s\n",
			len(t.needStart), strings.Join(t.needStart, ", "))
	}
}
