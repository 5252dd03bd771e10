package sut

import (
	"path/filepath"
	"testing"
	"time"
)

// StartEverywhere is Start for a server that is reached over TCP, a Unix socket
// and TLS. It returns its endpoints in this order.
func StartEverywhere(t testing.TB, binary string, args ...string) (*Server, []Endpoint) {
	t.Helper()
	path := filepath.Join(tempDir(t), "s")
	s, secure := StartOn(t, binary, TLS, append(args, "--unixsocket", path)...)
	return s, []Endpoint{{Network: TCP, Address: s.Addr}, {Network: Unix, Address: path}, secure}
}

// untilTimeout is how long Until waits.
const untilTimeout = 30 * time.Second

// Until waits until a condition holds and fails the test, naming it, when that
// takes too long.
func Until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(untilTimeout); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s", untilTimeout, what)
		}
	}
}

// Within is a bound that is demanded of a quiet machine: it is the bound in the
// long form of tests, and one that only ends a hang in the short form.
func Within(bound time.Duration) time.Duration {
	if Long() {
		return bound
	}
	return max(bound, untilTimeout)
}

// Parallel lets a test run beside others in the short form. In the long form,
// which holds figures against bounds, it has the machine for itself.
func Parallel(t *testing.T) {
	if !Long() {
		t.Parallel()
	}
}
