// Package clients_test runs real client libraries against pubsubd and against
// a redis-server, and requires the same outcome of both. README.md says what
// is run and how to add a program.
package clients_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
)

var update = flag.Bool("update", false, "record the expected output of the Python programs from redis-server")

// patience bounds every wait of these tests. Nothing is expected to take
// anywhere near as long; it turns a hang into a failure.
const patience = 30 * time.Second

func TestMain(m *testing.M) { os.Exit(sut.Main(m)) }

// A target is one of the servers that every test runs against.
type target struct {
	name   string
	binary func(testing.TB) string
}

var targets = []target{
	{name: "redis", binary: sut.Redis},
	{name: "pubsubd", binary: sut.Pubsubd},
}

// eachTarget runs test in parallel for each target; for redis-server alone when
// its outcome is being recorded.
func eachTarget(t *testing.T, test func(t *testing.T, target target)) {
	t.Parallel()
	used := targets
	if *update {
		used = targets[:1]
	}
	for _, target := range used {
		t.Run(target.name, func(t *testing.T) {
			t.Parallel()
			test(t, target)
		})
	}
}

// onEachTarget runs test in parallel against a fresh server of each target,
// started with args.
func onEachTarget(t *testing.T, args []string, test func(t *testing.T, server *sut.Server)) {
	eachTarget(t, func(t *testing.T, target target) {
		test(t, sut.Start(t, target.binary(t), args...))
	})
}

// A restartable server keeps its port when it is started again.
type restartable struct {
	*sut.Server
	binary string
}

// restart stops the server and starts it on the same port.
func (r *restartable) restart(t *testing.T) {
	t.Helper()
	r.Stop()
	r.Server = sut.Start(t, r.binary, "--port", strconv.Itoa(r.Port))
}

// onEachRestartable is onEachTarget for tests that restart their server.
func onEachRestartable(t *testing.T, test func(t *testing.T, server *restartable)) {
	eachTarget(t, func(t *testing.T, target target) {
		binary := target.binary(t)
		server := sut.Start(t, binary, "--port", strconv.Itoa(lowPort(t)))
		test(t, &restartable{Server: server, binary: binary})
	})
}

// lowPort returns a free port below the range that the system gives to
// outgoing connections. A client that keeps dialing a port of that range while
// its server is down can end up connected to itself and hold the port.
func lowPort(t *testing.T) int {
	t.Helper()
	const lowest, highest = 20000, 32000
	for range 100 {
		port := lowest + rand.IntN(highest-lowest)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			l.Close()
			return port
		}
	}
	t.Fatalf("found no free port from %d to %d", lowest, highest)
	return 0
}

// within returns a context for one test, bounded by patience.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
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
