//go:build !linux

package cli_test

import (
	"errors"
	"os"
	"syscall"
)

// openTerminal fails: pseudo-terminals are opened differently on every system,
// and this suite knows how on Linux.
func openTerminal(columns, rows uint16) (keyboard, device *os.File, err error) {
	return nil, nil, errors.New("scenarios with a terminal need Linux")
}

func ownTerminal() *syscall.SysProcAttr { return nil }
