package server

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
)

// The longest path that can be connected to can be listened on.
func TestUnixSocketOfALongPath(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, strings.Repeat("x", maxSocketPath-len(dir)-1))
	start(t, func(c *Config) { c.Port, c.UnixSocket = 0, path })
	nc, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	newTestConn(t, nc).ask("PING", "+PONG")
}

func TestBacklogWarning(t *testing.T) {
	log, logs := logger()
	start(t, func(c *Config) { c.Logger, c.TCPBacklog = log, 1<<30 })
	if n := logs.FilterMessageSnippet("tcp-backlog cannot be enforced").Len(); n != 1 {
		t.Errorf("%d warnings", n)
	}
}
