package pubsubtest_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pubsubd/pubsubd/pubsubtest"
	"github.com/pubsubd/pubsubd/server"
)

func TestWaits(t *testing.T) {
	srv := pubsubtest.RunT(t)
	p := connect(t, srv)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = p.Write([]byte("SUBSCRIBE a b\r\nPSUBSCRIBE c*\r\nSSUBSCRIBE s\r\n"))
	}()
	srv.WaitClients(1)
	srv.WaitSubscribers("a", 1)
	srv.WaitSubscribers("b", 1)
	srv.WaitPatterns(1)
	srv.WaitShardSubscribers("s", 1)
	<-done
	if n := srv.SPublish("s", "hello"); n != 1 {
		t.Errorf("SPublish reached %d, want 1", n)
	}
	srv.WaitIdle()
	p.Close()
	srv.WaitSubscribers("a", 0)
	srv.WaitPatterns(0)
	srv.WaitShardSubscribers("s", 0)
	srv.WaitClients(0)
}

// A wait that is in vain says what is there instead, and takes the patience.
func TestWaitsInVain(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *pubsubtest.Server, sub *peer) {
		r := &recorder{TB: t}
		mine := srv.For(r)
		own := srv.Subscribe("orders", "news")
		defer own.Close()
		start := time.Now()
		r.fails(t, func() { mine.WaitSubscribers("orders", 2) }, "waited 1s", `2 subscribers of "orders"`, "there are 1", `1 "app" (1 channels`, `"news"`)
		if took := time.Since(start); took != time.Second {
			t.Errorf("the wait took %v, want a second", took)
		}
		r.fails(t, func() { mine.WaitSubscribers("orders", 0) }, `no subscribers of "orders"`)
		r.fails(t, func() { mine.WaitSubscribers("news", 1) }, "there are 0")
		r.fails(t, func() { mine.WaitPatterns(1) }, "1 patterns; there are 0", "none")
		r.fails(t, func() { mine.WaitShardSubscribers("s", 1) }, `shard channel "s"; there are 0`)
		r.fails(t, func() { mine.WaitClients(2) }, "2 clients; there are 1")
		hit(t, srv.Named("app").Stall(), 1)
		srv.Publish("orders", "1")
		r.fails(t, mine.WaitIdle, `bytes for client 1 "app"`)
		hit(t, srv.Named("app").Resume(), 1)
		mine.WaitIdle()
		hit(t, srv.Named("app").Delay(1500*time.Millisecond), 1)
		srv.Publish("orders", "1")
		r.fails(t, mine.WaitIdle, `bytes for client 1 "app"`)
		mine.WaitIdle()
	}, pubsubtest.Patience(time.Second))
}

// The end of a client that connects and subscribes again at once is not missed.
func TestWaitClosed(t *testing.T) {
	limit := pubsubtest.Config(func(c *server.Config) { c.PubsubOutput = server.OutputLimit{Hard: 100 << 10} })
	srv := pubsubtest.RunT(t, limit)
	rdb := redis.NewClient(&redis.Options{Addr: srv.Addr(), ClientName: "app"})
	defer rdb.Close()
	sub := rdb.Subscribe(t.Context(), "orders")
	defer sub.Close()
	_ = sub.Channel() // which subscribes again
	srv.WaitSubscribers("orders", 1)
	id := srv.Clients(func(c server.ClientInfo) bool { return c.Channels > 0 }).List()[0].ID
	hit(t, srv.Client(id).Stall(), 1)
	for range 20 {
		srv.Publish("orders", strings.Repeat("x", 10<<10))
	}
	if end := srv.WaitClosed(id); end.ID != id || end.Reason != "output-buffer-hard-limit" {
		t.Errorf("client %d has ended as %+v, want a slow consumer", id, end)
	}
	srv.WaitSubscribers("orders", 1)
	hit(t, srv.Client(id).Stall(), 0)
}

// A client that does not end is waited for in vain.
func TestWaitClosedInVain(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *pubsubtest.Server, _ *peer) {
		r := &recorder{TB: t}
		mine := srv.For(r)
		r.fails(t, func() { mine.WaitClosed(1) }, "waited 1s", "for client 1 to be closed", `1 "app" (1 channels`)
		hit(t, srv.Kick("app"), 1)
		if end := mine.WaitClosed(1); end.Reason != "killed" {
			t.Errorf("ended as %+v, want killed", end)
		}
	}, pubsubtest.Patience(time.Second))
}

// A wait in vain in another goroutine than that of its test, as that of a subtest, says
// what it wants; one of For does not.
func TestWaitOfAnotherTest(t *testing.T) {
	srv := pubsubtest.RunT(t, pubsubtest.InMemory(), pubsubtest.Patience(0))
	const hint = "a subtest needs the server that For returns for it"
	r := &recorder{TB: t}
	mine := srv.For(r)
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.fails(t, func() { mine.WaitClients(1) }, "1 clients; there are 0", hint, t.Name())
		here := mine.For(r)
		r.fails(t, func() { here.WaitClients(1) }, "1 clients; there are 0")
		if strings.Contains(r.failures[0], hint) {
			t.Errorf("failure %q, want none of another goroutine", r.failures[0])
		}
	}()
	<-done
}

// Without a test, what would fail it panics.
func TestWaitWithoutTest(t *testing.T) {
	srv, err := pubsubtest.Start(pubsubtest.Patience(time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if p, ok := recover().(string); !ok || !strings.Contains(p, " for 1 clients; there are 0") {
			t.Errorf("panic %q, want one that says what was waited for", p)
		}
		for range 2 {
			if err := srv.Close(); err != nil {
				t.Error(err)
			}
		}
	}()
	srv.WaitClients(1)
}

func TestSubscriber(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *pubsubtest.Server, sub *peer) {
		r := &recorder{TB: t}
		mine := srv.For(r)
		one, patterns, shard := mine.Subscribe("orders", "news"), mine.PSubscribe("ord*"), mine.SSubscribe("orders")
		one.ExpectNothing()
		pub := connect(t, srv)
		pub.send("PUBLISH orders hello")
		pub.expect(":3\r\n") // the client, one and patterns
		one.Expect("orders", "hello")
		if m := patterns.Next(); m.Pattern != "ord*" || m.Channel != "orders" || string(m.Payload) != "hello" {
			t.Errorf("received %+v", m)
		}
		shard.ExpectNothing()
		if n := srv.SPublish("orders", "s"); n != 1 {
			t.Errorf("SPublish reached %d, want 1", n)
		}
		shard.Expect("orders", "s")

		srv.Publish("news", "1")
		r.fails(t, one.ExpectNothing, `1 on "news"`, "want nothing")
		srv.Publish("news", "2")
		r.fails(t, func() { one.Expect("news", "3") }, `received 2 on "news"`, `want 3 on "news"`)
		r.fails(t, func() { one.Expect("news", "3") }, "waited 10s", `no message of channels orders news`)
		r.fails(t, func() { one.Next() }, "waited 10s", "none came")
		go func() {
			time.Sleep(time.Second)
			srv.Publish("news", "late")
		}()
		one.Expect("news", "late")
		srv.Publish("news", "last")
		one.Close()
		one.Close()
		srv.Publish("news", "after")
		one.Expect("news", "last")
		one.ExpectNothing()
		synctest.Wait()
	})
}
