package suite

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// TestInterruptedBeforeTheCases holds that the end of the context ends what is asked
// before the first case, whatever the server leaves without an answer.
func TestInterruptedBeforeTheCases(t *testing.T) {
	t.Parallel()
	why := errors.New("somebody pressed a key")
	const text = "why: w\ncase: SUB-001 x\nneeds: databases >= 8\nc1> PUBLISH ${p}a b\nc1< :0\n\ncase: CLI-001 x\nc1> CLIENT KILL ${c1.addr}\nc1< +OK\n"
	f, err := ParseFile("f.txt", text)
	if err != nil {
		t.Fatal(err)
	}
	for _, silent := range []string{"AUTH", "INFO", "HELLO", "CONFIG", "PUBLISH", "CLIENT", "SUBSCRIBE"} {
		t.Run(silent, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			s := serve(t, func(n int, words []string) string {
				switch {
				case words[0] == silent:
					cancel(why)
					return ""
				case words[0] == "HELLO":
					return "%1\r\n$5\r\nproto\r\n:3\r\n"
				}
				return good(n, words)
			})
			s.Password = "pass"
			if _, err := Identify(ctx, s, time.Hour); context.Cause(ctx) != nil && (err == nil || !strings.Contains(err.Error(), why.Error())) {
				t.Errorf("Identify: %v", err)
			}
			r := Run(ctx, s, f.Cases, Options{Column: Columns[0], Timeout: time.Hour, Limit: time.Hour})
			if r.Count("", NotRun) != 2 || r.Cut != why.Error() {
				t.Errorf("cut since %q: %+v", r.Cut, r.Results)
			}
		})
	}
}
