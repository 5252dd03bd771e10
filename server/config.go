package server

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"net"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/pubsubd/pubsubd/match"
)

// A Config is what a Server is made with. NewConfig fills in the defaults,
// which are those of Redis; fields mean what the directive of that name means
// there. It must not be changed after it was given to New.
type Config struct {
	// Bind is the addresses ListenAndServe listens on: "*" for all of IPv4,
	// "::*" for all of IPv6, or an IP address or host name. One behind a "-"
	// may fail. The default is "*" and "-::*".
	Bind []string

	// Port is the TCP port ListenAndServe listens on. Zero means none. The
	// default is 6379.
	Port int

	// TLS is the port for TLS, and its certificates.
	TLS TLSConfig

	// UnixSocket is the path of a Unix socket ListenAndServe listens on. Empty,
	// the default, means none.
	UnixSocket string

	// UnixSocketPerm are the permissions of that socket. Zero, the default,
	// means those that the umask leaves.
	UnixSocketPerm fs.FileMode

	// ProtectedMode refuses clients from other hosts while there is no
	// password. The default is true.
	ProtectedMode bool

	// RequirePass is the password of the default user. Empty, the default,
	// means that no password is needed.
	RequirePass string

	// Users are users besides the default one, or the default one with other
	// rules: each a name and rules as ACL SETUSER takes them, with the quotes of
	// a configuration file, such as "app on >secret &news.* +subscribe". The
	// default is none.
	Users []string

	// ACLFile is the file that users are read from by New and ACL LOAD and that
	// ACL SAVE writes. RequirePass then has no effect, and Users must be empty.
	// Empty, the default, means none.
	ACLFile string

	// ACLAllChannels lets new users use all channels until their rules say
	// otherwise: acl-pubsub-default allchannels. The default is false.
	ACLAllChannels bool

	// ACLLogMaxLen is the most entries of ACL LOG. Zero means none are kept. The
	// default is 128.
	ACLLogMaxLen int64

	// MaxAuthFailures is how many wrong passwords a client may send, since it
	// connected or last logged in: it is closed behind the answer to the last.
	// Redis has no such directive. Zero, the default, means any number.
	MaxAuthFailures int

	// MaxClients is the most connections at a time. New lowers it to what the
	// limit on open files leaves. The default is 10000.
	MaxClients int

	// MaxMemory is the bytes that a percentage for MaxMemoryClients is of. There
	// is no data that it could bound. Zero, the default, means the limit that the
	// Go runtime has, if any: GOMEMLIMIT, say.
	MaxMemory int64

	// MaxMemoryClients is the most bytes all clients together may take: past
	// it those that take the most are closed. Below zero it is a percentage of
	// the memory limit of the process, -1 to -100. Zero, the default, means no
	// limit.
	MaxMemoryClients int64

	// Timeout is how long a client that is not in subscribed state may send
	// nothing, in whole seconds. Zero, the default, means for ever.
	Timeout time.Duration

	// AuthTimeout is how long a client that has to log in may stay without, in
	// whole seconds, whatever it sends. Zero means for ever. It is about nobody
	// while no password is needed. Redis has no such directive and lets clients
	// stay. The default is 30 seconds.
	AuthTimeout time.Duration

	// TCPKeepAlive is the time between keep-alive probes, in whole seconds.
	// Zero means none. The default is 300 seconds.
	TCPKeepAlive time.Duration

	// NormalOutput and PubsubOutput bound what is queued for a client:
	// PubsubOutput in subscribed state, NormalOutput otherwise. The defaults are
	// no limit, and 32 MiB, 8 MiB and 60 seconds.
	NormalOutput, PubsubOutput OutputLimit

	replicaOutput OutputLimit // kept for CONFIG; no client here is a replica

	// QueryBufferLimit is the most bytes a client may have sent that have not
	// been run yet: client-query-buffer-limit. The default is 1 GiB.
	QueryBufferLimit int64

	// QueryBuffersLimit is the most bytes that requests of all clients together may
	// take that have not been run yet, but for small ones; past it the client with
	// the largest is closed. Below zero it is a percentage of the memory limit of
	// the process, -1 to -100. Zero means no limit. Redis has no such directive.
	// The default is 1 GiB.
	QueryBuffersLimit int64

	// MaxBulkLen is the most bytes of one argument: proto-max-bulk-len. The
	// default is 512 MiB.
	MaxBulkLen int64

	// MaxMultibulkLen is the most arguments of one request. Redis has no such
	// directive and allows 2147483647. The default is 1048576.
	MaxMultibulkLen int

	// Databases is the number of databases SELECT accepts. Channels belong to
	// none. The default is 16.
	Databases int

	// ShutdownTimeout is how long SHUTDOWN and signals wait for what is queued
	// to be sent, in whole seconds. The default is 10 seconds.
	ShutdownTimeout time.Duration

	// EventLoops is how many goroutines wait for plain TCP and Unix connections, and
	// run what takes little time, on Linux. Zero means none: each connection has a
	// goroutine of its own, as those of TLS have, and all on other systems. Below
	// zero means one for two of the processors that the runtime uses, rounded up.
	// Redis has no such directive. The default is -1.
	EventLoops int

	// Hz is how often a second time-outs are looked at, 1 to 500. The default
	// is 10.
	Hz int

	// TCPBacklog is how many connections may wait to be accepted; the system
	// may allow fewer. The default is 511.
	TCPBacklog int

	// LogLevel is one of "debug", "verbose", "notice", "warning" and "nothing".
	// The default is "notice". It is applied to Level.
	LogLevel string

	// LogFile is what CONFIG GET logfile answers; the Logger writes where it
	// was made to.
	LogFile string

	ProcessConfig

	// ConfigFile is the file that CONFIG REWRITE writes, relative to the working
	// directory of the process. Empty, the default, means there is none.
	ConfigFile string

	commands map[string]*command // by name, after rename-command, nil for those of Redis that are not here; nil if it has not been used
	modules  []string            // by loadmodule, none of which can be loaded
	kept     map[string]string   // values of directives without effect, by name, if they were set

	// SlowlogLogSlowerThan is how long, in microseconds, a command must take to
	// be entered in the slow log. Zero means every command, -1 none. The default
	// is 10000.
	SlowlogLogSlowerThan int64

	// SlowlogMaxLen is the most entries the slow log keeps. Zero means none. The
	// default is 128.
	SlowlogMaxLen int64

	// LatencyMonitorThreshold is how long, in milliseconds, a command must take
	// to be a sample of the latency monitor. Zero, the default, means that there
	// are no samples.
	LatencyMonitorThreshold int64

	// LatencyTracking keeps for each command how its durations are spread, for
	// LATENCY HISTOGRAM and INFO latencystats. The default is true.
	LatencyTracking bool

	// LatencyTrackingInfoPercentiles are those INFO latencystats tells, 0 to 100.
	// The default is 50, 99 and 99.9.
	LatencyTrackingInfoPercentiles []float64

	// Logger receives what the server has to say. Nil, the default, means
	// nobody does. Payloads and passwords are never logged.
	Logger *zap.Logger

	// Level, if not nil, follows LogLevel when CONFIG SET changes it.
	Level *zap.AtomicLevel

	// SetLogFormat, if not nil, is told of LogFormat when CONFIG SET changes it.
	SetLogFormat func(format string)

	// OnListening is called by ListenAndServe when clients can connect. It must
	// not call Reload, which waits for it. Nil, the default, means nobody wants to
	// know.
	OnListening func()

	// OnConnect is called for each connection that becomes a client, with its CLIENT
	// ID, before anything is read of it and before it is among Clients. Of connections
	// that are refused it is not told. The connection may have ended by then, and one
	// that it was told of is closed right afterwards, without becoming a client, if the
	// server is shut down meanwhile. It is what the listener has accepted; where the
	// server speaks TLS it is of a type that wraps this, before the handshake. OnConnect
	// may be called from several goroutines. It must return, and neither read nor write
	// nor wait. Nil, the default, means nobody wants to know.
	OnConnect func(id uint64, nc net.Conn)

	// OnShutdown is called, in a goroutine of its own, when a client has sent
	// SHUTDOWN. Nil, the default, means that the server shuts itself down.
	OnShutdown func()
}

