package slow

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/pubsubd/pubsubd/conformance/internal/numbered"
	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
	"github.com/pubsubd/pubsubd/internal/procfs"
)

// limited returns a program that runs a server which may open 200 files.
func limited(t *testing.T, binary string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), filepath.Base(binary))
	script := fmt.Sprintf("#!/bin/sh\nulimit -n 200\nexec '%s' \"$@\"\n", binary)
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// A caller is a connection and what it was told.
type caller struct {
	net.Conn
	told string // the first line that was received
	took time.Duration
}

// call connects so many at a time, and has each say PING and read a line.
func call(t *testing.T, addr string, n int) (list []*caller) {
	t.Helper()
	list = make([]*caller, n)
	var wg sync.WaitGroup
	for i := range list {
		wg.Go(func() {
			began := time.Now()
			nc, err := net.DialTimeout("tcp", addr, wire.Patience)
			if err != nil {
				t.Error(err)
				return
			}
			list[i] = &caller{Conn: nc}
			_ = nc.SetDeadline(began.Add(wire.Patience))
			_, _ = nc.Write([]byte("PING\r\n")) // one who is refused may be closed by now
			list[i].told, err = bufio.NewReader(nc).ReadString('\n')
			list[i].took = time.Since(began)
			if err != nil {
				list[i].told = err.Error()
			}
		})
	}
	wg.Wait()
	t.Cleanup(func() {
		for _, c := range list {
			if c != nil {
				_ = c.Close()
			}
		}
	})
	return list
}

const refusal = "-ERR max number of clients reached\r\n"

// More clients than files: those that find room are served, the others are told,
// which costs the server nothing to speak of, and there is room again when some
// leave.
func TestOutOfDescriptors(t *testing.T) {
	sut.Parallel(t)
	test := func(name, binary string) {
		s, at := sut.StartEverywhere(t, limited(t, binary), "--loglevel", "notice")
		pair := []*wire.Conn{wire.DialTCP(t, s.Addr), numbered.Join(t, at[0], 2, "", "c")}
		healthy := func(when string) {
			t.Helper()
			if got := fmt.Sprint(pair[0].Do("PUBLISH", "c", when)); got != ":1" {
				t.Errorf("PUBLISH %s: %s", when, got)
			}
			pair[1].Want(fmt.Sprintf(`*3 "message" "c" %q`, when))
		}
		served, refused, silent, slowest := 0, 0, 0, time.Duration(0)
		list := call(t, s.Addr, 1000)
		for _, c := range list {
			switch {
			case c.told == "+PONG\r\n":
				served++
			case c.told == refusal:
				refused++
				slowest = max(slowest, c.took)
			default:
				silent++
			}
		}
		healthy("full")
		if n := pair[0].InfoNumber("rejected_connections"); n != refused+silent {
			t.Errorf("INFO counts %d refused, there were %d", n, refused+silent)
		}

		// Others go on trying.
		period := 2 * time.Second
		if sut.Long() {
			period = 20 * time.Second
		}
		logged, cpu := strings.Count(s.Log(), "\n"), sut.CPU(t, s)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		full := time.Now()
		for ; time.Since(full) < period; <-tick.C {
			for _, c := range call(t, s.Addr, 1) {
				if c.told != refusal && name == "pubsubd" {
					t.Errorf("while all is full: told %q", c.told)
				}
				_ = c.Close()
			}
		}
		period = time.Since(full) // longer on a busy machine
		lines := strings.Count(s.Log(), "\n") - logged
		busy := 100 * float64(sut.CPU(t, s)-cpu) / float64(period)

		// With TLS nobody can be told, but nobody is kept waiting.
		began := time.Now()
		if nc, err := tls.Dial("tcp", at[2].Address, at[2].TLSConfig(t)); err == nil {
			nc.Close()
			t.Error("a client that cannot be served has shaken hands")
		}
		closing := time.Since(began)
		healthy("before")

		for _, c := range list {
			_ = c.Close()
		}
		began = time.Now()
		sut.Until(t, "service to resume", func() bool {
			c := call(t, s.Addr, 1)[0]
			defer c.Close()
			return c.told == "+PONG\r\n"
		})
		resumed := time.Since(began)
		healthy("after")
		t.Logf("R6: %s, 200 files, 1000 connects: %d served, %d told after %v at most, %d closed without a word; while full %.1f %% CPU and %d log lines in %v, TLS closed after %v; served again after %v",
			name, served, refused, slowest.Round(time.Millisecond), silent, busy, lines, period.Round(time.Millisecond), closing.Round(time.Millisecond), resumed.Round(time.Millisecond))
		if name != "pubsubd" {
			return
		}
		if served < 160 || silent > 0 {
			t.Errorf("%d served, %d not told", served, silent)
		}
		if bound := sut.Within(1500 * time.Millisecond); slowest > bound || closing > bound || resumed > bound {
			t.Errorf("told after %v, TLS closed after %v, served again after %v", slowest, closing, resumed)
		}
		// A line a second: so many seconds begin or go on in the period.
		if most := int(period/time.Second) + 2; lines > most || lines == 0 {
			t.Errorf("%d log lines in %v:\n%s", lines, period, s.Log())
		}
		if sut.Long() && busy > 5 {
			t.Errorf("%.1f %% CPU", busy)
		}
	}
	test("pubsubd", sut.Release(t))
	if sut.Long() {
		test("redis-server", sut.Redis(t))
	}
}

