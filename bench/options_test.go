//go:build linux

package main

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseOptionsDefaults(t *testing.T) {
	o, err := parseOptions(nil, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if o.rounds != 5 || o.duration != 2*time.Second || o.peer != "redis-server" || o.pubsubd != "" || o.run != nil || o.loops < 1 {
		t.Errorf("defaults are %+v", o)
	}
}

func TestParseOptionsQuick(t *testing.T) {
	tests := []struct {
		args     []string
		rounds   int
		duration time.Duration
	}{
		{[]string{"-quick"}, quickRounds, quickDuration},
		{[]string{"-quick", "-rounds", "7"}, 7, quickDuration},
		{[]string{"-duration=2s", "-quick"}, quickRounds, 2 * time.Second},
		{[]string{"-rounds", "9"}, 9, 2 * time.Second},
	}
	for _, test := range tests {
		o, err := parseOptions(test.args, io.Discard)
		if err != nil {
			t.Errorf("%q: %v", test.args, err)
			continue
		}
		if o.rounds != test.rounds || o.duration != test.duration {
			t.Errorf("%q gives %d rounds of %v, want %d of %v", test.args, o.rounds, o.duration, test.rounds, test.duration)
		}
	}
}

func TestParseOptionsArguments(t *testing.T) {
	o, err := parseOptions([]string{"-pubsubd-args", " --a 1  --b", "-peer-args=--c", "-run", "^fan"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(o.pubsubdArgs, []string{"--a", "1", "--b"}) || !slices.Equal(o.peerArgs, []string{"--c"}) {
		t.Errorf("arguments are %q and %q", o.pubsubdArgs, o.peerArgs)
	}
	if !o.run.MatchString("fanout") || o.run.MatchString("no fanout") {
		t.Errorf("-run is %v", o.run)
	}
}

func TestParseOptionsErrors(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string // printed
	}{
		{[]string{"-rounds", "0"}, "-rounds"},
		{[]string{"-rounds", "many"}, "-rounds"},
		{[]string{"-duration", "0s"}, "-duration"},
		{[]string{"-warmup", "-1s"}, "-warmup"},
		{[]string{"-loops", "0"}, "-loops"},
		{[]string{"-peer", ""}, "-peer"},
		{[]string{"-run", "("}, "-run"},
		{[]string{"-cpuprofile", "p", "-pubsubd", "true"}, "-cpuprofile"},
		{[]string{"-nope"}, "-nope"},
		{[]string{"fanout"}, `unexpected argument "fanout"`},
	} {
		var out bytes.Buffer
		if _, err := parseOptions(test.args, &out); err == nil {
			t.Errorf("%q was accepted", test.args)
		}
		if !strings.Contains(out.String(), test.want) {
			t.Errorf("%q printed %q, which does not name %s", test.args, out.String(), test.want)
		}
	}
	if _, err := parseOptions([]string{"-h"}, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h gives %v", err)
	}
}

func TestRunExitCodes(t *testing.T) {
	for _, test := range []struct {
		args   []string
		code   int
		stdout string
	}{
		{[]string{"-list", "-run", "^patterns=10/"}, exitOK, "patterns=10/inflight=16"},
		{[]string{"-h"}, exitOK, ""},
		{[]string{"-nope"}, exitUsage, ""},
		{[]string{"-run", "no such scenario"}, exitUsage, ""},
		{[]string{"-peer", "no-such-program-anywhere"}, exitFailed, ""},
		{[]string{"-pubsubd", "true", "-peer", "true", "-svg", "/nonexistent/chart.svg"}, exitFailed, ""},
		{[]string{"-pubsubd", "true", "-peer", "true", "-json", "/nonexistent/lines.json"}, exitFailed, ""},
	} {
		var stdout bytes.Buffer
		if code := run(t.Context(), test.args, &stdout, io.Discard); code != test.code {
			t.Errorf("%q exits with %d, want %d", test.args, code, test.code)
		}
		if !strings.HasPrefix(stdout.String(), test.stdout) {
			t.Errorf("%q prints %q, want %q first", test.args, stdout.String(), test.stdout)
		}
	}
}

func TestSelectScenarios(t *testing.T) {
	all := scenarios()
	if n := len(selectScenarios(all, nil, true)); n != len(quickScenarios) {
		t.Errorf("-quick selects %d scenarios, want the %d that are named", n, len(quickScenarios))
	}
	names := make(map[string]bool)
	for _, s := range all {
		if names[s.name] {
			t.Errorf("two scenarios are named %q", s.name)
		}
		names[s.name] = true
	}
	for _, s := range selectScenarios(all, regexp.MustCompile("^silent"), false) {
		if !strings.HasPrefix(s.name, "silent") {
			t.Errorf("%q was selected", s.name)
		}
	}
}

// TestPlans checks what the load takes for granted.
func TestPlans(t *testing.T) {
	t.Parallel()
	for _, s := range scenarios() {
		if traffic, ok := s.traffic.(closedLoop); ok {
			t.Run(s.name, func(t *testing.T) { checkPlan(t, traffic.plan()) })
		}
	}
}

func checkPlan(t *testing.T, p *plan) {
	t.Helper()
	receivers := make([]int, len(p.channels))
	for i, s := range p.subscribers {
		length, reached := 0, 0
		for c, head := range s.heads(resp{}, p) {
			if head == nil {
				continue
			}
			reached++
			receivers[c]++
			if length != 0 && len(head) != length {
				t.Fatalf("deliveries to subscriber %d have different lengths", i)
			}
			length = len(head)
		}
		if reached == 0 && s.oneIn != 0 || reached > 0 && s.oneIn != len(p.channels)/reached {
			t.Errorf("subscriber %d gets %d of %d channels, its share is said to be one in %d", i, reached, len(p.channels), s.oneIn)
		}
	}
	for c, channel := range p.channels {
		if len(channel) != len(p.channels[0]) {
			t.Errorf("channels %q and %q have different lengths", channel, p.channels[0])
		}
		if receivers[c] != p.receivers {
			t.Errorf("channel %q has %d receivers, want %d", channel, receivers[c], p.receivers)
		}
	}
}

// TestPatternsMatchOnce checks with another matcher that each channel of a
// pattern plan matches the one pattern whose delivery is expected.
func TestPatternsMatchOnce(t *testing.T) {
	for _, shapes := range [][]patternShape{patternShapes, patternShapes[:1], patternShapes[1:2], patternShapes[2:]} {
		for _, n := range []int{10, 1000} {
			checkPatterns(t, n, patternsPlan(n, shapes, patternConnections, 16, smallPayload))
		}
	}
}

func checkPatterns(t *testing.T, n int, p *plan) {
	t.Helper()
	total := 0
	matches := make([]int, len(p.channels))
	for _, s := range p.subscribers {
		total += len(s.names)
		for _, pattern := range s.names {
			for c, channel := range p.channels {
				ok, err := path.Match(pattern, channel)
				if err != nil {
					t.Fatal(err)
				}
				if !ok {
					continue
				}
				matches[c]++
				if want := frameHead(smallPayload, "pmessage", pattern, channel); !bytes.Equal(s.heads(resp{}, p)[c], want) {
					t.Errorf("delivery of %q by %q is expected as %q", channel, pattern, s.heads(resp{}, p)[c])
				}
			}
		}
	}
	if total != n {
		t.Errorf("%d patterns, want %d", total, n)
	}
	for c, m := range matches {
		if m != 1 {
			t.Errorf("channel %q matches %d patterns, want 1", p.channels[c], m)
		}
	}
}
