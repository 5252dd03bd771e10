package main

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/process"
	"github.com/pubsubd/pubsubd/conformance/suite"
)

const casesDir = "testdata/cases"

//go:embed testdata/cases RELEASES.md
var embeddedCases embed.FS

// matrixFlags are the options for playing the cases on a server that runs.
type matrixFlags struct {
	auth, peerAuth     string
	column, report, id string
	exec               string // what starts the server, with $ADDR and $PORT
	alone, peerAlone   bool
	strict, force      bool
	timeout, limit     time.Duration
	workers            int
}

// The environment gives passwords where a command line would show them to
// everybody on the machine.
const (
	authEnv     = "CONFORMANCE_AUTH"
	peerAuthEnv = "CONFORMANCE_PEER_AUTH"
)

// caseFlags are the options that say something of cases alone, and judgingFlags
// those that do nothing where cases are recorded.
var (
	caseFlags = []string{
		"auth", "peer-auth", "exec", "column", "report", "case", "alone", "peer-alone", "strict", "force", "timeout", "limit", "workers",
	}
	judgingFlags = []string{"column", "report", "strict", "limit", "workers"}
)

func (m *matrixFlags) define(f *flag.FlagSet) {
	f.StringVar(&m.auth, "auth", "", "`password`, or user:password, of the server, default:a:b if it has a colon (default that in "+authEnv+")")
	f.StringVar(&m.peerAuth, "peer-auth", "", "the same of -peer (default that in "+peerAuthEnv+")")
	f.StringVar(&m.exec, "exec", "", "start the server at -addr with this `command`, in which $ADDR and $PORT stand for the address, and again should a case bring it to a stop")
	f.StringVar(&m.column, "column", "", "`release` whose answers are expected (default by what the server says it is)")
	f.StringVar(&m.report, "report", "text", "how the result is written: "+strings.Join(suite.Formats, ", "))
	f.StringVar(&m.id, "case", "", "play only the case with this `id`")
	f.BoolVar(&m.alone, "alone", false, "nobody else uses the server: play also the cases that change directives or users for a moment")
	f.BoolVar(&m.peerAlone, "peer-alone", false, "nobody else uses the server of -peer either, as with -alone; one that -peer redis starts nobody does")
	f.BoolVar(&m.strict, "strict", false, "a case that was not run, or is not established, counts as a failure")
	f.BoolVar(&m.force, "force", false, "with -record, record from a server that is not redis-server "+recordedRelease)
	f.DurationVar(&m.timeout, "timeout", suite.DefaultTimeout, "the longest wait for one value")
	f.DurationVar(&m.limit, "limit", suite.DefaultLimit, "the time after which the run ends")
	f.IntVar(&m.workers, "workers", suite.DefaultWorkers, "how many cases are played at a time")
}

// check returns what is wrong with the options, and takes what is not given from
// the environment.
func (m *matrixFlags) check(c *config) error {
	if m.auth == "" {
		m.auth = os.Getenv(authEnv)
	}
	if m.peerAuth == "" {
		m.peerAuth = os.Getenv(peerAuthEnv)
	}
	if !slices.Contains(suite.Formats, m.report) {
		return fmt.Errorf("-report: no report is called %q; there are %s", m.report, strings.Join(suite.Formats, ", "))
	}
	for name, auth := range map[string]string{"auth": m.auth, "peer-auth": m.peerAuth} {
		if user, password, ok := strings.Cut(auth, ":"); ok && (user == "" || password == "") {
			return fmt.Errorf("-%s: user:password has both; a password with a colon is written default:a:b", name)
		}
	}
	if m.workers < 1 {
		return errors.New("-workers: at least one is needed")
	}
	if m.timeout <= 0 || m.limit <= 0 {
		return errors.New("-timeout and -limit must be more than nothing")
	}
	if m.column != "" {
		if _, err := suite.ColumnNamed(m.column); err != nil {
			return fmt.Errorf("-column: %w", err)
		}
	}
	if c.record && c.addr != "" && !m.alone {
		return errors.New("-record changes directives and users of the server at -addr; say with -alone that nobody else uses it")
	}
	if m.peerAlone && c.peer == "" {
		return errors.New("-peer-alone goes with -peer")
	}
	return nil
}

