package main

import (
	"fmt"
	"net"
	"os"
	"strings"
)

// A supervisor is told by a program how it is doing. The zero one is nobody.
type supervisor struct {
	socket string // of systemd; empty if it is not listening
}

// findSupervisor returns the supervisor that the supervised directive means,
// by its name, and what is wrong if that is not there. A supervised program does
// not go to the background by itself.
func findSupervisor(mode string) (s supervisor, by, complaint string) {
	socket, upstart := os.Getenv("NOTIFY_SOCKET"), os.Getenv("UPSTART_JOB") != ""
	if mode == "auto" {
		switch {
		case upstart:
			mode = "upstart"
		case socket != "":
			mode = "systemd"
		}
	}
	switch {
	case mode == "upstart" && !upstart:
		return s, "", "upstart supervision requested, but UPSTART_JOB not found"
	case mode == "upstart":
		_ = os.Unsetenv("UPSTART_JOB")
		stopSelf() // upstart waits for that and continues the process
		return s, mode, ""
	case mode == "systemd" && socket == "":
		return s, "", "systemd supervision requested, but NOTIFY_SOCKET not found"
	case mode == "systemd":
		return supervisor{socket}, mode, ""
	}
	return s, "", ""
}

// notify sends state, such as READY=1, to systemd.
func (s supervisor) notify(state ...string) error {
	if s.socket == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: s.socket, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Write([]byte(strings.Join(state, "\n")))
	return err
}

// reloading is the state of a program that reads its files again, which systemd
// wants with the time at which that began.
func reloading() []string {
	return []string{"RELOADING=1", fmt.Sprintf("MONOTONIC_USEC=%d", monotonicMicros())}
}
