package server

import (
	"math"
	"net"
	"syscall"
	"time"
	"unsafe"
)

// tcpUserTimeout is TCP_USER_TIMEOUT of <linux/tcp.h>.
const tcpUserTimeout = 18

// setUserTimeout has the system end a connection whose other side has not
// acknowledged what was sent to it, or not made room for more, for so long.
func setUserTimeout(tc *net.TCPConn, d time.Duration) {
	if rc, err := tc.SyscallConn(); err == nil {
		ms := int(min(d.Milliseconds(), math.MaxInt32)) // more would wrap to any time at all
		_ = rc.Control(func(fd uintptr) {
			_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, ms)
		})
	}
}

// unacknowledged is how many bytes the system keeps for the other side of a
// connection, 0 if it does not tell.
func unacknowledged(fd uintptr) int {
	var n int32
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCOUTQ, uintptr(unsafe.Pointer(&n))); errno != 0 {
		return 0
	}
	return int(n)
}
