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

// isReset tells whether the other side has broken a connection off.
func isReset(errno syscall.Errno) bool {
	const aborted, reset = syscall.Errno(10053), syscall.Errno(10054) // WSAECONNABORTED, WSAECONNRESET
	return errno == aborted || errno == reset
}

// isLost tells whether nothing is heard of the other side any more.
func isLost(errno syscall.Errno) bool {
	const timedOut, unreachable = syscall.Errno(10060), syscall.Errno(10065) // WSAETIMEDOUT, WSAEHOSTUNREACH
	return errno == timedOut || errno == unreachable
}
