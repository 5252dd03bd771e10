package pubsubtest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/internal/authority"
	"github.com/pubsubd/pubsubd/server"
)

// A Server is a pub/sub server for tests. What cannot be as a test wants it ends
// that test: the Wait methods, Restart, Subscribe and its like and the methods of a
// Subscriber belong to the goroutine of the test. The others may be called from any.
//
// A subtest is another test with a goroutine of its own: it takes the Server that For
// returns for it. If it ended the test around it, which goes on meanwhile, package testing
// would end the whole program.
//
// A Server of Start has no test to end and panics instead, until For gives it one. The
// zero Server is of no use.
type Server struct {
	*core
	t    testing.TB // nil for that of Start
	home string     // the goroutine of t
}

// core is what all Servers that For has made have in common.
type core struct {
	// Immutable once started.
	opts      options
	authority *authority.Authority // nil without TLS
	tls       *tls.Config          // nil without TLS
	front     net.Listener         // nil in memory
	addr      string
	dir       string // of the Unix socket
	bubbled   bool   // it was started in a bubble of testing/synctest

	transcript transcript
	refuses    atomic.Int32 // Refusal
	offline    atomic.Bool  // nothing arrives anywhere: Server.Offline
	running    sync.WaitGroup

	restarts chan struct{} // of capacity 1: has a value while Restart, Close or the like run
	closed   bool          // guarded by restarts
	over     chan struct{} // closed when close has done its work

	mu          sync.Mutex // guards the fields below
	live        *instance
	links       map[*link]struct{}
	subscribers map[*Subscriber]struct{}
	refusing    []*Refusal              // Refuse calls whose accept was not called
	offlines    int                     // Offline calls not healed
	ending      bool                    // close was called
	printing    map[testing.TB]struct{} // those that print the transcript if they fail
}

// RunT starts a server on a free port of 127.0.0.1 and stops it when the test and its
// subtests are done. The test ends if the server cannot start. It fails, with the
// names of the clients, if some have not read what they were sent by its end and do not
// do so within the patience: they hang. Clients that the server has closed before, for a
// fault or as slow consumers, do not count. In memory that is known to the byte. Of a
// socket it is not: there those hang that have left more than the buffers of the system
// take, which may be megabytes. The server does not wait for them until the deadline of
// the test, nor, if that has failed already, for more than a tenth of a second. A test
// that fails prints what its clients have sent and were sent.
//
// Every subtest takes srv.For(t), with its own t, in place of srv: see Server.
//
// Without options clients need no password and speak plain RESP. In a bubble of
// testing/synctest the server has to be started there, and InMemory.
func RunT(t testing.TB, opts ...Option) *Server {
	t.Helper()
	c, err := start(opts)
	if err != nil {
		t.Fatalf("pubsubtest: %v", err)
	}
	c.printing[t] = struct{}{}
	t.Cleanup(func() {
		t.Helper()
		if err := c.close(t); err != nil {
			t.Errorf("pubsubtest: %v", err)
		}
		c.printIfFailed(t, 0)
	})
	return &Server{core: c, t: t, home: goroutine()}
}

// Start is RunT where there is no test: in an example, in TestMain or in a program.
// Close stops the server. The error says what of the options makes no sense, or what
// the system refuses.
func Start(opts ...Option) (*Server, error) {
	c, err := start(opts)
	if err != nil {
		return nil, fmt.Errorf("pubsubtest: %w", err)
	}
	return &Server{core: c}, nil
}

// For returns the same server on behalf of another test, a subtest or one that uses the
// server of Start. It is called from the goroutine of that test, which ends when what it waits for
// does not come, and prints what clients have sent and were sent since For if it
// fails. The end of the test does not stop the server.
func (s *Server) For(t testing.TB) *Server {
	c := s.core
	c.mu.Lock()
	_, prints := c.printing[t]
	c.printing[t] = struct{}{}
	c.mu.Unlock()
	if !prints {
		from := c.transcript.position()
		t.Cleanup(func() {
			t.Helper()
			c.mu.Lock()
			delete(c.printing, t)
			c.mu.Unlock()
			c.printIfFailed(t, from)
		})
	}
	return &Server{core: c, t: t, home: goroutine()}
}

// Close stops the server. The error names the clients that have not read what they were
// sent and do not do so within the patience, as far as that is known: see RunT. It may
// be called more than once, and from any goroutine. After that nothing is delivered any
// more, and what waits or subscribes ends the test at once.
func (s *Server) Close() error {
	if err := s.close(s.t); err != nil {
		return fmt.Errorf("pubsubtest: %w", err)
	}
	return nil
}

