//go:build unix && !linux

package server

import "syscall"

// unconfirmedBytes is not known here.
func unconfirmedBytes(syscall.RawConn) int { return 0 }

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
