//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// A pubsubd built with profileTag writes a profile of its processor time into the file
// that profileVariable names in its environment.
const (
	profileTag      = "cpuprofile"
	profileVariable = "PUBSUBD_CPUPROFILE"
)

// mergeProfiles makes one profile of all those in a directory.
func mergeProfiles(ctx context.Context, path, dir string) error {
	list, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return errors.New("there are no profiles")
	}
	cmd := exec.CommandContext(ctx, "go", append([]string{"tool", "pprof", "-proto", "-output", path}, list...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, strings.TrimSpace(string(out)))
	}
	return nil
}