// NewConfig returns a Config with the defaults.
func NewConfig() *Config {
	return &Config{
		Bind:             []string{"*", "-::*"},
		Port:             6379,
		TLS:              newTLSConfig(),
		ProtectedMode:    true,
		MaxClients:       10000,
		AuthTimeout:      30 * time.Second,
		TCPKeepAlive:     300 * time.Second,
		PubsubOutput:     OutputLimit{Hard: 32 << 20, Soft: 8 << 20, SoftSeconds: 60},
		replicaOutput:    OutputLimit{Hard: 256 << 20, Soft: 64 << 20, SoftSeconds: 60},
		QueryBufferLimit: 1 << 30,
		MaxBulkLen:       512 << 20,
		MaxMultibulkLen:  1 << 20,
		Databases:        16,
		ShutdownTimeout:  10 * time.Second,
		EventLoops:       -1,
		Hz:               10,
		TCPBacklog:       511,
		LogLevel:         "notice",
		ProcessConfig:    defaultProcess,

		QueryBuffersLimit:              1 << 30,
		SlowlogLogSlowerThan:           10000,
		SlowlogMaxLen:                  128,
		LatencyTracking:                true,
		LatencyTrackingInfoPercentiles: []float64{50, 99, 99.9},
		ACLLogMaxLen:                   128,
	}
}

// outputLimits are the limits by class.
func (c *Config) outputLimits() outputLimits {
	return outputLimits{classNormal: c.NormalOutput, classReplica: c.replicaOutput, classPubsub: c.PubsubOutput}
}

