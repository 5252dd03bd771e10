package suite

import (
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pubsubd/pubsubd/conformance/transcript"
)

// A Server is one that runs and that cases can be played on.
type Server struct {
	// Addr is a host and port, or the path of a Unix socket behind "unix:".
	Addr string
	// TLS is what TLS is spoken with. Nil means that it is not.
	TLS *tls.Config
	// Password is that of User, or of the default user. Empty means that none
	// is sent.
	User, Password string
}

// login returns the command that logs in, nil if none is needed.
func (s Server) login() []string {
	switch {
	case s.Password == "":
		return nil
	case s.User == "":
		return []string{"AUTH", s.Password}
	}
	return []string{"AUTH", s.User, s.Password}
}

// user returns the name of the ACL user that clients are.
func (s Server) user() string {
	if s.Password == "" || s.User == "" {
		return "default"
	}
	return s.User
}

// shownUser is how CLIENT LIST shows a user.
func shownUser(name string) string { return " user=" + name + " " }

// The defaults of Options.
const (
	DefaultTimeout = 3 * time.Second
	DefaultLimit   = 60 * time.Second
	DefaultWorkers = 8
)

// Options say how cases are played.
type Options struct {
	// Column is the release whose answers are expected, and Divergences is how
	// releases differ.
	Column      Column
	Divergences []Divergence
	// Protocols are those to play in: 2, 3 or both. Empty means both. Cases
	// that choose theirs themselves byte by byte are played with either.
	Protocols []int
	// Alone says that nobody else uses the server, so that cases may change its
	// directives and users for a moment, and count what all clients do.
	Alone bool
	// Timeout bounds the wait for one value. Zero means DefaultTimeout.
	Timeout time.Duration
	// Limit bounds the run: no case begins later. Zero means DefaultLimit.
	Limit time.Duration
	// Workers is how many cases are played at a time, those apart that need to
	// be alone. Zero means DefaultWorkers.
	Workers int
	// Peer is a server to compare with. Nil means that what the cases list is
	// expected. PeerColumn is its release.
	Peer       *Server
	PeerColumn Column
	// Restart starts the server anew, at the same address, once it answers nobody
	// any more. Nil means that the run ends there. With it cases are played one
	// at a time.
	Restart func() error
	// Observe is called with what clients send and are sent. Nil means that
	// nobody looks. With several workers calls come from several goroutines.
	Observe func(client string, sent bool, b []byte)
}

func (o Options) withDefaults() Options {
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Limit == 0 {
		o.Limit = DefaultLimit
	}
	if o.Workers == 0 {
		o.Workers = DefaultWorkers
	}
	if o.Restart != nil {
		o.Workers = 1
	}
	if len(o.Protocols) == 0 {
		o.Protocols = []int{2, 3}
	}
	return o
}

// Run plays cases on the server and reports how it did. It never returns an
// error: a server that cannot be reached fails every case.
func Run(server Server, cases []*Case, o Options) *Report {
	o = o.withDefaults()
	r := &runner{
		Options: o,
		server:  server,
		want:    expect(o.Column, o.Divergences),
		began:   time.Now(),
		run:     strings.ToLower(rand.Text()[:5]),
	}
	if slices.ContainsFunc(cases, func(c *Case) bool { return c.Screen }) {
		r.noCLI = noCLI(server)
	}
	r.peerWant = expect(o.PeerColumn, o.Divergences)
	r.directives = []map[string]string{directives(server, cases, o.Timeout)}
	if o.Peer != nil {
		r.directives = append(r.directives, directives(*o.Peer, cases, o.Timeout))
	}
	noRESP3 := slices.Contains(o.Protocols, 3) && refusesRESP3(server, o.Timeout)
	if noRESP3 {
		r.Protocols = []int{2}
		r.noRESP3 = true
	}
	results := make([]Result, len(cases))
	queue := make(chan int)
	var workers sync.WaitGroup
	for range o.Workers {
		workers.Go(func() {
			for i := range queue {
				results[i] = r.play(cases[i])
			}
		})
	}
	for i, c := range cases {
		if !c.Alone {
			queue <- i
		}
	}
	close(queue)
	workers.Wait()
	for i, c := range cases {
		if c.Alone {
			results[i] = r.play(c)
		}
	}
	return &Report{Server: server.Addr, Column: o.Column, Peer: o.Peer != nil, NoRESP3: noRESP3, Cut: r.cut != "", Began: r.began, Took: time.Since(r.began), Results: results}
}

// A runner is the state of one run.
type runner struct {
	Options
	server         Server
	want, peerWant expectation
	began          time.Time
	run            string              // part of each prefix
	noRESP3        bool                // the server refuses HELLO 3
	noCLI          string              // why there can be no cases of redis-cli
	directives     []map[string]string // of the server, and of the peer

	mu    sync.Mutex // guards the fields below
	plays int
	cut   string // why no further case is played
}

// prefix returns a prefix that nobody else has.
func (r *runner) prefix() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.plays++
	n := strconv.FormatInt(int64(r.plays), 36)
	return "c" + r.run + "-" + strings.Repeat("0", max(0, 3-len(n))) + n + ":"
}

