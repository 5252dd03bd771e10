package match

import (
	"hash/maphash"
	"iter"
)

// A Set holds patterns, each with one value, and finds those that match a
// name without trying each of them. The zero Set is empty and ready to use;
// it must not be copied once used.
//
// Any number of goroutines may read a Set at once. Add and Delete exclude
// every other call; the caller provides the lock.
//
// A pattern is found by the literal bytes it begins and ends with, so the cost
// of AppendMatches depends on the length of the name, on the patterns that
// match it or nearly do, and on how many different combinations of the lengths
// of those literals are present (at most a few thousand, usually a few),
// but not on the number of patterns. Patterns with no literal bytes at either
// end, like "*x*", are the exception: each of them is tried. So is, of patterns
// with long literals, each that agrees with the name in what the index looks
// at: it ignores the inner end of a literal longer than 64 bytes, up to 15 bytes
// of it, and whatever is beyond 256.
//
// A Set keeps the pattern strings it is given. A caller that cuts patterns out
// of a larger string should clone them first.
type Set[V any] struct {
	// patterns has every entry by the text of its pattern.
	patterns map[string]*entry[V]

	// buckets has every entry by the hash of its literals: the first of a list.
	// The hash is seeded anew for every Set, so nobody can choose patterns or
	// names that share one.
	buckets map[uint64]*entry[V]
	seed    maphash.Seed

	// shapes counts the patterns of each shape. What follows is derived from
	// it for the sake of lookups.
	shapes   map[shape]int
	prefixes rankSet             // prefix ranks in use
	suffixes rankSet             // suffix ranks in use
	pairs    [numLengths]rankSet // suffix ranks in use with each prefix rank

	// long has the simplified form of every long pattern.
	long map[*entry[V]]simplified

	// peak is the most patterns held since the maps were last made.
	peak int
}

// An entry is one pattern. Entries of one bucket form a list, so that a bucket
// of one costs nothing extra and leaving a long one is quick.
type entry[V any] struct {
	pattern    string
	value      V
	next, prev *entry[V]
	shape      shape
}

// Len returns the number of patterns.
func (s *Set[V]) Len() int { return len(s.patterns) }

// Get returns the value of a pattern, and whether the Set has that pattern.
// Patterns are told apart by their text: "a" and "\a" are two.
func (s *Set[V]) Get(pattern string) (V, bool) {
	if e := s.patterns[pattern]; e != nil {
		return e.value, true
	}
	var zero V
	return zero, false
}

// All returns an iterator over the patterns and their values, in no particular
// order. The Set must not change while it runs.
func (s *Set[V]) All() iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for pattern, e := range s.patterns {
			if !yield(pattern, e.value) {
				return
			}
		}
	}
}

// AppendMatches appends the value of every pattern that matches the name, as
// by [Match], and returns the extended slice. Each such pattern contributes its
// value once; their order is not specified.
func (s *Set[V]) AppendMatches(dst []V, name string) []V {
	return s.appendMatches(dst, name, nil)
}

// appendMatches is AppendMatches that, unless t is nil, asks it what matches.
func (s *Set[V]) appendMatches(dst []V, name string, t *Trial[V]) []V {
	if len(s.patterns) == 0 {
		return dst
	}
	if s.shapes[exactShape] > 0 {
		dst = s.appendBucket(dst, s.exactKey(name), exactShape, name, t)
	}
	var hashes [numLengths]uint64 // of the suffixes of name, by rank
	for r := s.suffixes; r != 0; r = r.withoutLowest() {
		suffix := r.lowest()
		n := lengths[suffix]
		if n > len(name) {
			break
		}
		hashes[suffix] = maphash.String(s.seed, name[len(name)-n:])
	}
	for r := s.prefixes; r != 0; r = r.withoutLowest() {
		prefix := r.lowest()
		n := lengths[prefix]
		if n > len(name) {
			break
		}
		hash := maphash.String(s.seed, name[:n])
		for r := s.pairs[prefix]; r != 0; r = r.withoutLowest() {
			suffix := r.lowest()
			if n+lengths[suffix] > len(name) {
				break // prefix and suffix never overlap
			}
			key := pairKey(hash, hashes[suffix])
			dst = s.appendBucket(dst, key, shape{prefix, suffix}, name, t)
		}
	}
	return dst
}

// appendBucket appends the values of those patterns in one bucket that have the
// shape and match the name. Looking at the shape keeps two shapes that meet in
// one bucket, should their hashes ever collide, from yielding a pattern twice.
func (s *Set[V]) appendBucket(dst []V, key uint64, sh shape, name string, t *Trial[V]) []V {
	for e := s.buckets[key]; e != nil; e = e.next {
		if e.shape != sh {
			continue
		}
		matched := false
		switch {
		case t != nil:
			matched = t.matches(s, e)
		case len(e.pattern) < longPattern:
			matched = Match(e.pattern, name)
		default:
			long := s.long[e]
			matched = len(name) >= long.least && Match(long.text, name)
		}
		if matched {
			dst = append(dst, e.value)
		}
	}
	return dst
}

