package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/alicebob/miniredis/v2"

	"github.com/pubsubd/pubsubd/pubsubtest"
)

// A kind is a way to have a server in a test.
type kind struct {
	name  string
	start func() (*running, error)
	apart bool // it is a process of its own
}

// A running server is one that was started.
type running struct {
	dial     func(ctx context.Context) (net.Conn, error)
	stop     func() error
	resident func() (bytes int64, err error) // nil if it is within this process
}

var kinds = []kind{
	{name: "pubsubtest", start: func() (*running, error) { return startOwn() }},
	{name: "pubsubtest in memory", start: func() (*running, error) { return startOwn(pubsubtest.InMemory()) }},
	{name: "miniredis", start: startMiniredis},
	{name: "redis-server", start: startRedis, apart: true},
}

func startOwn(opts ...pubsubtest.Option) (*running, error) {
	srv, err := pubsubtest.Start(opts...)
	if err != nil {
		return nil, err
	}
	dial := to(srv.Network(), srv.Addr())
	if srv.Network() == "memory" {
		dial = func(ctx context.Context) (net.Conn, error) { return srv.Dial(ctx, "", "") }
	}
	return &running{dial: dial, stop: srv.Close}, nil
}

func startMiniredis() (*running, error) {
	srv, err := miniredis.Run()
	if err != nil {
		return nil, err
	}
	return &running{dial: to("tcp", srv.Addr()), stop: func() error { srv.Close(); return nil }}, nil
}

// startRedis starts redis-server on a Unix socket in a directory of its own, so that it
// finds no configuration, needs no free port and leaves nothing behind.
func startRedis() (*running, error) {
	dir, err := os.MkdirTemp("", "starts")
	if err != nil {
		return nil, err
	}
	socket := filepath.Join(dir, "s")
	cmd := exec.Command("redis-server", "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no")
	cmd.Dir = dir
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &running{
		dial: to("unix", socket),
		stop: func() error {
			err := cmd.Process.Signal(os.Interrupt)
			return errors.Join(err, cmd.Wait(), os.RemoveAll(dir))
		},
		resident: func() (int64, error) { return resident(cmd.Process.Pid) },
	}, nil
}

func to(network, addr string) func(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	return func(ctx context.Context) (net.Conn, error) { return d.DialContext(ctx, network, addr) }
}

// resident is how much memory a process has, as Linux tells.
func resident(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if after, found := strings.CutPrefix(line, "VmRSS:"); found {
			n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(after), " kB"), 10, 64)
			return n << 10, err
		}
	}
	return 0, errors.New("its resident memory is not told")
}
