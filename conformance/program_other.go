//go:build !unix

package main

import (
	"os"
	"syscall"
)

// ownGroup changes nothing where there are no groups of processes.
func ownGroup() *syscall.SysProcAttr { return nil }

// endGroup ends the process alone. The only error is that it has ended already.
func endGroup(leader *os.Process) { _ = leader.Kill() }
