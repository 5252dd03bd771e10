//go:build cpuprofile

package main

import (
	"fmt"
	"os"
	"runtime/pprof"
)

// profileVariable names in the environment the file that takes the profile.
const profileVariable = "PUBSUBD_CPUPROFILE"

// startProfile begins a profile of the processor time of this process, which stop
// completes. It is for builds from whose profiles default.pgo is made.
func startProfile() (stop func()) {
	path := os.Getenv(profileVariable)
	if path == "" {
		return func() {}
	}
	fail := func(err error) {
		fmt.Fprintf(os.Stderr, "pubsubd: %s: %v\n", profileVariable, err)
		os.Exit(1)
	}
	f, err := os.Create(path)
	if err == nil {
		err = pprof.StartCPUProfile(f)
	}
	if err != nil {
		fail(err)
	}
	return func() {
		pprof.StopCPUProfile()
		if err := f.Close(); err != nil {
			fail(err)
		}
	}
}