// start starts a server.
func start(opts []Option) (c *core, err error) {
	c = &core{
		opts:        options{conf: server.NewConfig(), patience: defaultPatience, network: tcp},
		links:       make(map[*link]struct{}),
		subscribers: make(map[*Subscriber]struct{}),
		printing:    make(map[testing.TB]struct{}),
		bubbled:     inBubble(),
		restarts:    make(chan struct{}, 1),
		over:        make(chan struct{}),
	}
	for _, o := range opts {
		o(&c.opts)
	}
	if c.bubbled && c.opts.network != memory {
		return nil, errors.New("in a bubble of testing/synctest a server has to be InMemory: the clock stands still while somebody waits for a socket")
	}
	c.transcript.start = time.Now()
	c.transcript.secrets = newSecrets()
	for _, p := range c.opts.passwords() {
		c.transcript.secrets.learn(p, true)
	}
	theirs := c.opts.conf.OnConnect
	c.opts.conf.OnConnect = func(id uint64, nc net.Conn) {
		c.admitted(id, nc)
		if theirs != nil {
			theirs(id, nc)
		}
	}
	if c.opts.tls {
		if c.authority, err = authority.New(); err != nil {
			return nil, err
		}
		cert, err := c.authority.Issue("localhost")
		if err != nil {
			return nil, err
		}
		c.tls = &tls.Config{Certificates: []tls.Certificate{cert}}
	}
	if c.live, err = c.newInstance(); err != nil {
		return nil, err
	}
	if err := c.listen(); err != nil {
		_ = c.live.close()
		return nil, err
	}
	if c.front != nil {
		c.running.Go(func() { c.accept(c.front) })
	}
	return c, nil
}

// listen listens where the options say.
func (c *core) listen() (err error) {
	at := "127.0.0.1:0"
	switch c.opts.network {
	case memory:
		c.addr = nowhere
		return nil
	case unix:
		if c.dir, err = os.MkdirTemp("", "pubsubtest"); err != nil {
			return err
		}
		at = filepath.Join(c.dir, "s")
	}
	if c.front, err = net.Listen(string(c.opts.network), at); err != nil {
		c.removeDir()
		return err
	}
	c.addr = c.front.Addr().String()
	return nil
}

func (c *core) removeDir() {
	if c.dir != "" {
		_ = os.RemoveAll(c.dir)
	}
}

// nowhere is the address of a server in memory: nobody can listen there, and it is no
// name that a client would look up.
const nowhere = "127.0.0.1:0"

// Addr returns where clients connect to: host:port, the path of the Unix socket, or
// for a server in memory an address that leads nowhere, for clients that want one
// beside Dial.
func (s *Server) Addr() string { return s.addr }

// Network returns "tcp", "unix" or, for a server in memory, "memory".
func (s *Server) Network() string { return string(s.opts.network) }

// URL returns where clients connect to in the form that most of them take:
// redis://user:password@host:port, with rediss for TLS and unix for a Unix socket.
// Clients that take a URL still have to be given TLSConfig, and Dial for a server in
// memory.
func (s *Server) URL() string {
	u := url.URL{Scheme: "redis", Host: s.addr}
	switch {
	case s.opts.network == unix:
		u = url.URL{Scheme: "unix", Path: s.addr}
	case s.tls != nil:
		u.Scheme = "rediss"
	}
	if l := s.opts.login; l != (login{}) {
		u.User = url.UserPassword(l.user, l.password)
	}
	return u.String()
}

// Credentials returns the user and the password of URL: the first of the Users or,
// without any, the Password, whose user is empty.
func (s *Server) Credentials() (user, password string) {
	return s.opts.login.user, s.opts.login.password
}

// TLSConfig returns what a client needs to trust the server and no other, or nil
// without TLS. The caller may change it.
func (s *Server) TLSConfig() *tls.Config {
	if s.tls == nil {
		return nil
	}
	return s.authority.Client()
}

// CACert returns the certificate of the authority in PEM, for programs that want a
// file, or nil without TLS. The caller may change it.
func (s *Server) CACert() []byte {
	if s.tls == nil {
		return nil
	}
	return s.authority.PEM()
}

// Dial returns an in-memory connection to the server, whatever the network and the
// address are. Within a bubble of testing/synctest it lets the clock go on while both
// ends wait. It is of the form that Dialer of go-redis and DialContextFunc of redigo
// have; DialCtxFn of rueidis has other arguments and calls it. A client that wants TLS
// has to add it itself. The error is a *net.OpError: of ctx, ECONNREFUSED when the
// server is closed, or that Dial is called inside of a bubble and the server was started
// outside of one, or the other way round. It may be called from any goroutine of the
// bubble.
func (s *Server) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	fails := func(err error) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: string(memory), Addr: memoryAddr("memory:0"), Err: err}
	}
	if err := ctx.Err(); err != nil {
		return fails(err)
	}
	if err := s.bubbleError(); err != nil {
		return fails(err)
	}
	near, far := newPipe()
	if err := s.serve(ctx, near); err != nil {
		_ = far.Close()
		return fails(err)
	}
	return far, nil
}

// Server returns the server itself, to look at its counters, say. After Restart it is
// another.
func (s *Server) Server() *server.Server { return s.current().srv }

