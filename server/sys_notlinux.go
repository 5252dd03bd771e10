//go:build !linux

package server

import "runtime"

// multiplexingAPI is what the Go runtime waits for connections with.
var multiplexingAPI = func() string {
	switch runtime.GOOS {
	case "windows":
		return "iocp"
	case "solaris", "illumos":
		return "event ports"
	case "aix":
		return "pollset"
	}
	return "kqueue"
}()

// systemName is the operating system as INFO tells it.
func systemName() string { return runtime.GOOS + " " + runtime.GOARCH }

// systemMemory is not known here.
func systemMemory() uint64 { return 0 }

// residentMemory is not known here.
func residentMemory() (n uint64, ok bool) { return 0, false }
