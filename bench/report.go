//go:build linux

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// A summary is one row of a table. Its arrays hold pubsubd first, then the
// peer.
type summary struct {
	values    [][2]spread // by metric of the kind
	ratios    []spread    // by metric: pubsubd / peer
	rss       [2]float64  // bytes, median
	generator [2]float64  // cores, median
	server    [2]float64  // cores, median
	other     float64     // cores, most in any round
}

func summarize(r result) summary {
	var s summary
	for i := range r.scenario.kind.metrics {
		var series [2][]float64
		for side, rounds := range r.rounds {
			for _, m := range rounds {
				series[side] = append(series[side], m.values[i])
			}
		}
		s.values = append(s.values, [2]spread{spreadOf(series[0]), spreadOf(series[1])})
		s.ratios = append(s.ratios, ratioOf(series[0], series[1]))
	}
	for side, rounds := range r.rounds {
		var rss, generator, server []float64
		for _, m := range rounds {
			rss = append(rss, float64(m.serverRSS))
			generator = append(generator, m.cores(m.generatorCPU))
			server = append(server, m.cores(m.serverCPU))
			s.other = max(s.other, m.otherCores())
		}
		s.rss[side] = spreadOf(rss).Median
		s.generator[side] = spreadOf(generator).Median
		s.server[side] = spreadOf(server).Median
	}
	return s
}

// ratioText returns the ratios of all metrics of kind k in one line.
func (s summary) ratioText(k *kind) string {
	var parts []string
	for i, m := range k.metrics {
		if !m.aside {
			parts = append(parts, m.column+" "+s.ratios[i].String())
		}
	}
	return strings.Join(parts, ", ")
}

// tableHeader returns the titles of the columns of row.
func tableHeader(k *kind, servers [2]program) []string {
	header := []string{"scenario", "traffic", "counted"}
	for _, m := range k.metrics {
		header = append(header, servers[0].name+" "+m.column, servers[1].name+" "+m.column)
		if !m.aside {
			header = append(header, "ratio")
		}
	}
	return append(header, "RSS MiB", "server cores", "generator cores", "other cores")
}

// row returns the cells of one scenario, whose summary is s.
func row(r result, s summary) []string {
	pair := func(format string, x [2]float64) string {
		return fmt.Sprintf(format+" / "+format, x[0], x[1])
	}
	const mib = 1 << 20
	cells := []string{r.scenario.name, r.setting, r.counted}
	for i, v := range s.values {
		cells = append(cells, v[0].String(), v[1].String())
		if !r.scenario.kind.metrics[i].aside {
			cells = append(cells, s.ratios[i].String())
		}
	}
	return append(cells,
		pair("%.0f", [2]float64{s.rss[0] / mib, s.rss[1] / mib}),
		pair("%.2f", s.server), pair("%.2f", s.generator), fmt.Sprintf("≤ %.2f", s.other))
}

// kindsOf returns the kinds of results in the order of their first one.
func kindsOf(results []result) []*kind {
	var kinds []*kind
	for _, r := range results {
		if !slices.Contains(kinds, r.scenario.kind) {
			kinds = append(kinds, r.scenario.kind)
		}
	}
	return kinds
}

// writeTables writes a table for each kind there is a result of.
func writeTables(w io.Writer, servers [2]program, results []result) error {
	for i, k := range kindsOf(results) {
		gap := "\n"
		if i == 0 {
			gap = ""
		}
		if _, err := fmt.Fprintf(w, "%s## %s\n\n", gap, k.title); err != nil {
			return err
		}
		rows := [][]string{tableHeader(k, servers)}
		for _, r := range results {
			if r.scenario.kind == k {
				rows = append(rows, row(r, summarize(r)))
			}
		}
		if err := writeTable(w, rows); err != nil {
			return err
		}
	}
	return nil
}

// writeTable writes rows, the first being the header, as a Markdown table that
// is also readable as it stands.
func writeTable(w io.Writer, rows [][]string) error {
	widths := make([]int, len(rows[0]))
	for _, r := range rows {
		for i, cell := range r {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	line := func(cells []string, pad string) {
		for i, cell := range cells {
			b.WriteString("| " + cell + strings.Repeat(pad, widths[i]-utf8.RuneCountInString(cell)) + " ")
		}
		b.WriteString("|\n")
	}
	for i, r := range rows {
		line(r, " ")
		if i == 0 {
			line(make([]string, len(r)), "-")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
