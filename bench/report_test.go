//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

func testResult() result {
	round := func(delivered int64, cpu time.Duration) measurement {
		return measurement{elapsed: time.Second, delivered: delivered, serverCPU: cpu,
			generatorCPU: time.Second / 2, machineCPU: 2 * time.Second, serverRSS: 12 << 20}
	}
	return result{
		scenario: scenario{name: "fanout"}, counted: "deliveries", setting: "64 B",
		rounds: [2][]measurement{
			{round(3000, time.Second/2), round(5000, time.Second/2), round(4000, time.Second/2)},
			{round(1000, time.Second), round(1000, time.Second), round(2000, time.Second)},
		},
	}
}

func TestTable(t *testing.T) {
	r := testResult()
	servers := [2]program{{name: "pubsubd"}, {name: "redis-server"}}
	var out bytes.Buffer
	if err := writeTable(&out, [][]string{tableHeader(servers), row(r, summarize(r))}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 || len([]rune(lines[0])) != len([]rune(lines[1])) || len([]rune(lines[0])) != len([]rune(lines[2])) {
		t.Fatalf("lines of different length:\n%s", out.String())
	}
	var cells []string
	for cell := range strings.SplitSeq(strings.Trim(lines[2], "|"), "|") {
		cells = append(cells, strings.TrimSpace(cell))
	}
	want := []string{
		"fanout", "64 B", "deliveries",
		"4.00k (3.00k–5.00k)", "1.00k (1.00k–2.00k)", "4.00 (2.00–5.00)",
		"125 (100–167)", "1.00k (500–1.00k)", "0.125 (0.100–0.250)",
		"12 / 12", "0.50 / 1.00", "0.50 / 0.50", "≤ 1.00",
	}
	if strings.Join(cells, "; ") != strings.Join(want, "; ") {
		t.Errorf("row is\n%q, want\n%q", cells, want)
	}
}

func TestJournal(t *testing.T) {
	var out bytes.Buffer
	j := journal{w: &out}
	r := testResult()
	j.write(conditionsRecord{"conditions", conditions{CPU: "some"}})
	j.write(newRoundRecord(r.scenario, program{name: "pubsubd"}, 0, r.rounds[0][0]))
	j.write(newResultRecord(r))
	j.write(failureRecord{"failure", "fanout", "lost"})
	if j.err != nil {
		t.Fatal(j.err)
	}
	var kinds []string
	for line := range strings.Lines(out.String()) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		kinds = append(kinds, record["kind"].(string))
		if record["kind"] == "round" && (record["round"] != 1.0 || record["delivered"] != 3000.0) {
			t.Errorf("round is %s", line)
		}
	}
	if got := strings.Join(kinds, " "); got != "conditions round result failure" {
		t.Errorf("records are %s", got)
	}
	j = journal{w: failingWriter{}}
	j.write(failureRecord{})
	j.write(failureRecord{})
	if !errors.Is(j.err, errDiskFull) {
		t.Errorf("error is %v", j.err)
	}
}

var errDiskFull = errors.New("disk full")

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errDiskFull }

func TestParseRedisBenchmark(t *testing.T) {
	const header = `"test","rps","avg_latency_ms"` + "\n"
	rate, err := parseRedisBenchmark(header + `"publish ch msg","568181.81","1.127"` + "\n")
	if err != nil || rate != 568181.81 {
		t.Errorf("rate = %v, %v", rate, err)
	}
	for _, bad := range []string{"", header, "a,b\nc,d\n", header + `"x","0.00","1"` + "\n", header + `"x","fast","1"` + "\n"} {
		if rate, err := parseRedisBenchmark(bad); err == nil {
			t.Errorf("%q gives %v", bad, rate)
		}
	}
}

// TestProbe reads the real files, of this process.
func TestProbe(t *testing.T) {
	s, err := probe{pid: os.Getpid()}.sample()
	if err != nil {
		t.Fatal(err)
	}
	if s.serverRSS < 1<<20 || s.machineCPU < s.serverCPU {
		t.Errorf("sample = %+v", s)
	}
	if _, err := (probe{pid: -1}).sample(); err == nil {
		t.Error("a process that cannot exist was sampled")
	}
}
