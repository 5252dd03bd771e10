package server

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
)

// Of all clients the one with the largest request is closed, also if it is the
// one that grows, and who waits for room goes on when there is some.
func TestQueryBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 2 << 20 // buffers double: requests take 128, 1024, 512 and 512 KiB
		s := newServer(t, func(c *Config) { c.QueryBuffersLimit = limit })
		begin := func(n int) *testConn { // of a request with n bytes that are there
			c := pipe(t, s)
			go func() {
				_, _ = c.nc.Write([]byte(fmt.Sprintf("*2\r\n$4\r\nECHO\r\n$%d\r\n%s", 8<<20, strings.Repeat("x", n))))
			}()
			synctest.Wait()
			return c
		}
		is := func(closed int64) {
			t.Helper()
			sum := int64(0)
			for _, c := range s.clients() {
				sum += c.large.Load()
			}
			if got := s.queries.bytes.Load(); got != sum || got > limit {
				t.Errorf("%d bytes are counted, the clients have %d; %d are allowed", got, sum, limit)
			}
			if got := s.queryBudgetCloses.Load(); got != closed {
				t.Errorf("%d clients were closed, want %d", got, closed)
			}
		}
		small, large, next := begin(100<<10), begin(600<<10), begin(300<<10)
		is(0)
		last := begin(300 << 10)
		is(1)
		if got := large.end(); len(got) != 0 {
			t.Errorf("sent to the largest: %q", got)
		}
		begin(900 << 10).end() // itself the largest
		is(2)
		for _, c := range []*testConn{small, next, last} {
			_ = c.nc.Close()
		}
		synctest.Wait()
		is(2)
		if got := s.queries.bytes.Load(); got != 0 {
			t.Errorf("%d bytes are left", got)
		}
	})
}

// Transactions count, and a lower limit is for those who are there.
func TestQueryBudgetOfTransactions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		boss, c, idle := pipe(t, s), pipe(t, s), pipe(t, s)
		c.ask("MULTI", "+OK")
		for range 20 {
			c.ask("ECHO "+strings.Repeat("x", 50<<10), "+QUEUED")
		}
		if got := boss.info("mem_query_buffers"); len(got) != len("1000000") {
			t.Errorf("mem_query_buffers:%s", got)
		}
		boss.ask("CONFIG SET query-buffers-limit 500kb", "+OK")
		if got := c.end(); len(got) != 0 {
			t.Errorf("sent before the end: %q", got)
		}
		synctest.Wait()
		if got := boss.info("mem_query_buffers"); got != "0" {
			t.Errorf("mem_query_buffers:%s", got)
		}
		if got := boss.info("client_query_buffers_limit_disconnections"); got != "1" {
			t.Errorf("client_query_buffers_limit_disconnections:%s", got)
		}
		idle.ask("PING", "+PONG")
	})
}

// Nobody who waits for room is forgotten, whatever ends the wait.
func TestQueryBudgetEndsEveryWait(t *testing.T) {
	s := newServer(t, func(c *Config) { c.QueryBuffersLimit = 256 << 10 })
	addr := listen(t, s)
	const clients, rounds = 8, 20
	ended := make(chan error, clients)
	request := encode("ECHO", strings.Repeat("x", 150<<10))
	for i := range clients {
		go func() {
			for range rounds {
				nc, err := net.Dial("tcp", addr)
				if err != nil {
					ended <- err
					return
				}
				_, _ = nc.Write(request[:len(request)-i%2*10]) // some of them are never whole
				_ = nc.Close()
			}
			ended <- nil
		}()
	}
	for range clients {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	waitFor(t, "all clients to be gone", func() bool { return len(s.Clients()) == 0 })
	waitFor(t, "their bytes to be gone", func() bool { return s.queries.bytes.Load() == 0 })
	if n := s.queries.waiting.Load(); n != 0 {
		t.Errorf("%d clients wait", n)
	}
}
