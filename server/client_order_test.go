package server

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/pubsubd/pubsubd/broker"
)

// A gate is a subscriber that holds up whoever delivers to it, with the locks
// of the broker held.
type gate struct {
	reached chan struct{} // told of each delivery
	open    func()        // lets them go on
	opened  chan struct{} // closed by open
}

func (*gate) Subscribed(broker.Kind, string, int)   {}
func (*gate) Unsubscribed(broker.Kind, string, int) {}

func (g *gate) Deliver(*broker.Delivery) {
	g.reached <- struct{}{}
	<-g.opened
}

// newGate subscribes a gate to a channel.
func newGate(t *testing.T, s *Server, channel string) *gate {
	g := &gate{reached: make(chan struct{}, 1), opened: make(chan struct{})}
	g.open = sync.OnceFunc(func() { close(g.opened) })
	m := s.broker.Join(g)
	s.broker.Subscribe(m, broker.Channel, channel)
	t.Cleanup(func() {
		g.open()
		s.broker.Clear(m)
	})
	return g
}

// waitForLock waits until a goroutine waits for a lock within a function.
func waitForLock(t *testing.T, function string) {
	t.Helper()
	waitFor(t, function+" to wait for a lock", func() bool {
		for _, stack := range goroutines() {
			if strings.Contains(stack, function) && strings.Contains(stack, "sync.(*Mutex).Lock") {
				return true
			}
		}
		return false
	})
}

// While EXEC runs, what others publish waits, also on channels that EXEC has
// not come to yet.
func TestExecHoldsOthersUp(t *testing.T) {
	s := newServer(t)
	addr := listen(t, s)
	g := newGate(t, s, "first")
	sub, runner, other := dial(t, addr), dial(t, addr), dial(t, addr)
	sub.send("SUBSCRIBE second", "PSUBSCRIBE third*")
	sub.want("[subscribe second 1]", "[psubscribe third* 2]")
	other.ask("PING", "+PONG")
	runner.send("MULTI", "PUBLISH first x", "PUBLISH second exec", "PUBLISH third exec")
	runner.want("+OK", "+QUEUED", "+QUEUED", "+QUEUED")
	runner.send("EXEC")
	<-g.reached // EXEC is at its first command
	other.send("PUBLISH second other", "PUBLISH third other")
	waitForLock(t, "PublishFrom")
	g.open()
	runner.want("[1 1 1]")
	other.want("1", "1")
	sub.want("[message second exec]", "[pmessage third* third exec]", "[message second other]", "[pmessage third* third other]")
}

// A client that is killed while its SUBSCRIBE runs leaves no subscription.
func TestKillDuringSubscribe(t *testing.T) {
	s := newServer(t, func(c *Config) { c.EventLoops = 0 }) // one loop could not hold both up
	addr := listen(t, s)
	g := newGate(t, s, "busy")
	victim, killer, pub := dial(t, addr), dial(t, addr), dial(t, addr)
	id := victim.do("CLIENT ID")
	killer.ask("PING", "+PONG")
	pub.send("PUBLISH busy x")
	<-g.reached // the lock of the channel is held
	victim.send("SUBSCRIBE before busy behind")
	waitForLock(t, "(*Broker).Subscribe")
	killer.send("CLIENT KILL ID " + id)
	waitForLock(t, "cmdClientKill")
	g.open()
	pub.want("1")
	killer.want("1")
	if got := killer.do("PUBSUB NUMSUB before busy behind"); got != "[before 0 busy 1 behind 0]" {
		t.Errorf("subscriptions are left: %s", got)
	}
	for _, f := range victim.end() {
		if f != "[subscribe before 1]" && f != "[subscribe busy 2]" && f != "[subscribe behind 3]" {
			t.Errorf("sent %s", f)
		}
	}
	if got := killer.do("CLIENT LIST"); strings.Contains(got, "id="+id+" ") {
		t.Errorf("the victim is listed: %s", got)
	}
}

// A SUBSCRIBE of many names adds none when whoever closes the client has returned.
func TestNothingIsSubscribedOnceGone(t *testing.T) {
	s := newServer(t, func(c *Config) { c.EventLoops = 0 })
	addr := listen(t, s)
	names := make([]string, 5000)
	for i := range names {
		names[i] = fmt.Sprint("name-", i)
	}
	all := func(ClientInfo) bool { return true }
	for name, closeAll := range map[string]func(){
		"Kick":     func() { s.Kick(all) },
		"Overflow": func() { s.Overflow(all) },
	} {
		for range 20 {
			victim := dial(t, addr)
			victim.send("SUBSCRIBE " + strings.Join(names, " "))
			waitFor(t, "SUBSCRIBE to begin", func() bool { return s.broker.NumSub(names[0]) > 0 })
			closeAll()
			for range 100 {
				if n := s.broker.Stats().Subscriptions; n != 0 {
					t.Fatalf("%s: %d subscriptions when it had returned", name, n)
				}
			}
			_ = victim.end()
		}
	}
}

// A client that has left without a subscription gets none of the SUBSCRIBE that it is
// about to run.
func TestJoinAfterLeaving(t *testing.T) {
	s := newServer(t)
	dial(t, listen(t, s)).ask("PING", "+PONG")
	c := s.openClients()[0]
	c.expel(closedKilled)
	if s.broker.Subscribe(c.join(), broker.Channel, "late") || c.subscriptions() != 0 {
		t.Error("it has subscribed")
	}
}

// CONFIG SET while messages fly loses none and changes no order.
func TestConfigSetLosesNoMessage(t *testing.T) {
	s := newServer(t)
	addr := listen(t, s)
	const publishers, messages = 3, 500
	sub, admin := dial(t, addr), dial(t, addr)
	sub.send("SUBSCRIBE c", "PSUBSCRIBE c*")
	sub.want("[subscribe c 1]", "[psubscribe c* 2]")
	var wg sync.WaitGroup
	for p := range publishers {
		c := dial(t, addr)
		wg.Go(func() {
			for n := 0; n < messages; n += 5 {
				for i := range 5 {
					c.send(fmt.Sprintf("PUBLISH c %d:%d", p, n+i))
				}
				c.want("2", "2", "2", "2", "2")
			}
		})
	}
	stop := make(chan struct{})
	var setting sync.WaitGroup
	setting.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			admin.ask([]string{
				"CONFIG SET proto-max-bulk-len 64mb", "CONFIG SET timeout 3600", "CONFIG SET maxmemory-clients 1gb", "CONFIG SET hz 100",
				"CONFIG SET maxclients 5000", "CONFIG SET client-query-buffer-limit 64mb", "CONFIG SET maxmemory-clients 0", "CONFIG SET timeout 0 hz 10",
			}[n%8], "+OK")
			admin.raw(string(encode("CONFIG", "SET", "client-output-buffer-limit", fmt.Sprintf("pubsub %dmb 16mb 60", 64+n%2))))
			admin.want("+OK")
		}
	})
	next := make([]int, publishers)
	for range publishers * messages {
		payload, _ := message(sub.next())
		var p, n int
		if _, err := fmt.Sscanf(payload, "%d:%d", &p, &n); err != nil || n != next[p] {
			t.Fatalf("%s, want number %d of its publisher", payload, next[p])
		}
		next[p]++
		if again, _ := message(sub.next()); again != payload {
			t.Fatalf("%s by pattern behind %s by name", again, payload)
		}
	}
	wg.Wait()
	close(stop)
	setting.Wait()
}
