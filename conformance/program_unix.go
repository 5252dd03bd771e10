//go:build unix

package main

import (
	"os"
	"syscall"
)

// ownGroup makes a program the leader of a group of processes, to which what it
// starts belongs too. Ctrl-C does not reach it: what cases have changed is put
// back first.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// endGroup ends the group of a leader, which may have ended itself. The only error
// is that nobody is left.
func endGroup(leader *os.Process) { _ = syscall.Kill(-leader.Pid, syscall.SIGKILL) }
