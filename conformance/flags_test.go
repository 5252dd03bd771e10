package main

import (
	"io"
	"strings"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
)

// TestCaseAndRun holds that neither of two options is ignored that say which cases
// are played.
func TestCaseAndRun(t *testing.T) {
	t.Parallel()
	_, err := parseFlags(strings.Fields("-addr a -case SUB-001 -run PAT"), io.Discard)
	if err == nil || !strings.Contains(err.Error(), "-case names one case") {
		t.Error(err)
	}
}

// TestEmptyHost holds that an address without a host is that of the loopback interface,
// also for redis-cli.
func TestEmptyHost(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		":7901": "127.0.0.1:7901", "h:7901": "h:7901", "[::1]:7901": "[::1]:7901",
		"unix::7901": "unix::7901", "/a/b": "/a/b", "redis": "redis",
	} {
		c, err := parseFlags([]string{"-addr", addr, "-peer", addr}, io.Discard)
		if err != nil || c.addr != want || c.peer != want {
			t.Errorf("%s: %v, -addr %s, -peer %s, want %s", addr, err, c.addr, c.peer, want)
		}
	}
	s := sut.Start(t, redis70(t))
	ok, out := command(t, "-addr", strings.TrimPrefix(s.Addr, "127.0.0.1"), "-case", "RCL-001")
	if !ok || !strings.Contains(out, "1 of 1 cases passed") {
		t.Error(out)
	}
}
