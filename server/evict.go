package server

import (
	"cmp"
	"fmt"
	"math"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
)

// A growth counts bytes that pile up for clients and from them, while somebody
// wants to know.
type growth struct {
	wanted atomic.Bool
	bytes  atomic.Int64
}

func (g *growth) add(n int) {
	if g.wanted.Load() {
		g.bytes.Add(int64(n))
	}
}

// clientBudget keeps what all clients take below maxmemory-clients. Their sum
// is taken only when enough has piled up since the last time that it may be too
// much, and by the tick.
type clientBudget struct {
	limit   atomic.Int64 // bytes; 0 means none
	due     atomic.Int64 // growth at which the sum is taken
	looking sync.Mutex   // held by the one who takes it
}

// minGrowth is the part of the limit that must have piled up before the sum is
// taken again: it may be exceeded by about as much.
const minGrowth = 256

// setClientMemory puts maxmemory-clients in force.
func (s *Server) setClientMemory(conf *Config) {
	limit := conf.clientMemoryLimit()
	s.budget.limit.Store(limit)
	s.budget.due.Store(0)
	s.out.piled.wanted.Store(limit > 0)
}

// clientMemoryLimit is maxmemory-clients in bytes, 0 for none.
func (c *Config) clientMemoryLimit() int64 { return c.shareOfMemory(c.MaxMemoryClients) }

// shareOfMemory is a limit in bytes, which below zero is a percentage of the
// memory limit of the process.
func (c *Config) shareOfMemory(n int64) int64 {
	if n >= 0 {
		return n
	}
	total := c.memoryLimit()
	return total/100*-n + total%100*-n/100
}

// memoryLimit is the bytes the process is to stay within, 0 for any number:
// what INFO tells as memory_limit.
func (c *Config) memoryLimit() int64 {
	if c.MaxMemory > 0 {
		return c.MaxMemory
	}
	if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
		return limit
	}
	return 0
}

// checkClientMemory evicts clients, the one that asks among them, if what has
// piled up since the last look may be too much.
func (s *Server) checkClientMemory(me *client) {
	if s.budget.limit.Load() == 0 || s.out.piled.bytes.Load() < s.budget.due.Load() {
		return
	}
	if me.onLoop != nil { // whose clients would wait
		me.leftover = true
		return
	}
	s.evictClients(me)
}

// evictClients closes the clients that take the most memory until all together
// are below the limit. Those with CLIENT NO-EVICT are counted and stay. The
// client whose goroutine it is, if any, still gets its answers.
func (s *Server) evictClients(me *client) {
	limit := s.budget.limit.Load()
	if limit == 0 || !s.budget.looking.TryLock() {
		return
	}
	defer s.budget.looking.Unlock()
	s.out.piled.bytes.Store(0) // what comes from here on may be counted twice, not missed
	list, sum := s.openClients(), int64(0)
	for _, c := range list {
		if !c.isClosing() { // or others would be closed for what is going already
			sum += c.memory()
		}
	}
	if sum >= limit {
		sum = s.evictLargest(list, sum, limit, me)
	}
	s.budget.due.Store(max(limit-sum, limit/minGrowth))
}

// evictLargest closes clients, the largest first, until their sum is below the
// limit, and returns what it then is.
func (s *Server) evictLargest(list []*client, sum, limit int64, me *client) int64 {
	type taker struct {
		c     *client
		bytes int64
	}
	var takers []taker
	for _, c := range list {
		if c.evictable() {
			takers = append(takers, taker{c, c.memory()})
		}
	}
	slices.SortFunc(takers, func(a, b taker) int { return cmp.Or(cmp.Compare(b.bytes, a.bytes), cmp.Compare(a.c.id, b.c.id)) })
	for ; sum >= limit && len(takers) > 0; takers = takers[1:] {
		c := takers[0].c
		c.because(closedEvicted, fmt.Sprintf("it takes %d of %d bytes; maxmemory-clients is %d", takers[0].bytes, sum, limit))
		sum -= takers[0].bytes
		if queued, _ := c.out.pending(); c == me && queued <= freeOutput {
			c.end(closedEvicted)
			continue
		}
		c.expel(closedEvicted)
	}
	return sum
}

// evictable tells whether the client may be closed for its memory, and is not
// being closed. One that has ended its side and is still sent something may.
func (c *client) evictable() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.noEvict && (c.reason == "" || c.reason == closedByPeer && !c.gone.Load())
}

// isClosing tells whether the client has a reason to end.
func (c *client) isClosing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reason != ""
}

const (
	// clientBytes is about what a client takes beside its buffers, its
	// goroutine included.
	clientBytes = 4 << 10

	// subscriptionBytes is about what one subscription takes.
	subscriptionBytes = 64
)

// memory is about what the client takes, in bytes. It may be called from any
// goroutine.
func (c *client) memory() int64 {
	queued, _ := c.out.pending()
	return c.memoryBeside(queued)
}

// memoryBeside is memory for a client with so many bytes queued.
func (c *client) memoryBeside(queued int) int64 {
	n := clientBytes + c.buffered.Load() + c.room.Load() + c.argvMem.Load() + c.multiMem.Load() + int64(queued)
	if m := c.member(); m != nil {
		n += subscriptionBytes*int64(m.Total()) + m.NameBytes()
	}
	return n + c.textMem.Load()
}
