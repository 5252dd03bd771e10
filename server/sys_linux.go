package server

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

// multiplexingAPI is what the Go runtime waits for connections with.
const multiplexingAPI = "epoll"

// systemName is the operating system as INFO tells it: name, release, machine.
func systemName() string {
	var u syscall.Utsname
	if syscall.Uname(&u) != nil {
		return "Linux"
	}
	return charsOf(u.Sysname) + " " + charsOf(u.Release) + " " + charsOf(u.Machine)
}

// charsOf is a C string of chars, which are signed on some machines.
func charsOf[T int8 | uint8](chars [65]T) string {
	var b []byte
	for _, c := range chars {
		if c == 0 {
			break
		}
		b = append(b, byte(c))
	}
	return string(b)
}

// systemMemory is the memory of the machine in bytes, 0 if it is not known.
func systemMemory() uint64 {
	var info syscall.Sysinfo_t
	if syscall.Sysinfo(&info) != nil {
		return 0
	}
	return uint64(info.Totalram) * uint64(info.Unit)
}

// residentMemory is how much of the process is in memory, in bytes. It is not
// ok if the system does not tell.
func residentMemory() (n uint64, ok bool) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, false
	}
	fields := bytes.Fields(text)
	if len(fields) < 2 {
		return 0, false
	}
	pages, err := strconv.ParseUint(string(fields[1]), 10, 64)
	return pages * uint64(os.Getpagesize()), err == nil
}
