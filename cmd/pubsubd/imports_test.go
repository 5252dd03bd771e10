package main

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/pubsubd/pubsubd/"

// rooms are the packages of the house and what each must never import, itself
// or by way of others. A name without a dot in its first part is one of ours.
var rooms = []struct {
	name  string
	never []string
}{
	{"match", []string{"acl", "broker", "server", "pubsubtest", "net", "github.com/tidwall/redcon", "go.uber.org/zap"}},
	{"acl", []string{"broker", "server", "pubsubtest", "net", "github.com/tidwall/redcon", "go.uber.org/zap"}},
	{"broker", []string{"acl", "server", "pubsubtest", "net", "github.com/tidwall/redcon", "go.uber.org/zap"}},
	{"server", []string{"pubsubtest", "conformance", "bench", "testing"}},
	{"cmd/pubsubd", []string{"pubsubtest", "conformance", "bench", "testing", "github.com/redis/go-redis/v9"}},
	{"pubsubtest", []string{"pubsubtest/goredis", "conformance", "bench", "github.com/redis/go-redis/v9"}},
	{"pubsubtest/goredis", []string{"conformance", "bench"}},
	{"conformance", []string{"acl", "match", "broker", "server", "pubsubtest"}},
	{"bench", []string{"acl", "match", "broker", "server", "pubsubtest"}},
}

// Imports flow one way: cmd/pubsubd, server, broker, match.
func TestImportsFlowOneWay(t *testing.T) {
	for _, room := range rooms {
		deps := dependencies(t, room.name)
		if !deps[module+room.name] {
			t.Errorf("%s is not among its own dependencies: the test looks at nothing", room.name)
		}
		for _, name := range room.never {
			if deps[name] || deps[module+name] {
				t.Errorf("%s must not import %s: go list -deps ./%s", room.name, name, room.name)
			}
		}
	}
}

func dependencies(t *testing.T, name string) map[string]bool {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command("go", "list", "-deps", module+name)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, stderr.Bytes())
	}
	deps := make(map[string]bool)
	for dep := range strings.Lines(string(out)) {
		deps[strings.TrimSpace(dep)] = true
	}
	return deps
}