// loadCases returns the files of cases and the list of divergences, from dir or
// those built in.
func loadCases(dir string) ([]*suite.File, []suite.Divergence, error) {
	releases, err := embeddedCases.ReadFile("RELEASES.md")
	if err != nil {
		return nil, nil, err
	}
	divergences, err := suite.ParseDivergences(string(releases))
	if err != nil {
		return nil, nil, fmt.Errorf("RELEASES.md: %w", err)
	}
	fsys := os.DirFS(dir)
	if dir == "" {
		if fsys, err = fs.Sub(embeddedCases, casesDir); err != nil {
			return nil, nil, err
		}
	}
	files, err := suite.LoadFS(fsys)
	if err != nil && dir != "" {
		err = fmt.Errorf("%s: %w", dir, err)
	}
	return files, divergences, err
}

// target returns the server at addr with a password as -auth gives it.
func target(addr, auth string) suite.Server {
	s := suite.Server{Addr: addr, Password: auth}
	if user, password, ok := strings.Cut(auth, ":"); ok {
		s.User, s.Password = user, password
	}
	return s
}

// playMatrix plays the cases on the server at -addr, beside the one at -peer if
// there is one, and writes the report to out and what -v shows to watch. What it
// has started has ended before it writes, which may fail or never come back.
func (c *config) playMatrix(ctx context.Context, out, watch io.Writer) (bool, error) {
	files, divergences, err := loadCases(c.dir)
	if err != nil {
		return false, err
	}
	cases, err := c.choose(suite.Cases(files))
	if err != nil {
		return false, err
	}
	if c.record {
		return true, c.recordCases(ctx, out, files, cases)
	}
	r, err := c.runCases(ctx, watch, cases, divergences)
	if r == nil {
		return false, err
	}
	o := suite.WriteOptions{Verbose: c.verbose, Strict: c.matrix.strict}
	if err := errors.Join(err, r.Write(out, c.matrix.report, o)); err != nil {
		return false, err
	}
	switch notRun := r.Count("", suite.NotRun); {
	case notRun == len(cases):
		return false, errors.New("no case was run")
	case c.matrix.strict && notRun+r.Count("", suite.NotEstablished) > 0:
		return false, nil
	}
	return r.OK(), nil
}

// server returns the server at -addr.
func (c *config) server() suite.Server {
	s := target(c.addr, c.matrix.auth)
	s.TLS, s.CLI = c.tls, c.tlsArgs
	return s
}

// startServer starts the server at -addr if -exec tells how, and returns what it
// is. The end of ctx ends that. Its program is nil if there is none, and otherwise to be stopped.
func (c *config) startServer(ctx context.Context) (id suite.Identity, p *program, err error) {
	if c.matrix.exec != "" {
		p = &program{command: c.matrix.exec, addr: c.addr}
		if err := p.start(ctx); err != nil {
			return id, nil, err
		}
	}
	if id, err = suite.Identify(ctx, c.server(), c.matrix.timeout); err != nil {
		if p != nil {
			p.stop()
		}
		return id, nil, fmt.Errorf("%s: %w", c.addr, err)
	}
	return id, p, nil
}

