//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// A summary is one row of the table. Its arrays hold pubsubd first, then the
// peer.
type summary struct {
	perSecond      [2]spread
	perSecondRatio spread
	micros         [2]spread // server CPU for each delivery or publish
	microsRatio    spread
	rss            [2]float64 // bytes, median
	generator      [2]float64 // cores, median
	server         [2]float64 // cores, median
	other          float64    // cores, most in any round
}

func summarize(r result) summary {
	var s summary
	var rate, micros [2][]float64
	for side, rounds := range r.rounds {
		var rss, generator, server []float64
		for _, m := range rounds {
			n := m.count(r.counted)
			rate[side] = append(rate[side], m.perSecond(n))
			micros[side] = append(micros[side], m.serverMicros(n))
			rss = append(rss, float64(m.serverRSS))
			generator = append(generator, m.cores(m.generatorCPU))
			server = append(server, m.cores(m.serverCPU))
			s.other = max(s.other, m.otherCores())
		}
		s.perSecond[side] = spreadOf(rate[side])
		s.micros[side] = spreadOf(micros[side])
		s.rss[side] = spreadOf(rss).Median
		s.generator[side] = spreadOf(generator).Median
		s.server[side] = spreadOf(server).Median
	}
	s.perSecondRatio = ratioOf(rate[0], rate[1])
	s.microsRatio = ratioOf(micros[0], micros[1])
	return s
}

// tableHeader returns the titles of the columns of row.
func tableHeader(servers [2]program) []string {
	a, b := servers[0].name, servers[1].name
	return []string{
		"scenario", "traffic", "counted",
		a + " /s", b + " /s", "ratio",
		a + " CPU µs", b + " CPU µs", "ratio",
		"RSS MiB", "server cores", "generator cores", "other cores",
	}
}

// row returns the cells of one scenario, whose summary is s.
func row(r result, s summary) []string {
	pair := func(format string, x [2]float64) string {
		return fmt.Sprintf(format+" / "+format, x[0], x[1])
	}
	const mib = 1 << 20
	return []string{
		r.scenario.name, r.setting, r.counted,
		s.perSecond[0].String(), s.perSecond[1].String(), s.perSecondRatio.String(),
		s.micros[0].String(), s.micros[1].String(), s.microsRatio.String(),
		pair("%.0f", [2]float64{s.rss[0] / mib, s.rss[1] / mib}),
		pair("%.2f", s.server), pair("%.2f", s.generator), fmt.Sprintf("≤ %.2f", s.other),
	}
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

// Records of the JSON lines. Kind tells them apart.
type (
	conditionsRecord struct {
		Kind string `json:"kind"` // "conditions"
		conditions
	}
	roundRecord struct {
		Kind             string  `json:"kind"` // "round"
		Scenario         string  `json:"scenario"`
		Server           string  `json:"server"`
		Round            int     `json:"round"` // from 1
		Seconds          float64 `json:"seconds"`
		Published        int64   `json:"published"`
		Delivered        int64   `json:"delivered"`
		ServerCPUSeconds float64 `json:"server_cpu_seconds"`
		ServerRSSBytes   int64   `json:"server_rss_bytes"`
		GeneratorCores   float64 `json:"generator_cores"`
		OtherCores       float64 `json:"other_cores"`
		HeldSeconds      float64 `json:"held_seconds"` // sum over publishers
	}
	resultRecord struct {
		Kind           string    `json:"kind"` // "result"
		Scenario       string    `json:"scenario"`
		Setting        string    `json:"setting"`
		Counted        string    `json:"counted"`
		PerSecond      [2]spread `json:"per_second"` // pubsubd, peer
		PerSecondRatio spread    `json:"per_second_ratio"`
		ServerMicros   [2]spread `json:"server_cpu_micros"` // for each of what is counted
		ServerRatio    spread    `json:"server_cpu_micros_ratio"`
	}
	failureRecord struct {
		Kind     string `json:"kind"` // "failure"
		Scenario string `json:"scenario"`
		Error    string `json:"error"`
	}
)

func newRoundRecord(s scenario, server program, round int, m measurement) roundRecord {
	return roundRecord{
		Kind: "round", Scenario: s.name, Server: server.name, Round: round + 1,
		Seconds: m.elapsed.Seconds(), Published: m.published, Delivered: m.delivered,
		ServerCPUSeconds: m.serverCPU.Seconds(), ServerRSSBytes: m.serverRSS,
		GeneratorCores: m.cores(m.generatorCPU), OtherCores: m.otherCores(),
		HeldSeconds: m.held.Seconds(),
	}
}

func newResultRecord(r result) resultRecord {
	s := summarize(r)
	return resultRecord{
		Kind: "result", Scenario: r.scenario.name, Setting: r.setting, Counted: r.counted,
		PerSecond: s.perSecond, PerSecondRatio: s.perSecondRatio,
		ServerMicros: s.micros, ServerRatio: s.microsRatio,
	}
}

// A journal writes records one a line and keeps the first error. The zero
// journal writes nothing.
type journal struct {
	w   io.Writer
	err error
}

func (j *journal) write(record any) {
	if j.w == nil || j.err != nil {
		return
	}
	j.err = json.NewEncoder(j.w).Encode(record)
}
