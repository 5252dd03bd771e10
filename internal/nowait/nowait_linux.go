//go:build !race

package nowait

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// few is the most bytes of a call that the scheduler is not told of. While one is
// under way the goroutine cannot be stopped, for garbage collection for example:
// a quarter of a millisecond at most, as the system copies 4 GB/s or more.
const few = 1 << 20

// maxVectors is the most pieces handed to the system in one call.
const maxVectors = 64

// Read reads what has arrived. It is recv(2): without bytes or an error the other side
// has ended the connection, EAGAIN says that nothing has arrived, and EINTR that it is
// to be called again.
func Read(fd int, p []byte) (int, error) {
	return result(call(len(p), unix.SYS_RECVFROM, fd, unsafe.Pointer(unsafe.SliceData(p)), uintptr(len(p)), unix.MSG_DONTWAIT))
}

// Write writes as much of p as the socket takes at once. The error is EAGAIN if that
// is not all.
func Write(fd int, p []byte) (int, error) {
	for {
		n, errno := call(len(p), unix.SYS_SENDTO, fd, unsafe.Pointer(unsafe.SliceData(p)), uintptr(len(p)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		if errno == syscall.EINTR {
			continue
		}
		if errno == 0 && n < len(p) {
			errno = syscall.EAGAIN // the next call would say so; spare it
		}
		return result(n, errno)
	}
}

// WriteAll is Write of several pieces, in as few calls as it can.
func WriteAll(fd int, pieces [][]byte) (n int, err error) {
	for len(pieces) > 1 {
		var vectors [maxVectors]unix.Iovec
		count := min(len(pieces), maxVectors)
		want := 0
		for i, p := range pieces[:count] {
			vectors[i].Base = unsafe.SliceData(p)
			vectors[i].SetLen(len(p))
			want += len(p)
		}
		message := unix.Msghdr{Iov: &vectors[0]}
		message.SetIovlen(count)
		m, errno := call(want, unix.SYS_SENDMSG, fd, unsafe.Pointer(&message), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0)
		switch {
		case errno == syscall.EINTR:
			continue
		case errno != 0:
			return n, errno
		}
		n += m
		if m < want {
			return n, syscall.EAGAIN
		}
		pieces = pieces[count:]
	}
	if len(pieces) == 0 {
		return n, nil
	}
	m, err := Write(fd, pieces[0])
	return n + m, err
}

// call makes a system call on a socket that moves so many bytes at most.
func call(bytes int, number uintptr, fd int, p unsafe.Pointer, a, b uintptr) (int, syscall.Errno) {
	var n uintptr
	var errno syscall.Errno
	if bytes <= few {
		n, _, errno = syscall.RawSyscall6(number, uintptr(fd), uintptr(p), a, b, 0, 0)
	} else {
		n, _, errno = syscall.Syscall6(number, uintptr(fd), uintptr(p), a, b, 0, 0)
	}
	return int(n), errno
}

// result is what a system call has returned as Go has it.
func result(n int, errno syscall.Errno) (int, error) {
	if errno == 0 {
		return n, nil
	}
	return max(0, n), errno
}