// runCases plays the cases and returns the report. With an error there is one if
// all was played and what was started did not end as it should.
func (c *config) runCases(ctx context.Context, watch io.Writer, cases []*suite.Case, divergences []suite.Divergence) (r *suite.Report, err error) {
	o := suite.Options{
		Divergences: divergences, Protocols: c.protocols, Alone: c.matrix.alone,
		Timeout: c.matrix.timeout, Limit: c.matrix.limit, Workers: c.matrix.workers,
	}
	id, p, err := c.startServer(ctx)
	if err != nil {
		return nil, err
	}
	if p != nil {
		defer p.stop()
		o.Alone, o.Restart = true, func() error { return p.start(ctx) }
	}
	o.Column, o.Bound = id.Column, id.Bound
	if c.matrix.column != "" {
		if o.Column, err = suite.ColumnNamed(c.matrix.column); err != nil {
			return nil, err
		}
	}
	if c.peer != "" {
		addr, stop, startErr := c.startPeer()
		if startErr != nil {
			return nil, startErr
		}
		defer func() { err = errors.Join(err, stop()) }()
		peer := target(addr, c.matrix.peerAuth)
		o.Peer, o.PeerAlone = &peer, c.matrix.peerAlone || c.peer == "redis"
		peerID, err := suite.Identify(ctx, peer, c.matrix.timeout)
		if err != nil {
			return nil, fmt.Errorf("the peer %s: %w", c.peer, err)
		}
		o.PeerColumn = peerID.Column
		if o.Bound == "" && peerID.Bound != "" {
			o.Bound = peerID.Bound
		}
	}
	if c.verbose && c.matrix.id != "" {
		o.Workers = 1
		var mu sync.Mutex // since what redis-cli prints comes from a goroutine of its own
		o.Observe = func(client string, sent bool, b []byte) {
			mu.Lock()
			defer mu.Unlock()
			dumpBytes(watch, client, sent, b)
		}
	}
	r = suite.Run(ctx, c.server(), cases, o)
	r.Name, r.Nearest = id.Name, id.Nearest && c.matrix.column == ""
	return r, nil
}

// startPeer returns the address to compare with, and what ends the server that
// was started for it, if one was.
func (c *config) startPeer() (addr string, stop func() error, err error) {
	if c.peer != "redis" {
		return c.peer, func() error { return nil }, nil
	}
	p, err := process.Start("redis-server")
	if err != nil {
		return "", nil, err
	}
	return p.Addr, p.Stop, nil
}

// choose returns the cases that -case and -run ask for.
func (c *config) choose(cases []*suite.Case) ([]*suite.Case, error) {
	cases = slices.DeleteFunc(cases, func(k *suite.Case) bool {
		if c.matrix.id != "" {
			return !strings.EqualFold(k.ID, c.matrix.id)
		}
		return !c.run.MatchString(k.ID) && !c.run.MatchString(k.Area)
	})
	if len(cases) == 0 {
		return nil, errors.New("no case has such a name")
	}
	return cases, nil
}

// recordedRelease is the release of redis-server that cases are recorded from.
const recordedRelease = "7.0.15"

// recordCases takes what a server answers for what cases list, and writes the
// files that hold them, unless a case could not be recorded.
func (c *config) recordCases(ctx context.Context, out io.Writer, files []*suite.File, cases []*suite.Case) error {
	id, p, err := c.startServer(ctx)
	if err != nil {
		return err
	}
	if p != nil {
		defer p.stop()
	}
	if id.Name != "redis "+recordedRelease && !c.matrix.force {
		return fmt.Errorf("cases are recorded from redis-server %s, and this is %s; -force does it nevertheless", recordedRelease, id.Name)
	}
	dir := c.dir
	if dir == "" {
		dir = filepath.Join("conformance", casesDir)
	}
	if err := suite.Record(ctx, c.server(), cases, suite.Options{Timeout: c.matrix.timeout}); err != nil {
		return err
	}
	for _, f := range files {
		if !slices.ContainsFunc(f.Cases, func(k *suite.Case) bool { return slices.Contains(cases, k) }) {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, f.Name), []byte(f.Format()), 0o666); err != nil {
			return fmt.Errorf("recording: %w", err)
		}
	}
	fmt.Fprintf(out, "%d cases recorded\n", len(cases))
	return nil
}

// dumpBytes shows what a client sends or is sent, sixteen bytes a line. A line
// with a star stands for all that are as the one above it.
func dumpBytes(out io.Writer, client string, sent bool, b []byte) {
	arrow := "<"
	if sent {
		arrow = ">"
	}
	const width = 16
	var last []byte
	starred := false
	for at := 0; at < len(b); at += width {
		row := b[at:min(at+width, len(b))]
		if bytes.Equal(row, last) && at+width < len(b) {
			if !starred {
				fmt.Fprintf(out, "%s%s *\n", client, arrow)
			}
			starred = true
			continue
		}
		last, starred = row, false
		text := []byte(string(row))
		for i, x := range text {
			if x < ' ' || x > '~' {
				text[i] = '.'
			}
		}
		fmt.Fprintf(out, "%s%s %04x  % -47x  %s\n", client, arrow, at, row, text)
	}
}
