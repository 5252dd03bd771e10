package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/transcript"
)

// TestInfoHasEveryField asks a running redis-server for the fields of INFO and
// of MEMORY STATS: pubsubd has each of them, in the same section.
func TestInfoHasEveryField(t *testing.T) {
	t.Parallel()
	ours, theirs := sut.Start(t, sut.Pubsubd(t)), sut.Start(t, redis70(t))
	for _, name := range []string{"everything", "all", "default", "server clients memory", "cpu modules"} {
		have, want := infoFields(t, ours.Addr, name), infoFields(t, theirs.Addr, name)
		if len(want["Memory"])+len(want["CPU"]) < 5 {
			t.Fatalf("INFO %s of redis-server has next to no fields: %v", name, want)
		}
		if name == "everything" || name == "all" { // our own
			if len(have["Closures"]) == 0 {
				t.Errorf("INFO %s does not count closures", name)
			}
			delete(have, "Closures")
		}
		if got, want := slices.Sorted(maps.Keys(have)), slices.Sorted(maps.Keys(want)); !slices.Equal(got, want) {
			t.Errorf("INFO %s has the sections %q, want %q", name, got, want)
		}
		for section, fields := range want {
			for field := range fields {
				if _, ok := have[section][field]; !ok && !strings.HasPrefix(field, "cmdstat_") && !strings.HasPrefix(field, "latency_percentiles_usec_") {
					t.Errorf("INFO %s: section %s lacks %s", name, section, field)
				}
			}
		}
	}
	if have, want := memoryStats(t, ours.Addr), memoryStats(t, theirs.Addr); !slices.Equal(have, want) {
		t.Errorf("MEMORY STATS has %q, want %q", have, want)
	}
}

// infoFields are the fields of INFO with their values, by section.
func infoFields(t *testing.T, addr, names string) map[string]map[string]string {
	t.Helper()
	sections := make(map[string]map[string]string)
	var section string
	for line := range strings.SplitSeq(answer(t, addr, "INFO "+names).Text, "\r\n") {
		name, value, isField := strings.Cut(line, ":")
		switch {
		case strings.HasPrefix(line, "# "):
			section = line[2:]
			sections[section] = make(map[string]string)
		case isField:
			sections[section][name] = value
		}
	}
	return sections
}

// memoryStats are the fields of MEMORY STATS with their types, in order.
func memoryStats(t *testing.T, addr string) (fields []string) {
	t.Helper()
	elems := answer(t, addr, "MEMORY STATS").Elems
	for i := 0; i+1 < len(elems); i += 2 {
		fields = append(fields, string(rune(elems[i+1].Kind))+elems[i].Text)
	}
	return fields
}

// answer sends one command in RESP2 and returns what is answered.
func answer(t *testing.T, addr, command string) transcript.Value {
	t.Helper()
	script, err := transcript.Parse("one", "resp: 2\nc1> "+command+"\nc1< *0\n")
	if err != nil {
		t.Fatal(err)
	}
	r := transcript.Player{Addr: addr}.Play(script, 2)
	if len(r.Problems) > 0 {
		t.Fatal(r.Problems)
	}
	return r.Observations[0].Values[0]
}
