// Package bounds holds servers to what they may take and how long they may wait
// for clients that are silent, greedy, slow or gone.
package bounds

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
	"github.com/pubsubd/pubsubd/conformance/transcript"
)

func TestMain(m *testing.M) { os.Exit(sut.Main(m)) }

const (
	kib = 1 << 10
	mib = 1 << 20
)

// look is the time between looks at what is waited for.
const look = 5 * time.Millisecond

// released are the servers whose memory and time are measured: pubsubd and, in
// the long form, redis-server for figures beside it.
func released() []sut.Target {
	targets := []sut.Target{{Name: "pubsubd", Binary: sut.Release}}
	if sut.Long() {
		targets = append(targets, sut.Target{Name: "redis", Binary: sut.Redis})
	}
	return targets
}

// holds fails the test if pubsubd does not keep a bound. Of redis-server the
// figures are shown, and no more.
func holds(t *testing.T, target sut.Target, ok bool, format string, args ...any) {
	t.Helper()
	switch text := fmt.Sprintf(format, args...); {
	case ok:
	case target.Name == "redis":
		t.Log("redis-server falls short: " + text)
	default:
		t.Error(text)
	}
}

// long is one value in the long form of tests and another in the short.
func long[T any](inLong, inShort T) T {
	if sut.Long() {
		return inLong
	}
	return inShort
}

// parallel runs a test beside others in the short form. The long form measures.
func parallel(t *testing.T) {
	if !sut.Long() {
		t.Parallel()
	}
}

// waitFor waits until something holds and tells whether it came to that.
func waitFor(within time.Duration, something func() bool) bool {
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for start := time.Now(); !something(); {
		if time.Since(start) > within {
			return false
		}
		<-ticker.C
	}
	return true
}

// megabytes is a number of bytes as figures have it.
func megabytes(n int64) string { return fmt.Sprintf("%.2f MB", float64(n)/mib) }

// admin is a client that may ask anything.
func admin(t testing.TB, s *sut.Server) *wire.Conn {
	t.Helper()
	c := wire.DialTCP(t, s.Addr)
	if v := c.Do("AUTH", password); v.Kind == transcript.SimpleError && !strings.Contains(v.Text, "without any password") {
		t.Fatalf("AUTH: %v", v)
	}
	return c
}

const password = "sesame"

// info is a number that INFO tells.
func info(t testing.TB, c *wire.Conn, section, field string) int64 {
	t.Helper()
	text, ok := c.Info(field, section)
	if !ok {
		return 0
	}
	n, err := strconv.ParseInt(strings.TrimPrefix(text, "count="), 10, 64)
	if err != nil {
		t.Fatalf("%s:%s", field, text)
	}
	return n
}

// ask sends a request and fails the test unless the answer is the one wanted.
func ask(t testing.TB, c *wire.Conn, want string, args ...string) {
	t.Helper()
	c.Send(args...)
	c.Want(want)
}
