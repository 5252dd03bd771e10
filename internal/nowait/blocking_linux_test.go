//go:build !race

package nowait

import "testing"

// Nothing waits although somebody has made the socket one that does.
func TestBlockingSockets(t *testing.T) { testSockets(t, true) }
