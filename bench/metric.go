//go:build linux

package main

// A metric is one quantity that a scenario measures.
type metric struct {
	name   string // in records
	unit   string // in records; empty for a plain ratio
	column string // title in a table, with the unit
	lower  bool   // whether lower is better
	aside  bool   // says how well the measurement went, not how good a server is
}

// A kind is a group of scenarios that measure the same quantities. Each kind
// has a table of its own.
type kind struct {
	title   string
	metrics []metric
}

// serverCPU is the server's CPU time for each of what a scenario counts.
var serverCPU = metric{name: "cpu", unit: "µs", column: "CPU µs", lower: true}

var throughput = &kind{
	title: "Throughput",
	metrics: []metric{
		{name: "rate", unit: "/s", column: "/s"},
		serverCPU,
	},
}
