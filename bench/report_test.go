//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

func testResult() result {
	round := func(delivered int64, cpu time.Duration) measurement {
		m := measurement{elapsed: time.Second, delivered: delivered, serverCPU: cpu,
			generatorCPU: time.Second / 2, machineCPU: 2 * time.Second, serverRSS: 12 << 20}
		return m.throughput(delivered)
	}
	return result{
		scenario: scenario{name: "fanout", kind: throughput}, counted: "deliveries", setting: "64 B",
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
	if err := writeTable(&out, [][]string{tableHeader(throughput, servers), row(r, summarize(r))}); err != nil {
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

// TestTables has two kinds, one of them in two places.
func TestTables(t *testing.T) {
	r, other := testResult(), testResult()
	other.scenario = scenario{name: "other", kind: &kind{title: "Other", metrics: []metric{{column: "pages"}, {column: "lines"}}}}
	var out bytes.Buffer
	if err := writeTables(&out, [2]program{{name: "a"}, {name: "b"}}, []result{r, other, r}); err != nil {
		t.Fatal(err)
	}
	var titles []string
	for line := range strings.Lines(out.String()) {
		cells := strings.Fields(line)
		if len(cells) > 1 && (cells[0] == "##" || cells[0] == "|") {
			titles = append(titles, cells[1])
		}
	}
	if got := strings.Join(titles, " "); !regexp.MustCompile("^Throughput scenario -+ fanout fanout Other scenario -+ other$").MatchString(got) {
		t.Errorf("tables hold %q:\n%s", got, out.String())
	}
	if !strings.Contains(out.String(), "| b pages ") {
		t.Errorf("no column of the metric:\n%s", out.String())
	}
	for n := range 3 {
		if err := writeTables(&brokenWriter{after: n}, [2]program{}, []result{r, other}); !errors.Is(err, errDiskFull) {
			t.Errorf("writing to a disk that is full after %d writes gives %v", n, err)
		}
	}
}

// TestKinds checks what records and tables take for granted.
func TestKinds(t *testing.T) {
	for _, s := range scenarios() {
		if s.kind == nil || s.traffic == nil || s.kind.title == "" {
			t.Fatalf("%s has no kind or no traffic", s.name)
		}
		names := make(map[string]bool)
		for _, m := range s.kind.metrics {
			if m.name == "" || m.column == "" || names[m.name] {
				t.Errorf("%s: metric %+v has no name, or another's", s.kind.title, m)
			}
			names[m.name] = true
		}
	}
}

func TestJournal(t *testing.T) {
	var out bytes.Buffer
	j := journal{w: &out}
	r := testResult()
	j.write(conditionsRecord{"conditions", conditions{CPU: "some"}})
	j.write(newRoundRecord(r.scenario, program{name: "pubsubd"}, 1, r.rounds[0][0]))
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
		if record["kind"] == "round" && record["metrics"].(map[string]any)["rate"] != 3000.0 {
			t.Errorf("metrics of the round are %s", line)
		}
	}
	if got := strings.Join(kinds, " "); got != "conditions round result failure" {
		t.Errorf("records are %s", got)
	}
	j = journal{w: &brokenWriter{}}
	j.write(failureRecord{})
	j.write(failureRecord{})
	if !errors.Is(j.err, errDiskFull) {
		t.Errorf("error is %v", j.err)
	}
}

var errDiskFull = errors.New("disk full")

// A brokenWriter fails after some writes.
type brokenWriter struct{ after int }

func (w *brokenWriter) Write(b []byte) (int, error) {
	if w.after--; w.after < 0 {
		return 0, errDiskFull
	}
	return len(b), nil
}

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