// validate says which field makes no sense.
func (c *Config) validate() error {
	for _, f := range []struct {
		name           string
		value, low, up int64
	}{
		{"Port", int64(c.Port), 0, 65535},
		{"TLS.Port", int64(c.TLS.Port), 0, 65535},
		{"TLS.HandshakeTimeout", int64(c.TLS.HandshakeTimeout), 0, math.MaxInt64},
		{"TLS.SessionCacheTimeout", int64(c.TLS.SessionCacheTimeout), 0, math.MaxInt64},
		{"UnixSocketPerm", int64(c.UnixSocketPerm), 0, 0o777},
		{"MaxClients", int64(c.MaxClients), 1, math.MaxUint32},
		{"MaxMemory", c.MaxMemory, 0, math.MaxInt64},
		{"MaxMemoryClients", c.MaxMemoryClients, -100, math.MaxInt64},
		{"Timeout", int64(c.Timeout), 0, math.MaxInt64},
		{"AuthTimeout", int64(c.AuthTimeout), 0, math.MaxInt64},
		{"TCPKeepAlive", int64(c.TCPKeepAlive), 0, math.MaxInt64},
		{"QueryBufferLimit", c.QueryBufferLimit, 1, math.MaxInt64},
		{"QueryBuffersLimit", c.QueryBuffersLimit, -100, math.MaxInt64},
		{"MaxBulkLen", c.MaxBulkLen, 1, math.MaxInt64},
		{"MaxMultibulkLen", int64(c.MaxMultibulkLen), 1, math.MaxInt32},
		{"Databases", int64(c.Databases), 1, math.MaxInt32},
		{"ShutdownTimeout", int64(c.ShutdownTimeout), 0, math.MaxInt64},
		{"Hz", int64(c.Hz), minHz, maxHz},
		{"SlowlogLogSlowerThan", c.SlowlogLogSlowerThan, -1, math.MaxInt64},
		{"SlowlogMaxLen", c.SlowlogMaxLen, 0, math.MaxInt64},
		{"LatencyMonitorThreshold", c.LatencyMonitorThreshold, 0, math.MaxInt64},
		{"MaxAuthFailures", int64(c.MaxAuthFailures), 0, math.MaxInt64},
		{"ACLLogMaxLen", c.ACLLogMaxLen, 0, math.MaxInt64},
	} {
		if f.value < f.low || f.value > f.up {
			return fmt.Errorf("server: Config.%s is %d, not between %d and %d; NewConfig has the defaults", f.name, f.value, f.low, f.up)
		}
	}
	if _, ok := tlsAuthModes[c.TLS.AuthClients]; !ok {
		return fmt.Errorf("server: Config.TLS.AuthClients is %q, none of no, yes, optional; NewConfig has the defaults", c.TLS.AuthClients)
	}
	if limit, ok := fileLimit(); ok && limit < 1 {
		return errors.New("server: the limit on open files leaves no room for clients")
	}
	return nil
}

// Set sets a directive by its name, in any case, from words as they stand in a
// configuration file; a single value may hold all words, as in CONFIG SET. The
// error is a *DirectiveError.
func (c *Config) Set(name string, values ...string) error {
	d := directiveByName(name)
	if d != nil && len(values) == 1 {
		values = d.words(values[0])
	}
	return c.set(name, d, values)
}

// set sets a directive from the words of a line.
func (c *Config) set(name string, d *directive, words []string) error {
	if d == nil {
		return &DirectiveError{name, errBadDirective}
	}
	if len(words) == 0 && (!d.several || d.fileOnly) || len(words) > 1 && !d.several {
		if d.fileOnly {
			return &DirectiveError{d.name, errBadDirective}
		}
		return &DirectiveError{d.name, errWordCount}
	}
	if text := d.set(c, words); text != "" {
		return &DirectiveError{d.name, text}
	}
	return nil
}

const (
	errBadDirective = "Bad directive or wrong number of arguments"
	errWordCount    = "wrong number of arguments"
)

// Get returns the directives whose name matches the glob, as CONFIG GET does,
// each a name and a value. A directive with two names has two entries.
func (c *Config) Get(glob string) [][2]string {
	isName := !strings.ContainsAny(glob, "[*?")
	var pairs [][2]string
	for _, d := range directives {
		if d.fileOnly || d.hidden && !isName {
			continue
		}
		for _, name := range []string{d.name, d.alias} {
			if name != "" && (name == glob || !isName && match.Match(glob, name)) {
				pairs = append(pairs, [2]string{name, d.told(c)})
			}
		}
	}
	return pairs
}

// A DirectiveError says what is wrong with a directive, in the words of Redis.
type DirectiveError struct {
	Name string
	Text string
}

func (e *DirectiveError) Error() string { return e.Name + ": " + e.Text }

// clone returns a copy that can be changed.
func (c *Config) clone() *Config {
	d := *c
	d.Bind = slices.Clone(c.Bind)
	d.modules = slices.Clone(c.modules)
	d.commands = maps.Clone(c.commands)
	d.kept = maps.Clone(c.kept)
	d.Users = slices.Clone(c.Users)
	return &d
}

// requestLimits are the limits a request reader works with.
func (c *Config) requestLimits() *requestLimits {
	return &requestLimits{args: c.MaxMultibulkLen, bulk: int(c.MaxBulkLen), query: int(c.QueryBufferLimit)}
}
