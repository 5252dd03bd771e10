package pubsubtest_test

import (
	"crypto/tls"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pubsubd/pubsubd/pubsubtest"
	"github.com/pubsubd/pubsubd/server"
)

// A client that the server has closed behind a partition hears of it when that is
// over, whoever has selected it and however.
func TestResumeOfClientThatHasLeft(t *testing.T) {
	subscribed := func(c server.ClientInfo) bool { return c.Channels > 0 }
	for name, leave := range map[string]func(srv *pubsubtest.Server){
		"kicked":        func(srv *pubsubtest.Server) { srv.Kick("app") },
		"slow consumer": func(srv *pubsubtest.Server) { srv.Named("app").FullOutputBuffer() },
		"restart":       func(srv *pubsubtest.Server) { srv.Restart() },
	} {
		for how, selection := range map[string]func(srv *pubsubtest.Server) pubsubtest.Selection{
			"by name":      func(srv *pubsubtest.Server) pubsubtest.Selection { return srv.Named("app") },
			"by ID":        func(srv *pubsubtest.Server) pubsubtest.Selection { return srv.Client(1) },
			"by predicate": func(srv *pubsubtest.Server) pubsubtest.Selection { return srv.Clients(subscribed) },
		} {
			t.Run(name+" "+how, func(t *testing.T) {
				inBubble(t, func(t *testing.T, srv *pubsubtest.Server, sub *peer) {
					hit(t, selection(srv).Partition(), 1)
					leave(srv)
					srv.WaitClients(0)
					sub.expectSilence(time.Minute)
					hit(t, srv.Named("other").Resume(), 0)
					hit(t, selection(srv).Resume(), 1)
					sub.expectEnd()
					hit(t, selection(srv).Resume(), 0)
				})
			})
		}
	}
}

// What is on its way to a client that has left still arrives, and at once when the
// delay is over. WaitIdle waits for it.
func TestDelayOfClientThatHasLeft(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *pubsubtest.Server, sub *peer) {
		hit(t, srv.Named("app").Delay(time.Second), 1)
		srv.Publish("orders", "1")
		synctest.Wait()
		srv.Kick("app")
		mine := srv.For(&recorder{TB: t})
		start := time.Now()
		mine.WaitIdle()
		if took := time.Since(start); took < time.Second || took > time.Second+2*time.Millisecond {
			t.Errorf("WaitIdle took %v, want a second", took)
		}
		sub.expect(message("orders", "1"))
		sub.expectEnd()

		sub = connect(t, srv)
		sub.subscribe("app", "orders")
		hit(t, srv.Named("app").Delay(time.Hour), 1)
		srv.Publish("orders", "2")
		synctest.Wait()
		srv.Kick("app")
		r := &recorder{TB: t}
		mine = srv.For(r)
		r.fails(t, mine.WaitIdle, `bytes for client 2 app, which is closed`)
		hit(t, srv.Named("app").Delay(0), 1)
		sub.expect(message("orders", "2"))
		sub.expectEnd()
	})
}

// What Delay holds back when the test ends arrives before the end.
func TestEndWhileDelayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{TB: t}
		srv := pubsubtest.RunT(r, pubsubtest.InMemory())
		sub := connect(t, srv)
		sub.subscribe("app", "orders")
		hit(t, srv.Named("app").Delay(time.Hour), 1)
		large := strings.Repeat("x", 200<<10) // more than the connection takes
		srv.Publish("orders", large)
		synctest.Wait()
		got := make([]byte, len(message("orders", large)))
		read := make(chan error)
		go func() {
			_, err := io.ReadFull(sub.r, got)
			read <- err
		}()
		r.finish()
		if err := <-read; err != nil || string(got) != message("orders", large) {
			t.Errorf("another message was received, or none: %v", err)
		}
		sub.expectEnd()
		if len(r.failures) > 0 {
			t.Errorf("failures %q, want none", r.failures)
		}
	})
}

