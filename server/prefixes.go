package server

import (
	"slices"
	"strings"
)

// firstOverlap returns the error for the first of the provided prefixes that
// overlaps with an existing one or with one behind it, empty if there is none.
// The existing ones do not overlap with each other. It takes the time of sorting
// them: whoever may send CLIENT TRACKING may send a million.
func firstOverlap(provided, existing []string) string {
	overlapping := inOverlaps(slices.Concat(provided, existing))
	if overlapping == nil {
		return ""
	}
	for i, p := range provided {
		if !overlapping[p] {
			continue
		}
		// What overlaps with it is not before it: that one would have been first.
		if at := slices.IndexFunc(existing, func(q string) bool { return overlap(p, q) }); at >= 0 {
			return prefixOverlaps(p, "an existing", existing[at])
		}
		if at := slices.IndexFunc(provided[i+1:], func(q string) bool { return overlap(p, q) }); at >= 0 {
			return prefixOverlaps(p, "another provided", provided[i+1+at])
		}
	}
	return ""
}

// inOverlaps returns those of the prefixes that overlap with another, nil if
// there are none. It changes their order.
func inOverlaps(list []string) (set map[string]bool) {
	slices.Sort(list)
	shortest := 0 // behind a prefix come all that begin with it
	for i := 1; i < len(list); i++ {
		if !strings.HasPrefix(list[i], list[shortest]) {
			shortest = i
			continue
		}
		if set == nil {
			set = make(map[string]bool)
		}
		set[list[shortest]], set[list[i]] = true, true
	}
	return set
}

func overlap(p, q string) bool { return strings.HasPrefix(p, q) || strings.HasPrefix(q, p) }
