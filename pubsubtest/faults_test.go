package pubsubtest_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pubsubd/pubsubd/pubsubtest"
	"github.com/pubsubd/pubsubd/server"
)

// inBubble runs a test on fake time with a server in memory and a subscriber.
func inBubble(t *testing.T, test func(t *testing.T, srv *pubsubtest.Server, sub *peer), opts ...pubsubtest.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := pubsubtest.RunT(t, append(opts, pubsubtest.InMemory())...)
		sub := connect(t, srv)
		sub.subscribe("app", "orders")
		test(t, srv, sub)
	})
}

// hit fails the test unless a fault was done to n clients.
func hit(t *testing.T, got, n int) {
	t.Helper()
	if got != n {
		t.Fatalf("the fault concerned %d clients, want %d", got, n)
	}
}

func TestKick(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *pubsubtest.Server, sub *peer) {
		other := connect(t, srv)
		other.send("CLIENT ID")
		other.expect(":2\r\n")
		hit(t, srv.Kick("nobody"), 0)
		hit(t, srv.Named("app").Kick(), 1)
		sub.expectEnd()
		hit(t, srv.Client(2).Kick(), 1)
		other.expectEnd()
		srv.WaitClients(0)
	})
}

func TestSelections(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *pubsubtest.Server, sub *peer) {
		connect(t, srv).subscribe("other", "news")
		subscribed := srv.Clients(func(c server.ClientInfo) bool { return c.Channels > 0 })
		if list := subscribed.List(); len(list) != 2 || list[0].Name != "app" || list[1].Name != "other" {
			t.Errorf("selected %+v, want app and other", list)
		}
		hit(t, srv.Clients(nil).Stall(), 2)
	})
}

// A predicate that answers otherwise the next time is asked once about each client.
func TestSelectionAsksOnce(t *testing.T) {
	for name, do := range map[string]func(pubsubtest.Selection) int{
		"Kick":             pubsubtest.Selection.Kick,
		"FullOutputBuffer": pubsubtest.Selection.FullOutputBuffer,
		"Reset":            pubsubtest.Selection.Reset,
		"Stall":            pubsubtest.Selection.Stall,
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *pubsubtest.Server, _ *peer) {
				connect(t, srv).subscribe("other", "news")
				asked := 0
				hit(t, do(srv.Clients(func(server.ClientInfo) bool { asked++; return asked == 1 })), 1)
				if asked != 2 {
					t.Errorf("asked %d times about 2 clients", asked)
				}
			})
		})
	}
}

// The transcript tells how many clients a fault was done to, also if it was none.
func TestFaultsAreCounted(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *pubsubtest.Server, _ *peer) {
		connect(t, srv).subscribe("other", "news")
		none := srv.Named("ap")
		wants := func(want string) {
			t.Helper()
			if all := srv.Transcript(); !strings.Contains(all, "test ! "+want+"\n") {
				t.Errorf("the transcript has no %q:\n%s", want, all)
			}
		}
		for name, do := range map[string]func(pubsubtest.Selection) int{
			"Stall":            pubsubtest.Selection.Stall,
			"Delay":            func(f pubsubtest.Selection) int { return f.Delay(time.Second) },
			"CutAfter":         func(f pubsubtest.Selection) int { return f.CutAfter(1000) },
			"DropPong":         pubsubtest.Selection.DropPong,
			"Partition":        pubsubtest.Selection.Partition,
			"Resume":           pubsubtest.Selection.Resume,
			"Kick":             pubsubtest.Selection.Kick,
			"FullOutputBuffer": pubsubtest.Selection.FullOutputBuffer,
			"Reset":            pubsubtest.Selection.Reset,
		} {
			hit(t, do(none), 0)
			wants(name + ": nobody matched")
		}
		hit(t, srv.Clients(nil).Stall(), 2)
		wants("Stall: 2 clients")
		hit(t, srv.Named("app").Resume(), 1)
		wants("Resume: 1 client")
	})
}

// Reset waits for the server although the test has no patience.
func TestResetWithoutPatience(t *testing.T) {
	srv := pubsubtest.RunT(t, pubsubtest.Patience(0))
	for range 50 {
		sub := connect(t, srv)
		sub.subscribe("app", "orders")
		hit(t, srv.Named("app").Reset(), 1)
		if n := srv.Server().Broker().NumSub("orders"); n != 0 {
			t.Fatalf("%d subscriptions when Reset had returned", n)
		}
	}
}

