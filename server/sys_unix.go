//go:build unix

package server

import (
	"errors"
	"math"
	"net"
	"syscall"
	"time"
)

// reservedFiles is how many open files are kept for what is not a client.
const reservedFiles = 32

// fileLimit is the number of clients that the limit on open files leaves room
// for.
func fileLimit() (clients int, ok bool) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, false
	}
	return int(min(uint64(limit.Cur), math.MaxInt32)) - reservedFiles, true
}

// setBacklog makes a listener keep so many connections waiting. The system
// allows to listen again with another number.
func setBacklog(ln net.Listener, n int) {
	sc, ok := ln.(syscall.Conn)
	if !ok {
		return
	}
	if rc, err := sc.SyscallConn(); err == nil {
		_ = rc.Control(func(fd uintptr) { _ = syscall.Listen(int(fd), n) })
	}
}

// isInUse tells whether an address could not be bound because it is taken.
func isInUse(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }

// isNoAddress tells whether an address could not be bound because no interface
// has it.
func isNoAddress(err error) bool { return errors.Is(err, syscall.EADDRNOTAVAIL) }

// isUnsupported tells whether an address could not be bound because the system
// does not know its kind, as IPv6 may be turned off.
func isUnsupported(err error) bool {
	for _, errno := range []syscall.Errno{syscall.ENOPROTOOPT, syscall.EPROTONOSUPPORT, syscall.ESOCKTNOSUPPORT, syscall.EPFNOSUPPORT, syscall.EAFNOSUPPORT} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// cpuTime is the time the process has spent in the kernel and outside it.
func cpuTime() (system, user time.Duration) { return usage(syscall.RUSAGE_SELF) }

// childCPUTime is the same of child processes that have ended.
func childCPUTime() (system, user time.Duration) { return usage(syscall.RUSAGE_CHILDREN) }

func usage(who int) (system, user time.Duration) {
	var u syscall.Rusage
	if syscall.Getrusage(who, &u) != nil {
		return 0, 0
	}
	return time.Duration(u.Stime.Nano()), time.Duration(u.Utime.Nano())
}

// isReset tells whether the other side has broken a connection off.
func isReset(errno syscall.Errno) bool { return errno == syscall.ECONNRESET || errno == syscall.EPIPE }

// isLost tells whether nothing is heard of the other side any more.
func isLost(errno syscall.Errno) bool {
	return errno == syscall.ETIMEDOUT || errno == syscall.EHOSTUNREACH || errno == syscall.ENETUNREACH
}
