package server

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// patience bounds every wait of these tests.
const patience = 20 * time.Second

var stressDuration = flag.Duration("server.duration", 2*time.Second, "how long the stress test runs")

// TestMain fails the run if a test has left a goroutine of the server behind.
func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if left := leftovers(); code == 0 && left != "" {
		fmt.Fprintf(os.Stderr, "goroutines left behind:\n%s\n", left)
		code = 1
	}
	os.Exit(code)
}

// goroutines returns the stacks of the goroutines that run code of this
// package but for tests.
func goroutines() (stacks []string) {
	buf := make([]byte, 1<<20)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) {
			buf = buf[:n]
			break
		}
		buf = make([]byte, 2*len(buf))
	}
	for _, stack := range strings.Split(string(buf), "\n\n") {
		if strings.Contains(stack, "pubsubd/server.") && !strings.Contains(stack, "testing.tRunner") &&
			!strings.Contains(stack, "server.TestMain") {
			stacks = append(stacks, stack)
		}
	}
	return stacks
}

// leftovers waits for the goroutines of the server to end and returns those
// that do not.
func leftovers() string {
	const look = time.Millisecond
	var left []string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if left = goroutines(); len(left) == 0 {
			return ""
		}
		<-time.After(look)
	}
	return strings.Join(left, "\n\n")
}

// waitFor waits until a condition holds.
func waitFor(t testing.TB, what string, holds func() bool) {
	t.Helper()
	const look = time.Millisecond
	for deadline := time.Now().Add(patience); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s", patience, what)
		}
		<-time.After(look)
	}
}