func TestReset(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *pubsubtest.Server, sub *peer) {
		hit(t, srv.Named("app").Reset(), 1)
		if _, err := sub.r.ReadByte(); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the client sees %v, want a reset", err)
		}
		if end := srv.WaitClosed(1); end.Reason != "connection-reset" {
			t.Errorf("ended as %+v, want a reset", end)
		}
	})
}

func TestResetOverTCP(t *testing.T) {
	srv := pubsubtest.RunT(t)
	sub := connect(t, srv)
	sub.subscribe("app", "orders")
	hit(t, srv.Named("app").Reset(), 1)
	if _, err := sub.r.ReadByte(); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the client sees %v, want a reset", err)
	}
	if end := srv.WaitClosed(1); end.Reason != "connection-reset" {
		t.Errorf("ended as %+v, want a reset", end)
	}
}

func TestStallAndResume(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *pubsubtest.Server, sub *peer) {
		hit(t, srv.Named("app").Stall(), 1)
		srv.Publish("orders", "1")
		srv.Publish("orders", "2")
		sub.expectSilence(time.Hour)
		hit(t, srv.Named("app").Resume(), 1)
		sub.expect(message("orders", "1") + message("orders", "2"))
	})
}

// A stalled client is a slow consumer: its output buffer limit closes it.
func TestStallUntilTheLimit(t *testing.T) {
	limit := pubsubtest.Config(func(c *server.Config) { c.PubsubOutput = server.OutputLimit{Hard: 100 << 10} })
	inBubble(t, func(t *testing.T, srv *pubsubtest.Server, sub *peer) {
		hit(t, srv.Named("app").Stall(), 1)
		for range 20 {
			srv.Publish("orders", strings.Repeat("x", 10<<10))
			synctest.Wait()
		}
		srv.WaitSubscribers("orders", 0)
		sub.expectEnd()
		if c := srv.Server().Closures(); len(c) != 1 || c[0].Reason != "output-buffer-hard-limit" {
			t.Errorf("closures %+v, want that of a slow consumer", c)
		}
	}, limit)
}

func TestDelay(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *pubsubtest.Server, sub *peer) {
		hit(t, srv.Named("app").Delay(time.Second), 1)
		start := time.Now()
		srv.Publish("orders", "1")
		time.Sleep(400 * time.Millisecond)
		srv.Publish("orders", "2")
		arrives := func(payload string, want time.Duration) {
			t.Helper()
			sub.expect(message("orders", payload))
			if took := time.Since(start); took < want || took > want+2*time.Millisecond { // WaitIdle looks each millisecond
				t.Errorf("%s arrived after %v, want %v", payload, took, want)
			}
		}
		arrives("1", time.Second)
		arrives("2", 1400*time.Millisecond)
		srv.Publish("orders", "3")
		hit(t, srv.Named("app").Delay(0), 1)
		srv.WaitIdle()
		srv.Publish("orders", "4")
		arrives("3", 1400*time.Millisecond)
		arrives("4", 1400*time.Millisecond)
	})
}

// What is on its way to a client arrives although the server has closed the connection.
func TestDelayOfTheEnd(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *pubsubtest.Server, sub *peer) {
		hit(t, srv.Named("app").Delay(time.Second), 1)
		srv.Publish("orders", "last")
		synctest.Wait()
		hit(t, srv.Kick("app"), 1)
		sub.expectSilence(900 * time.Millisecond)
		sub.expect(message("orders", "last"))
		sub.expectEnd()
	})
}

func TestCutAfter(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *pubsubtest.Server, sub *peer) {
		first, second := message("orders", "1"), message("orders", "2")
		hit(t, srv.Named("app").CutAfter(len(first)+10), 1)
		srv.Publish("orders", "1")
		srv.Publish("orders", "2")
		sub.expect(first + second[:10])
		sub.expectEnd()
		srv.WaitSubscribers("orders", 0)
	})
}

func TestFullOutputBuffer(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *pubsubtest.Server, sub *peer) {
		hit(t, srv.Named("app").FullOutputBuffer(), 1)
		sub.expectEnd()
		if c := srv.Server().Closures(); len(c) != 1 || c[0].Reason != "output-buffer-hard-limit" {
			t.Errorf("closures %+v, want that of a slow consumer", c)
		}
	})
}

func TestDropPong(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *pubsubtest.Server, sub *peer) {
		const pong = "*2\r\n$4\r\npong\r\n"
		sub.write("*1\r\n$4\r\nPI") // has begun, so it is answered
		synctest.Wait()
		hit(t, srv.Named("app").DropPong(), 1)
		sub.write("NG\r\nPING\r\n*2\r\n$4\r\nping\r\n$5\r\nhello\r\nSUBSCRIBE news\r\nPI")
		sub.expect(pong + "$0\r\n\r\n" + bulks("subscribe", "news") + ":2\r\n")
		srv.Publish("orders", "1")
		sub.expect(message("orders", "1"))
		hit(t, srv.Named("app").Resume(), 1)
		sub.write("NG end\r\n") // what is held goes on
		sub.send("PING again")
		sub.expect(pong + "$3\r\nend\r\n" + pong + "$5\r\nagain\r\n")
	})
}

