package suite

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/terminal"
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
	// CLI are the arguments that tell redis-cli how to speak TLS. Empty means
	// that it is not played where TLS is spoken.
	CLI []string
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
	// Bound is that of the Identity of the server, or of the peer. Empty means
	// that cases are played that need a server which depends on no other.
	Bound string
	// Timeout bounds the wait for one value. Zero means DefaultTimeout.
	Timeout time.Duration
	// Limit bounds the run: what is not over then is cut short and counts as not
	// run. What cases have changed is put back even so. Zero means DefaultLimit.
	Limit time.Duration
	// Workers is how many cases are played at a time, those apart that need to
	// be alone. Zero means DefaultWorkers.
	Workers int
	// Peer is a server to compare with. Nil means that what the cases list is
	// expected. PeerColumn is its release, and PeerAlone says of it what Alone
	// says of the server; without it no case is played that needs to be alone.
	Peer       *Server
	PeerColumn Column
	PeerAlone  bool
	// Restart starts the server anew, at the same address, once it answers nobody
	// any more. Nil means that the run ends there. With it cases are played one
	// at a time.
	Restart func() error
	// Observe is called with what clients send and are sent, but for what logs
	// them in. Those of the peer have names that begin with "peer ". Nil means
	// that nobody looks. With several workers calls come from several goroutines.
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

// caseTimeouts is how many times Timeout a case may last in one protocol.
const caseTimeouts = 10

var errLimit = errors.New("the time for the run was over")

// Run plays cases on the server and reports how it did. It never returns an
// error: a server that cannot be reached fails every case. The end of ctx ends
// the run, after what cases have changed is put back.
func Run(ctx context.Context, server Server, cases []*Case, o Options) *Report {
	o = o.withDefaults()
	ctx, stop := context.WithTimeoutCause(ctx, o.Limit, errLimit)
	defer stop()
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	r := &runner{
		Options: o,
		server:  server,
		ctx:     ctx,
		end:     end,
		want:    expect(o.Column, o.Divergences),
		began:   time.Now(),
		run:     randomLetters(5),
		playing: map[string]bool{},
	}
	r.peerWant = expect(o.PeerColumn, o.Divergences)
	if slices.ContainsFunc(cases, func(c *Case) bool { return c.Screen }) {
		r.noCLI = noCLI(server)
	}
	r.directives = []map[string]string{directives(server, cases, o.Timeout)}
	if o.Peer != nil {
		r.directives = append(r.directives, directives(*o.Peer, cases, o.Timeout))
	}
	if slices.Contains(o.Protocols, 3) && refusesRESP3(server, o.Timeout) {
		r.noRESP3 = true
		r.Protocols = slices.DeleteFunc(slices.Clone(r.Protocols), func(p int) bool { return p == 3 })
	}
	r.overheard = r.strangers(server)
	if o.Peer != nil && r.overheard == "" {
		if r.overheard = r.strangers(*o.Peer); r.overheard != "" {
			r.overheard = "on the peer " + r.overheard
		}
	}
	r.pongs = map[string]bool{server.Addr: r.pongsInRESP3(server)}
	if o.Peer != nil {
		r.pongs[o.Peer.Addr] = r.pongsInRESP3(*o.Peer)
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
		if !c.single() {
			queue <- i
		}
	}
	close(queue)
	workers.Wait()
	for i, c := range cases {
		if c.single() {
			results[i] = r.play(c)
		}
	}
	report := &Report{
		Server: server.Addr, Column: o.Column, Peer: o.Peer != nil, NoRESP3: r.noRESP3,
		Began: r.began, Took: time.Since(r.began), Results: results,
	}
	if why := context.Cause(ctx); why != nil {
		report.Cut = why.Error()
	}
	return report
}

// A runner is the state of one run.
type runner struct {
	Options
	server         Server
	ctx            context.Context // its cause is why no further case is played
	end            context.CancelCauseFunc
	want, peerWant expectation
	began          time.Time
	run            string              // part of each prefix
	noRESP3        bool                // the server refuses HELLO 3
	noCLI          string              // why there can be no cases of redis-cli
	overheard      string              // why there can be no cases that publish
	directives     []map[string]string // of the server, and of the peer
	pongs          map[string]bool     // by address, whether it is as transcript.Player.Pongs says

	mu      sync.Mutex // guards the fields below
	plays   int
	playing map[string]bool // ids of the cases that are played now
}

