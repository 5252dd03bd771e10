//go:build unix

package server

import "syscall"

func init() {
	for errno, want := range map[syscall.Errno]closeReason{
		syscall.ECONNRESET: closedReset, syscall.EPIPE: closedReset,
		syscall.ETIMEDOUT: closedVanished, syscall.EHOSTUNREACH: closedVanished, syscall.ENETUNREACH: closedVanished,
	} {
		errnoReasons[errno] = want
	}
}