func TestPartition(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *pubsubtest.Server, sub *peer) {
		hit(t, srv.Named("app").Partition(), 1)
		srv.Publish("orders", "1")
		sub.send("PING")
		sub.expectSilence(time.Minute)
		hit(t, srv.Kick("app"), 1)
		sub.expectSilence(time.Minute) // nor the end
		heal := srv.Offline()
		late := connect(t, srv)
		late.send("PING")
		late.expectSilence(time.Minute)
		heal()
		heal()
		late.expect("+PONG\r\n")
		sub.expectSilence(time.Minute) // its own partition goes on
		hit(t, srv.Named("app").Resume(), 1)
		sub.expectEnd() // what was queued is lost with the connection
	})
}

// A partition that heals in time loses nothing.
func TestPartitionThatHeals(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *pubsubtest.Server, sub *peer) {
		heal := srv.Offline()
		srv.Publish("orders", "1")
		sub.send("PING")
		sub.expectSilence(time.Minute)
		heal()
		got := sub.read(len(message("orders", "1") + "*2\r\n$4\r\npong\r\n$0\r\n\r\n"))
		if !strings.Contains(got, "pong") || !strings.Contains(got, message("orders", "1")) {
			t.Errorf("received %q, want a message and a pong", got)
		}
	})
}

// What a client sends meanwhile is not run before the partition heals.
func TestPartitionOfPublisher(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *pubsubtest.Server, _ *peer) {
		orders := srv.Subscribe("orders")
		pub := connect(t, srv)
		pub.send("CLIENT SETNAME pub")
		pub.expect("+OK\r\n")
		hit(t, srv.Named("pub").Partition(), 1)
		pub.send("PUBLISH orders 1")
		pub.Close()
		time.Sleep(time.Minute)
		orders.ExpectNothing()
		if n := len(srv.Named("pub").List()); n != 1 {
			t.Errorf("%d publishers are left, want 1: the end of its connection has not arrived", n)
		}
		hit(t, srv.Named("pub").Resume(), 1)
		orders.Expect("orders", "1")
		srv.WaitClients(1)
	})
}

// The server is offline until all who asked for it are content.
func TestOfflines(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *pubsubtest.Server, sub *peer) {
		one, two := srv.Offline(), srv.Offline()
		srv.Publish("orders", "1")
		one()
		one()
		sub.expectSilence(time.Minute)
		two()
		sub.expect(message("orders", "1"))
	})
}

func TestRestart(t *testing.T) {
	for _, networks := range [][]pubsubtest.Option{nil, {pubsubtest.InMemory()}, {pubsubtest.UnixSocket()}} {
		srv := pubsubtest.RunT(t, networks...)
		sub := connect(t, srv)
		sub.subscribe("app", "orders")
		observer := srv.Subscribe("orders")
		addr, before := srv.Addr(), srv.Server()
		srv.Restart()
		sub.expectEnd()
		if srv.Addr() != addr || srv.Server() == before {
			t.Errorf("address %s, server the same: %t; want %s and another", srv.Addr(), srv.Server() == before, addr)
		}
		if n := srv.Publish("orders", "1"); n != 1 {
			t.Errorf("%d receivers, want the observer alone", n)
		}
		observer.Expect("orders", "1")
		connect(t, srv).subscribe("app", "orders")
		if n := srv.Publish("orders", "2"); n != 2 {
			t.Errorf("%d receivers, want 2", n)
		}
		observer.Expect("orders", "2")
	}
}

// A Restart that fails leaves a server that ends, and that can be restarted.
func TestRestartThatFails(t *testing.T) {
	for _, again := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var conf *server.Config
			r := &recorder{TB: t}
			srv := pubsubtest.RunT(r, pubsubtest.InMemory(), pubsubtest.Config(func(c *server.Config) { conf = c }))
			hz := conf.Hz
			conf.Hz = -1
			r.fails(t, srv.Restart, "Restart: ", "Hz")
			r.failures = nil
			if again {
				conf.Hz = hz
				srv.Restart()
				connect(t, srv).subscribe("app", "orders")
			}
			r.finish()
			if len(r.failures) > 0 {
				t.Errorf("failures %q, want none", r.failures)
			}
		})
	}
}
