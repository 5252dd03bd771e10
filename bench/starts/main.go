// Starts tells what a server for a test costs: how long it takes until the first PING
// is answered, how long until it is gone, and how much memory it takes while it is idle
// and with subscribers. It compares pubsubtest, on a port and in memory, miniredis, and
// a redis-server that is started as a process, which has to be installed.
//
//	go run .
//
// It is a module of its own, so that that of pubsubd does not need miniredis.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

func main() {
	log.SetFlags(0)
	runs := flag.Int("runs", 100, "how often each server is started")
	subscribers := flag.Int("subscribers", 100, "how many connections subscribe for the second figure of memory")
	flag.Parse()
	if *runs < 1 || *subscribers < 1 {
		log.Fatal("starts: -runs and -subscribers have to be positive")
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintf(out, "%s, %s/%s, %d CPUs; %d runs, medians\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), *runs)
	fmt.Fprintf(out, "server\tuntil PONG\tuntil gone\tidle\twith %d subscribers\n", *subscribers)
	for _, k := range kinds {
		r, err := measure(k, *runs, *subscribers)
		if err != nil {
			log.Fatalf("starts: %s: %v", k.name, err)
		}
		fmt.Fprintf(out, "%s\t%v\t%v\t%d KiB\t%d KiB\n", k.name, r.start.Round(time.Microsecond), r.stop.Round(time.Microsecond), r.idle>>10, r.busy>>10)
	}
	if err := out.Flush(); err != nil {
		log.Fatal(err)
	}
}

// A result is what a server costs.
type result struct {
	start, stop time.Duration // medians
	idle, busy  int64         // bytes
}

func measure(k kind, runs, subscribers int) (r result, err error) {
	var starts, stops []time.Duration
	for range runs {
		began := time.Now()
		s, err := k.start()
		if err != nil {
			return r, err
		}
		nc, err := connect(s)
		if err != nil {
			return r, errors.Join(err, s.stop())
		}
		starts = append(starts, time.Since(began))
		nc.Close()
		began = time.Now()
		if err := s.stop(); err != nil {
			return r, err
		}
		stops = append(stops, time.Since(began))
	}
	slices.Sort(starts)
	slices.Sort(stops)
	r.start, r.stop = starts[runs/2], stops[runs/2]
	r.idle, r.busy, err = memory(k, subscribers)
	return r, err
}

// memory tells how much a server takes. One within the process takes what the heap and
// the stacks grow by, with the clients' side of the connections; one that is a process
// takes its resident memory.
func memory(k kind, subscribers int) (idle, busy int64, err error) {
	before := inUse()
	s, err := k.start()
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	taken := func() (int64, error) {
		if s.resident != nil {
			return s.resident()
		}
		return inUse() - before, nil
	}
	if idle, err = taken(); err != nil {
		return 0, 0, err
	}
	for i := range subscribers {
		nc, err := connect(s)
		if err != nil {
			return 0, 0, err
		}
		defer nc.Close()
		if err := ask(nc, fmt.Sprintf("SUBSCRIBE channel%d", i), "*3\r\n"); err != nil {
			return 0, 0, err
		}
	}
	busy, err = taken()
	return idle, busy, err
}

// inUse is what heap and stacks of this process take.
func inUse() int64 {
	runtime.GC()
	runtime.GC() // what pools have let go of
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// connect makes a connection whose first PING is answered.
func connect(s *running) (net.Conn, error) {
	deadline := time.Now().Add(10 * time.Second)
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	var last error
	for ctx.Err() == nil {
		nc, err := s.dial(ctx)
		if err == nil {
			_ = nc.SetDeadline(deadline)
			if err = ask(nc, "PING", "+PONG\r\n"); err == nil {
				return nc, nil
			}
			nc.Close()
		}
		last = err
		select { // a process that has just been started does not listen yet
		case <-time.After(200 * time.Microsecond):
		case <-ctx.Done():
		}
	}
	return nil, fmt.Errorf("it does not answer: %w", last)
}

// ask sends a command and reads a reply that begins so.
func ask(nc net.Conn, command, want string) error {
	words := strings.Fields(command)
	request := fmt.Sprintf("*%d\r\n", len(words))
	for _, w := range words {
		request += fmt.Sprintf("$%d\r\n%s\r\n", len(w), w)
	}
	if _, err := io.WriteString(nc, request); err != nil {
		return err
	}
	line, err := bufio.NewReaderSize(nc, 512).ReadString('\n')
	if err == nil && !strings.HasPrefix(line, want) {
		err = fmt.Errorf("%s is answered %q", command, line)
	}
	return err
}
