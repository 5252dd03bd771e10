//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

const (
	redisBenchmarkName        = "redis-benchmark"
	redisBenchmarkRequests    = 1_000_000
	redisBenchmarkConnections = 50
	redisBenchmarkPipeline    = 16

	// redisBenchmarkPatience bounds one run: redis-benchmark tries for ever to
	// reach a server that is gone.
	redisBenchmarkPatience = 2 * time.Minute
)

// redisBenchmarkTraffic is what redis-benchmark sends.
type redisBenchmarkTraffic struct{}

func (redisBenchmarkTraffic) describe() (counted, setting string) {
	return "publishes", fmt.Sprintf("3 B, %d connections, %d in flight each, %d requests a round",
		redisBenchmarkConnections, redisBenchmarkPipeline, redisBenchmarkRequests)
}

func (redisBenchmarkTraffic) open(_ context.Context, p *process, o options) (driver, error) {
	if o.redisBenchmark == "" {
		return nil, errors.New("-redis-benchmark names no program")
	}
	return &redisBenchmark{
		path: o.redisBenchmark, addr: p.addr, probe: probe{pid: p.pid}, requests: redisBenchmarkRequests,
	}, nil
}

// A redisBenchmark drives a server with the load generator of Redis, which
// most people know the numbers of.
type redisBenchmark struct {
	path     string
	addr     string
	probe    probe
	requests int
}

// round runs redis-benchmark once. Its length is a number of requests, so
// both durations are left aside.
func (r *redisBenchmark) round(ctx context.Context, _, _ time.Duration) (measurement, error) {
	host, port, _ := strings.Cut(r.addr, ":")
	ctx, cancel := context.WithTimeoutCause(ctx, redisBenchmarkPatience,
		fmt.Errorf("redis-benchmark did not end within %v", redisBenchmarkPatience))
	defer cancel()
	cmd := exec.CommandContext(ctx, r.path, "-h", host, "-p", port,
		"-n", strconv.Itoa(r.requests),
		"-c", strconv.Itoa(redisBenchmarkConnections),
		"-P", strconv.Itoa(redisBenchmarkPipeline),
		"--csv", "publish", "ch", "msg")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr

	from, err := r.probe.sample()
	if err != nil {
		return measurement{}, err
	}
	runErr := cmd.Run()
	to, err := r.probe.sample()
	if err != nil {
		return measurement{}, err
	}
	if runErr != nil {
		if ctx.Err() != nil {
			runErr = context.Cause(ctx)
		}
		return measurement{}, fmt.Errorf("redis-benchmark: %w, it printed %s", runErr, excerpt(stderr.Bytes()))
	}
	rate, err := parseRedisBenchmark(stdout.String())
	if err != nil {
		return measurement{}, err
	}
	m := to.since(from)
	m.published = int64(r.requests)
	// Its own clock leaves out the start of the process.
	m.elapsed = time.Duration(float64(r.requests) / rate * float64(time.Second))
	m.generatorCPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return m.throughput(m.published), nil
}

// parseRedisBenchmark returns the requests per second of --csv output.
func parseRedisBenchmark(out string) (float64, error) {
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		return 0, fmt.Errorf("output of redis-benchmark: %w", err)
	}
	if len(rows) != 2 || len(rows[0]) < 2 || rows[0][1] != "rps" {
		return 0, fmt.Errorf("output of redis-benchmark: unexpected %s", excerpt([]byte(out)))
	}
	rate, err := strconv.ParseFloat(rows[1][1], 64)
	if err == nil && rate <= 0 {
		err = errors.New("rate is not positive")
	}
	if err != nil {
		return 0, fmt.Errorf("output of redis-benchmark: %w", err)
	}
	return rate, nil
}

// finish checks with a connection of our own what redis-benchmark does not
// look at: that the request it sends is answered with 0 receivers.
func (r *redisBenchmark) finish() error {
	nc, err := dial(context.Background(), r.addr, answerPatience)
	if err != nil {
		return err
	}
	defer nc.Close()
	if _, err := nc.Write(appendArray(nil, "publish", "ch", "msg")); err != nil {
		return err
	}
	if err := expect(nc, appendInteger(nil, 0)); err != nil {
		return fmt.Errorf("PUBLISH: %w", err)
	}
	return nil
}

func (r *redisBenchmark) close() {}
