//go:build !linux

package server

import (
	"net"
	"time"
)

// setUserTimeout does nothing: the system decides how long it waits.
func setUserTimeout(*net.TCPConn, time.Duration) {}

// unacknowledged is not known here.
func unacknowledged(uintptr) int { return 0 }
