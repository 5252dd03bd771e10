package server

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Many closures of one sort push out none of another.
func TestClosureLogKeepsEachSort(t *testing.T) {
	l := newClosureLog()
	add := func(sort closureSort, id int) { l.add(sort, &Closure{ID: uint64(id)}) }
	add(byServer, 1)
	for i := range 3 * keptClosures {
		add(byClient, 10+i)
	}
	add(byStranger, 2)
	add(byServer, 3)
	list := l.latest(-1)
	if len(list) != keptClosures+3 || list[0].ID != 3 || list[1].ID != 2 || list[len(list)-1].ID != 1 {
		t.Errorf("%d kept, %v", len(list), list)
	}
	for i := range keptClosures {
		if want := uint64(10 + 3*keptClosures - 1 - i); list[2+i].ID != want {
			t.Fatalf("%d at %d, want %d", list[2+i].ID, i, want)
		}
	}
	if got := l.latest(2); len(got) != 2 || got[0].ID != 3 {
		t.Errorf("the latest two: %v", got)
	}
	if got := l.latest(0); len(got) != 0 {
		t.Errorf("none: %v", got)
	}
}

func TestFailureReason(t *testing.T) {
	op := func(err error) error { return &net.OpError{Op: "read", Err: os.NewSyscallError("read", err)} }
	for _, tt := range []struct {
		err  error
		want closeReason
	}{
		{io.EOF, closedByPeer}, {io.ErrUnexpectedEOF, closedByPeer}, {io.ErrClosedPipe, closedReset},
		{errors.New("any"), closedWriteError}, {os.ErrDeadlineExceeded, closedWriteError}, {net.ErrClosed, closedWriteError},
	} {
		if got := failureReason(tt.err, closedWriteError); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.err, got, tt.want)
		}
	}
	for errno, want := range errnoReasons {
		for _, err := range []error{errno, op(errno)} {
			if got := failureReason(err, closedReadError); got != want {
				t.Errorf("%v: %s, want %s", err, got, want)
			}
		}
	}
}

var errnoReasons = map[syscall.Errno]closeReason{
	syscall.EINVAL: closedReadError, syscall.EBADF: closedReadError,
}

// What a client has chosen is cut, and a line is a line.
func TestClosureIsCutAndQuoted(t *testing.T) {
	log, logs := logger()
	s := newServer(t, func(c *Config) { c.Logger = log })
	addr := listen(t, s)
	c, other := dial(t, addr), dial(t, addr)
	c.ask("CLIENT SETNAME "+strings.Repeat("n", 1000), "+OK")
	other.ask("CLIENT KILL SKIPME YES TYPE normal", "1")
	c.end()
	list := s.Closures()
	if len(list) != 1 || list[0].Name != strings.Repeat("n", maxLoggedName) || list[0].Reason != "killed" || list[0].User != "default" || list[0].ID == 0 || list[0].At.IsZero() {
		t.Fatalf("%+v", list)
	}
	lines := logs.FilterField(zap.String("reason", "killed")).All()
	if len(lines) != 1 || lines[0].Level != zapcore.InfoLevel || lines[0].ContextMap()["name"] != list[0].Name || lines[0].ContextMap()["addr"] != c.nc.LocalAddr().String() {
		t.Errorf("logged %v", lines)
	}
}

// What anybody can cause is logged once a second, and counted each time.
func TestRefusalsAreLoggedOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, logs := logger()
		s := newServer(t, func(c *Config) {
			c.Logger = log
			c.MaxClients = 1
		})
		start := time.Now()
		for range 100 {
			mine, theirs := net.Pipe()
			go func() { _, _ = io.Copy(io.Discard, mine) }()
			s.refuse(theirs, nil, closedMaxClients, errMaxClients)
			_ = mine.Close()
			time.Sleep(50 * time.Millisecond)
		}
		loud := 0
		for _, line := range logs.FilterField(zap.String("reason", "max-clients")).All() {
			if line.Level == zapcore.WarnLevel {
				loud++
			}
		}
		if most := 1 + int(time.Since(start)/time.Second); loud == 0 || loud > most {
			t.Errorf("%d warnings in %v", loud, time.Since(start))
		}
		if n, kept := s.closures.count(closedMaxClients), len(s.Closures()); n != 100 || kept != 100 || s.rejected.Load() != 100 {
			t.Errorf("%d counted, %d kept, %d rejected", n, kept, s.rejected.Load())
		}
		c := pipe(t, s)
		if got := c.do("INFO"); strings.Contains(got, "closed_max_clients") {
			t.Error("INFO has the section without being asked")
		}
		if got := c.do("INFO closures"); !strings.Contains(got, "closed_max_clients:100\r\n") || !strings.HasPrefix(got, "# Closures\r\nclosed_by_peer:0\r\n") {
			t.Errorf("INFO closures: %q", got)
		}
		c.ask("CONFIG RESETSTAT", "+OK")
		if n := s.closures.count(closedMaxClients); n != 0 || len(s.Closures()) != 100 {
			t.Errorf("%d counted and %d kept after CONFIG RESETSTAT", n, len(s.Closures()))
		}
	})
}

// The first reason stays, and is told once.
func TestFirstReasonStays(t *testing.T) {
	s := newServer(t)
	addr := listen(t, s)
	for _, second := range []closeReason{closedKilled, closedHardLimit, closedEvicted} {
		dial(t, addr).ask("PING", "+PONG")
		c := s.clients()[0]
		if !c.close(closedIdle) || c.close(second) {
			t.Errorf("%s was first", second)
		}
		waitFor(t, "the client to be gone", func() bool { return s.connected() == 0 })
	}
	for i, e := range s.Closures() {
		if e.Reason != string(closedIdle) {
			t.Errorf("the reason is %s", fmt.Sprint(i, e))
		}
	}
	if n := s.closures.count(closedIdle); n != 3 || s.closures.count(closedKilled, closedHardLimit, closedEvicted) != 0 {
		t.Errorf("%d counted", n)
	}
}
