//go:build unix

package main

import (
	"io"
	"os"
	"os/exec"
	"syscall"
)

// background starts this program again, away from the terminal, with the same
// arguments and standard input.
func background(args []string, stdin string) error {
	path, err := os.Executable()
	if err != nil {
		return err
	}
	in, feed, err := os.Pipe()
	if err != nil {
		return err
	}
	defer feed.Close()
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), backgroundVariable+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Stdin = in
	err = cmd.Start()
	_ = in.Close()
	if err != nil {
		return err
	}
	_, err = io.WriteString(feed, stdin)
	return err
}

// stopSelf stops the process until somebody continues it.
func stopSelf() { _ = syscall.Kill(os.Getpid(), syscall.SIGSTOP) }