// The end of a connection does not come through a partition behind what was being
// written to it when that began.
func TestEndBehindPartition(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *pubsubtest.Server, sub *peer) {
		const taken = 64 << 10 // by a connection in memory
		size := taken + 1 - len(message("orders", strings.Repeat("x", taken))) + taken
		last := message("orders", strings.Repeat("x", size)) // all of it but one byte
		hit(t, srv.Named("app").Delay(time.Second), 1)
		srv.Publish("orders", strings.Repeat("x", size))
		time.Sleep(2 * time.Second)
		hit(t, srv.Named("app").Partition(), 1)
		hit(t, srv.Kick("app"), 1)
		if got := sub.read(len(last)); got != last {
			t.Error("another message was received")
		}
		sub.expectSilence(time.Minute)
		hit(t, srv.Named("app").Resume(), 1)
		sub.expectEnd()
	})
}

// A server that ends a client behind a partition is not kept by what it was just writing
// to it.
func TestEndOfWriteBehindPartition(t *testing.T) {
	for _, opts := range [][]pubsubtest.Option{nil, {pubsubtest.TLS()}} {
		for name, end := range map[string]func(srv *pubsubtest.Server){
			"restart": func(srv *pubsubtest.Server) { srv.Restart() },
			"kick":    func(srv *pubsubtest.Server) { srv.Kick("app") },
			"reset":   func(srv *pubsubtest.Server) { srv.Named("app").Reset() },
		} {
			inBubble(t, func(t *testing.T, srv *pubsubtest.Server, sub *peer) {
				srv.Publish("orders", strings.Repeat("x", 200<<10)) // more than the connection takes
				synctest.Wait()
				hit(t, srv.Named("app").Partition(), 1)
				began, before := time.Now(), srv.Server()
				end(srv)
				if err := before.Close(); err != nil { // waits for its goroutines
					t.Error(err)
				}
				if took := time.Since(began); took > 100*time.Millisecond {
					t.Errorf("%s took %v, want nothing", name, took)
				}
				_ = sub.SetReadDeadline(time.Now().Add(time.Minute))
				if _, err := io.Copy(io.Discard, sub.r); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("%s: the client sees %v, want no end", name, err)
				}
				hit(t, srv.Named("app").Resume(), 1)
				sub.expectGone()
			}, opts...)
		}
	}
}

// Ends and resets of all sorts wait behind a partition.
func TestAllEndsBehindPartition(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *pubsubtest.Server, sub *peer) {
		app := srv.Named("app")
		hit(t, app.Partition(), 1)
		hit(t, app.CutAfter(0), 1)
		srv.WaitClients(0)
		sub.expectSilence(time.Minute)
		hit(t, app.Resume(), 1)
		sub.expectEnd()

		for _, delay := range []time.Duration{0, time.Hour} {
			sub = connect(t, srv)
			sub.subscribe("app", "orders")
			hit(t, app.Delay(delay), 1)
			srv.Publish("orders", "lost")
			synctest.Wait()
			hit(t, app.Partition(), 1)
			if delay == 0 {
				sub.expect(message("orders", "lost")) // had left before
			}
			hit(t, app.Reset(), 1)
			srv.WaitIdle()
			sub.expectSilence(time.Minute)
			hit(t, app.Resume(), 1)
			sub.expectReset()
		}

		heal, accept := srv.Offline(), srv.Refuse(pubsubtest.RefuseConnections)
		refused := connect(t, srv)
		refused.expectSilence(time.Minute)
		accept()
		refused.expectSilence(time.Minute)
		heal()
		refused.expectReset()
	})
}

// The end of a connection takes as long as what is sent, also if nothing is on its way.
func TestDelayOfTheEndAlone(t *testing.T) {
	for name, end := range map[string]func(srv *pubsubtest.Server){
		"kick":    func(srv *pubsubtest.Server) { srv.Kick("app") },
		"restart": func(srv *pubsubtest.Server) { srv.Restart() },
		"stalled": func(srv *pubsubtest.Server) { srv.Named("app").Stall(); srv.Kick("app") },
	} {
		inBubble(t, func(t *testing.T, srv *pubsubtest.Server, sub *peer) {
			hit(t, srv.Named("app").Delay(time.Second), 1)
			began := time.Now()
			end(srv)
			srv.WaitClients(0)
			sub.expectEnd()
			if took := time.Since(began); took < time.Second || took > time.Second+2*time.Millisecond {
				t.Errorf("%s: the end took %v, want a second", name, took)
			}
		})
	}
}

