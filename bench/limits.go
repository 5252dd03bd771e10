//go:build linux

package main

import (
	"errors"
	"fmt"
	"syscall"
)

// A leftOut is why a scenario cannot be run here, which is nobody's failure.
type leftOut struct{ reason string }

func (e leftOut) Error() string { return e.reason }

// allowFiles lets this process, and those it starts, have n files open.
func allowFiles(n uint64) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("reading the limit of open files: %w", err)
	}
	want := syscall.Rlimit{Cur: max(n, limit.Cur), Max: max(n, limit.Max)}
	err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &want)
	if errors.Is(err, syscall.EPERM) {
		return leftOut{fmt.Sprintf("needs %d open files, and no more than %d are allowed (ulimit -Hn)", n, limit.Max)}
	}
	if err != nil {
		return fmt.Errorf("raising the limit of open files to %d: %w", n, err)
	}
	return nil
}
