//go:build !unix

package server

import (
	"errors"
	"net"
	"syscall"
	"time"
)

// fileLimit is not known here.
func fileLimit() (clients int, ok bool) { return 0, false }

// setBacklog does nothing: the system chooses.
func setBacklog(net.Listener, int) {}

// isInUse tells whether an address could not be bound because it is taken.
func isInUse(err error) bool {
	const addressInUse = syscall.Errno(10048) // WSAEADDRINUSE
	return errors.Is(err, addressInUse)
}

// isNoAddress tells whether an address could not be bound because no interface
// has it.
func isNoAddress(err error) bool {
	const addressNotAvailable = syscall.Errno(10049) // WSAEADDRNOTAVAIL
	return errors.Is(err, addressNotAvailable)
}

// isUnsupported tells whether an address could not be bound because the system
// does not know its kind.
func isUnsupported(err error) bool {
	const familyNotSupported = syscall.Errno(10047) // WSAEAFNOSUPPORT
	return errors.Is(err, familyNotSupported)
}

// cpuTime is not known here.
func cpuTime() (system, user time.Duration) { return 0, 0 }

// childCPUTime is not known here.
func childCPUTime() (system, user time.Duration) { return 0, 0 }
