package server

import (
	"syscall"
	"unsafe"
)

// unconfirmedBytes is how many bytes written to a TCP connection the other side
// has not confirmed yet, sent or not; 0 if the connection has ended.
func unconfirmedBytes(rc syscall.RawConn) int {
	var n int32
	err := rc.Control(func(fd uintptr) {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCOUTQ, uintptr(unsafe.Pointer(&n))); errno != 0 {
			n = 0
		}
	})
	if err != nil {
		return 0
	}
	return int(n)
}

// maxVectors is the most chunks handed to the system in one call.
const maxVectors = 64

// writeChunks writes as much of the chunks as the socket takes at once, in as
// few calls as it can. The error is EAGAIN if that is not all.
func writeChunks(fd int, chunks [][]byte) (n int, err error) {
	for len(chunks) > 1 {
		var vectors [maxVectors]syscall.Iovec
		count := min(len(chunks), maxVectors)
		want := 0
		for i, c := range chunks[:count] {
			vectors[i].Base = unsafe.SliceData(c)
			vectors[i].SetLen(len(c))
			want += len(c)
		}
		m, _, errno := syscall.Syscall(syscall.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(&vectors[0])), uintptr(count))
		switch {
		case errno == syscall.EINTR:
			continue
		case errno != 0:
			return n, errno
		}
		n += int(m)
		if int(m) < want {
			// Full. The next call would say EAGAIN; spare it.
			return n, syscall.EAGAIN
		}
		chunks = chunks[count:]
	}
	if len(chunks) == 0 {
		return n, nil
	}
	m, err := writeOne(fd, chunks[0])
	return n + m, err
}
