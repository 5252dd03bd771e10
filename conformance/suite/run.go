package suite

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"slices"
	"sync"
	"time"
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
	// Timeout bounds the wait for one value, but in cases that ask for a longer
	// one. Zero means DefaultTimeout.
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
// the run, after what cases have changed is put back; so does a case that cannot
// put back what it has changed, since those after it would take that for what
// was there before.
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
	if observe := o.Observe; observe != nil {
		r.Observe = func(client string, sent bool, b []byte) { observe(client, sent, r.hideBytes(b)) }
	}
	r.peerWant = expect(o.PeerColumn, o.Divergences)
	if slices.ContainsFunc(cases, func(c *Case) bool { return c.Screen }) {
		r.noCLI = noCLI(server)
	}
	if slices.Contains(o.Protocols, 3) && refusesRESP3(ctx, server, o.Timeout) {
		r.noRESP3 = true
		r.Protocols = slices.DeleteFunc(slices.Clone(r.Protocols), func(p int) bool { return p == 3 })
	}
	r.seen = []sight{r.look(server, cases, o.Alone)}
	if o.Peer != nil {
		r.seen = append(r.seen, r.look(*o.Peer, cases, o.PeerAlone))
	}
	results := make([]Result, len(cases))
	queue := make(chan int)
	var workers sync.WaitGroup
	for range o.Workers {
		workers.Go(func() {
			for i := range queue {
				results[i] = r.tidy(r.play(cases[i]))
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
			results[i] = r.tidy(r.play(c))
		}
	}
	played := slices.ContainsFunc(results, func(res Result) bool { return res.Outcome != NotRun })
	if played && context.Cause(ctx) == nil && !r.answers(server) {
		r.end(errors.New("the server answered nobody any more at the end of the run"))
	}
	report := &Report{
		Server: server.Addr, Column: o.Column, Peer: o.Peer != nil, NoRESP3: r.noRESP3,
		Began: r.began, Took: time.Since(r.began), Results: results,
	}
	report.Overheard = slices.ContainsFunc(results, func(res Result) bool { return res.overheard })
	if why := context.Cause(ctx); why != nil {
		report.Cut = r.hide(why.Error())
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
	run            string  // part of each prefix
	noRESP3        bool    // the server refuses HELLO 3
	noCLI          string  // why there can be no cases of redis-cli
	seen           []sight // of the server, and of the peer

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
