//go:build unix && (!linux || race)

package nowait

import "syscall"

// The race detector follows reads and writes of package syscall. Elsewhere than on
// Linux they do not wait because sockets are as package net has made them.

// Read reads what has arrived: see nowait_linux.go.
func Read(fd int, p []byte) (int, error) {
	n, err := syscall.Read(fd, p)
	return max(0, n), err
}

// Write writes as much of p as the socket takes at once. The error is EAGAIN if that
// is not all.
func Write(fd int, p []byte) (int, error) {
	for {
		n, err := syscall.Write(fd, p)
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return 0, err
		case n < len(p):
			return n, syscall.EAGAIN
		}
		return n, nil
	}
}

// WriteAll is Write of several pieces.
func WriteAll(fd int, pieces [][]byte) (n int, err error) {
	for _, p := range pieces {
		m, err := Write(fd, p)
		n += m
		if err != nil {
			return n, err
		}
	}
	return n, nil
}