// Publish publishes a message as a client would and returns its receivers. When it
// returns, the message is queued for each of them. After Close there are none.
func (s *Server) Publish(channel, message string) int {
	s.transcript.did("PUBLISH", channel, message)
	if s.isOver() {
		return 0
	}
	return s.current().srv.Broker().Publish(channel, []byte(message))
}

// SPublish is Publish for a shard channel.
func (s *Server) SPublish(channel, message string) int {
	s.transcript.did("SPUBLISH", channel, message)
	if s.isOver() {
		return 0
	}
	return s.current().srv.Broker().PublishShard(channel, []byte(message))
}

// alone waits until nobody restarts or closes the server, and has nobody do that until
// done is called. It is no mutex, since they wait for clients: in a bubble of
// testing/synctest the clock would stand still meanwhile.
func (c *core) alone() (done func()) {
	c.restarts <- struct{}{}
	return func() { <-c.restarts }
}

// close stops everything, on behalf of a test if t is not nil. The error names the
// clients that hang.
func (c *core) close(t testing.TB) error {
	defer c.alone()()
	if c.closed {
		return nil
	}
	c.closed = true
	c.mu.Lock()
	c.ending = true
	c.offline.Store(false)
	c.mu.Unlock()
	if c.front != nil {
		_ = c.front.Close()
	}
	c.learnNames()
	links := c.openLinks()
	for _, l := range links {
		l.lift() // what a test has done to its clients is not their fault
	}
	p := c.lastPatience(t)
	ctx, cancel := context.WithTimeout(context.Background(), p.left())
	defer cancel()
	queued, err := c.current().shutdown(ctx)
	for _, h := range c.hanging(ctx, links, queued) {
		err = errors.Join(err, fmt.Errorf("%w (%s)", h, strings.TrimSuffix(p.waited(), ",")))
	}
	for _, l := range c.openLinks() {
		l.abandon()
	}
	c.running.Wait()
	c.removeDir()
	close(c.over)
	return err
}

// isOver tells whether the server is closed.
func (c *core) isOver() bool {
	select {
	case <-c.over:
		return true
	default:
		return false
	}
}

// hanging waits until the clients have read what they were sent, as far as that is
// known, and returns an error for each that does not. Queued is what the server had to
// give up, by CLIENT ID.
func (c *core) hanging(ctx context.Context, links []*link, queued map[uint64]int) (list []error) {
	owed := func() bool {
		return slices.ContainsFunc(links, func(l *link) bool { n, over := l.unread(); return n > 0 || !over && l.hasEnded() })
	}
	for pause := firstLook; ctx.Err() == nil && owed(); pause = min(2*pause, lastLook) {
		<-time.After(pause)
	}
	for _, l := range links {
		id := l.who.id.Load()
		n, _ := l.unread()
		if l.i == c.current() {
			n += queued[id]
		}
		if n > 0 {
			list = append(list, fmt.Errorf("client %d %q at %s hangs: it has not read %d bytes that it was sent", id, l.who.called(), l.RemoteAddr(), n))
		}
	}
	return list
}

// An instance is the server proper, which Restart replaces by another.
type instance struct {
	srv  *server.Server
	feed *feed

	ended chan struct{} // closed when Serve has returned
	err   error         // what it has returned then
}

// newInstance starts a server that gets its connections from a feed.
func (c *core) newInstance() (*instance, error) {
	srv, err := server.New(c.opts.conf)
	if err != nil {
		return nil, err
	}
	i := &instance{srv: srv, feed: newFeed(c), ended: make(chan struct{})}
	go func() {
		defer close(i.ended)
		i.err = srv.Serve(i.feed)
	}()
	return i, nil
}

// close ends the server without waiting for clients. It may be called more than once,
// and so may shutdown.
func (i *instance) close() error { return errors.Join(i.srv.Close(), i.served()) }

// served waits until Serve has returned. The error says why, if it is not that the
// server was closed.
func (i *instance) served() error {
	if <-i.ended; i.err != server.ErrServerClosed {
		return fmt.Errorf("the server ended with %w", i.err)
	}
	return nil
}

// shutdown ends the server and returns how many bytes clients have not taken, by
// their IDs.
func (i *instance) shutdown(ctx context.Context) (queued map[uint64]int, err error) {
	err = i.srv.Shutdown(ctx)
	if unsent, ok := errors.AsType[*server.UnsentError](err); ok {
		err = without(err, unsent)
		queued = make(map[uint64]int)
		for _, c := range unsent.Clients {
			queued[c.ID] = c.Queued
		}
	}
	return queued, errors.Join(err, i.served())
}

// without returns an error without one that it is, or joins.
func without(err, one error) error {
	if err == one {
		return nil
	}
	joins, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return err
	}
	var rest []error
	for _, e := range joins.Unwrap() {
		rest = append(rest, without(e, one))
	}
	return errors.Join(rest...)
}
