package server

import (
	"sync"
	"sync/atomic"
)

// A queryBudget bounds what requests that have arrived in part, wait for EXEC or
// are held back take of memory, of all clients together: query-buffers-limit.
// Each client keeps its own share in client.large, which the sum here follows, so
// that nothing has to be added up and a request that leaves nothing behind when
// it has been run costs nothing.
//
//  1. No buffer grows beyond what clients have without asking before there
//     is room for it within the limit.
//  2. Room is made by closing the client with the largest share, be it the one
//     that asks for room.
//  3. A client waits for room, and is not read from, until those that were closed
//     for it have let go of what they had.
type queryBudget struct {
	limit atomic.Int64 // bytes; 0 means none
	bytes atomic.Int64 // sum of the clients' shares

	waiting atomic.Int32 // clients in awaitQueryRoom
	mu      sync.Mutex   // held by those who begin to wait and those who end it
	room    *sync.Cond   // of mu: there may be room, or a client is closed
}

// smallQuery is up to how many bytes a client's requests do not count: what
// maxclients bounds well enough.
const smallQuery = 2 * keepTail

// setQueryBudget puts query-buffers-limit in force.
func (s *Server) setQueryBudget(conf *Config) {
	s.queries.limit.Store(conf.shareOfMemory(conf.QueryBuffersLimit))
	s.queries.roomChanged()
}

// countLarge keeps the client's share. Only its own goroutine may call it.
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
	} else {
		c.s.queries.roomChanged()
	}
}

// forgetLarge ends the client's share.
func (c *client) forgetLarge() {
	if n := c.large.Swap(0); n != 0 {
		c.s.queries.bytes.Add(-n)
		c.s.queries.roomChanged()
	}
}

// awaitQueryRoom waits until the buffer that the next read needs may be had. Of a
// client nothing of which is run any more, what has arrived goes instead. Only the
// client's own goroutine may call it.
func (c *client) awaitQueryRoom() {
	more := int64(c.in.growth())
	if more == 0 {
		return
	}
	q := &c.s.queries
	for {
		if c.ended || c.s.draining.Load() {
			c.dropInput()
			return
		}
		if c.gone.Load() || q.take(c, more) {
			return
		}
		c.s.shedQueries(c, more)
		q.mu.Lock()
		q.waiting.Add(1)
		if !c.gone.Load() && !c.s.draining.Load() && !q.fits(more) {
			q.room.Wait()
		}
		q.waiting.Add(-1)
		q.mu.Unlock()
	}
}

// take adds to a client's share unless that is too much.
func (q *queryBudget) take(c *client, more int64) bool {
	for {
		sum := q.bytes.Load()
		if limit := q.limit.Load(); limit > 0 && sum+more > limit {
			return false
		}
		if q.bytes.CompareAndSwap(sum, sum+more) {
			c.large.Add(more)
			return true
		}
	}
}

// fits tells whether there is room for so many bytes.
func (q *queryBudget) fits(more int64) bool {
	limit := q.limit.Load()
	return limit == 0 || q.bytes.Load()+more <= limit
}

// roomChanged has those who wait for room look again.
func (q *queryBudget) roomChanged() {
	if q.waiting.Load() > 0 {
		q.mu.Lock()
		q.room.Broadcast()
		q.mu.Unlock()
	}
}

// lookAgain is called by the tick. Room that others have taken between a look for
// whom to close and the wait is not announced: who waits has to look once more.
func (s *Server) lookAgain() {
	s.checkQueries()
	s.queries.roomChanged()
}

// checkQueries has clients closed if their requests take more than they may, as
// when the limit was lowered or transactions grow.
func (s *Server) checkQueries() {
	if !s.queries.fits(0) {
		s.shedQueries(nil, 0)
	}
}

// shedQueries closes the clients whose requests take the most until those of the
// others, with so many bytes more for one of them, are within the limit.
func (s *Server) shedQueries(grower *client, more int64) {
	for {
		limit := s.queries.limit.Load()
		var largest *client
		var most, sum int64
		for _, c := range s.openClients() {
			n := c.large.Load()
			if c == grower {
				n += more
			}
			if n == 0 || c.isClosing() {
				continue // it lets go of what it has
			}
			if sum += n; n > most {
				largest, most = c, n
			}
		}
		if limit == 0 || sum <= limit {
			return
		}
		largest.close(closedQueryBudget)
	}
}
