package server

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What a request names does not depend on the one before it.
func TestLookupAfterAnother(t *testing.T) {
	s := newServer(t)
	c := pipe(t, s)
	c.ask("CLIENT GETNAME", "nil")
	c.ask("CLIENT|GETNAME", "-ERR unknown command 'CLIENT|GETNAME', with args beginning with: ")
	c.ask("PING", "+PONG")
	c.ask("ping", "+PONG")
	c.ask("PINGS", "-ERR unknown command 'PINGS', with args beginning with: ")
	c.ask("PIN", "-ERR unknown command 'PIN', with args beginning with: ")
	c.ask("CLIENT NOSUCH", "-ERR unknown subcommand 'NOSUCH'. Try CLIENT HELP.")
	c.ask("CLIENT GETNAME", "nil")
	c.ask("CLIENT GETNAME", "nil")
}

func TestLookupOfRenamedAfterAnother(t *testing.T) {
	s := newServer(t, func(c *Config) {
		if err := c.Load("rename-command echo say\nrename-command ping echo"); err != nil {
			t.Fatal(err)
		}
	})
	c := pipe(t, s)
	for range 2 {
		c.ask("ECHO", "+PONG")
		c.ask("PING", "-ERR unknown command 'PING', with args beginning with: ")
		c.ask("SAY x", "x")
		c.ask("ECHO x", "x") // as PING x
	}
}

// The output buffer limit is that of who is subscribed at the time, however often
// that changes.
func TestClassFollowsSubscriptions(t *testing.T) {
	s := newServer(t)
	c := pipe(t, s)
	class := func() (k clientClass) {
		for _, other := range s.openClients() {
			other.out.mu.Lock()
			k = other.out.class
			other.out.mu.Unlock()
		}
		return k
	}
	for range 2 {
		for _, step := range []struct {
			request, answer string
			want            clientClass
		}{
			{"SUBSCRIBE a", "[subscribe a 1]", classPubsub},
			{"PSUBSCRIBE b", "[psubscribe b 2]", classPubsub},
			{"UNSUBSCRIBE", "[unsubscribe a 1]", classPubsub},
			{"PUNSUBSCRIBE b", "[punsubscribe b 0]", classNormal},
			{"SSUBSCRIBE a", "[ssubscribe a 1]", classPubsub},
			{"RESET", "+RESET", classNormal},
		} {
			c.ask(step.request, step.answer)
			c.ask("PING", map[clientClass]string{classNormal: "+PONG", classPubsub: "[pong ]"}[step.want])
			if got := class(); got != step.want {
				t.Errorf("after %s: class %d, want %d", step.request, got, step.want)
			}
		}
	}
}

// How long a client has to wait until it has taken the replies before is not counted
// as the time of a command.
func TestTimeOfCommandsLeavesOutWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		for i := range 64 {
			s.Broker().Mailbox(strings.Repeat("x", 32<<10) + strconv.Itoa(i))
		}
		c := pipe(t, s)
		const num = maxUnsent>>20 + 1 // at 2 MiB each, twice what may wait
		c.raw(strings.Repeat(string(encode("PUBSUB", "CHANNELS")), num) + string(encode("MULTI")) + string(encode("PING")) + string(encode("EXEC")))
		synctest.Wait()
		if s.commandsRun() == num+4 {
			t.Fatal("nothing has had to wait")
		}
		time.Sleep(time.Minute)
		for range num {
			if f := c.next(); len(f.elems) != 64 {
				t.Fatalf("%d channels", len(f.elems))
			}
		}
		c.want("+OK", "+QUEUED", "[+PONG]")
		if n := s.commandsRun(); n != num+3 {
			t.Errorf("%d commands were run, want %d", n, num+3)
		}
		for i := range s.stats {
			if took := time.Duration(s.stats[i].nanos.Load()); took != 0 {
				t.Errorf("%s took %v of a clock that stood still", allCommands[i].name, took)
			}
		}
	})
}

// Nor is that of a request that is refused, put off, or takes long to be read.
func TestTimeOfCommandsLeavesOutOthers(t *testing.T) {
	words := strings.Fields(strings.Repeat("x ", fewWords))
	for _, requests := range [][][]string{
		{{"ECHO", "a", "b"}, {"PING"}},
		{{"NOSUCH"}, {"PING"}},
		{{"MULTI"}, {"PING"}, {"EXEC"}},
		{slices.Concat([]string{"SUBSCRIBE"}, words)},
		{{"ECHO", strings.Repeat("x", fewBytes)}},
	} {
		s := newServer(t)
		c := localClient(s, newFakeTransport(-1))
		for _, words := range requests {
			c.in.received(copy(c.in.space(), encode(words...)))
		}
		c.work()
		for range requests {
			c.clock = s.uptime() - time.Hour
			if !c.runNext() {
				t.Fatal("a request has not come")
			}
			if requests[0][0] == "MULTI" && c.tx != nil && len(c.tx.commands) == 0 {
				s.resetStats() // of MULTI, which begins when nothing was before it
			}
		}
		for i := range s.stats {
			if took := time.Duration(s.stats[i].nanos.Load()); took >= time.Hour {
				t.Errorf("%.40q: %s took %v", requests, allCommands[i].name, took)
			}
		}
		c.endBatch()
	}
}
