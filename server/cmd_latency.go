package server

import (
	"fmt"
	"strings"
	"time"

	"github.com/tidwall/redcon"
)

func cmdLatencyLatest(c *client, _ [][]byte) {
	names, events := c.s.latency.snapshot()
	b := redcon.AppendArray(c.reply, len(names))
	for _, name := range names {
		e := events[name]
		last := e.samples[len(e.samples)-1]
		b = redcon.AppendArray(b, 4)
		b = redcon.AppendBulkString(b, name)
		b = redcon.AppendInt(b, last.at)
		b = redcon.AppendInt(b, last.took)
		b = redcon.AppendInt(b, e.worst)
	}
	c.reply = b
}

func cmdLatencyHistory(c *client, argv [][]byte) {
	_, events := c.s.latency.snapshot()
	samples := events[string(argv[2])].samples
	b := redcon.AppendArray(c.reply, len(samples))
	for _, s := range samples {
		b = redcon.AppendArray(b, 2)
		b = redcon.AppendInt(b, s.at)
		b = redcon.AppendInt(b, s.took)
	}
	c.reply = b
}

func cmdLatencyReset(c *client, argv [][]byte) {
	var names []string
	for _, arg := range argv[2:] {
		names = append(names, string(arg))
	}
	c.reply = redcon.AppendInt(c.reply, int64(c.s.latency.reset(names...)))
}

func cmdLatencyGraph(c *client, argv [][]byte) {
	_, events := c.s.latency.snapshot()
	name := string(argv[2])
	e, ok := events[name]
	if !ok {
		c.fail(fmt.Sprintf("ERR No samples available for event '%s'", echo(argv[2], len(argv[2]))))
		return
	}
	c.reply = appendVerbatim(c.reply, c.resp3, []byte(e.graph(name, time.Now().Unix())))
}

// cmdLatencyDoctor says in words what the latency monitor has seen.
func cmdLatencyDoctor(c *client, _ [][]byte) {
	conf := c.s.config()
	names, events := c.s.latency.snapshot()
	var b strings.Builder
	switch {
	case len(names) == 0 && conf.LatencyMonitorThreshold == 0:
		b.WriteString("The latency monitor is off, so nothing is known. \"CONFIG SET latency-monitor-threshold <milliseconds>\" makes it keep what takes at least that long.\n")
	case len(names) == 0:
		fmt.Fprintf(&b, "No command has taken %d ms or more.\n", conf.LatencyMonitorThreshold)
	default:
		for _, name := range names {
			e := events[name]
			sum := int64(0)
			for _, s := range e.samples {
				sum += s.took
			}
			n := int64(len(e.samples))
			fmt.Fprintf(&b, "%s: samples %d, from %s to %s ago, on average %d ms, the worst of all time %d ms.\n",
				name, n, age(time.Now().Unix()-e.samples[0].at), age(time.Now().Unix()-e.samples[n-1].at), sum/n, e.worst)
		}
		if n := conf.SlowlogLogSlowerThan; n < 0 || n > conf.LatencyMonitorThreshold*1000 && conf.LatencyMonitorThreshold > 0 {
			fmt.Fprintf(&b, "The slow log does not hold all of these commands: \"CONFIG SET slowlog-log-slower-than %d\" makes it.\n", conf.LatencyMonitorThreshold*1000)
		} else {
			b.WriteString("SLOWLOG GET shows which commands these were.\n")
		}
	}
	c.reply = appendVerbatim(c.reply, c.resp3, []byte(b.String()))
}

// cmdLatencyHistogram tells how long commands took: those named, with all
// subcommands of a container, or every command that was called.
func cmdLatencyHistogram(c *client, argv [][]byte) {
	var list []*command
	if len(argv) == 2 {
		list = allCommands
	}
	for _, name := range argv[2:] {
		if cmd := lookupName(name); cmd != nil {
			list = append(append(list, cmd), cmd.subs...)
		}
	}
	type told struct {
		name   string
		spread *spread
	}
	var all []told
	for _, cmd := range list {
		if h := c.s.stats[cmd.index].spread.Load(); h != nil {
			all = append(all, told{cmd.name, h.snapshot()})
		}
	}
	b := appendMap(c.reply, c.resp3, len(all))
	for _, t := range all {
		steps := t.spread.steps()
		b = redcon.AppendBulkString(b, t.name)
		b = appendMap(b, c.resp3, 2)
		b = redcon.AppendBulkString(b, "calls")
		b = redcon.AppendInt(b, t.spread.total)
		b = redcon.AppendBulkString(b, "histogram_usec")
		b = appendMap(b, c.resp3, len(steps))
		for _, step := range steps {
			b = redcon.AppendInt(b, step.micros)
			b = redcon.AppendInt(b, step.count)
		}
	}
	c.reply = b
}

func cmdLatencyHelp(c *client, _ [][]byte) {
	c.help("LATENCY",
		"DOCTOR",
		"    Return a human readable latency analysis report.",
		"GRAPH <event>",
		"    Return an ASCII latency graph for the <event> class.",
		"HISTORY <event>",
		"    Return time-latency samples for the <event> class.",
		"LATEST",
		"    Return the latest latency samples for all events.",
		"RESET [<event> ...]",
		"    Reset latency data of one or more <event> classes.",
		"    (default: reset all data for all event classes)",
		"HISTOGRAM [COMMAND ...]",
		"    Return a cumulative distribution of latencies in the format of a histogram for the specified command names.",
		"    If no commands are specified then all histograms are replied.",
	)
}
