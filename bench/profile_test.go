//go:build linux

package main

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"testing"
)

// The profile is that of the server, over all of its starts.
func TestCPUProfile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "merged.pprof")
	var stderr bytes.Buffer
	code := run(t.Context(), []string{
		"-run", "^silent/publishers=50/inflight=(1|16)$", "-rounds", "1", "-duration", "300ms", "-warmup", "100ms", "-cpuprofile", path,
	}, &bytes.Buffer{}, &stderr)
	if code != exitOK {
		t.Fatalf("exits with %d:\n%s", code, stderr.Bytes())
	}
	out, err := exec.CommandContext(t.Context(), "go", "tool", "pprof", "-top", "-cum", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(out, []byte("server.(*client).turn")) {
		t.Errorf("nothing of the server is in the profile:\n%s", out)
	}
}

func TestMergeNoProfiles(t *testing.T) {
	if err := mergeProfiles(t.Context(), filepath.Join(t.TempDir(), "merged.pprof"), t.TempDir()); err == nil {
		t.Error("nothing was merged, and that is no error")
	}
}
