//go:build !linux

package main

// monotonicMicros is not needed: there is no systemd.
func monotonicMicros() int64 { return 0 }
