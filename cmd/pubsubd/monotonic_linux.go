package main

import (
	"syscall"
	"unsafe"
)

// monotonicMicros is the clock that systemd compares reloads by.
func monotonicMicros() int64 {
	const clockMonotonic = 1
	var t syscall.Timespec
	_, _, _ = syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clockMonotonic, uintptr(unsafe.Pointer(&t)), 0)
	return t.Nano() / 1000
}
