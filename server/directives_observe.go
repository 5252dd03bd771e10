package server

import (
	"math"
	"strconv"
	"strings"
)

// observeDirectives are those of the slow log and of the latency monitor.
var observeDirectives = []*directive{
	int64Directive("slowlog-log-slower-than", -1, func(c *Config) *int64 { return &c.SlowlogLogSlowerThan }).also("commandlog-execution-slower-than"),
	int64Directive("slowlog-max-len", 0, func(c *Config) *int64 { return &c.SlowlogMaxLen }).also("commandlog-slow-execution-max-len"),
	int64Directive("latency-monitor-threshold", 0, func(c *Config) *int64 { return &c.LatencyMonitorThreshold }),
	boolDirective("latency-tracking", func(c *Config) *bool { return &c.LatencyTracking }),
	{name: "latency-tracking-info-percentiles", values: "percentages", several: true, get: getPercentiles, set: setPercentiles},
}

func int64Directive(name string, low int64, field func(*Config) *int64) *directive {
	return &directive{name: name, values: rangeOf(low, math.MaxInt64),
		get: func(c *Config) string { return strconv.FormatInt(*field(c), 10) },
		set: func(c *Config, words []string) string {
			n, text := parseInteger(words[0], low, math.MaxInt64)
			if text == "" {
				*field(c) = n
			}
			return text
		}}
}

// formatPercentile writes a percentile with at most six decimals and without
// idle zeros.
func formatPercentile(p float64) string {
	s := strings.TrimRight(strconv.FormatFloat(p, 'f', 6, 64), "0")
	return strings.TrimSuffix(s, ".")
}

func getPercentiles(c *Config) string {
	var words []string
	for _, p := range c.LatencyTrackingInfoPercentiles {
		words = append(words, formatPercentile(p))
	}
	return strings.Join(words, " ")
}

func setPercentiles(c *Config, words []string) string {
	var list []float64
	if len(words) == 1 && words[0] == "" {
		words = nil
	}
	for _, w := range words {
		p, err := strconv.ParseFloat(w, 64)
		switch {
		case err != nil || math.IsNaN(p):
			return "Invalid latency-tracking-info-percentiles parameters"
		case p < 0 || p > 100:
			return "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]"
		}
		list = append(list, math.Abs(p)) // no -0
	}
	c.LatencyTrackingInfoPercentiles = list
	return ""
}