// play plays one case in each of its protocols.
func (r *runner) play(c *Case) Result {
	res := Result{Case: c, Outcome: Passed}
	began := time.Now()
	if time.Since(r.began) > r.Limit {
		r.end("the time for the run was over")
	}
	r.mu.Lock()
	cut := r.cut
	r.mu.Unlock()
	switch {
	case cut != "":
		res.Outcome, res.Note = NotRun, cut
		return res
	case c.Alone && !r.Alone:
		res.Outcome, res.Note = NotRun, "it needs a server that nobody else uses; say so with -alone"
		return res
	case c.NoPassword && (r.server.Password != "" || r.Peer != nil && r.Peer.Password != ""):
		res.Outcome, res.Note = NotRun, "it needs a server without a password"
		return res
	}
	for _, values := range r.directives {
		if n, lacks := c.lacking(values); lacks {
			res.Outcome, res.Note = NotRun, "it needs "+n.String()
			return res
		}
	}
	if c.Screen && r.noCLI != "" {
		res.Outcome, res.Note = NotRun, r.noCLI
		return res
	}
	played := false
	for _, proto := range c.Protocols {
		if proto != transcript.Raw && !slices.Contains(r.Protocols, proto) {
			continue
		}
		played = true
		res.add(r.playIn(c, proto))
	}
	if !played && r.noRESP3 {
		res.add([]Difference{{Proto: 3, Text: "the server refuses HELLO 3", unsupported: true}})
	} else if !played {
		res.Outcome, res.Note = NotRun, "its protocol is not asked for"
	}
	if res.Outcome == Differs && r.Peer == nil && !r.want.established(c) {
		res.Outcome = NotEstablished
	}
	if res.Outcome == Differs && !r.answers() {
		res.Differences = append(res.Differences, Difference{Text: "after this the server answered nobody any more"})
		r.revive(c)
	}
	res.Took = time.Since(began)
	return res
}

// end says why no further case is played, unless that is known already.
func (r *runner) end(why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cut == "" {
		r.cut = why
	}
}

// answers reports whether the server answers a client that has just come.
func (r *runner) answers() bool {
	a, err := dial(r.server, r.Timeout)
	if err != nil {
		return false
	}
	defer a.close()
	_, err = a.do("PING")
	return err == nil || errors.As(err, new(refusal))
}

// revive starts anew a server that c has brought to a stop, or ends the run.
func (r *runner) revive(c *Case) {
	if r.Restart == nil {
		r.end("the server answered nobody any more after " + c.ID)
		return
	}
	if err := r.Restart(); err != nil {
		r.end("the server could not be started again after " + c.ID + ": " + err.Error())
	}
}

// playIn plays a case in one protocol and returns its differences.
func (r *runner) playIn(c *Case, proto int) []Difference {
	if c.Screen {
		return r.screenIn(c)
	}
	run, err := r.playOn(r.server, c, proto, r.want)
	if err != nil {
		return []Difference{{Proto: proto, Text: err.Error(), unsupported: strings.Contains(err.Error(), "unknown command")}}
	}
	if r.Peer == nil {
		return differences(proto, transcript.Judge(run))
	}
	peer, err := r.playOn(*r.Peer, c, proto, r.peerWant)
	if err != nil {
		return []Difference{{Proto: proto, Text: "the peer: " + err.Error()}}
	}
	return compare(proto, run, peer)
}

// playOn plays a case on one server, and puts back what it changes there.
func (r *runner) playOn(server Server, c *Case, proto int, want expectation) (run *transcript.Run, err error) {
	prefix := r.prefix()
	s, err := c.script(prefix, server)
	if err != nil {
		return nil, err
	}
	undo, err := r.prepare(server, c, prefix)
	if err != nil {
		return nil, err
	}
	run = transcript.Player{
		Addr: server.Addr, TLS: server.TLS, Login: server.login(), Timeout: r.Timeout, Afterwards: r.Timeout / 10,
		Answers: func(id string) bool { return want.holds[id] },
		Observe: r.Observe,
	}.Play(s, proto)
	r.hide(run, server, prefix)
	return run, undo()
}

// hide takes the prefix and the user out of what was received when two runs are
// compared, since each has its own.
func (r *runner) hide(run *transcript.Run, server Server, prefix string) {
	if r.Peer == nil {
		return
	}
	for i := range run.Observations {
		for k, v := range run.Observations[i].Values {
			run.Observations[i].Values[k] = v.Replace(prefix, prefixMark).Replace(shownUser(server.user()), shownUser(userMark))
		}
	}
}

// prepare notes what a case is going to change, and returns what puts it back.
func (r *runner) prepare(server Server, c *Case, prefix string) (undo func() error, err error) {
	if len(c.restore)+len(c.after) == 0 {
		return func() error { return nil }, nil
	}
	admin, err := dial(server, r.Timeout)
	if err != nil {
		return nil, err
	}
	var commands [][]string
	for _, name := range c.restore {
		v, err := admin.do("CONFIG", "GET", name)
		if err != nil {
			admin.close()
			return nil, fmt.Errorf("before the case: %w", err)
		}
		if len(v.Elems) == 2 {
			commands = append(commands, []string{"CONFIG", "SET", name, v.Elems[1].Text})
		}
	}
	for _, words := range c.after {
		words = slices.Clone(words)
		for i := range words {
			words[i] = strings.ReplaceAll(words[i], prefixMark, prefix)
		}
		commands = append(commands, words)
	}
	return func() error {
		defer admin.close()
		for _, words := range commands {
			if _, err := admin.do(words...); err != nil {
				return fmt.Errorf("putting back what the case changed: %w", err)
			}
		}
		return nil
	}, nil
}
