package server

import (
	"crypto/rand"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// counters are what a server counts. CONFIG RESETSTAT sets them to zero.
type counters struct {
	connections   atomic.Int64 // received, refused ones too
	rejected      atomic.Int64 // refused
	netInput      atomic.Int64 // bytes
	reads         atomic.Int64 // that brought any
	authDenied    atomic.Int64 // failed logins
	cmdDenied     atomic.Int64 // refused by the rules of users, for a command, key or channel
	keyDenied     atomic.Int64
	channelDenied atomic.Int64
	panics        atomic.Int64 // recovered
	closures      closureLog
	stats         []commandStats // by command.index
	errors        errorStats
	ops           rate
	input         rate
	output        rate
}

// commandStats are the statistics of one command.
type commandStats struct {
	calls    atomic.Int64
	nanos    atomic.Int64 // time spent in them
	rejected atomic.Int64 // refused before they ran
	failed   atomic.Int64 // answered with an error
	spread   atomic.Pointer[histogram]
}

// durations is how long the calls took; it takes memory from the first on.
func (st *commandStats) durations() *histogram {
	for {
		if h := st.spread.Load(); h != nil {
			return h
		}
		st.spread.CompareAndSwap(nil, new(histogram))
	}
}

// maxErrorCodes bounds the number of codes counted one by one, as in Redis.
const maxErrorCodes = 128

// errorStats counts error replies by their code.
type errorStats struct {
	mu     sync.Mutex
	total  int64
	byCode map[string]int64
}

func (e *errorStats) count(text string) {
	code, _, _ := strings.Cut(text, " ")
	e.mu.Lock()
	defer e.mu.Unlock()
	e.total++
	if e.byCode == nil {
		e.byCode = make(map[string]int64)
	}
	if _, ok := e.byCode[code]; ok || len(e.byCode) < maxErrorCodes {
		e.byCode[code]++
	}
}

func (e *errorStats) snapshot() (total int64, codes []string, byCode map[string]int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.total, slices.Sorted(maps.Keys(e.byCode)), maps.Clone(e.byCode)
}

// rateSamples is the number of ticks a rate is taken over.
const rateSamples = 16

// A rate is how fast a counter has grown over the last ticks.
type rate struct {
	mu      sync.Mutex
	last    int64
	samples [rateSamples]float64 // per second
	next    int
	at      time.Duration
}

func (r *rate) sample(count int64, now time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if took := (now - r.at).Seconds(); took > 0 {
		r.samples[r.next] = float64(max(0, count-r.last)) / took
		r.next = (r.next + 1) % rateSamples
	}
	r.last, r.at = count, now
}

func (r *rate) perSecond() float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	sum := 0.0
	for _, s := range r.samples {
		sum += s
	}
	return sum / rateSamples
}

// sample takes the rates' samples.
func (s *Server) sample() {
	now := s.uptime()
	s.ops.sample(s.commandsRun(), now)
	s.input.sample(s.netInput.Load(), now)
	s.output.sample(s.out.sent.Load(), now)
	s.survey(now)
}

// commandsRun is how many commands have been run.
func (s *Server) commandsRun() (n int64) {
	for i := range s.stats {
		n += s.stats[i].calls.Load()
	}
	return n
}

// resetStats is CONFIG RESETSTAT.
func (s *Server) resetStats() {
	for _, n := range []*atomic.Int64{&s.connections, &s.rejected, &s.netInput, &s.reads, &s.out.sent, &s.out.writes, &s.authDenied, &s.cmdDenied, &s.keyDenied, &s.channelDenied, &s.panics} {
		n.Store(0)
	}
	s.closures.reset()
	for i := range s.stats {
		st := &s.stats[i]
		for _, n := range []*atomic.Int64{&st.calls, &st.nanos, &st.rejected, &st.failed} {
			n.Store(0)
		}
		st.spread.Store(nil)
	}
	s.errors.mu.Lock()
	defer s.errors.mu.Unlock()
	s.errors.total, s.errors.byCode = 0, nil
}

// newRunID returns the 40 hexadecimal digits that tell one run of a server
// from the next.
func newRunID() string {
	var id [20]byte
	_, _ = rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:])
}
