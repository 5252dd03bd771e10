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
		{"forgets to unsubscribe", fakeServer{keep: func(name string) bool { return strings.HasSuffix(name, ":1") }}, "PUBLISH to the channels"},
		{"forgets to subscribe", fakeServer{forget: func(name string) bool { return strings.HasSuffix(name, ":0") }}, "PUBLISH to the channels"},
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
