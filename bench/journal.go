//go:build linux

package main

import (
	"encoding/json"
	"io"
)

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

		Count   int64              `json:"count"`   // of what the scenario counts
		Metrics map[string]float64 `json:"metrics"` // by name
	}
	resultRecord struct {
		Kind     string         `json:"kind"` // "result"
		Scenario string         `json:"scenario"`
		Setting  string         `json:"setting"`
		Counted  string         `json:"counted"`
		Metrics  []metricRecord `json:"metrics"`
	}
	metricRecord struct {
		Name          string    `json:"name"`
		Unit          string    `json:"unit,omitempty"`
		LowerIsBetter bool      `json:"lower_is_better"`
		Values        [2]spread `json:"values"` // pubsubd, peer
		Ratio         spread    `json:"ratio"`
	}
	failureRecord struct {
		Kind     string `json:"kind"` // "failure", or "left out"
		Scenario string `json:"scenario"`
		Error    string `json:"error"`
	}
)

// newRoundRecord returns the record of a round, counted from 1.
func newRoundRecord(s scenario, server program, round int, m measurement) roundRecord {
	values := make(map[string]float64)
	for i, metric := range s.kind.metrics {
		values[metric.name] = m.values[i]
	}
	return roundRecord{
		Kind: "round", Scenario: s.name, Server: server.name, Round: round,
		Seconds: m.elapsed.Seconds(), Published: m.published, Delivered: m.delivered,
		ServerCPUSeconds: m.serverCPU.Seconds(), ServerRSSBytes: m.serverRSS,
		GeneratorCores: m.cores(m.generatorCPU), OtherCores: m.otherCores(),
		HeldSeconds: m.held.Seconds(),
		Count:       m.count, Metrics: values,
	}
}

func newResultRecord(r result) resultRecord {
	s := summarize(r)
	record := resultRecord{Kind: "result", Scenario: r.scenario.name, Setting: r.setting, Counted: r.counted}
	for i, m := range r.scenario.kind.metrics {
		record.Metrics = append(record.Metrics, metricRecord{
			Name: m.name, Unit: m.unit, LowerIsBetter: m.lower, Values: s.values[i], Ratio: s.ratios[i],
		})
	}
	return record
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
