package server

import (
	"syscall"
	"unsafe"
)

// maxVectors is the most chunks handed to the system in one call.
const maxVectors = 64

// System calls on sockets that do not wait are made without telling the scheduler:
// they take microseconds, and what it does around those that may wait, up to giving
// the processor to another thread, takes as long.

// writeNow is write(2) on a socket that does not wait.
func writeNow(fd int, p []byte) (int, error) {
	n, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

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
		m, _, errno := syscall.RawSyscall(syscall.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(&vectors[0])), uintptr(count))
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
