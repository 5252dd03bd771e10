package sut

import "testing"

// LowPort returns a TCP port of the loopback address that nobody listens on and
// that the system does not give to outgoing connections, which may be many while
// other tests run.
func LowPort(t testing.TB) int {
	t.Helper()
	return lowPort(t)
}
