package server

import (
	"cmp"
	"errors"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/pubsubd/pubsubd/acl"
	"github.com/pubsubd/pubsubd/broker"
)

// Version is the version of this server.
const Version = "0.1.0"

// RedisVersion is the version of Redis whose behaviour a client may count on.
const RedisVersion = "7.4.0"

// ErrServerClosed is what Serve and ListenAndServe return after Shutdown or
// Close.
var ErrServerClosed = errors.New("server: closed")

// A Server answers Redis clients on any number of listeners. Its methods may
// be called from any goroutine.
type Server struct {
	// Immutable after New.
	log      *zap.Logger
	broker   *broker.Broker
	departed *broker.Member // of clients that have left without ever having subscribed
	flusher  *flusher
	users    *acl.List
	aclFile  string // empty if there is none
	out      outboxConfig
	start    time.Time
	runID    string
	renamed  *renamedCommands // nil if rename-command has not been used

	replID string // as a master would tell its replicas

	conf          atomic.Pointer[Config]
	requestLimits atomic.Pointer[requestLimits]
	lastID        atomic.Uint64
	draining      atomic.Bool // no further request is run
	hurried       atomic.Bool // SHUTDOWN NOW was sent

	modes    atomic.Uint32 // what holds commands up: modeMonitored and so on
	monitors monitors
	paused   pause
	budget   clientBudget
	tracking atomic.Int64 // clients with CLIENT TRACKING
	logins   loginWatch
	queries  queryBudget

	counters
	observed
	surveyed
	misled  misledLog
	denials aclLog

	acceptLogged seldom // that accepting fails
	loops        loops
	lastText     atomic.Pointer[string] // for sharedText

	mu        sync.Mutex // guards the fields below
	open      map[uint64]*client
	joining   int       // clients about to be open; running counts them too
	ordered   []*client // those of open in order of their IDs; nil if not known
	listeners []*listener
	lagging   map[*outbox]struct{} // over their soft limit
	closed    bool

	tls       atomic.Pointer[tlsState] // nil while no client needs it
	servesTLS atomic.Bool              // ServeTLS was called

	setting    sync.Mutex // held by CONFIG SET and while certificates are read again; guards the fields below
	listening  bool       // ListenAndServe was called: CONFIG SET may change where
	tlsInForce *tlsState  // what tls was when the last CONFIG SET was over

	usersFile sync.Mutex // held by ACL LOAD and ACL SAVE

	failed  chan error     // of a listener that ListenAndServe has opened
	running sync.WaitGroup // clients and accept loops
	quit    chan struct{}  // closed by Shutdown and Close
	ticked  chan struct{}  // closed when tick has ended
}

// New returns a server that is not listening yet. A nil Config means the
// defaults. The error says which field of the Config makes no sense.
func New(conf *Config) (*Server, error) {
	if conf == nil {
		conf = NewConfig()
	}
	conf = conf.clone()
	if err := conf.validate(); err != nil {
		return nil, err
	}
	s := &Server{
		log:     conf.Logger,
		broker:  broker.New(nil),
		flusher: new(flusher),
		start:   time.Now(),
		runID:   newRunID(),
		replID:  newRunID(),
		open:    make(map[uint64]*client),
		lagging: make(map[*outbox]struct{}),
		failed:  make(chan error, 1),
		quit:    make(chan struct{}),
		ticked:  make(chan struct{}),
	}
	if s.log == nil {
		s.log = zap.NewNop()
	}
	s.renamed = conf.renamedCommands()
	if err := s.setUpUsers(conf); err != nil {
		return nil, err
	}
	s.departed = s.broker.Join(nil)
	s.broker.Leave(s.departed)
	s.closures = newClosureLog()
	s.flusher.guard = s.guarded
	s.flusher.helpers = flushHelpers()
	s.stats = make([]commandStats, len(allCommands))
	s.queries.room = sync.NewCond(&s.queries.mu)
	s.out.now = func() int64 { return 1 + int64(s.uptime()/time.Second) }
	s.out.clock = s.uptime
	s.out.lagging = s.watchSoft
	s.out.caughtUp = s.caughtUp
	s.out.spawn = s.spawn // its outbox is open, so its client is still running
	s.out.backlog, s.out.crowded = &s.flusher.backlog, &s.flusher.crowded
	if limit, ok := fileLimit(); ok && conf.MaxClients > limit {
		s.log.Warn("lowering maxclients to what the limit on open files leaves", zap.Int("from", conf.MaxClients), zap.Int("to", limit))
		conf.MaxClients = limit
	}
	if names := conf.withoutEffect(); len(names) > 0 {
		s.log.Warn("these directives have no effect here", zap.Strings("directives", names))
	}
	s.loops.num = conf.eventLoops()
	s.apply(conf)
	s.startMemory = usedMemory()
	s.survey(s.uptime())
	go s.tick()
	return s, nil
}

// Broker returns the broker the server's clients meet at. A program that
// publishes there is not slowed down by its receivers, as clients are: what it
// publishes faster than they take it piles up to their output buffer limits.
func (s *Server) Broker() *broker.Broker { return s.broker }

// uptime is the time since New.
func (s *Server) uptime() time.Duration { return time.Since(s.start) }

// config returns the configuration in force. It is not changed any more.
func (s *Server) config() *Config { return s.conf.Load() }

