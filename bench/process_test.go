//go:build linux

package main

import (
	"context"
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/internal/freeport"
	"github.com/pubsubd/pubsubd/internal/procfs"
)

// The test binary stands in for a server when it is started with this
// variable in its environment; the value says how it behaves.
const actAs = "BENCH_TEST_ACT_AS"

func TestMain(m *testing.M) {
	switch os.Getenv(actAs) {
	case "":
		os.Exit(m.Run())
	case "server":
		actAsServer()
	default:
		os.Stdout.WriteString("cannot start today\n")
		os.Exit(3)
	}
}

// actAsServer answers anything with PONG on the port given by --port. It
// listens until it is killed.
func actAsServer() {
	l, err := net.Listen("tcp", "127.0.0.1:"+os.Args[2])
	if err != nil {
		os.Exit(3)
	}
	for {
		nc, err := l.Accept()
		if err != nil {
			os.Exit(3)
		}
		// Closing with a request unread would reset the connection.
		nc.Read(make([]byte, len(pingRequest)))
		nc.Write(pong)
		nc.Close()
	}
}

// self is the test binary as a server.
func self(t *testing.T, behaviour string) program {
	t.Helper()
	t.Setenv(actAs, behaviour)
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return program{name: behaviour, path: path, proto: resp{}}
}

func TestStartAndStop(t *testing.T) {
	p, err := start(t.Context(), self(t, "server"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := procfs.CPU(p.pid); err != nil {
		t.Errorf("its CPU time: %v", err)
	}
	p.stop()
	if err := syscall.Kill(p.pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the process is still there after stop: %v", err)
	}
	if _, err := os.Stat(p.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its directory is still there after stop: %v", err)
	}
}

func TestStartReportsOutput(t *testing.T) {
	_, err := start(t.Context(), self(t, "broken"))
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "cannot start today") {
		t.Errorf("start returned %v", err)
	}
}

func TestStartMissingProgram(t *testing.T) {
	if _, err := start(t.Context(), program{name: "none", path: "/nonexistent/server"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("start returned %v", err)
	}
}

func TestStartEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := start(ctx, self(t, "server")); !errors.Is(err, context.Canceled) {
		t.Errorf("start returned %v", err)
	}
}

func TestFreePort(t *testing.T) {
	port, err := freeport.Find()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		t.Fatalf("the port is not free: %v", err)
	}
	l.Close()
}

func TestRedisBenchmarkFinish(t *testing.T) {
	good := new(fakeServer).serve(t)
	if err := (&redisBenchmark{addr: good.addr}).finish(); err != nil {
		t.Error(err)
	}
	bad := (&fakeServer{answer: func(int, string) string { return ":1\r\n" }}).serve(t)
	if err := (&redisBenchmark{addr: bad.addr}).finish(); err == nil {
		t.Error("a wrong number of receivers was accepted")
	}
}

func TestRedisBenchmarkMissing(t *testing.T) {
	r := &redisBenchmark{path: "/nonexistent/redis-benchmark", addr: "127.0.0.1:1", probe: probe{pid: os.Getpid()}, requests: 1}
	if _, err := r.round(t.Context(), 0, time.Second); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("round returned %v", err)
	}
}
