//go:build unix && !linux

package server

import "syscall"

// writeChunks writes as much of the chunks as the socket takes at once. The
// error is EAGAIN if that is not all.
func writeChunks(fd int, chunks [][]byte) (n int, err error) {
	for _, c := range chunks {
		m, err := writeOne(fd, c)
		n += m
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// writeNow writes to a socket that does not wait.
func writeNow(fd int, p []byte) (int, error) { return syscall.Write(fd, p) }
