//go:build linux

package slow

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/numbered"
	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
)

// fill publishes to a channel until the client with a name has more queued than
// so many bytes.
func fill(t *testing.T, admin *wire.Conn, channel, name string, bytes int) {
	t.Helper()
	payload := strings.Repeat("x", 64<<10)
	sut.Until(t, "the queue of "+name+" to grow", func() bool {
		admin.Do("PUBLISH", channel, payload)
		for _, m := range admin.Clients() {
			if m["name"] == name {
				return m.Number("omem") > bytes
			}
		}
		t.Fatalf("%s is not there any more", name)
		return false
	})
}

// alive tells whether there is a client with a name.
func alive(admin *wire.Conn, name string) bool {
	for _, m := range admin.Clients() {
		if m["name"] == name {
			return true
		}
	}
	return false
}

// softSeconds is how many seconds the soft limit has, and how long that is: long
// enough for a busy machine to fill a queue, or to read it.
func softSeconds() (seconds int, period time.Duration) {
	seconds = 5
	if sut.Long() {
		seconds = 2
	}
	return seconds, time.Duration(seconds) * time.Second
}

// One who is over the soft limit for longer than its seconds is closed, while
// messages come and when none does.
func TestSoftLimit(t *testing.T) {
	sut.Parallel(t)
	const soft = mb
	seconds, period := softSeconds()
	each := func(name string, binary func(testing.TB) string) {
		for _, silent := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/silent=%v", name, silent), func(t *testing.T) {
				sut.Parallel(t)
				s, at := sut.StartEverywhere(t, binary(t), "--client-output-buffer-limit", fmt.Sprintf("pubsub 0 %d %d", soft, seconds))
				admin := wire.DialTCP(t, s.Addr)
				var subs []*wire.Conn
				began := time.Now()
				names := []string{"tcp", "unix", "tls"}
				for i, at := range at {
					subs = append(subs, numbered.Join(t, at, 2+i%2, names[i], names[i]))
					fill(t, admin, names[i], names[i], soft+100<<10)
				}
				over := time.Now() // all of them
				tick := time.NewTicker(50 * time.Millisecond)
				defer tick.Stop()
				left := len(names)
				for left > 0 && time.Since(over) < sut.Within(period+2*time.Second) {
					<-tick.C
					left = 0
					for _, name := range names {
						if alive(admin, name) {
							left++
						}
						if !silent {
							admin.Do("PUBLISH", name, "more")
						}
					}
					if took := time.Since(began); left < len(names) && took < period {
						t.Fatalf("closed after %v", took)
					}
				}
				if left > 0 {
					t.Errorf("%d of %d still there %v after they were over the limit for %d s", left, len(names), time.Since(over), seconds)
				}
				t.Logf("R5: %s, soft limit of %d s, silent=%v: closed after %v to %v", name, seconds, silent, time.Since(over).Round(50*time.Millisecond), time.Since(began).Round(50*time.Millisecond))
				for _, sub := range subs {
					sub.Closed(wire.Patience)
				}
				if name != "pubsubd" {
					return
				}
				for _, cut := range cuts(s) {
					if cut.reason != "output-buffer-soft-limit" || cut.client.Number("omem") < soft {
						t.Errorf("closed for %s: %v", cut.reason, cut.client)
					}
				}
				if n := admin.InfoNumber(outputCloses); n != len(names) || len(cuts(s)) != n {
					t.Errorf("INFO counts %d, the log %d, want %d", n, len(cuts(s)), len(names))
				}
			})
		}
	}
	each("pubsubd", sut.Pubsubd)
	if sut.Long() {
		each("redis-server", sut.Redis)
	}
}

