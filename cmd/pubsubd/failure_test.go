package main

import (
	"bytes"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Why the server does not listen, as redis-server says it.
func TestListenFailures(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	taken := strconv.Itoa(ln.Addr().(*net.TCPAddr).Port)
	dir := t.TempDir()
	for _, c := range []struct{ args, want string }{
		{"--port 0", "Configured to not listen anywhere, exiting.\n"},
		{"--bind -192.0.2.1", "Configured to not listen anywhere, exiting.\n"},
		{"--port " + taken, fmt.Sprintf("Failed listening on port %s (TCP), aborting: listening on 127.0.0.1:%s: bind: Address already in use\n", taken, taken)},
		{"--port 0 --unixsocket " + filepath.Join(dir, "no", "s"), "Failed opening Unix socket: bind: no such file or directory\n"},
		{"--port 0 --unixsocket " + dir, "Failed opening Unix socket: bind: Address already in use\n"},
		{"--port 0 --tls-port 1", "Failed to configure TLS: no tls-cert-file configured\n"},
		{"--port 0 --tls-port 1 --tls-cert-file x", "Failed to configure TLS: no tls-key-file configured\n"},
		{"--port 0 --tls-port 1 --tls-cert-file " + filepath.Join(dir, "x") + " --tls-key-file x", "Failed to configure TLS: reading tls-cert-file: open " + filepath.Join(dir, "x") + ": no such file or directory\n"},
	} {
		var stdout, stderr bytes.Buffer
		code := runWith(nil, nil, &stdout, &stderr, append([]string{"--bind", "127.0.0.1"}, strings.Fields(c.args)...)...)
		if said := stdout.String() + stderr.String(); code != 1 || strings.Count(said, c.want) != 1 {
			t.Errorf("pubsubd %s: exit code %d, said %q, want 1 and once %q", c.args, code, said, c.want)
		}
	}
}
