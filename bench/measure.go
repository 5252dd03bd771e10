//go:build linux

package main

import (
	"fmt"
	"time"

	"github.com/pubsubd/pubsubd/internal/procfs"
)

// A probe reads the clocks around a measured window.
type probe struct {
	pid int // of the server
}

// A sample is the state of all clocks and counters at one moment. Counters
// only grow; their zero is of no meaning.
type sample struct {
	at           time.Time
	serverCPU    time.Duration
	generatorCPU time.Duration
	machineCPU   time.Duration // all processes, all cores
	serverRSS    int64         // bytes

	published int64 // requests answered: PUBLISH, or what churners send
	delivered int64 // deliveries received and checked
	held      time.Duration
}

func (p probe) sample() (sample, error) {
	s := sample{at: time.Now(), generatorCPU: procfs.OwnCPU()}
	var err error
	if s.serverCPU, err = procfs.CPU(p.pid); err != nil {
		return s, fmt.Errorf("reading the server's CPU time: %w", err)
	}
	if s.serverRSS, err = procfs.RSS(p.pid); err != nil {
		return s, fmt.Errorf("reading the server's memory: %w", err)
	}
	if s.machineCPU, err = procfs.MachineCPU(); err != nil {
		return s, fmt.Errorf("reading the machine's CPU time: %w", err)
	}
	return s, nil
}

// since returns what happened from one sample to s, a later one.
func (s sample) since(from sample) measurement {
	return measurement{
		elapsed:      s.at.Sub(from.at),
		published:    s.published - from.published,
		delivered:    s.delivered - from.delivered,
		serverCPU:    s.serverCPU - from.serverCPU,
		generatorCPU: s.generatorCPU - from.generatorCPU,
		machineCPU:   s.machineCPU - from.machineCPU,
		serverRSS:    s.serverRSS,
		held:         s.held - from.held,
	}
}

// A measurement is what one round on one server gave.
type measurement struct {
	elapsed      time.Duration
	published    int64 // requests answered
	delivered    int64
	serverCPU    time.Duration
	generatorCPU time.Duration
	machineCPU   time.Duration
	serverRSS    int64         // bytes, at the end
	held         time.Duration // sum over publishers

	count  int64     // of what the scenario counts
	values []float64 // of the metrics of its kind, in their order
}

// add adds what happened in another window, later than that of m, to m.
func (m *measurement) add(o measurement) {
	m.elapsed += o.elapsed
	m.published += o.published
	m.delivered += o.delivered
	m.serverCPU += o.serverCPU
	m.generatorCPU += o.generatorCPU
	m.machineCPU += o.machineCPU
	m.serverRSS = o.serverRSS
	m.held += o.held
	m.count += o.count
}

// throughput returns m with the values of that kind, for count of what the
// scenario counts.
func (m measurement) throughput(count int64) measurement {
	m.count = count
	m.values = []float64{m.perSecond(count), m.serverMicros(count)}
	return m
}

// perSecond returns n per second of the window.
func (m measurement) perSecond(n int64) float64 { return float64(n) / m.elapsed.Seconds() }

// serverMicros returns the server's CPU time for each of n, in microseconds.
func (m measurement) serverMicros(n int64) float64 {
	return float64(m.serverCPU) / float64(time.Microsecond) / float64(n)
}

// cores returns a CPU time as the number of cores it kept busy.
func (m measurement) cores(cpu time.Duration) float64 { return cpu.Seconds() / m.elapsed.Seconds() }

// otherCores returns how many cores were kept busy by processes that had
// nothing to do with the measurement.
func (m measurement) otherCores() float64 {
	return max(0, m.cores(m.machineCPU-m.serverCPU-m.generatorCPU))
}
