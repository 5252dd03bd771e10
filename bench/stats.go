//go:build linux

package main

import (
	"fmt"
	"math"
	"slices"
)

// A spread is the middle and the extremes of some values.
type spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// spreadOf returns the spread of values, all zero when there are none. With an
// even number of values the median is the mean of the two in the middle.
func spreadOf(values []float64) spread {
	n := len(values)
	if n == 0 {
		return spread{}
	}
	v := slices.Sorted(slices.Values(values))
	return spread{Median: (v[(n-1)/2] + v[n/2]) / 2, Min: v[0], Max: v[n-1]}
}

// ratioOf compares two series measured in turn. Its median is the ratio of the
// medians; its extremes are those of the ratios of neighbours in time, which
// change less than the values when the machine slows down for a while. It is
// all zero, meaning unknown, when a value of b is zero.
func ratioOf(a, b []float64) spread {
	if len(a) == 0 || len(a) != len(b) || slices.Contains(b, 0) {
		return spread{}
	}
	pairs := make([]float64, len(a))
	for i := range a {
		pairs[i] = a[i] / b[i]
	}
	s := spreadOf(pairs)
	s.Median = spreadOf(a).Median / spreadOf(b).Median
	return s
}

// String shows the median and in parentheses the extremes.
func (s spread) String() string {
	if s == (spread{}) {
		return "–"
	}
	return fmt.Sprintf("%s (%s–%s)", short(s.Median), short(s.Min), short(s.Max))
}

// short writes a number in three digits, with k or M behind thousands or
// millions.
func short(x float64) string {
	unit := ""
	switch abs := math.Abs(x); {
	case abs >= 999_500:
		x, unit = x/1e6, "M"
	case abs >= 999.5:
		x, unit = x/1e3, "k"
	}
	switch abs := math.Abs(x); {
	case abs >= 99.95:
		return fmt.Sprintf("%.0f%s", x, unit)
	case abs >= 9.995:
		return fmt.Sprintf("%.1f%s", x, unit)
	case abs >= 0.9995 || abs == 0:
		return fmt.Sprintf("%.2f%s", x, unit)
	case abs >= 0.0995:
		return fmt.Sprintf("%.3f%s", x, unit)
	}
	return fmt.Sprintf("%.3g%s", x, unit)
}
