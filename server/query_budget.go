package server

import (
	"sync/atomic"
)

// A queryBudget bounds what requests that have arrived in part, wait for EXEC or
// are held back take of memory, of all clients together: query-buffers-limit.
// Each client keeps its own share in client.large, which the sum here follows,
// so that nothing has to be added up and a request that leaves nothing behind
// when it has been run costs nothing.
type queryBudget struct {
	limit    atomic.Int64 // bytes; 0 means none
	bytes    atomic.Int64 // sum of the clients' shares
	shedding atomic.Bool  // somebody is closing clients
}

// smallQuery is up to how many bytes a client's requests do not count: what
// maxclients bounds well enough.
const smallQuery = 2 * keepTail

// setQueryBudget puts query-buffers-limit in force.
func (s *Server) setQueryBudget(conf *Config) {
	s.queries.limit.Store(conf.shareOfMemory(conf.QueryBuffersLimit))
}

// space returns room to read into. What it takes is counted before it is filled
// if it is more than a buffer that is handed on from client to client.
func (c *client) space() []byte {
	p := c.in.space()
	if c.in.memory() > maxBuffer {
		c.countLarge()
	}
	return p
}

// noSpace gives back what space has returned.
func (c *client) noSpace() {
	c.in.settle()
	c.countLarge()
}

// countLarge keeps the client's share of the budget. Only its own goroutine may
// call it.
func (c *client) countLarge() {
	n := int64(c.in.memory())
	if c.tx != nil {
		n += int64(c.tx.bytes)
	}
	if n <= smallQuery {
		n = 0
	}
	before := c.large.Load()
	if n == before {
		return
	}
	c.large.Store(n)
	c.s.queries.bytes.Add(n - before)
	if n > before {
		c.s.checkQueries()
	}
}

// checkQueries has clients closed if their requests take more than they may. It
// does not wait for that: the client that asks may be one of them, in the middle
// of a read. The tick calls it, and clients whose goroutines Shutdown waits for.
func (s *Server) checkQueries() {
	q := &s.queries
	if limit := q.limit.Load(); limit > 0 && q.bytes.Load() > limit && !q.shedding.Swap(true) {
		s.running.Go(func() {
			s.shedQueries(limit)
			q.shedding.Store(false)
		})
	}
}

// shedQueries closes the clients whose requests take the most until those of the
// others are within the limit.
func (s *Server) shedQueries(limit int64) {
	for {
		var largest *client
		var most, sum int64
		for _, c := range s.openClients() {
			n := c.large.Load()
			if n == 0 || c.isClosing() {
				continue // it gives back what it has
			}
			if sum += n; n > most {
				largest, most = c, n
			}
		}
		if sum <= limit {
			return
		}
		largest.close(closedQueryBudget)
	}
}

// isClosing tells whether the client has a reason to end.
func (c *client) isClosing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reason != ""
}
