package match

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// setShapes are the patterns of which there are often very many. Each name
// matches just the pattern of its number.
var setShapes = []struct {
	label         string
	pattern, name func(i int) string
}{
	{"prefix", numbered("user:%d:*"), numbered("user:%d:updated")},
	{"suffix", numbered("*:%d:tail"), numbered("head:%d:tail")},
	{"ends", numbered("a:*:b%d"), numbered("a:middle:b%d")},
	{"last", numbered("chat:room:*:%d"), numbered("chat:room:lobby:%d")},
}

func numbered(format string) func(int) string {
	return func(i int) string { return fmt.Sprintf(format, i) }
}

func BenchmarkSet(b *testing.B) {
	for _, shape := range setShapes {
		for _, n := range []int{10, 1_000, 100_000} {
			b.Run(fmt.Sprintf("%s/patterns=%d", shape.label, n), func(b *testing.B) {
				benchmarkSet(b, n, 1, shape.pattern, shape.name)
			})
		}
	}
	// All four shapes together.
	for _, n := range []int{10, 1_000, 100_000} {
		b.Run(fmt.Sprintf("mixed/patterns=%d", n), func(b *testing.B) {
			pattern := func(i int) string { return setShapes[i%len(setShapes)].pattern(i) }
			name := func(i int) string { return setShapes[i%len(setShapes)].name(i) }
			benchmarkSet(b, n, 1, pattern, name)
		})
	}
	for _, n := range []int{10, 1_000, 100_000} {
		b.Run(fmt.Sprintf("exact/patterns=%d", n), func(b *testing.B) {
			benchmarkSet(b, n, 1, numbered("user:%d"), numbered("user:%d"))
		})
	}
	// Literals long enough to be shortened by the index.
	for _, n := range []int{10, 1_000, 100_000} {
		b.Run(fmt.Sprintf("long/patterns=%d", n), func(b *testing.B) {
			tenant := strings.Repeat("tenant-", 5)
			benchmarkSet(b, n, 1, numbered(tenant+":user:%d:*"), numbered(tenant+":user:%d:updated"))
		})
	}
	// The two expensive cases: nothing literal at either end, and as many
	// different pairs of lengths as there can be.
	for _, n := range []int{10, 1_000} {
		b.Run(fmt.Sprintf("scan/patterns=%d", n), func(b *testing.B) {
			benchmarkSet(b, n, 1, numbered("*<%d>*"), numbered("head<%d>tail"))
		})
	}
	b.Run("every-pair", func(b *testing.B) {
		pattern := func(i int) string {
			return strings.Repeat("p", lengths[i/numLengths]) + "*x*" + strings.Repeat("s", lengths[i%numLengths])
		}
		name := func(int) string { return strings.Repeat("-", 2*maxLength) }
		benchmarkSet(b, numLengths*numLengths, 0, pattern, name)
	})
}

// benchmarkSet looks up names spread over a Set of n patterns, each of which
// must match want of them.
func benchmarkSet(b *testing.B, n, want int, pattern, name func(i int) string) {
	var s Set[*int]
	v := new(int)
	for i := range n {
		s.Add(pattern(i), v)
	}
	names := make([]string, 64)
	for i := range names {
		names[i] = name(i * 7919 % n)
	}
	dst := make([]*int, 0, 8)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if dst = s.AppendMatches(dst[:0], names[i%len(names)]); len(dst) != want {
			b.Fatalf("%q matches %d patterns, want %d", names[i%len(names)], len(dst), want)
		}
		i++
	}
}

func BenchmarkSetAddDelete(b *testing.B) {
	for _, n := range []int{0, 10, 1_000, 100_000} {
		b.Run("patterns="+strconv.Itoa(n), func(b *testing.B) {
			var s Set[*int]
			for i := range n {
				s.Add(fmt.Sprintf("*%d*", i), nil) // one bucket
			}
			b.ReportAllocs()
			for b.Loop() {
				s.Add("*x*", nil)
				s.Delete("*x*")
			}
		})
	}
}
