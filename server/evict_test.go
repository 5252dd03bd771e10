package server

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pubsubd/pubsubd/broker"
)

// subscriberThatNeverReads returns a client subscribed to a channel with a name
// of its own, whose messages pile up.
func subscriberThatNeverReads(t *testing.T, s *Server, name string) *testConn {
	c := pipe(t, s)
	c.send("CLIENT SETNAME "+name, "SUBSCRIBE "+name)
	c.want("+OK", "[subscribe "+name+" 1]")
	return c
}

// names returns the names of the open clients.
func names(s *Server) string {
	var list []string
	for _, c := range s.Clients() {
		list = append(list, c.Name)
	}
	return strings.Join(list, " ")
}

// Those that take the most go first, no more of them than necessary, and those
// that are protected stay.
func TestEvictionTakesTheLargest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, logs := logger()
		s := newServer(t, func(c *Config) {
			c.Logger = log
			c.Hz = 1
		})
		for _, name := range []string{"small", "large", "middle", "kept"} {
			c := pipe(t, s)
			c.ask("CLIENT SETNAME "+name, "+OK")
			if name == "kept" {
				c.ask("CLIENT NO-EVICT on", "+OK")
			}
			c.ask("SUBSCRIBE "+name, "[subscribe "+name+" 1]")
		}
		const kb = 1 << 10
		for name, size := range map[string]int{"small": 10 * kb, "middle": 200 * kb, "large": 300 * kb, "kept": 400 * kb} {
			s.Broker().Publish(name, make([]byte, size))
		}
		synctest.Wait()
		admin := pipe(t, s)
		admin.ask("CONFIG SET maxmemory-clients 1mb", "+OK")
		synctest.Wait()
		if got := names(s); got != "small large middle kept " {
			t.Errorf("%q are left below the limit", got)
		}
		admin.ask("CONFIG SET maxmemory-clients 800kb", "+OK")
		synctest.Wait()
		if got := names(s); got != "small middle kept " {
			t.Errorf("%q are left of 1 MB in 800 KB", got)
		}
		if got := admin.info("evicted_clients"); got != "1" {
			t.Errorf("evicted_clients:%s", got)
		}
		if lines := logs.FilterMessageSnippet("maxmemory-clients").All(); len(lines) != 1 || !strings.Contains(fmt.Sprint(lines[0].ContextMap()["client"]), "name=large") {
			t.Errorf("logged %v", lines)
		}
		admin.ask("CONFIG SET maxmemory-clients 100kb", "+OK")
		if got := admin.end(); len(got) != 0 { // all but the one protected, and this one with its answer
			t.Errorf("%q", got)
		}
		if got := names(s); got != "kept" {
			t.Errorf("%q are left in 100 KB", got)
		}
		pipe(t, s).end() // and whoever comes next
	})
}

// What piles up for clients that read too slowly is noticed at the end of the
// batch that has published it, not only by the tick.
func TestEvictionAtTheEndOfABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, func(c *Config) {
			c.Hz = 1
			c.MaxMemoryClients = 1 << 20
		})
		slow := subscriberThatNeverReads(t, s, "slow")
		pub := pipe(t, s)
		pub.ask("PING", "+PONG")
		began := time.Now()
		filler := strings.Repeat("x", 64<<10)
		for n := 0; s.closures.count(closedEvicted) == 0; n++ {
			if n > 20 {
				t.Fatalf("%d KiB are queued and nobody is evicted", n*64)
			}
			pub.send("PUBLISH slow " + filler)
			pub.next()
			synctest.Wait()
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("noticed after %v", took)
		}
		slow.end()
		pub.ask("PING", "+PONG")
	})
}

// What clients have sent counts as what waits for them does.
func TestEvictionCountsRequests(t *testing.T) {
	for name, request := range map[string]string{
		"a part of a request": "*2\r\n$4\r\nECHO\r\n$4000000\r\n" + strings.Repeat("x", 2<<20),
		"a transaction":       "MULTI\r\n" + strings.Repeat(string(encode("ECHO", strings.Repeat("x", 1<<10))), 2<<10),
	} {
		s := newServer(t, func(c *Config) { c.MaxMemoryClients = 1 << 20 })
		c, other := pipe(t, s), pipe(t, s)
		other.ask("PING", "+PONG")
		go func() { _, _ = c.nc.Write([]byte(request)) }()
		c.end()
		waitFor(t, name+" to be evicted", func() bool { return s.closures.count(closedEvicted) == 1 })
		other.ask("PING", "+PONG")
	}
}

func TestClientMemoryLimit(t *testing.T) {
	conf := NewConfig()
	for _, tt := range []struct{ memory, clients, want int64 }{
		{0, 0, 0}, {0, 5000, 5000}, {0, -1, conf.memoryLimit() / 100}, {0, -100, conf.memoryLimit()},
		{6 << 20, -7, 6<<20/100*7 + 6<<20%100*7/100}, {6 << 20, 5000, 5000}, {200, -100, 200},
	} {
		conf.MaxMemory, conf.MaxMemoryClients = tt.memory, tt.clients
		if got := conf.clientMemoryLimit(); got != tt.want {
			t.Errorf("%+v: %d", tt, got)
		}
	}
	conf.MaxMemoryClients = -101
	if _, err := New(conf); err == nil {
		t.Error("101% are taken")
	}
}

// mem_clients_normal and tot-mem grow with what is queued and shrink with it.
func TestClientMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		sub := pipe(t, s)
		sub.ask("SUBSCRIBE c", "[subscribe c 1]")
		synctest.Wait()
		before := clientsMemory(s)
		s.Broker().Publish("c", make([]byte, 1<<20))
		synctest.Wait()
		if grown := clientsMemory(s) - before; grown < 1<<20 || grown > 1<<20+1<<10 {
			t.Errorf("1 MiB queued counts %d", grown)
		}
		sub.next()
		synctest.Wait()
		if after := clientsMemory(s); after != before {
			t.Errorf("%d, was %d before", after, before)
		}
		if n := s.clients()[0].count(broker.Channel); n != 1 {
			t.Errorf("%d subscriptions", n)
		}
	})
}

// clientsMemory is what all clients take, in bytes.
func clientsMemory(s *Server) (sum int64) {
	for _, c := range s.clients() {
		sum += c.memory()
	}
	return sum
}

// A client that is being closed still has its memory for a while. Nobody else is
// closed for that.
func TestEvictionForgetsWhoIsClosing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, func(c *Config) { c.MaxMemoryClients = 1 << 20 })
		large, other := pipe(t, s), pipe(t, s)
		other.ask("PING", "+PONG")
		going := s.clients()[0]
		going.mu.Lock()
		going.reason = closedKilled
		going.mu.Unlock()
		going.multiMem.Store(2 << 20)
		s.evictClients(nil)
		if n := s.closures.count(closedEvicted); n != 0 {
			t.Errorf("%d clients were evicted", n)
		}
		other.ask("PING", "+PONG")
		_ = large.nc.Close()
	})
}
