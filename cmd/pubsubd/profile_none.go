//go:build !cpuprofile

package main

// startProfile is for builds that take profiles.
func startProfile() (stop func()) { return func() {} }
