//go:build !linux

package terminal

import (
	"errors"
	"os"
	"syscall"
)

// Supported says whether Open works on this system.
const Supported = false

// Open fails: pseudo-terminals are opened differently on every system,
// and this package knows how on Linux.
func Open(columns, rows uint16) (keyboard, device *os.File, err error) {
	return nil, nil, errors.New("a terminal can be had on Linux alone")
}

// Own changes nothing.
func Own() *syscall.SysProcAttr { return nil }
