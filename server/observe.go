package server

import (
	"math"
	"sync/atomic"
	"time"
)

// observed is what the server keeps of commands that took long.
type observed struct {
	threshold atomic.Int64 // nanoseconds from which a command is looked at
	slowlog   slowLog
	latency   latencyMonitor
}

// slowest is the duration from which tookLong is to be called.
func (o *observed) slowest() time.Duration { return time.Duration(o.threshold.Load()) }

// watchCommands puts in force which commands are looked at.
func (s *Server) watchCommands(conf *Config) {
	least := int64(math.MaxInt64)
	if n := conf.SlowlogLogSlowerThan; n >= 0 && conf.SlowlogMaxLen > 0 {
		least = min(n, math.MaxInt64/int64(time.Microsecond)) * int64(time.Microsecond)
		s.slowlog.trim(conf.SlowlogMaxLen)
	}
	if n := conf.LatencyMonitorThreshold; n > 0 {
		least = min(least, min(n, math.MaxInt64/int64(time.Millisecond))*int64(time.Millisecond))
	}
	s.threshold.Store(least)
}

// tookLong enters a command in the slow log and in the latency monitor, as far
// as they want it.
func (c *client) tookLong(cmd *command, took time.Duration, argv [][]byte) {
	conf, now := c.s.config(), time.Now().Unix()
	if n := conf.LatencyMonitorThreshold; n > 0 && took.Milliseconds() >= n {
		c.s.latency.add(eventOf(cmd), now, took.Milliseconds())
	}
	if n := conf.SlowlogLogSlowerThan; n < 0 || took.Microseconds() < n || conf.SlowlogMaxLen == 0 || cmd.flags&fSkipSlowlog != 0 {
		return
	}
	c.mu.Lock()
	name := cut(c.name, maxSlowName)
	c.mu.Unlock()
	c.s.slowlog.add(slowEntry{at: now, took: took, args: loggedArgs(cmd, argv), addr: c.addr, name: name}, conf.SlowlogMaxLen)
}

// runTookLong is tookLong for each message of the run at hand, which took so long
// together, as far as they did: a long one has the larger share.
func (c *client) runTookLong(took time.Duration) {
	r := &c.w.run
	share := float64(took) / float64(r.bytes+r.num*frameOverhead)
	for _, payload := range r.payloads {
		if each := time.Duration(share * float64(len(payload)+frameOverhead)); each >= c.s.slowest() {
			c.tookLong(r.cmd, each, [][]byte{r.name, r.channel, payload})
		}
	}
}