// setFiles changes how many files a process may have open.
func setFiles(t *testing.T, pid int, n uint64) (before uint64) {
	t.Helper()
	var old syscall.Rlimit
	limit := func(set, get *syscall.Rlimit) {
		t.Helper()
		if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(pid), syscall.RLIMIT_NOFILE, uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(get)), 0, 0); errno != 0 {
			t.Fatal(errno)
		}
	}
	limit(nil, &old)
	limit(&syscall.Rlimit{Cur: n, Max: old.Max}, nil)
	return old.Cur
}

// When the system has no descriptor left to accept with, those that have come
// wait, without the server spinning, and are served once there is one.
func TestCannotAccept(t *testing.T) {
	sut.Parallel(t)
	s := sut.Start(t, sut.Release(t))
	admin := wire.DialTCP(t, s.Addr)
	admin.Do("PING")
	open, err := procfs.Descriptors(s.PID())
	if err != nil {
		t.Fatal(err)
	}
	was := setFiles(t, s.PID(), uint64(open+5))
	var waiting []*wire.Conn
	for range 50 {
		c := wire.DialTCP(t, s.Addr)
		c.Send("PING")
		waiting = append(waiting, c)
	}
	sut.Until(t, "accepting to fail", func() bool { return strings.Contains(s.Log(), "cannot accept clients") })
	period := 2 * time.Second
	if sut.Long() {
		period = 10 * time.Second
	}
	logged, cpu, full := strings.Count(s.Log(), "\n"), sut.CPU(t, s), time.Now()
	<-time.After(period)
	period = time.Since(full) // longer on a busy machine
	lines, busy := strings.Count(s.Log(), "\n")-logged, 100*float64(sut.CPU(t, s)-cpu)/float64(period)
	if most := int(period/time.Second) + 2; lines > most {
		t.Errorf("%d log lines in %v:\n%s", lines, period, s.Log())
	}
	if busy > 5 {
		t.Errorf("%.1f %% CPU while nothing can be accepted", busy)
	}
	admin.Send("PING")
	admin.Want("+PONG")
	setFiles(t, s.PID(), was)
	began := time.Now()
	for _, c := range waiting {
		c.Want("+PONG")
	}
	took := time.Since(began)
	t.Logf("R6: pubsubd without descriptors: %.1f %% CPU and %d log lines in %v, served %v after there were some", busy, lines, period, took.Round(time.Millisecond))
	if took > sut.Within(1500*time.Millisecond) {
		t.Errorf("served %v after there were descriptors", took)
	}
}
