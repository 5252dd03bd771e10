package gomodules

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
)

// patience bounds every wait of these tests. Nothing is expected to take
// anywhere near as long; it turns a hang into a failure.
const patience = 30 * time.Second

func TestMain(m *testing.M) { os.Exit(sut.Main(m)) }

// A server is a running server and how to reach it.
type server struct {
	*sut.Server
	at  sut.Endpoint
	ctx context.Context // bounds the test
}

// onEachTarget runs test in parallel against a fresh server of each target,
// started with args and reached over TCP.
func onEachTarget(t *testing.T, args []string, test func(t *testing.T, s *server)) {
	t.Parallel()
	for _, target := range sut.Targets {
		t.Run(target.Name, func(t *testing.T) {
			t.Parallel()
			test(t, start(t, target, sut.TCP, args...))
		})
	}
}

// onEachNetwork is onEachTarget over every network that a target is tested on.
func onEachNetwork(t *testing.T, test func(t *testing.T, s *server)) {
	t.Parallel()
	for _, target := range sut.Targets {
		for _, network := range target.Networks {
			t.Run(target.Name+"/"+network, func(t *testing.T) {
				t.Parallel()
				test(t, start(t, target, network))
			})
		}
	}
}

func start(t *testing.T, target sut.Target, network string, args ...string) *server {
	t.Helper()
	process, at := sut.StartOn(t, target.Binary(t), network, args...)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return &server{Server: process, at: at, ctx: ctx}
}

// eventually polls until condition reports true, and fails the test when it
// never does. The formatted text says what is waited for.
func eventually(t *testing.T, condition func() bool, format string, args ...any) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("waited %v for %s", patience, fmt.Sprintf(format, args...))
		}
	}
}

// Lines are what a subscriber saw, each described in a line, in order. The
// library's goroutines add to them with add.
type lines struct {
	ch  chan string
	ctx context.Context
}

func (s *server) newLines() *lines { return &lines{ch: make(chan string, 1000), ctx: s.ctx} }

func (l *lines) add(format string, args ...any) { l.ch <- fmt.Sprintf(format, args...) }

// take returns the next n lines.
func (l *lines) take(t *testing.T, n int) []string {
	t.Helper()
	var got []string
	for len(got) < n {
		select {
		case line := <-l.ch:
			got = append(got, line)
		case <-l.ctx.Done():
			t.Fatalf("nothing came after %q", got)
		}
	}
	return got
}

// expect fails the test unless the next lines are these, in order.
func (l *lines) expect(t *testing.T, want ...string) {
	t.Helper()
	if got := l.take(t, len(want)); !slices.Equal(got, want) {
		t.Fatalf("received\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// wantError fails the test unless err begins with want.
func wantError(t *testing.T, what string, err error, want string) {
	t.Helper()
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Fatalf("%s: error %v, want one that begins with %q", what, err, want)
	}
}

// ok fails the test at the first error.
func ok(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}
