package server

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// firstOverlap finds what looking at every pair does.
func TestFirstOverlap(t *testing.T) {
	everyPair := func(provided, existing []string) string {
		for i, p := range provided {
			for _, q := range existing {
				if overlap(p, q) {
					return prefixOverlaps(p, "an existing", q)
				}
			}
			for _, q := range provided[i+1:] {
				if overlap(p, q) {
					return prefixOverlaps(p, "another provided", q)
				}
			}
		}
		return ""
	}
	random := rand.New(rand.NewPCG(1, 2))
	overlaps := 0
	for range 20000 {
		var lists [2][]string
		for i := range lists {
			for range random.IntN(5) {
				p := make([]byte, random.IntN(5))
				for j := range p {
					p[j] = "abc"[random.IntN(3)]
				}
				if q := string(p); i == 0 || !slices.ContainsFunc(lists[1], func(r string) bool { return overlap(q, r) }) {
					lists[i] = append(lists[i], q)
				}
			}
		}
		want := everyPair(lists[0], lists[1])
		if got := firstOverlap(lists[0], lists[1]); got != want {
			t.Fatalf("%q with %q: %s, want %s", lists[0], lists[1], got, want)
		}
		if want != "" {
			overlaps++
		}
	}
	if overlaps < 1000 {
		t.Errorf("only %d of the lists overlap", overlaps)
	}
}

// Many prefixes take the time of sorting them. To look at every pair of these
// would take hours, and end with the test's own time.
func TestFirstOverlapOfMany(t *testing.T) {
	list := make([]string, 400_000)
	for i := range list {
		list[i] = fmt.Sprintf("p%06d", i)
	}
	if got := firstOverlap(list, nil); got != "" {
		t.Error(got)
	}
	list = append(list, "p399999x")
	if got := firstOverlap(list, nil); !strings.Contains(got, "'p399999' overlaps with another provided prefix 'p399999x'") {
		t.Error(got)
	}
}