// One who gets below the soft limit in time stays.
func TestSoftLimitIsForgiven(t *testing.T) {
	sut.Parallel(t)
	const soft = mb
	seconds, period := softSeconds()
	s := sut.Start(t, sut.Pubsubd(t), "--client-output-buffer-limit", fmt.Sprintf("pubsub 0 %d %d", soft, seconds))
	admin := wire.DialTCP(t, s.Addr)
	sub := numbered.Join(t, sut.Endpoint{Network: sut.TCP, Address: s.Addr}, 2, "sub", "c")
	began := time.Now()
	for time.Since(began) < 2*period {
		fill(t, admin, "c", "sub", soft+100<<10)
		sub.Send("PING", "mark") // behind all that
		for len(sub.Read().Elems) == 3 {
		}
	}
	if !alive(admin, "sub") {
		t.Error("closed, though it was never over the soft limit for long")
	}
}

// New limits are for clients that are there already, and for them at once.
func TestLimitsChange(t *testing.T) {
	sut.Parallel(t)
	s, at := sut.StartEverywhere(t, sut.Pubsubd(t), "--client-output-buffer-limit", "pubsub 0 0 0")
	admin := wire.DialTCP(t, s.Addr)
	for i, at := range at {
		numbered.Join(t, at, 2, fmt.Sprint("hard", i), "hard")
		numbered.Join(t, at, 3, fmt.Sprint("less", i), "less")
	}
	for i := range at {
		fill(t, admin, "less", fmt.Sprint("less", i), mb/4)
	}
	most := 0
	for _, m := range admin.Clients() {
		most = max(most, m.Number("omem"))
	}
	for i := range at {
		fill(t, admin, "hard", fmt.Sprint("hard", i), most+mb)
	}
	gone := func(prefix string) func() bool {
		return func() bool {
			return !alive(admin, prefix+"0") && !alive(admin, prefix+"1") && !alive(admin, prefix+"2")
		}
	}
	if got := admin.Do("CONFIG", "SET", "client-output-buffer-limit", fmt.Sprintf("pubsub %d 0 0", most+1)); got.Text != "OK" {
		t.Fatal(got)
	}
	sut.Until(t, "those over the new hard limit to be closed", gone("hard"))
	for i := range at {
		if !alive(admin, fmt.Sprint("less", i)) {
			t.Errorf("less%d, which is below the limit, was closed too", i)
		}
	}
	if got := admin.Do("CONFIG", "SET", "client-output-buffer-limit", "pubsub 0 100kb 1"); got.Text != "OK" {
		t.Fatal(got)
	}
	sut.Until(t, "those over the new soft limit to be closed", gone("less"))
}

// A message above the hard limit ends whoever should get it, even one that
// reads, who sees nothing of it. It is counted all the same.
func TestMessageAboveLimit(t *testing.T) {
	sut.Parallel(t)
	for _, target := range sut.Targets {
		t.Run(target.Name, func(t *testing.T) {
			s, at := sut.StartEverywhere(t, target.Binary(t), "--client-output-buffer-limit", "pubsub 1mb 0 0")
			admin := wire.DialTCP(t, s.Addr)
			for _, at := range at {
				for proto := 2; proto <= 3; proto++ {
					sub := numbered.Join(t, at, proto, "", "c")
					if got := fmt.Sprint(admin.Do("PUBLISH", "c", strings.Repeat("x", 800<<10))); got != ":1" {
						t.Errorf("PUBLISH below the limit: %s", got)
					}
					if got := sub.Read(); len(got.Elems) != 3 || len(got.Elems[2].Text) != 800<<10 {
						t.Errorf("%s, RESP%d: received %.80q", at.Network, proto, got)
					}
					if got := fmt.Sprint(admin.Do("PUBLISH", "c", strings.Repeat("x", mb+20<<10))); got != ":1" {
						t.Errorf("PUBLISH above the limit: %s", got)
					}
					if got := sub.Closed(wire.Patience); len(got) != 0 {
						t.Errorf("%s, RESP%d: received %.80q", at.Network, proto, got)
					}
					// It sees its end before the channel is rid of it.
					sut.Until(t, "the channel to be without subscribers", func() bool {
						return fmt.Sprint(admin.Do("PUBSUB", "NUMSUB", "c")) == `*2 "c" :0`
					})
				}
			}
		})
	}
}
