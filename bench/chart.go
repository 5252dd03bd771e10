//go:build linux

package main

import (
	"fmt"
	"html"
	"io"
	"math"
	"strings"
	"unicode/utf8"
)

// Measures of a chart, in pixels.
const (
	chartText   = 7   // width of a letter, about
	chartBar    = 11  // height of a bar with the gap below
	chartGap    = 7   // between scenarios
	chartHead   = 44  // heading of a kind, with its legend
	chartAxis   = 22  // the figures of the axis
	chartDecade = 150 // from 1 to 10
	chartMargin = 16
)

// chartColors are those of the metrics of a kind, in their order.
var chartColors = []string{"#2f6db5", "#d9822b", "#3d9a5f", "#8f5fb0", "#8a8a8a"}

// An advantage is how many times better pubsubd is by one metric, with the
// extremes of the rounds; below 1 it is worse.
type advantage struct{ median, least, most float64 }

// advantageOf turns a ratio into an advantage. It is unknown where the ratio is.
func advantageOf(m metric, ratio spread) (a advantage, known bool) {
	if ratio.Median <= 0 {
		return advantage{}, false
	}
	if m.lower {
		return advantage{1 / ratio.Median, 1 / ratio.Max, 1 / ratio.Min}, true // 1/0 is without end
	}
	return advantage{ratio.Median, ratio.Min, ratio.Max}, true
}

// A chart shows how results compare: a group of bars for each scenario, a bar
// for each metric, on a logarithmic axis. A bar to the right of 1 means that
// pubsubd is so many times better, one to the left that it is worse.
type chart struct {
	b       strings.Builder
	names   float64 // width of the column of names
	decades [2]int  // the powers of ten at the ends of the axis
	y       float64 // where to go on drawing
}

// writeChart writes a chart of results as SVG.
func writeChart(w io.Writer, servers [2]program, results []result) error {
	c := &chart{decades: decadesOf(results), y: chartMargin}
	for _, r := range results {
		c.names = max(c.names, float64(chartText*utf8.RuneCountInString(r.scenario.name)))
	}
	for _, k := range kindsOf(results) {
		c.heading(k, servers)
		top := c.y
		var bars strings.Builder
		for _, r := range results {
			if r.scenario.kind == k {
				c.group(&bars, r)
			}
		}
		c.axis(top)
		c.b.WriteString(bars.String()) // above the lines of the axis
	}
	width := c.x(math.Pow10(c.decades[1])) + 8*chartText + chartMargin
	_, err := fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" font-family="sans-serif" font-size="12">
<rect width="100%%" height="100%%" fill="#ffffff"/>
%s</svg>
`, width, c.y+chartMargin, c.b.String())
	return err
}

// decadesOf returns the powers of ten between which the medians of all results
// lie, at least from 0.1 to 10.
func decadesOf(results []result) [2]int {
	d := [2]int{-1, 1}
	for _, r := range results {
		s := summarize(r)
		for i, m := range r.scenario.kind.metrics {
			if a, known := advantageOf(m, s.ratios[i]); known && !m.aside {
				d[0] = min(d[0], int(math.Floor(math.Log10(a.median))))
				d[1] = max(d[1], int(math.Ceil(math.Log10(a.median))))
			}
		}
	}
	return d
}

// x returns where an advantage lies, at an end of the axis where it is beyond.
func (c *chart) x(times float64) float64 {
	log := min(max(math.Log10(times), float64(c.decades[0])), float64(c.decades[1]))
	return 2*chartMargin + c.names + chartDecade*(log-float64(c.decades[0]))
}

// text writes words with their left, middle or right (start, middle, end) at x.
func text(b *strings.Builder, x, y float64, anchor, extra, words string) {
	fmt.Fprintf(b, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\"%s>%s</text>\n", x, y, anchor, extra, html.EscapeString(words))
}

// heading writes the title of a kind and the colors of its metrics.
func (c *chart) heading(k *kind, servers [2]program) {
	text(&c.b, chartMargin, c.y+12, "start", ` font-weight="bold"`,
		fmt.Sprintf("%s: how many times better %s is than %s", k.title, servers[0].name, servers[1].name))
	x := 2*chartMargin + c.names
	for i, m := range k.metrics {
		if m.aside {
			continue
		}
		fmt.Fprintf(&c.b, "<rect x=\"%.1f\" y=\"%.1f\" width=\"10\" height=\"10\" fill=\"%s\"/>\n", x, c.y+22, chartColors[i%len(chartColors)])
		text(&c.b, x+14, c.y+31, "start", "", m.column)
		x += float64(14 + chartText*(utf8.RuneCountInString(m.column)+2))
	}
	c.y += chartHead
}

// axis writes the lines of the axis from top down to here, and their figures.
func (c *chart) axis(top float64) {
	for decade := c.decades[0]; decade <= c.decades[1]; decade++ {
		for _, step := range []float64{1, 2, 5} {
			times := step * math.Pow10(decade)
			if times > math.Pow10(c.decades[1]) {
				break
			}
			color := "#e4e4e4"
			if times == 1 {
				color = "#303030"
			}
			x := c.x(times)
			fmt.Fprintf(&c.b, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>\n", x, top, x, c.y, color)
			text(&c.b, x, c.y+13, "middle", ` fill="#606060"`, fmt.Sprintf("%g", times))
		}
	}
	c.y += chartAxis + chartGap
}

// group writes the bars of one scenario into b.
func (c *chart) group(b *strings.Builder, r result) {
	s := summarize(r)
	bars := 0
	for i, m := range r.scenario.kind.metrics {
		if m.aside {
			continue
		}
		a, known := advantageOf(m, s.ratios[i])
		y := c.y + float64(chartBar*bars)
		bars++
		if !known {
			text(b, c.x(1)+4, y+8, "start", ` font-size="9" fill="#606060"`, "too little to tell")
			continue
		}
		from, to := c.x(1), c.x(a.median)
		fmt.Fprintf(b, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n",
			min(from, to), y, math.Abs(to-from), chartBar-2, chartColors[i%len(chartColors)])
		middle := y + float64(chartBar-2)/2
		fmt.Fprintf(b, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#202020\"/>\n", c.x(a.least), middle, c.x(a.most), middle)
		text(b, max(from, to, c.x(a.most))+4, y+8, "start", ` font-size="9"`, short(a.median))
	}
	text(b, chartMargin+c.names, c.y+float64(chartBar*bars)/2+3, "end", "", r.scenario.name)
	c.y += float64(chartBar*bars + chartGap)
}
