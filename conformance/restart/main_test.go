// Package restart ends servers and starts them again while clients are at work:
// nothing that was answered is lost on the way, and whoever comes back is served
// at once.
package restart

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/numbered"
	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
	"github.com/pubsubd/pubsubd/conformance/transcript"
)

func TestMain(m *testing.M) { os.Exit(sut.Main(m)) }

// patience bounds every wait.
const patience = wire.Patience

// within is for figures that are demanded of a quiet machine only: the bound in
// the long form, patience in the short one.
func within(bound time.Duration) time.Duration {
	if sut.Long() {
		return bound
	}
	return patience
}

// every is a server that is reached over all networks.
type every struct {
	*sut.Server
	at []sut.Endpoint
}

// startEverywhere starts a server that listens on TCP, on a Unix socket and,
// with TLS, on another port.
func startEverywhere(t *testing.T, binary string, args ...string) every {
	t.Helper()
	path := t.TempDir() + "/s"
	s, secure := sut.StartOn(t, binary, sut.TLS, append(args, "--unixsocket", path)...)
	return every{s, []sut.Endpoint{{Network: sut.TCP, Address: s.Addr}, {Network: sut.Unix, Address: path}, secure}}
}

// subscribe subscribes on a connection of its own: by name to a channel or, if
// the channel holds a star, by pattern.
func subscribe(t *testing.T, at sut.Endpoint, proto int, channel string) *wire.Conn {
	t.Helper()
	c := wire.Dial(t, at)
	if got := c.Do("HELLO", strconv.Itoa(proto)); got.Kind == transcript.SimpleError {
		t.Fatalf("HELLO %d: %v", proto, got)
	}
	verb := "SUBSCRIBE"
	if channel[len(channel)-1] == '*' {
		verb = "PSUBSCRIBE"
	}
	if got := c.Do(verb, channel); len(got.Elems) != 3 {
		t.Fatalf("%s %s: %v", verb, channel, got)
	}
	return c
}

// subscribers subscribes one reader over each endpoint in each protocol, half
// of them by pattern.
func subscribers(t *testing.T, at []sut.Endpoint) (list []*numbered.Subscriber) {
	t.Helper()
	for _, at := range at {
		for proto := 2; proto <= 3; proto++ {
			for _, channel := range []string{"c", "c*"} {
				list = append(list, numbered.Subscribe(subscribe(t, at, proto, channel)))
			}
		}
	}
	return list
}

// until waits for a condition.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s", patience, what)
		}
	}
}
