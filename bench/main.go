//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // a scenario failed, or nothing could be run
	exitUsage  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// After the first signal the second one ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is main with its surroundings as arguments. It returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parseOptions(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if err != nil {
		return exitUsage
	}
	chosen := selectScenarios(scenarios(), o.run, o.quick)
	if len(chosen) == 0 {
		fmt.Fprintln(stderr, "bench: no scenario matches, see -list")
		return exitUsage
	}
	if o.list {
		for _, s := range chosen {
			counted, setting := s.traffic.describe()
			fmt.Fprintf(stdout, "%-50s %s; counts %s\n", s.name, setting, counted)
		}
		return exitOK
	}
	if err := compare(ctx, o, chosen, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return exitFailed
	}
	return exitOK
}

// compare runs the chosen scenarios and prints what they gave. A scenario that
// fails does not keep the others from being run, but is an error at the end.
func compare(ctx context.Context, o options, chosen []scenario, stdout, stderr io.Writer) error {
	temp, err := os.MkdirTemp("", "pubsubd-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	servers, err := findServers(ctx, o, temp)
	if err != nil {
		return err
	}
	var j journal
	if o.json != "" {
		f, err := os.Create(o.json)
		if err != nil {
			return err
		}
		defer f.Close()
		j.w = f
	}
	var svg *os.File // created now: at the end it would be too late to complain
	if o.svg != "" {
		if svg, err = os.Create(o.svg); err != nil {
			return err
		}
		defer svg.Close()
	}
	cond := newConditions(ctx, o, servers)
	j.write(conditionsRecord{"conditions", cond})
	fmt.Fprintln(stdout, cond)

	c := &comparison{options: o, servers: servers}
	c.measured = func(s scenario, server program, round int, m measurement) {
		j.write(newRoundRecord(s, server, round, m))
	}
	var results []result
	var failed, left []string
	for i, s := range chosen {
		fmt.Fprintf(stderr, "[%d/%d] %s\n", i+1, len(chosen), s.name)
		r, err := c.run(ctx, s)
		if ctx.Err() != nil {
			err = errors.New("interrupted")
		}
		if reason, ok := errors.AsType[leftOut](err); ok {
			left = append(left, fmt.Sprintf("%s: %v", s.name, reason))
			fmt.Fprintf(stderr, "        left out: %v\n", reason)
			j.write(failureRecord{"left out", s.name, reason.Error()})
			continue
		}
		if err != nil {
			failed = append(failed, s.name)
			fmt.Fprintf(stderr, "        FAILED: %v\n", err)
			j.write(failureRecord{"failure", s.name, err.Error()})
			if ctx.Err() != nil {
				break
			}
			continue
		}
		fmt.Fprintf(stderr, "        %s\n", summarize(r).ratioText(s.kind))
		results = append(results, r)
		j.write(newResultRecord(r))
	}
	if err := writeTables(stdout, servers, results); err != nil {
		return err
	}
	if len(left) > 0 {
		fmt.Fprintf(stdout, "\nLeft out:\n\n- %s\n", strings.Join(left, "\n- "))
	}
	if svg != nil {
		if err := writeChart(svg, servers, results); err != nil {
			return fmt.Errorf("writing %s: %w", o.svg, err)
		}
	}
	if o.cpuProfile != "" {
		if err := mergeProfiles(ctx, o.cpuProfile, servers[0].profiles); err != nil {
			return fmt.Errorf("writing %s: %w", o.cpuProfile, err)
		}
	}
	if len(failed) > 0 {
		return fmt.Errorf("%d of %d scenarios failed: %q", len(failed), len(chosen), failed)
	}
	if j.err != nil {
		return fmt.Errorf("writing %s: %w", o.json, j.err)
	}
	return nil
}

// findServers returns pubsubd, built into dir unless a path was given, and the
// peer it is compared with.
func findServers(ctx context.Context, o options, dir string) ([2]program, error) {
	var servers [2]program
	peer, err := executable(o.peer)
	if err != nil {
		return servers, err
	}
	var path, tags, profiles string
	if o.cpuProfile != "" {
		tags, profiles = profileTag, filepath.Join(dir, "profiles")
		if err := os.Mkdir(profiles, 0o700); err != nil {
			return servers, err
		}
	}
	if o.pubsubd == "" {
		path, err = buildPubsubd(ctx, dir, tags)
	} else {
		path, err = executable(o.pubsubd)
	}
	if err != nil {
		return servers, err
	}
	servers[0] = program{name: "pubsubd", path: path, args: o.pubsubdArgs, proto: resp{}, profiles: profiles}
	servers[1] = peerProgram(filepath.Base(o.peer), peer, o.peerArgs)
	if servers[1].name == servers[0].name {
		servers[1].name += " (peer)"
	}
	return servers, nil
}

// peerProgram returns the server at path, started in the way of its kind.
func peerProgram(name, path string, more []string) program {
	p := program{name: name, path: path, proto: protocolOf(name)}
	switch p.proto.(type) {
	case nats:
		p.config = natsConfig
		p.args = []string{"--addr", "127.0.0.1", "--config", configFile}
	default:
		p.args = []string{"--save", "", "--appendonly", "no"}
	}
	p.args = append(p.args, more...)
	return p
}

// executable returns the absolute path of a program: each server is started in
// a directory of its own, where a relative one would mean something else.
func executable(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", err
	}
	return filepath.Abs(path)
}