// randomLetters returns n random letters. Names have no digits, so that masks
// which hide digits leave them alone.
func randomLetters(n int) string {
	b := make([]byte, n)
	rand.Read(b) // which never fails
	for i := range b {
		b[i] = 'a' + b[i]%26
	}
	return string(b)
}

// prefix returns a prefix that nobody else has. It is a hash tag, by which a node
// of a cluster takes all names of a case for those of one slot.
func (r *runner) prefix() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.plays
	r.plays++
	serial := make([]byte, 3)
	for i := range serial {
		serial[len(serial)-1-i] = byte('a' + n%26)
		n /= 26
	}
	return "{" + r.run + string(serial) + "}:"
}

// strangers returns why no message may be published, empty if nobody gets it: a
// client that is subscribed to a pattern that everything matches would be sent
// what the cases publish, and counted as a receiver.
func (r *runner) strangers(server Server) string {
	a, err := dial(server, r.Timeout)
	if err != nil {
		return "" // which each case will tell
	}
	defer a.close()
	v, err := a.do("PUBLISH", r.prefix()+"nobody", "")
	if err != nil || v.Text == "0" {
		return ""
	}
	return "somebody else is subscribed to a pattern that matches every channel, and would get what the case publishes"
}

// pongsInRESP3 reports whether PING of a subscriber in RESP3 is answered as in
// RESP2. Cases about that fail, and not all others with them.
func (r *runner) pongsInRESP3(server Server) bool {
	a, err := dial(server, r.Timeout)
	if err != nil {
		return false
	}
	defer a.close()
	var v transcript.Value
	for _, words := range [][]string{{"HELLO", "3"}, {"SUBSCRIBE", r.prefix() + "nobody"}, {"PING", "x"}} {
		if v, err = a.do(words...); err != nil {
			return false
		}
	}
	return v.Kind == transcript.Array
}

// whyNot returns why a case is not to be played, empty if it is.
func (r *runner) whyNot(c *Case) string {
	if why := context.Cause(r.ctx); why != nil {
		return why.Error()
	}
	switch {
	case c.Alone && !r.Alone:
		return "it needs a server that nobody else uses; say so with -alone"
	case c.Alone && r.Peer != nil && !r.PeerAlone:
		return "it needs a peer that nobody else uses; say so with -peer-alone"
	case c.NoPassword && (r.server.Password != "" || r.Peer != nil && r.Peer.Password != ""):
		return "it needs a server without a password"
	case c.Standalone && r.Bound != "":
		return "it needs a server on its own, and this is " + r.Bound
	case c.publishes && r.overheard != "":
		return r.overheard
	case c.Screen && r.noCLI != "":
		return r.noCLI
	case c.onTerminal && !terminal.Supported:
		return "it needs a terminal, which is had on Linux alone"
	case c.byAddr && (r.server.isUnix() || r.Peer != nil && r.Peer.isUnix()):
		return "all clients by a Unix socket have the same address"
	}
	for _, values := range r.directives {
		if n, lacks := c.lacking(values); lacks {
			return "it needs " + n.String()
		}
	}
	return ""
}

// play plays one case in each of its protocols.
func (r *runner) play(c *Case) Result {
	res := Result{Case: c, Outcome: Passed}
	if res.Note = r.whyNot(c); res.Note != "" {
		res.Outcome = NotRun
		return res
	}
	began := time.Now()
	r.begin(c)
	defer r.over(c)
	played := false
	for _, proto := range c.Protocols {
		if proto == transcript.Raw && !c.Screen || slices.Contains(r.Protocols, proto) {
			played = true
			res.add(r.playIn(c, proto))
		}
	}
	switch why := context.Cause(r.ctx); {
	case !played && r.noRESP3 && slices.Contains(c.Protocols, 3):
		res.add([]Difference{{Proto: 3, Text: "the server refuses HELLO 3", unsupported: true}})
	case !played:
		res.Outcome, res.Note = NotRun, "its protocol is not asked for"
	case why != nil && res.Outcome != Passed && !res.left():
		// What did not come may be for no other reason than the end.
		return Result{Case: c, Outcome: NotRun, Note: why.Error(), Took: time.Since(began)}
	case res.Outcome == Differs && r.mayAnswerSo(c):
		res.Outcome = NotEstablished
	case res.Outcome == Differs && !r.answers():
		res.Differences = append(res.Differences, Difference{Text: r.died()})
	}
	res.Took = time.Since(began)
	return res
}

