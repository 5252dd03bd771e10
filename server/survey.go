package server

import (
	"runtime/metrics"
	"sync/atomic"
	"time"
)

// surveyed is what the server finds out in the background, so that INFO does
// not have to look at every client.
type surveyed struct {
	startMemory uint64        // bytes used when the server was made; set by New
	peakMemory  atomic.Uint64 // most bytes used at any look

	longestIn    atomic.Int64 // bytes of the longest query buffer in the last surveys
	longestOut   atomic.Int64 // bytes of the longest output queue in them
	clientMemory atomic.Int64 // bytes all clients take, at the last survey

	// Owned by tick.
	surveyedAt time.Duration
	ins, outs  [recentSurveys]int64
	surveys    int
	before     activity // of the last survey
	calm       int      // surveys since it last changed
}

// activity changes with whatever changes what clients take.
type activity struct {
	received, sent int64 // bytes
	published      uint64
	connected      uint64 // clients so far
	open           int
}

func (s *Server) activity() activity {
	return activity{s.netInput.Load(), s.out.sent.Load(), s.broker.Published(), s.lastID.Load(), s.connected()}
}

const (
	// surveyPeriod is the time from one survey of all clients to the next.
	surveyPeriod = time.Second

	// recentSurveys is how many of them the longest buffers are taken over.
	recentSurveys = 8
)

// survey looks at the memory in use and, once a second, at all clients. Tick
// calls it, and New before there is a tick.
func (s *Server) survey(now time.Duration) {
	s.noteMemory(usedMemory())
	if s.surveys > 0 && now-s.surveyedAt < surveyPeriod {
		return
	}
	s.surveyedAt = now
	in, out, memory := s.surveyClients()
	at := s.surveys % recentSurveys
	s.ins[at], s.outs[at] = in, out
	s.surveys++
	for i := range recentSurveys {
		in, out = max(in, s.ins[i]), max(out, s.outs[i])
	}
	s.longestIn.Store(in)
	s.longestOut.Store(out)
	s.clientMemory.Store(memory)
}

// surveyClients returns the bytes of the longest query buffer and output queue at
// present, and those all clients take. If nothing has happened these are the same as
// before: many clients that do nothing take no time.
func (s *Server) surveyClients() (in, out, memory int64) {
	now := s.activity()
	if now != s.before {
		s.before, s.calm = now, 0
	} else if s.calm++; s.calm > 1 { // at the first some requests may just have ended
		last := (s.surveys - 1) % recentSurveys
		return s.ins[last], s.outs[last], s.clientMemory.Load()
	}
	for _, c := range s.openClients() {
		queued, _ := c.out.pending()
		held := c.buffered.Load()
		in, out = max(in, held), max(out, int64(queued))
		memory += c.memoryBeside(queued)
	}
	return in, out, memory
}

// noteMemory keeps the most that was ever used.
func (s *Server) noteMemory(used uint64) {
	for {
		peak := s.peakMemory.Load()
		if used <= peak || s.peakMemory.CompareAndSwap(peak, used) {
			return
		}
	}
}

// usedMemory is how many bytes the program uses, without what the runtime keeps
// free.
func usedMemory() uint64 { return readMemory().used }

// A memoryUse is where the memory of the process goes, in bytes. It is read
// without stopping anything.
type memoryUse struct {
	used     uint64 // by the program and the runtime
	objects  uint64 // on the heap, those not yet collected too
	active   uint64 // in spans of the heap that hold any
	resident uint64 // in spans of the heap that the system has not got back
	stacks   uint64
	runtime  uint64 // for the runtime itself
	rss      uint64 // of the process in memory
	limit    uint64 // that the collector works towards; 0 if there is none
}

// memoryClasses are the metrics a memoryUse is made of, in their order there.
var memoryClasses = [...]string{
	"/memory/classes/heap/objects:bytes",
	"/memory/classes/heap/unused:bytes",
	"/memory/classes/heap/free:bytes",
	"/memory/classes/heap/stacks:bytes",
	"/memory/classes/os-stacks:bytes",
	"/memory/classes/metadata/mcache/inuse:bytes",
	"/memory/classes/metadata/mspan/inuse:bytes",
	"/memory/classes/metadata/other:bytes",
	"/memory/classes/other:bytes",
	"/memory/classes/profiling/buckets:bytes",
	"/gc/gomemlimit:bytes",
	"/memory/classes/total:bytes",
	"/memory/classes/heap/released:bytes",
}

// readMemory reads what the runtime tells; rss is what it holds of the system.
func readMemory() (m memoryUse) {
	var samples [len(memoryClasses)]metrics.Sample
	for i, name := range memoryClasses {
		samples[i].Name = name
	}
	metrics.Read(samples[:])
	n := func(i int) uint64 {
		if samples[i].Value.Kind() != metrics.KindUint64 {
			return 0
		}
		return samples[i].Value.Uint64()
	}
	m.objects = n(0)
	m.active = m.objects + n(1)
	m.resident = m.active + n(2)
	m.stacks = n(3) + n(4)
	m.runtime = n(5) + n(6) + n(7) + n(8) + n(9)
	m.used = m.objects + m.stacks + m.runtime
	if m.limit = n(10); m.limit == 1<<63-1 {
		m.limit = 0
	}
	m.rss = n(11) - n(12)
	return m
}

// memory is readMemory with what the system tells, and looks at the peak.
func (s *Server) memory() (m memoryUse, peak uint64) {
	m = readMemory()
	if rss, ok := residentMemory(); ok {
		m.rss = rss
	}
	s.noteMemory(m.used)
	return m, s.peakMemory.Load()
}

// ratio is a part of b, 0 of nothing.
func ratio(a, b uint64) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}