// Partitions of a client and of the server do not end each other.
func TestPartitionsWithin(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *pubsubtest.Server, sub *peer) {
		heal := srv.Offline()
		hit(t, srv.Named("app").Partition(), 1)
		srv.Publish("orders", "1")
		hit(t, srv.Named("app").Resume(), 1)
		sub.expectSilence(time.Minute) // that of the server goes on
		hit(t, srv.Named("app").Partition(), 1)
		heal()
		heal()
		sub.expectSilence(time.Minute)
		hit(t, srv.Named("app").Resume(), 1)
		sub.expect(message("orders", "1"))
		hit(t, srv.Named("app").Partition(), 1)
		heal() // has nothing to do with this one
		srv.Publish("orders", "2")
		sub.expectSilence(time.Minute)
	})
}

// A partition holds back the handshake of TLS, whether it or the connection was first.
func TestPartitionBeforeHandshake(t *testing.T) {
	for name, part := range map[string]func(t *testing.T, srv *pubsubtest.Server) (p *peer, heal func()){
		"of a connection": func(t *testing.T, srv *pubsubtest.Server) (*peer, func()) {
			p := connect(t, srv)
			synctest.Wait() // it is read from
			return p, srv.Offline()
		},
		"of one to come": func(t *testing.T, srv *pubsubtest.Server) (*peer, func()) {
			heal := srv.Offline()
			return connect(t, srv), heal
		},
		"of a selection": func(t *testing.T, srv *pubsubtest.Server) (*peer, func()) {
			p := connect(t, srv)
			srv.WaitClients(1)
			hit(t, srv.Clients(nil).Partition(), 1)
			return p, func() { hit(t, srv.Clients(nil).Resume(), 1) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := pubsubtest.RunT(t, pubsubtest.InMemory(), pubsubtest.TLS())
				p, heal := part(t, srv)
				shaken := make(chan error, 1)
				go func() { shaken <- p.Conn.(*tls.Conn).Handshake() }()
				time.Sleep(time.Minute)
				select {
				case err := <-shaken:
					t.Fatalf("the handshake has ended: %v", err)
				default:
				}
				heal()
				if err := <-shaken; err != nil {
					t.Fatal(err)
				}
				p.send("PING")
				p.expect("+PONG\r\n")
			})
		})
	}
}

// Faults, ends, restarts and waits from many goroutines at once leave a server that
// works.
func TestFaultsAtOnce(t *testing.T) {
	for name, opts := range networks {
		t.Run(name, func(t *testing.T) {
			srv := pubsubtest.RunT(t, opts...)
			var all sync.WaitGroup
			for _, do := range []func(f pubsubtest.Selection){
				func(f pubsubtest.Selection) { f.Kick() },
				func(f pubsubtest.Selection) { f.Reset() },
				func(f pubsubtest.Selection) { f.Stall(); f.Resume() },
				func(f pubsubtest.Selection) { f.Delay(time.Millisecond) },
				func(f pubsubtest.Selection) { f.CutAfter(30) },
				func(f pubsubtest.Selection) { f.FullOutputBuffer() },
				func(f pubsubtest.Selection) { f.DropPong() },
				func(f pubsubtest.Selection) { f.Partition(); f.Resume() },
				func(pubsubtest.Selection) { srv.Offline()() },
				func(pubsubtest.Selection) { srv.Refuse(pubsubtest.RefuseConnections | pubsubtest.RefuseAuth)() },
				func(pubsubtest.Selection) { srv.Publish("orders", strings.Repeat("x", 100<<10)) },
				func(pubsubtest.Selection) { _ = srv.Transcript() },
			} {
				all.Go(func() {
					for range 20 {
						do(srv.Clients(nil))
					}
				})
			}
			for range 4 {
				all.Go(func() {
					for range 20 {
						nc, err := dial(srv)
						if err != nil {
							continue // it is refused, or reset in its handshake
						}
						_ = nc.SetDeadline(time.Now().Add(50 * time.Millisecond))
						_, _ = nc.Write([]byte("SUBSCRIBE orders\r\nPING\r\n"))
						_, _ = nc.Read(make([]byte, 100))
						nc.Close()
					}
				})
			}
			for range 20 { // these are for the goroutine of the test
				srv.Restart()
				srv.Subscribe("orders").Close()
			}
			all.Wait()
			srv.WaitClients(0)
			nc, err := dial(srv)
			if err != nil {
				t.Fatal(err)
			}
			p := newPeer(t, nc)
			p.subscribe("app", "orders")
			srv.Publish("orders", "1")
			p.expect(message("orders", "1"))
		})
	}
}
