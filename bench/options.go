//go:build linux

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// Options are the command line.
type options struct {
	pubsubd        string // path; empty means to build it
	pubsubdArgs    []string
	peer           string
	peerArgs       []string
	redisBenchmark string

	rounds   int
	duration time.Duration
	warmup   time.Duration
	loops    int

	run   *regexp.Regexp // nil means all
	quick bool
	list  bool
	json  string // path; empty means none
	svg   string // path; empty means none

	cpuProfile string // path; empty means none
}

const (
	quickRounds   = 3
	quickDuration = 1500 * time.Millisecond
)

// parseOptions reads the command line. It prints usage and what is wrong to
// output; the error is flag.ErrHelp when help was asked for.
func parseOptions(args []string, output io.Writer) (options, error) {
	var o options
	var run, pubsubdArgs, peerArgs string
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(output)
	fs.StringVar(&o.pubsubd, "pubsubd", "", "`path` of the server compared; built from ./cmd/pubsubd when empty")
	fs.StringVar(&pubsubdArgs, "pubsubd-args", "", "more `arguments` for it, separated by blanks")
	fs.StringVar(&o.peer, "peer", "redis-server", "name or `path` of the server it is compared with; nats-server is spoken to in its own protocol")
	fs.StringVar(&peerArgs, "peer-args", "", "more `arguments` for it, separated by blanks")
	fs.StringVar(&o.redisBenchmark, "redis-benchmark", "redis-benchmark", "`path` of redis-benchmark, for the scenario of that name")
	fs.IntVar(&o.rounds, "rounds", 5, "measured rounds of each scenario on each server")
	fs.DurationVar(&o.duration, "duration", 2*time.Second, "length of a round")
	fs.DurationVar(&o.warmup, "warmup", 500*time.Millisecond, "length of the unmeasured round that comes first")
	fs.IntVar(&o.loops, "loops", max(1, runtime.NumCPU()/2), "event loops for publishers, and as many for subscribers")
	fs.StringVar(&run, "run", "", "run only scenarios whose name matches this `regexp`")
	fs.BoolVar(&o.quick, "quick", false, fmt.Sprintf("run the most telling scenarios only, in %d rounds of %v unless said otherwise: about 5 minutes", quickRounds, quickDuration))
	fs.BoolVar(&o.list, "list", false, "list the selected scenarios and exit")
	fs.StringVar(&o.json, "json", "", "also write every measurement to this `file`, one JSON object a line")
	fs.StringVar(&o.svg, "svg", "", "also draw the ratios into this `file`")
	fs.StringVar(&o.cpuProfile, "cpuprofile", "", "also write the profile of pubsubd's processor time in all scenarios to this `file`, as cmd/pubsubd/default.pgo is made")
	if err := fs.Parse(args); err != nil {
		return options{}, err
	}
	if o.quick {
		given := make(map[string]bool)
		fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
		if !given["rounds"] {
			o.rounds = quickRounds
		}
		if !given["duration"] {
			o.duration = quickDuration
		}
	}
	o.pubsubdArgs, o.peerArgs = strings.Fields(pubsubdArgs), strings.Fields(peerArgs)
	err := o.check(fs.Args())
	if err == nil && run != "" {
		if o.run, err = regexp.Compile(run); err != nil {
			err = fmt.Errorf("-run: %w", err)
		}
	}
	if err != nil {
		fmt.Fprintln(output, err)
		return options{}, err
	}
	return o, nil
}

// check reports the first option that makes no sense.
func (o options) check(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unexpected argument %q", rest[0])
	case o.rounds < 1:
		return errors.New("-rounds must be at least 1")
	case o.duration <= 0:
		return errors.New("-duration must be positive")
	case o.warmup <= 0:
		return errors.New("-warmup must be positive")
	case o.loops < 1:
		return errors.New("-loops must be at least 1")
	case o.peer == "":
		return errors.New("-peer must name a server")
	case o.cpuProfile != "" && o.pubsubd != "":
		return errors.New("-cpuprofile needs a build of its own: it cannot be combined with -pubsubd")
	}
	return nil
}
