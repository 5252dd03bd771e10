//go:build !race

package sut

// raceEnabled says that this test binary has the race detector.
const raceEnabled = false
