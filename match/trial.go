package match

// A Trial finds the patterns of a [Set] that match one name, where that may take
// long, without keeping the Set locked for as long: what is not quickly decided
// is noted by [Trial.AppendMatches] and decided by [Trial.Decide], for which the
// Set need not be locked and may change.
//
//	for t := match.NewTrial[V](name); ; t.Decide() {
//		lock()
//		matched, ok := t.AppendMatches(set, nil)
//		if ok {
//			use(matched) // the set is as it was
//			unlock()
//			return
//		}
//		unlock()
//	}
//
// A Trial is for one goroutine.
type Trial[V any] struct {
	name    string
	decided map[*entry[V]]bool
	open    []undecided[V]
}

type undecided[V any] struct {
	entry *entry[V]
	text  string // of a pattern that matches the same names
}

// NewTrial returns a Trial of a name, about which nothing is known yet.
func NewTrial[V any](name string) *Trial[V] {
	return &Trial[V]{name: name, decided: make(map[*entry[V]]bool)}
}

// quick is how many steps, of len(pattern) * len(name) in all, a match may take
// to be decided at once.
const quick = 16 << 10

// AppendMatches is [Set.AppendMatches] of s, which must always be the same. It
// reports whether all patterns are decided. If not, nothing is said about what
// it has appended.
func (t *Trial[V]) AppendMatches(s *Set[V], dst []V) (matched []V, ok bool) {
	t.open = t.open[:0]
	matched = s.appendMatches(dst, t.name, t)
	return matched, len(t.open) == 0
}

// matches tells whether the pattern of an entry matches, or notes that it leaves
// that open.
func (t *Trial[V]) matches(s *Set[V], e *entry[V]) bool {
	text := e.pattern
	if len(text) >= longPattern {
		long := s.long[e]
		if text = long.text; len(t.name) < long.least {
			return false
		}
	}
	if len(text) <= quick/max(1, len(t.name)) {
		return Match(text, t.name)
	}
	matched, ok := t.decided[e]
	if !ok {
		t.open = append(t.open, undecided[V]{e, text})
	}
	return matched
}

// Decide tries the patterns that AppendMatches has left open.
func (t *Trial[V]) Decide() {
	for _, u := range t.open {
		t.decided[u.entry] = Match(u.text, t.name)
	}
	clear(t.open)
	t.open = t.open[:0]
}
