package server

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// publishUntilClosed publishes until nobody but the healthy subscriber is
// left, which must receive every message.
func publishUntilClosed(t *testing.T, pub, healthy *testConn, size int) (messages int) {
	t.Helper()
	filler := strings.Repeat("x", size)
	for n := range 5000 {
		got := pub.do(fmt.Sprintf("PUBLISH c %d:%s", n, filler))
		healthy.want(fmt.Sprintf("[message c %d:%s]", n, filler))
		if got == "1" {
			return n
		}
	}
	t.Fatal("the slow consumer was never closed")
	return 0
}

func TestSlowConsumerHardLimit(t *testing.T) {
	log, logs := logger()
	s := newServer(t, func(c *Config) {
		c.Logger = log
		c.PubsubOutput = OutputLimit{Hard: 1 << 20}
	})
	addr := listen(t, s)
	slow, healthy, pub := dial(t, addr), dial(t, addr), dial(t, addr)
	slow.ask("SUBSCRIBE c", "[subscribe c 1]") // and reads no more
	healthy.ask("SUBSCRIBE c", "[subscribe c 1]")
	publishUntilClosed(t, pub, healthy, 64<<10)
	for i, f := range slow.end() { // the start of what was sent, whole
		if want := fmt.Sprintf("[message c %d:", i); !strings.HasPrefix(f, want) {
			t.Fatalf("frame %d of the slow consumer: %.40q", i, f)
		}
	}
	if got := pub.info("client_output_buffer_limit_disconnections"); got != "1" {
		t.Errorf("client_output_buffer_limit_disconnections:%s", got)
	}
	lines := logs.FilterMessage("closing a slow consumer").All()
	if len(lines) != 1 || lines[0].ContextMap()["reason"] != string(closedHardLimit) || !strings.Contains(fmt.Sprint(lines[0].ContextMap()["client"]), "sub=1") {
		t.Errorf("logged %v", lines)
	}
}

func TestSlowConsumerSoftLimit(t *testing.T) {
	s := newServer(t, func(c *Config) { c.PubsubOutput = OutputLimit{Soft: 256 << 10, SoftSeconds: 1} })
	addr := listen(t, s)
	slow, healthy, pub := dial(t, addr), dial(t, addr), dial(t, addr)
	slow.ask("SUBSCRIBE c", "[subscribe c 1]") // and reads no more
	healthy.ask("SUBSCRIBE c", "[subscribe c 1]")
	filler := strings.Repeat("x", 256<<10)
	isLagging := func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.lagging) == 1
	}
	for n := 0; !isLagging(); n++ {
		if n == 1000 {
			t.Fatal("the slow consumer never got over its soft limit")
		}
		receivers := pub.do("PUBLISH c " + filler)
		healthy.want("[message c " + filler + "]")
		if receivers == "1" {
			break // that has taken longer than it may be over its limit
		}
	}
	waitFor(t, "the slow consumer to be closed without traffic", func() bool { return s.broker.NumSub("c") == 1 })
	slow.end()
	healthy.ask("PING", "[pong ]")
	if got := pub.info("client_output_buffer_limit_disconnections"); got != "1" {
		t.Errorf("client_output_buffer_limit_disconnections:%s", got)
	}
}

func TestSoftLimitRunsFromTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, func(c *Config) { c.PubsubOutput = OutputLimit{Soft: 1, SoftSeconds: 2} })
		sub, other := pipe(t, s), pipe(t, s)
		sub.ask("SUBSCRIBE c", "[subscribe c 1]")
		other.ask("SUBSCRIBE d", "[subscribe d 1]")
		s.Broker().Publish("c", make([]byte, freeOutput)) // within the first second of the server
		time.Sleep(2 * time.Second)
		if s.Broker().NumSub("c") != 1 {
			t.Error("closed too soon")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if s.Broker().NumSub("c") != 0 || s.Broker().NumSub("d") != 1 {
			t.Errorf("after 4 s: %d and %d subscribers", s.Broker().NumSub("c"), s.Broker().NumSub("d"))
		}
	})
}

// New limits are for those who are connected already, and for all or none.
func TestOutputLimitOfLiveClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		sub, admin := pipe(t, s), pipe(t, s)
		sub.ask("SUBSCRIBE c", "[subscribe c 1]")
		message := make([]byte, 100<<10)
		s.Broker().Publish("c", message)
		set := func(want string, words ...string) {
			t.Helper()
			admin.raw(string(encode(append([]string{"CONFIG", "SET"}, words...)...)))
			admin.want(want)
		}
		set("-ERR CONFIG SET failed (possibly related to argument 'timeout')…", "client-output-buffer-limit", "pubsub 64kb 0 0", "timeout", "x")
		s.Broker().Publish("c", []byte("x"))
		synctest.Wait()
		if s.Broker().NumSub("c") != 1 {
			t.Fatal("a limit from a refused CONFIG SET is in force")
		}
		set("+OK", "client-output-buffer-limit", "pubsub 64kb 0 0", "timeout", "5")
		s.Broker().Publish("c", []byte("x"))
		synctest.Wait()
		if s.Broker().NumSub("c") != 0 {
			t.Error("the new limit is not in force")
		}
		if got := sub.end(); len(got) != 0 {
			t.Errorf("sent %.80q", got)
		}
		admin.raw(string(encode("CONFIG", "GET", "client-output-buffer-limit")))
		admin.want("[client-output-buffer-limit normal 0 0 0 slave 268435456 67108864 60 pubsub 65536 0 0]")
	})
}

// A client over a new limit is closed by the timer too.
func TestSoftLimitLoweredWithoutTraffic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, func(c *Config) { c.PubsubOutput = OutputLimit{} })
		sub, admin := pipe(t, s), pipe(t, s)
		sub.ask("SUBSCRIBE c", "[subscribe c 1]")
		s.Broker().Publish("c", make([]byte, 100<<10))
		admin.raw(string(encode("CONFIG", "SET", "client-output-buffer-limit", "pubsub 0 50kb 1")))
		admin.want("+OK")
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if s.Broker().NumSub("c") != 0 {
			t.Error("a client over a limit set later is not closed")
		}
	})
}

func TestLargeMessages(t *testing.T) {
	s := newServer(t)
	addr := listen(t, s)
	const subscribers, messages = 20, 4
	payload := strings.Repeat("0123456789abcdef", 64<<10)
	var ready, done sync.WaitGroup
	ready.Add(subscribers)
	for i := range subscribers {
		c := dial(t, addr)
		c.raw(string(encode("HELLO", []string{"2", "3"}[i%2])))
		c.next()
		done.Go(func() {
			c.send("SUBSCRIBE c", "PSUBSCRIBE c*")
			c.next()
			c.next()
			ready.Done()
			for n := range 2 * messages {
				f, err := c.read()
				if err != nil || len(f.elems) != 3+n%2 || f.elems[len(f.elems)-1].text != payload {
					t.Errorf("subscriber %d, message %d: %.60q, %v", i, n, f, err)
					return
				}
			}
		})
	}
	ready.Wait()
	pub := dial(t, addr)
	for range messages {
		pub.raw(string(encode("PUBLISH", "c", payload)))
		pub.want(fmt.Sprint(2 * subscribers))
	}
	done.Wait()
}
