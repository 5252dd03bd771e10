package server

import (
	"fmt"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tidwall/redcon"
)

// cmdMemoryUsage answers that there is no such key.
func cmdMemoryUsage(c *client, argv [][]byte) {
	for i := 3; i < len(argv); i += 2 {
		if !equalFold(argv[i], "samples") || i+1 == len(argv) {
			c.fail(errSyntax)
			return
		}
		n, ok := parseLength(argv[i+1])
		switch {
		case !ok:
			c.fail(errInteger)
			return
		case n < 0:
			c.fail(errSyntax)
			return
		}
	}
	c.reply = appendNull(c.reply, c.resp3)
}

// cmdMemoryStats tells what INFO memory does, under other names.
func cmdMemoryStats(c *client, _ [][]byte) {
	m, peak := c.s.memory()
	percent := func(a, b uint64) float64 { return 100 * ratio(a, b) }
	less := func(a, b uint64) int64 { return int64(a) - int64(b) }
	fields := []struct {
		name  string
		value any
	}{
		{"peak.allocated", int64(peak)},
		{"total.allocated", int64(m.used)},
		{"startup.allocated", int64(c.s.startMemory)},
		{"replication.backlog", int64(0)},
		{"clients.slaves", int64(0)},
		{"clients.normal", c.s.clientMemory.Load()},
		{"cluster.links", int64(0)},
		{"aof.buffer", int64(0)},
		{"lua.caches", int64(0)},
		{"functions.caches", int64(0)},
		{"overhead.total", int64(m.used)},
		{"keys.count", int64(0)},
		{"keys.bytes-per-key", int64(0)},
		{"dataset.bytes", int64(0)},
		{"dataset.percentage", 0.0},
		{"peak.percentage", percent(m.used, peak)},
		{"allocator.allocated", int64(m.objects)},
		{"allocator.active", int64(m.active)},
		{"allocator.resident", int64(m.resident)},
		{"allocator-fragmentation.ratio", ratio(m.active, m.objects)},
		{"allocator-fragmentation.bytes", less(m.active, m.objects)},
		{"allocator-rss.ratio", ratio(m.resident, m.active)},
		{"allocator-rss.bytes", less(m.resident, m.active)},
		{"rss-overhead.ratio", ratio(m.rss, m.resident)},
		{"rss-overhead.bytes", less(m.rss, m.resident)},
		{"fragmentation", ratio(m.rss, m.used)},
		{"fragmentation.bytes", less(m.rss, m.used)},
	}
	b := appendMap(c.reply, c.resp3, len(fields))
	for _, f := range fields {
		b = redcon.AppendBulkString(b, f.name)
		switch v := f.value.(type) {
		case int64:
			b = redcon.AppendInt(b, v)
		case float64:
			b = appendDouble(b, c.resp3, v)
		}
	}
	c.reply = b
}

// cmdMemoryDoctor says in words whether the memory taken looks right.
func cmdMemoryDoctor(c *client, _ [][]byte) {
	m, peak := c.s.memory()
	c.reply = appendVerbatim(c.reply, c.resp3, []byte(m.advice(peak, uint64(c.s.clientMemory.Load()))))
}

// When MEMORY DOCTOR has something to say.
const (
	littleMemory = 5 << 20 // bytes below which nothing can be said
	highPeak     = 1.5     // times what is used now
	highResident = 1.4     // times what is used
	highClients  = 0.5     // times what is used
)

// advice is what there is to say of the memory used, at its peak and by
// clients.
func (m memoryUse) advice(peak, clients uint64) string {
	var b strings.Builder
	switch {
	case m.used < littleMemory:
		return "The server uses too little memory to say anything about it.\n"
	case ratio(peak, m.used) >= highPeak:
		fmt.Fprintf(&b, "At its peak the server has used %s, now it uses %s. The difference may still be held: MEMORY PURGE gives it back to the system.\n", humanBytes(peak), humanBytes(m.used))
	}
	if ratio(m.rss, m.used) >= highResident {
		fmt.Fprintf(&b, "The process holds %s for the %s it uses. The collector needs room to work in; GOGC and GOMEMLIMIT say how much.\n", humanBytes(m.rss), humanBytes(m.used))
	}
	if ratio(clients, m.used) >= highClients {
		fmt.Fprintf(&b, "Clients take %s of it. CLIENT LIST shows in tot-mem which; client-output-buffer-limit bounds what waits for slow ones.\n", humanBytes(clients))
	}
	if b.Len() == 0 {
		return "Nothing about the memory looks wrong.\n"
	}
	return b.String()
}

// cmdMemoryMallocStats tells the counters of Go's memory manager.
func cmdMemoryMallocStats(c *client, _ [][]byte) {
	m, peak := c.s.memory()
	var gc debug.GCStats
	debug.ReadGCStats(&gc)
	var b strings.Builder
	for _, f := range []struct {
		name string
		n    uint64
	}{
		{"used", m.used}, {"peak", peak}, {"resident", m.rss}, {"heap objects", m.objects}, {"heap spans in use", m.active},
		{"heap held", m.resident}, {"stacks", m.stacks}, {"runtime", m.runtime}, {"limit", m.limit},
	} {
		fmt.Fprintf(&b, "%-18s %d\n", f.name, f.n)
	}
	fmt.Fprintf(&b, "%-18s %d\n%-18s %v\n", "collections", gc.NumGC, "paused for", gc.PauseTotal)
	c.reply = appendVerbatim(c.reply, c.resp3, []byte(b.String()))
}

// purgePeriod is the least time between two purges of the process: each is a
// whole collection.
const purgePeriod = time.Second

var lastPurge atomic.Int64 // Unix time in nanoseconds

// cmdMemoryPurge gives free memory back to the system.
func cmdMemoryPurge(c *client, _ [][]byte) {
	now, last := time.Now().UnixNano(), lastPurge.Load()
	if now-last >= int64(purgePeriod) && lastPurge.CompareAndSwap(last, now) {
		debug.FreeOSMemory()
	}
	c.ok()
}

func cmdMemoryHelp(c *client, _ [][]byte) {
	c.help("MEMORY",
		"DOCTOR",
		"    Return memory problems reports.",
		"MALLOC-STATS",
		"    Return internal statistics report from the memory allocator.",
		"PURGE",
		"    Attempt to purge dirty pages for reclamation by the allocator.",
		"STATS",
		"    Return information about the memory usage of the server.",
		"USAGE <key> [SAMPLES <count>]",
		"    Return memory in bytes used by <key> and its value. Nested values are",
		"    sampled up to <count> times (default: 5, 0 means sample all).",
	)
}
