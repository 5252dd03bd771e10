package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/internal/freeport"
)

// freeAddr returns an address at which nobody listens.
func freeAddr(t *testing.T) string {
	t.Helper()
	port, err := freeport.Find()
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}

// TestExec plays cases on a server that -exec starts.
func TestExec(t *testing.T) {
	t.Parallel()
	addr := freeAddr(t)
	ok, out := command(t, "-addr", addr, "-exec", sut.Pubsubd(t)+" --port $PORT", "-case", "SUB-001")
	if !ok {
		t.Error(out)
	}
	if nc, err := net.Dial("tcp", addr); err == nil {
		nc.Close()
		t.Error("the server still runs")
	}
}

// TestExecBesideAnother holds that -exec, which says that nobody else uses the
// server, never plays on one that it has not started.
func TestExecBesideAnother(t *testing.T) {
	t.Parallel()
	other := sut.Start(t, sut.Pubsubd(t))
	_, out, _, err := commandWith(t, "-addr", other.Addr, "-exec", sut.Pubsubd(t)+" --port $PORT", "-case", "SUB-001")
	if err == nil || !strings.Contains(err.Error(), "listens at") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestExecThatEnds holds that a program that ends is noticed at once.
func TestExecThatEnds(t *testing.T) {
	t.Parallel()
	p := &program{command: sut.Pubsubd(t) + " --no-such-directive", addr: freeAddr(t)}
	if err := p.start(t.Context()); err == nil || !strings.Contains(err.Error(), "has ended") {
		t.Errorf("start: %v", err)
	}
	p.stop()
}

// TestExecAgain holds that a program is ended before it is started again, and
// that one which another process has outlived is not taken for it.
func TestExecAgain(t *testing.T) {
	t.Parallel()
	p := &program{command: sut.Pubsubd(t) + " --port $PORT", addr: freeAddr(t)}
	defer p.stop()
	for range 2 {
		if err := p.start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	p.stop()
	ln, err := net.Listen("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if err := p.start(t.Context()); err == nil || !strings.Contains(fmt.Sprint(err), "not ended") {
		t.Errorf("start beside another: %v", err)
	}
}

// TestExecInterrupted holds that the end of the context ends the wait for a program
// that does not listen, and the program.
func TestExecInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("somebody pressed a key"))
	p := &program{command: "sleep 1000", addr: freeAddr(t)}
	if err := p.start(ctx); err == nil || !strings.Contains(err.Error(), "somebody pressed a key") || p.cmd != nil {
		p.stop()
		t.Errorf("start: %v", err)
	}
}
