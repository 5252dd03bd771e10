//go:build linux

package main

import (
	"strings"
	"testing"
)

func TestChurnRejectsBadServer(t *testing.T) {
	n := 0 // confirmations
	bad := func(at int, change func(string) string) func(string) string {
		return func(confirmation string) string {
			if n++; n == at {
				return change(confirmation)
			}
			return confirmation
		}
	}
	var withheld string
	tests := []struct {
		name   string
		server fakeServer
		want   string // in the error
	}{
		{"loses a confirmation", fakeServer{confirm: bad(6, func(string) string { return "" })}, "answered"},
		{"repeats a confirmation", fakeServer{confirm: bad(6, func(c string) string { return c + c })}, "answered"},
		{"reorders confirmations", fakeServer{confirm: func(c string) string {
			switch n++; n {
			case 6:
				withheld = c
				return ""
			case 7:
				return c + withheld
			}
			return c
		}}, "answered"},
		{"refuses", fakeServer{confirm: bad(3, func(string) string { return "-ERR no\r\n" })}, "answered"},
		// Both confirm by the book what they do not do.
		{"forgets to unsubscribe", fakeServer{keep: func(name string) bool { return strings.HasSuffix(name, ":1") },
			confirm: recount(2)}, "PUBLISH to the channels"},
		{"forgets to subscribe", fakeServer{answer: func(int, string) string { return ":0\r\n" }}, "PUBLISH to the channels"},
		{"delivers nothing", fakeServer{deliver: func(int, string) string { return "" }}, "churner 0 at the end"},
		{"delivers twice", fakeServer{deliver: func(_ int, f string) string { return f + f }}, "churner 0 at the end"},
	}
	for i := range tests {
		test := &tests[i]
		t.Run(test.name, func(t *testing.T) {
			n = 0
			_, err := drive(t, test.server.serve(t), churnPlan(1, 4), patient)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want one with %q", err, test.want)
			}
		})
	}
}

// recount returns a function that gives confirmations the counts they would
// have if they came in turn from subscribing to and unsubscribing from names.
func recount(names int) func(string) string {
	n := 0
	return func(confirmation string) string {
		count := n%(2*names) + 1
		if count > names {
			count = 2*names - count
		}
		n++
		head := confirmation[:strings.LastIndex(confirmation, ":")]
		return string(appendInteger([]byte(head), count))
	}
}