// Add gives a pattern a value, which replaces the value it had, if any.
func (s *Set[V]) Add(pattern string, v V) {
	if e := s.patterns[pattern]; e != nil {
		e.value = v
		return
	}
	s.add(Prepare(pattern), v)
}

// AddPrepared is Add for a pattern that has been prepared.
func (s *Set[V]) AddPrepared(p Prepared, v V) {
	if e := s.patterns[p.pattern]; e != nil {
		e.value = v
		return
	}
	s.add(p, v)
}

// add adds a pattern that the Set does not have.
func (s *Set[V]) add(p Prepared, v V) {
	if s.patterns == nil {
		s.patterns = make(map[string]*entry[V])
		s.buckets = make(map[uint64]*entry[V])
		s.shapes = make(map[shape]int)
		s.seed = maphash.MakeSeed()
	}
	key, sh := s.locate(p)
	e := &entry[V]{pattern: p.pattern, value: v, next: s.buckets[key], shape: sh}
	if e.next != nil {
		e.next.prev = e
	}
	s.buckets[key] = e
	s.patterns[p.pattern] = e
	if len(p.pattern) >= longPattern {
		if s.long == nil {
			s.long = make(map[*entry[V]]simplified)
		}
		p.simple.key = key
		s.long[e] = p.simple
	}
	s.peak = max(s.peak, len(s.patterns))
	s.shapes[sh]++
	if s.shapes[sh] == 1 && sh != exactShape {
		s.prefixes.add(sh.prefix)
		s.suffixes.add(sh.suffix)
		s.pairs[sh.prefix].add(sh.suffix)
	}
}

// Delete removes a pattern and reports whether the Set had it. It takes the
// same time however many patterns there are, except that now and then, after
// most of them have gone, it makes the Set smaller.
func (s *Set[V]) Delete(pattern string) bool {
	e := s.patterns[pattern]
	if e == nil {
		return false
	}
	delete(s.patterns, pattern)
	if len(s.patterns) == 0 {
		*s = Set[V]{}
		return true
	}
	if e.next != nil {
		e.next.prev = e.prev
	}
	switch key := s.forgetKey(e); {
	case e.prev != nil:
		e.prev.next = e.next
	case e.next != nil:
		s.buckets[key] = e.next
	default:
		delete(s.buckets, key)
	}
	s.forget(e.shape)
	s.shrink()
	return true
}

// forgetKey returns the key of the bucket of an entry that leaves, which for a
// long pattern has been kept.
func (s *Set[V]) forgetKey(e *entry[V]) uint64 {
	if long, ok := s.long[e]; ok {
		delete(s.long, e)
		return long.key
	}
	key, _ := s.locate(Prepare(e.pattern))
	return key
}

// forget counts one pattern less of a shape.
func (s *Set[V]) forget(sh shape) {
	s.shapes[sh]--
	if s.shapes[sh] > 0 {
		return
	}
	delete(s.shapes, sh)
	if sh == exactShape {
		return
	}
	s.pairs[sh.prefix].remove(sh.suffix)
	if s.pairs[sh.prefix] == 0 {
		s.prefixes.remove(sh.prefix)
	}
	s.suffixes = 0
	for _, r := range s.pairs {
		s.suffixes |= r
	}
}

// Maps never give memory back, so shrink makes them anew when a Set that once
// had at least shrinkFrom patterns is down to one in shrinkBy of its peak. The
// deletions that led there have long paid for it.
const (
	shrinkFrom = 1024
	shrinkBy   = 8
)

func (s *Set[V]) shrink() {
	if s.peak < shrinkFrom || len(s.patterns) > s.peak/shrinkBy {
		return
	}
	patterns := make(map[string]*entry[V], len(s.patterns))
	for pattern, e := range s.patterns {
		patterns[pattern] = e
	}
	buckets := make(map[uint64]*entry[V], len(s.buckets))
	for key, e := range s.buckets {
		buckets[key] = e
	}
	s.patterns, s.buckets = patterns, buckets
	s.peak = len(patterns)
}

// locate returns the key of the bucket a pattern belongs to, and its shape.
func (s *Set[V]) locate(p Prepared) (key uint64, sh shape) {
	prefix, suffix := p.prefix, p.suffix
	if p.exact {
		return s.exactKey(prefix), exactShape
	}
	sh = shape{rank(len(prefix)), rank(len(suffix))}
	prefix = prefix[:lengths[sh.prefix]]
	suffix = suffix[len(suffix)-lengths[sh.suffix]:]
	return pairKey(maphash.String(s.seed, prefix), maphash.String(s.seed, suffix)), sh
}

// exactKey returns the key of the bucket of the patterns that match the name
// and nothing else.
func (s *Set[V]) exactKey(name string) uint64 {
	return maphash.String(s.seed, name)
}

// pairKey returns the key of a bucket from the hashes of its prefix and its
// suffix. The odd factor tells the two apart.
func pairKey(prefix, suffix uint64) uint64 {
	return prefix*0x9e3779b97f4a7c15 + suffix
}