// begin notes that c is played.
func (r *runner) begin(c *Case) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.playing[c.ID] = true
}

// over notes that c is played no more.
func (r *runner) over(c *Case) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.playing, c.ID)
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

// died starts anew a server that answers nobody any more, or ends the run, and
// says which cases were played when it was found.
func (r *runner) died() string {
	r.mu.Lock()
	ids := slices.Sorted(maps.Keys(r.playing))
	r.mu.Unlock()
	why := "the server answered nobody any more when " + strings.Join(ids, ", ") + " had been played"
	if len(ids) > 1 {
		why += "; -workers 1 tells which it was"
	}
	if r.Restart == nil {
		r.end(errors.New(why))
	} else if err := r.Restart(); err != nil {
		r.end(fmt.Errorf("%s, and could not be started again: %w", why, err))
	}
	return why
}

// mayAnswerSo reports whether c passes if all holds that is not established for
// the column.
func (r *runner) mayAnswerSo(c *Case) bool {
	if r.Peer != nil || r.want.established(c) {
		return false
	}
	other := r.want.supposing()
	for _, proto := range c.Protocols {
		if proto != transcript.Raw && !slices.Contains(r.Protocols, proto) {
			continue
		}
		run, err := r.playOn(r.server, c, proto, other, "")
		if err != nil || len(transcript.Judge(run)) > 0 {
			return false
		}
	}
	return true
}

// playIn plays a case in one protocol and returns its differences.
func (r *runner) playIn(c *Case, proto int) []Difference {
	if c.Screen {
		return r.screenIn(c, proto)
	}
	run, err := r.playOn(r.server, c, proto, r.want, "")
	if run == nil {
		return []Difference{failure(proto, err)}
	}
	var list []Difference
	if r.Peer == nil {
		list = differences(proto, transcript.Judge(run))
	} else if peer, peerErr := r.playOn(*r.Peer, c, proto, r.peerWant, "peer "); peerErr != nil {
		list = []Difference{{Proto: proto, Text: "the peer: " + peerErr.Error()}}
	} else {
		list = compare(proto, run, peer)
	}
	if err != nil {
		list = append(list[:min(len(list), maxDifferences-1)], failure(proto, err))
	}
	return list
}

// playOn plays a case on one server, whose clients are called something behind
// who, and puts back what it changes there. It returns a run even if that fails.
func (r *runner) playOn(server Server, c *Case, proto int, want expectation, who string) (*transcript.Run, error) {
	prefix := r.prefix()
	s, err := c.script(prefix, server)
	if err != nil {
		return nil, err
	}
	undo, err := r.prepare(server, c, prefix)
	if err != nil {
		return nil, err
	}
	most := caseTimeouts * r.Timeout
	ctx, cancel := context.WithTimeoutCause(r.ctx, most, fmt.Errorf("the case was not over within %v", most))
	defer cancel()
	run := transcript.Player{
		Addr: server.Addr, TLS: server.TLS, Login: server.login(), Timeout: r.Timeout, Afterwards: r.Timeout / 10,
		Answers: func(id string) bool { return want.holds[id] },
		Observe: r.observing(who), Pongs: r.pongs[server.Addr],
	}.PlayContext(ctx, s, proto)
	r.hide(run, server, prefix)
	return run, undo()
}

// observing returns what observes clients that are called something behind who.
func (r *runner) observing(who string) func(client string, sent bool, b []byte) {
	if r.Observe == nil || who == "" {
		return r.Observe
	}
	return func(client string, sent bool, b []byte) { r.Observe(who+client, sent, b) }
}

// hide takes the prefix and the user out of what was received when two runs are
// compared, since each has its own.
func (r *runner) hide(run *transcript.Run, server Server, prefix string) {
	if r.Peer == nil {
		return
	}
	hide := func(values []transcript.Value) {
		for i, v := range values {
			values[i] = v.Replace(prefix, prefixMark).Replace(shownUser(server.user()), shownUser(userMark))
		}
	}
	for _, o := range run.Observations {
		hide(o.Values)
		hide(o.Received)
	}
	for _, p := range run.Problems {
		hide(p.Got)
	}
}
