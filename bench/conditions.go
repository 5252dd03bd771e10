//go:build linux

package main

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/pubsubd/pubsubd/internal/procfs"
)

// Conditions are what a number means nothing without.
type conditions struct {
	Time       time.Time `json:"time"`
	CPU        string    `json:"cpu"`
	Cores      int       `json:"cores"`
	Memory     string    `json:"memory"`
	Kernel     string    `json:"kernel"`
	LoadBefore string    `json:"load_average_before"`

	Go       string   `json:"go"` // that built the generator
	Servers  []string `json:"servers"`
	Rounds   int      `json:"rounds"`
	Duration string   `json:"duration"`
	Warmup   string   `json:"warmup"`
	Loops    int      `json:"loops"`
}

func newConditions(ctx context.Context, o options, servers [2]program) conditions {
	c := conditions{
		Time:     time.Now().UTC().Truncate(time.Second),
		CPU:      "unknown",
		Cores:    runtime.NumCPU(),
		Go:       runtime.Version(),
		Rounds:   o.rounds,
		Duration: o.duration.String(),
		Warmup:   o.warmup.String(),
		Loops:    o.loops,
	}
	if model, ok := procfs.ColonValue(readText("/proc/cpuinfo"), "model name"); ok {
		c.CPU = model
	}
	c.Memory, _ = procfs.ColonValue(readText("/proc/meminfo"), "MemTotal")
	c.Kernel = readText("/proc/sys/kernel/osrelease")
	if f := strings.Fields(readText("/proc/loadavg")); len(f) > 0 {
		c.LoadBefore = f[0]
	}
	for _, s := range servers {
		c.Servers = append(c.Servers, describe(ctx, s))
	}
	return c
}

// readText returns a file of /proc without blanks around it, empty if it
// cannot be read: a condition nobody can tell is left open.
func readText(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// describe returns what a server says of its version, how it was built where
// that can be read off, and how it is started.
func describe(ctx context.Context, p program) string {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	version := "version unknown"
	if out, err := exec.CommandContext(ctx, p.path, "--version").Output(); err == nil {
		version, _, _ = strings.Cut(strings.TrimSpace(string(out)), "\n")
	}
	text := fmt.Sprintf("%s: %s", p.name, version)
	if info, err := buildinfo.ReadFile(p.path); err == nil {
		text += ", " + info.GoVersion
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				text += ", commit " + s.Value[:min(12, len(s.Value))]
			case s.Key == "vcs.modified" && s.Value == "true":
				text += " with changes"
			}
		}
	}
	if len(p.args) > 0 {
		text += fmt.Sprintf(", started with %q", p.args)
	}
	return text
}

// String lists the conditions for people.
func (c conditions) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "- %s, %d cores, %s, Linux %s, load average %s before\n",
		c.CPU, c.Cores, c.Memory, c.Kernel, c.LoadBefore)
	for _, s := range c.Servers {
		fmt.Fprintf(&b, "- %s\n", s)
	}
	fmt.Fprintf(&b, "- generator: %s, on the same machine over loopback, event loops for publishers and for subscribers: %d each\n", c.Go, c.Loops)
	fmt.Fprintf(&b, "- %d rounds of %s on each server in turn, after a warm-up of %s; %s\n",
		c.Rounds, c.Duration, c.Warmup, c.Time.Format(time.DateTime+" MST"))
	return b.String()
}
