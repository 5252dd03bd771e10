package main

import (
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
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/process"
	"github.com/pubsubd/pubsubd/conformance/suite"
)

const casesDir = "testdata/cases"

//go:embed testdata/cases RELEASES.md
var embeddedCases embed.FS

// matrixFlags are the options for playing the cases on a server that runs.
type matrixFlags struct {
	auth, column, report, id string
	exec                     string // what starts the server, with $ADDR and $PORT
	alone                    bool
	timeout, limit           time.Duration
	workers                  int
}

func (m *matrixFlags) define(f *flag.FlagSet) {
	f.StringVar(&m.auth, "auth", "", "`password`, or user:password, of the server")
	f.StringVar(&m.exec, "exec", "", "start the server at -addr with this `command`, in which $ADDR and $PORT stand for the address, and again should a case bring it to a stop")
	f.StringVar(&m.column, "column", "", "`release` whose answers are expected (default by what the server says it is)")
	f.StringVar(&m.report, "report", "text", "how the result is written: "+strings.Join(suite.Formats, ", "))
	f.StringVar(&m.id, "case", "", "play only the case with this `id`")
	f.BoolVar(&m.alone, "alone", false, "nobody else uses the server: play also the cases that change directives or users for a moment")
	f.DurationVar(&m.timeout, "timeout", suite.DefaultTimeout, "the longest wait for one value")
	f.DurationVar(&m.limit, "limit", suite.DefaultLimit, "the time after which no case begins")
	f.IntVar(&m.workers, "workers", suite.DefaultWorkers, "how many cases are played at a time")
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

// target returns the server at addr, with the password of -auth.
func (c *config) target(addr string) suite.Server {
	s := suite.Server{Addr: addr, TLS: c.tls, Password: c.matrix.auth}
	if user, password, ok := strings.Cut(c.matrix.auth, ":"); ok {
		s.User, s.Password = user, password
	}
	return s
}

// playMatrix plays the cases on the server at -addr, beside the one at -peer if
// there is one, and writes the report.
func (c *config) playMatrix(out io.Writer) (ok bool, err error) {
	files, divergences, err := loadCases(c.dir)
	if err != nil {
		return false, err
	}
	cases, err := c.choose(suite.Cases(files))
	if err != nil {
		return false, err
	}
	if c.record {
		return true, c.recordCases(out, files, cases)
	}
	server := c.target(c.addr)
	o := suite.Options{
		Divergences: divergences, Protocols: c.protocols, Alone: c.matrix.alone,
		Timeout: c.matrix.timeout, Limit: c.matrix.limit, Workers: c.matrix.workers,
	}
	if c.matrix.exec != "" {
		p := &program{command: c.matrix.exec, addr: c.addr}
		if err := p.start(); err != nil {
			return false, err
		}
		defer p.stop()
		o.Alone, o.Restart = true, p.start
	}
	name, column, err := suite.Identify(server, c.matrix.timeout)
	if err != nil {
		return false, fmt.Errorf("%s: %w", c.addr, err)
	}
	if o.Column = column; c.matrix.column != "" {
		if o.Column, err = suite.ColumnNamed(c.matrix.column); err != nil {
			return false, err
		}
	}
	if c.peer != "" {
		addr, stop, startErr := c.startPeer()
		if startErr != nil {
			return false, startErr
		}
		defer func() { err = errors.Join(err, stop()) }()
		peer := suite.Server{Addr: addr}
		if o.Peer = &peer; c.peer != "redis" {
			peer = c.target(addr)
			peer.TLS = nil
		}
		if _, o.PeerColumn, err = suite.Identify(peer, c.matrix.timeout); err != nil {
			return false, fmt.Errorf("the peer %s: %w", c.peer, err)
		}
	}
	if c.verbose && c.matrix.id != "" {
		o.Workers = 1
		o.Observe = func(client string, sent bool, b []byte) { dumpBytes(out, client, sent, b) }
	}
	r := suite.Run(server, cases, o)
	r.Name = name
	if err := r.Write(out, c.matrix.report, suite.WriteOptions{Verbose: c.verbose}); err != nil {
		return false, err
	}
	return r.OK(), nil
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

// recordCases takes what the server at -addr answers for what cases list, and
// writes the files that hold them.
func (c *config) recordCases(out io.Writer, files []*suite.File, cases []*suite.Case) error {
	dir := c.dir
	if dir == "" {
		dir = filepath.Join("conformance", casesDir)
	}
	failed := suite.Record(c.target(c.addr), cases, suite.Options{Timeout: c.matrix.timeout})
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(dir, f.Name), []byte(f.Format()), 0o666); err != nil {
			return fmt.Errorf("recording: %w", err)
		}
	}
	if failed == nil {
		fmt.Fprintf(out, "%d cases recorded\n", len(cases))
	}
	return failed
}

// dumpBytes shows what a client sends or is sent, sixteen bytes a line.
func dumpBytes(out io.Writer, client string, sent bool, b []byte) {
	arrow := "<"
	if sent {
		arrow = ">"
	}
	const most = 1 << 10
	rest := len(b) - most
	b = b[:min(len(b), most)]
	for at := 0; at < len(b); at += 16 {
		row := b[at:min(at+16, len(b))]
		text := []byte(string(row))
		for i, x := range text {
			if x < ' ' || x > '~' {
				text[i] = '.'
			}
		}
		fmt.Fprintf(out, "%s%s %04x  % -47x  %s\n", client, arrow, at, row, text)
	}
	if rest > 0 {
		fmt.Fprintf(out, "%s%s … and %d bytes more\n", client, arrow, rest)
	}
}