// setConfig changes the configuration. Change works on a copy and returns the
// error, empty if there is none; only then the copy is put in force. When a
// directive that was changed cannot be, failed words the error and all is as it
// was.
func (s *Server) setConfig(change func(*Config) string, changed []*directive, failed func(d *directive, text string) string) (text string) {
	s.setting.Lock()
	defer s.setting.Unlock()
	old := s.config()
	next := old.clone()
	if text = change(next); text != "" {
		return text
	}
	for i, d := range changed {
		if d.apply == nil {
			continue
		}
		if text = d.apply(s, next); text != "" {
			for _, d := range changed[:i+1] {
				if d.apply != nil {
					_ = d.apply(s, old) // it was in force before
				}
			}
			return failed(d, text)
		}
	}
	s.apply(next)
	for _, c := range s.clients() {
		c.out.recheck()
	}
	return ""
}

// apply puts a configuration in force.
func (s *Server) apply(conf *Config) {
	if level, ok := LogLevel(conf.LogLevel); ok && conf.Level != nil {
		conf.Level.SetLevel(level)
	}
	if old := s.conf.Load(); old != nil && old.LogFormat != conf.LogFormat && conf.SetLogFormat != nil {
		conf.SetLogFormat(conf.LogFormat)
	}
	limits := conf.outputLimits()
	s.out.limits.Store(&limits)
	s.requestLimits.Store(conf.requestLimits())
	s.watchCommands(conf)
	if old := s.conf.Load(); old != nil && old.RequirePass != conf.RequirePass {
		s.users.SetDefaultPassword(conf.RequirePass)
	}
	s.setClientMemory(conf)
	s.setQueryBudget(conf)
	s.conf.Store(conf)
	s.tlsInForce = s.tls.Load()
}

// ServeConn serves one connection until it ends, and closes it. It is served
// beyond MaxClients too, and wherever it comes from.
func (s *Server) ServeConn(nc net.Conn) {
	c, ok := s.admit(nc, nil)
	if ok {
		c.serve()
		s.running.Done()
	}
}

// openClients returns the open clients in no order.
func (s *Server) openClients() []*client {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*client, 0, len(s.open))
	for _, c := range s.open {
		list = append(list, c)
	}
	return list
}

// connected returns the number of open clients.
func (s *Server) connected() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// clients returns the open clients in order of their IDs. The list must not be
// changed.
func (s *Server) clients() []*client {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ordered == nil {
		s.ordered = slices.SortedFunc(maps.Values(s.open), func(a, b *client) int { return cmp.Compare(a.id, b.id) })
	}
	return s.ordered
}

// clientByID returns an open client, nil if there is none of that ID.
func (s *Server) clientByID(id int64) *client {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open[uint64(id)]
}

// forget takes a client off the list.
func (s *Server) forget(c *client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c.id)
	s.ordered = nil
	delete(s.lagging, c.out)
}

// watchSoft has tick look at an outbox until it is within its soft limit. The
// outbox is locked.
func (s *Server) watchSoft(o *outbox) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lagging[o] = struct{}{}
}

// caughtUp ends what watchSoft has begun. The outbox is locked.
func (s *Server) caughtUp(o *outbox) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.lagging, o)
}

// tick closes clients whose time is up, and samples rates.
func (s *Server) tick() {
	defer close(s.ticked)
	defer s.crashIfPanicking("the ticker")
	hz := s.config().Hz
	t := time.NewTicker(time.Second / time.Duration(hz))
	defer t.Stop()
	for {
		select {
		case <-s.quit:
			return
		case <-t.C:
		}
		if now := s.config().Hz; now != hz {
			hz = now
			t.Reset(time.Second / time.Duration(hz))
		}
		s.sample()
		s.checkSoft()
		s.closeIdle()
		s.closeStrangers()
		s.lookAgain()
		s.evictClients(nil)
		largeBuffers.trim(time.Now())
	}
}

func (s *Server) checkSoft() {
	s.mu.Lock()
	list := make([]*outbox, 0, len(s.lagging))
	for o := range s.lagging {
		list = append(list, o)
	}
	s.mu.Unlock()
	for _, o := range list {
		o.checkSoft()
	}
}

// closeIdle closes clients that have neither sent nor taken anything for the
// timeout. Those in subscribed state and monitors only listen, and those held
// back by a pause cannot help it, so it is not for them.
func (s *Server) closeIdle() {
	timeout := s.config().Timeout
	if timeout == 0 {
		return
	}
	for _, c := range s.openClients() {
		if c.subscriptions() == 0 && !c.monitoring.Load() && !c.held.Load() && s.uptime()-c.lastActive() > timeout {
			c.close(closedIdle)
		}
	}
}

// zapClient are the log fields that say which client is meant.
func zapClient(c *client) []zap.Field {
	c.mu.Lock()
	defer c.mu.Unlock()
	return []zap.Field{zap.Uint64("id", c.id), zap.String("addr", c.addr), zap.String("name", cut(c.name, maxLoggedName))}
}

// What a client chooses is cut to these lengths in a log, in bytes.
const (
	maxLoggedName = 128
	maxLoggedInfo = 1 << 10
)

// cut returns the first n bytes of a string. The rest is not kept in memory.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.Clone(s[:n])
}
