//go:build linux

package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"
)

func TestAdvantageOf(t *testing.T) {
	for _, test := range []struct {
		lower bool
		ratio spread
		want  advantage
		known bool
	}{
		{false, spread{2, 1, 4}, advantage{2, 1, 4}, true},
		{true, spread{0.5, 0.25, 1}, advantage{2, 1, 4}, true},
		{true, spread{4, 2, 8}, advantage{0.25, 0.125, 0.5}, true},
		{true, spread{0.5, 0, 1}, advantage{2, 1, math.Inf(1)}, true},
		{false, spread{}, advantage{}, false},
	} {
		if got, known := advantageOf(metric{lower: test.lower}, test.ratio); got != test.want || known != test.known {
			t.Errorf("lower = %v, %v: advantage %v, %v, want %v, %v", test.lower, test.ratio, got, known, test.want, test.known)
		}
	}
}

// drawn is what a chart holds.
type drawn struct {
	texts []string
	bars  []bar
}

type bar struct{ x, width float64 }

// parseChart reads a chart and fails when it is not well-formed, or when
// something lies outside of it.
func parseChart(t *testing.T, svg []byte) drawn {
	t.Helper()
	var d drawn
	width := 0.0
	dec := xml.NewDecoder(bytes.NewReader(svg))
	for {
		token, err := dec.Token()
		if err == io.EOF {
			return d
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
		switch token := token.(type) {
		case xml.CharData:
			if s := strings.TrimSpace(string(token)); s != "" {
				d.texts = append(d.texts, s)
			}
		case xml.StartElement:
			at := make(map[string]float64)
			for _, a := range token.Attr {
				at[a.Name.Local], _ = strconv.ParseFloat(a.Value, 64)
				if strings.ContainsAny(a.Value, "NI") { // NaN, Inf
					t.Errorf("%s of a %s is %s", a.Name.Local, token.Name.Local, a.Value)
				}
			}
			switch {
			case token.Name.Local == "svg":
				width = at["width"]
			case at["height"] == chartBar-2:
				d.bars = append(d.bars, bar{at["x"], at["width"]})
			}
			if at["x"] < 0 || at["x"]+at["width"] > width && token.Name.Local != "svg" || at["x2"] > width {
				t.Errorf("a %s goes beyond the width of %v: %v", token.Name.Local, width, token.Attr)
			}
		}
	}
}

func TestChart(t *testing.T) {
	r := testResult() // 4 times the rate, an eighth of the CPU
	r.scenario.name = "1 < 2 & 3"
	worse := testResult()
	worse.rounds[0], worse.rounds[1] = worse.rounds[1], worse.rounds[0]
	var out bytes.Buffer
	if err := writeChart(&out, [2]program{{name: "pubsubd"}, {name: "redis-server"}}, []result{r, worse}); err != nil {
		t.Fatal(err)
	}
	d := parseChart(t, out.Bytes())
	all := strings.Join(d.texts, "|")
	for _, want := range []string{"Throughput: how many times better pubsubd is than redis-server", "1 < 2 & 3", "CPU µs", "|4.00|", "|8.00|", "|0.250|", "|0.125|", "|0.1|", "|10|"} {
		if !strings.Contains("|"+all+"|", want) {
			t.Errorf("no %q among the words of the chart: %q", want, all)
		}
	}
	if len(d.bars) != 4 {
		t.Fatalf("%d bars, want 4: %v", len(d.bars), d.bars)
	}
	one := d.bars[0].x // bars of advantages begin at 1
	for i, times := range []float64{4, 8, 0.25, 0.125} {
		b := d.bars[i]
		if want := chartDecade * math.Abs(math.Log10(times)); math.Abs(b.width-want) > 0.1 {
			t.Errorf("bar of %v is %v wide, want %.1f", times, b.width, want)
		}
		if end := b.x + b.width; times < 1 && math.Abs(end-one) > 0.1 || times > 1 && b.x != one {
			t.Errorf("bar of %v lies from %v to %v, 1 is at %v", times, b.x, end, one)
		}
	}
}

// TestChartOfExtremes has ratios far apart and some that are not known.
func TestChartOfExtremes(t *testing.T) {
	k := &kind{title: "Some", metrics: []metric{{name: "a", column: "a", lower: true}, {name: "b", column: "b"}, {name: "c", column: "c", aside: true}}}
	round := func(a, b float64) measurement { return measurement{elapsed: 1, values: []float64{a, b, 1}} }
	r := result{
		scenario: scenario{name: "far", kind: k},
		rounds: [2][]measurement{
			{round(0, 1e6), round(1, 1e6), round(1, 1e6)},
			{round(5000, 0), round(5000, 0), round(5000, 0)},
		},
	}
	if d := decadesOf([]result{r}); d != [2]int{-1, 4} {
		t.Errorf("the axis goes from 10^%d to 10^%d, want 0.1 to 10,000", d[0], d[1])
	}
	var out bytes.Buffer
	if err := writeChart(&out, [2]program{}, []result{r}); err != nil {
		t.Fatal(err)
	}
	d := parseChart(t, out.Bytes())
	if len(d.bars) != 1 || !strings.Contains(strings.Join(d.texts, "|"), "too little to tell") {
		t.Errorf("%d bars and the words %q, want one bar, and one that is not known", len(d.bars), d.texts)
	}
	out.Reset()
	if err := writeChart(&out, [2]program{}, nil); err != nil {
		t.Errorf("a chart of nothing: %v", err)
	}
	parseChart(t, out.Bytes())
	if err := writeChart(&brokenWriter{}, [2]program{}, nil); !errors.Is(err, errDiskFull) {
		t.Errorf("writing to a full disk gives %v", err)
	}
}
