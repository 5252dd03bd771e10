package sut

import (
	"testing"

	"github.com/pubsubd/pubsubd/internal/freeport"
)

// FreePort returns a TCP port for a server that a test starts itself; see
// freeport.Find. It fails the test when there is none.
func FreePort(t testing.TB) int {
	t.Helper()
	port, err := freeport.Find()
	if err != nil {
		t.Fatal(err)
	}
	return port
}
