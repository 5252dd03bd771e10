package pubsubtest_test

import (
	"fmt"
	"strings"
	"testing"
)

// A recorder is a testing.TB that keeps what would have failed the test.
type recorder struct {
	testing.TB
	cleanups []func()
	failures []string
	logs     []string
}

func (r *recorder) Helper()          {}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Failed() bool     { return len(r.failures) > 0 }
func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}
func (r *recorder) Logf(format string, args ...any) {
	r.logs = append(r.logs, fmt.Sprintf(format, args...))
}

// stopped is what Fatal of a recorder panics with.
type stopped struct{}

func (r *recorder) Fatal(args ...any) {
	r.failures = append(r.failures, fmt.Sprint(args...))
	panic(stopped{})
}
func (r *recorder) Fatalf(format string, args ...any) { r.Fatal(fmt.Sprintf(format, args...)) }

// finish ends the test of the recorder.
func (r *recorder) finish() {
	for _, f := range r.cleanups {
		f()
	}
}

// fails calls f, which has to end the test with an error that has all of the words.
func (r *recorder) fails(t *testing.T, f func(), words ...string) {
	t.Helper()
	r.failures = nil
	func() {
		defer func() {
			if p := recover(); p != nil && p != (stopped{}) {
				panic(p)
			}
		}()
		f()
	}()
	if len(r.failures) != 1 {
		t.Errorf("failures %q, want one with %q", r.failures, words)
		return
	}
	for _, w := range words {
		if !strings.Contains(r.failures[0], w) {
			t.Errorf("failure %q, want one with %q", r.failures[0], w)
		}
	}
}
