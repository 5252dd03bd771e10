package hostile

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
)

// nameLength is that of the longest channel of these tests, in bytes.
const nameLength = 64 << 10

// A hostileGlob is a pattern that makes a matcher go back over a name of many
// a's again and again.
type hostileGlob struct {
	name, pattern string
	matches       bool
}

// hostileGlobs returns the patterns, shorter ones in the short form of the tests.
func hostileGlobs() []hostileGlob {
	n := 1
	if sut.Long() {
		n = 10
	}
	return []hostileGlob{
		{"5,000 stars", strings.Repeat("*a", 5000) + "b", false},
		{"one star and questions", "*" + strings.Repeat("?a", n*1600) + "b*", false},
		{"5,000 stars that match", strings.Repeat("*a", 5000), true},
		{"stars and questions", strings.Repeat("*?", 5000) + "b", false},
		{"classes", "*" + strings.Repeat("[a]", n*2000) + "b*", false},
		{"long classes", "*" + strings.Repeat("["+strings.Repeat("b", 100)+"a]", n*60) + "b*", false},
		{"parts", strings.Repeat("*a?a?a?", n*800) + "b*", false},
		{"as long as the name", "*" + strings.Repeat("?", nameLength), true},
	}
}

// TestGlobs asks for channels by patterns that mean no good, subscribes to them
// and publishes.
func TestGlobs(t *testing.T) {
	binary := sut.Pubsubd(t)
	if sut.Long() {
		binary = sut.Release(t)
	}
	testGlobs(t, "pubsubd", binary, hostileGlobs(), t.Errorf)
	if sut.Long() {
		testGlobs(t, "redis-server", sut.Redis(t), hostileGlobs()[:2], t.Logf)
	}
}

// testGlobs tells of what takes too long by fail.
func testGlobs(t *testing.T, name, binary string, globs []hostileGlob, fail func(string, ...any)) {
	_, at := startLocked(t, binary, sut.TCP)
	channel := strings.Repeat("a", nameLength)
	subscriber, publisher := dialIn(t, at), dialIn(t, at)
	subscriber.Send("SUBSCRIBE", channel)
	subscriber.Read()
	for i, g := range globs {
		listed, receivers := "*0", ":1"
		if g.matches {
			listed, receivers = fmt.Sprintf(`*1 "<a*%d>"`, nameLength), ":2"
		}
		began := time.Now()
		if got := publisher.Do("PUBSUB", "CHANNELS", g.pattern); got.String() != listed {
			t.Errorf("%s: PUBSUB CHANNELS was answered %.80v", g.name, got)
		}
		list := time.Since(began)
		subscriber.Send("PSUBSCRIBE", g.pattern)
		subscriber.Read()
		began = time.Now()
		if got := publisher.Do("PUBLISH", channel, "m"); got.String() != receivers {
			t.Errorf("%s: PUBLISH was answered %v, want %s", g.name, got, receivers)
		}
		publish := time.Since(began)
		subscriber.Read()
		if g.matches {
			subscriber.Read()
		}
		subscriber.Send("PUNSUBSCRIBE", g.pattern)
		subscriber.Read()
		t.Logf("R14: %s, %s, %d bytes against %d: PUBSUB CHANNELS %v, PUBLISH %v", name, g.name, len(g.pattern), nameLength, list, publish)
		// The others depend on the machine: 64 places of the name cost a step each.
		if bound := 50 * time.Millisecond; sut.Long() && i == 0 && max(list, publish) > bound {
			fail("%s took more than %v", g.name, bound)
		}
	}
}

// TestGlobsHoldNobodyUp has hostile clients subscribe to patterns and publish to
// long names all the time, beside a healthy pair.
func TestGlobsHoldNobodyUp(t *testing.T) {
	h := beginHostility(t, sut.TCP)
	channel := strings.Repeat("a", nameLength)
	rounds := 2
	if sut.Long() {
		rounds = 50
	}
	stop := make(chan struct{})
	churned := make(chan error, 1)
	churn := dialIn(t, h.at)
	go func() {
		churned <- churnPatterns(churn, stop)
	}()
	subscriber, publisher := dialIn(t, h.at), dialIn(t, h.at)
	globs, want := hostileGlobs(), 0
	for _, g := range globs {
		subscriber.Send("PSUBSCRIBE", g.pattern)
		subscriber.Read()
		if g.matches {
			want++
		}
	}
	for range rounds {
		if got := publisher.Do("PUBLISH", channel, "m"); got.String() != fmt.Sprintf(":%d", want) {
			t.Errorf("PUBLISH was answered %v, want :%d", got, want)
		}
		for range want {
			subscriber.Read()
		}
	}
	close(stop)
	if err := <-churned; err != nil {
		t.Error(err)
	}
	h.end(t, fmt.Sprintf("%d publishes to a name of %d bytes with %d hostile patterns", rounds, nameLength, len(globs)))
}

// churnPatterns subscribes to long patterns and unsubscribes again until stop
// is closed. None of them matches.
func churnPatterns(c *wire.Conn, stop <-chan struct{}) error {
	patterns := []string{
		strings.Repeat("*", 1<<20) + "b",
		"b[" + strings.Repeat("xy", 1<<19) + "]*",
		"*" + strings.Repeat("?b", 1<<19),
	}
	for i := 0; ; i++ {
		select {
		case <-stop:
			return nil
		default:
		}
		for _, command := range []string{"PSUBSCRIBE", "PUNSUBSCRIBE"} {
			_ = c.SetWriteDeadline(time.Now().Add(wire.Patience))
			if _, err := c.Write(wire.AppendRequest(nil, command, patterns[i%len(patterns)])); err != nil {
				return err
			}
			if _, err := c.Try(wire.Patience); err != nil {
				return fmt.Errorf("%s of a long pattern: %w", command, err)
			}
		}
	}
}
