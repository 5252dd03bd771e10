package match

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A setModel is what a Set stands for; Match tries each of its patterns.
type setModel map[string]int

func (m setModel) matches(name string) []int {
	var values []int
	for pattern, v := range m {
		if Match(pattern, name) {
			values = append(values, v)
		}
	}
	slices.Sort(values)
	return values
}

// matches returns the values of s that match the name, sorted.
func matches(s *Set[int], name string) []int {
	values := s.AppendMatches(nil, name)
	slices.Sort(values)
	return values
}

// checkSet fails the test unless every part of s agrees with every other and
// with the model.
func checkSet(t *testing.T, s *Set[int], m setModel) {
	t.Helper()
	if got := maps.Collect(s.All()); !maps.Equal(got, m) {
		t.Fatalf("the Set has %v, want %v", got, m)
	}
	if s.Len() != len(m) {
		t.Fatalf("Len() = %d, want %d", s.Len(), len(m))
	}
	if s.Len() == 0 {
		if s.patterns != nil || s.buckets != nil || s.shapes != nil || s.prefixes|s.suffixes != 0 {
			t.Fatalf("an empty Set keeps %+v", s)
		}
		return
	}
	if s.Len() > s.peak || s.peak >= shrinkFrom && s.Len() <= s.peak/shrinkBy {
		t.Fatalf("the peak is %d with %d patterns", s.peak, s.Len())
	}
	listed, shapes := 0, map[shape]int{}
	for key, first := range s.buckets {
		if first == nil || first.prev != nil {
			t.Fatalf("bucket %#x does not begin with its first entry", key)
		}
		for e := first; e != nil; e = e.next {
			listed++
			shapes[e.shape]++
			if s.patterns[e.pattern] != e {
				t.Fatalf("bucket %#x lists %q, which is not an entry", key, e.pattern)
			}
			if e.next != nil && e.next.prev != e {
				t.Fatalf("bucket %#x is not linked backwards after %q", key, e.pattern)
			}
			if k, sh := s.locate(Prepare(e.pattern)); k != key || sh != e.shape {
				t.Fatalf("%q is in bucket %#x, %v, want %#x, %v", e.pattern, key, e.shape, k, sh)
			}
		}
	}
	if listed != s.Len() {
		t.Fatalf("the buckets list %d entries, want %d", listed, s.Len())
	}
	if !maps.Equal(s.shapes, shapes) {
		t.Fatalf("the shapes are %v, want %v", s.shapes, shapes)
	}
	var prefixes, suffixes rankSet
	var pairs [numLengths]rankSet
	for sh := range shapes {
		if sh != exactShape {
			prefixes.add(sh.prefix)
			suffixes.add(sh.suffix)
			pairs[sh.prefix].add(sh.suffix)
		}
	}
	if prefixes != s.prefixes || suffixes != s.suffixes || pairs != s.pairs {
		t.Fatalf("the ranks in use are %b, %b, %b, want %b, %b, %b",
			s.prefixes, s.suffixes, s.pairs, prefixes, suffixes, pairs)
	}
}

func TestSetZero(t *testing.T) {
	var s Set[int]
	if s.Len() != 0 {
		t.Errorf("Len() = %d, want 0", s.Len())
	}
	if v, ok := s.Get("a"); v != 0 || ok {
		t.Errorf("Get = %d, %v, want 0, false", v, ok)
	}
	if s.Delete("a") {
		t.Error("Delete reports a pattern")
	}
	if got := s.AppendMatches([]int{7}, "a"); !slices.Equal(got, []int{7}) {
		t.Errorf("AppendMatches = %v, want [7]", got)
	}
	for pattern := range s.All() {
		t.Errorf("All yields %q", pattern)
	}
}

func TestSet(t *testing.T) {
	var s Set[int]
	m := setModel{}
	for i, pattern := range []string{
		"", "a", `\a`, "a*", `\a*`, "*", "**", "*a", "a*a", "ab*ba", "?", "??", "[ab]", "[", "[^", "a?a",
		`\*`, `\\`, `\`, "user:*", "user:1:*", "user:1", "*:1", "*x*",
	} {
		s.Add(pattern, i)
		m[pattern] = i
		checkSet(t, &s, m)
	}
	for _, name := range []string{
		"", "a", "aa", "aba", "abba", "*", `\`, "user:", "user:1", "user:1:", "user:1:1", "x", "axa", "nothing",
	} {
		if got, want := matches(&s, name), m.matches(name); !slices.Equal(got, want) {
			t.Errorf("%q matches %v, want %v", name, got, want)
		}
	}
}

func TestSetReplaces(t *testing.T) {
	var s Set[int]
	s.Add("a*", 1)
	s.Add("a*", 2)
	checkSet(t, &s, setModel{"a*": 2})
	if v, ok := s.Get("a*"); v != 2 || !ok {
		t.Errorf("Get = %d, %v, want 2, true", v, ok)
	}
	if got := s.AppendMatches(nil, "ab"); !slices.Equal(got, []int{2}) {
		t.Errorf("AppendMatches = %v, want [2]", got)
	}
}

// Two spellings of one name are two patterns.
func TestSetSpellings(t *testing.T) {
	var s Set[int]
	s.Add("a", 1)
	s.Add(`\a`, 2)
	if got := matches(&s, "a"); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("both spellings match %v, want [1 2]", got)
	}
	if !s.Delete("a") || s.Delete("a") {
		t.Error("Delete does not remove the pattern exactly once")
	}
	if got := matches(&s, "a"); !slices.Equal(got, []int{2}) {
		t.Errorf("the other spelling matches %v, want [2]", got)
	}
	checkSet(t, &s, setModel{`\a`: 2})
}

func TestSetAppends(t *testing.T) {
	var s Set[int]
	s.Add("a*", 1)
	dst := make([]int, 1, 8)
	got := s.AppendMatches(dst, "ab")
	if !slices.Equal(got, []int{0, 1}) {
		t.Errorf("AppendMatches = %v, want [0 1]", got)
	}
	if &got[0] != &dst[0] {
		t.Error("AppendMatches moved a slice that had room")
	}
}

func TestSetAllStops(t *testing.T) {
	var s Set[int]
	s.Add("a*", 1)
	s.Add("b*", 2)
	seen := 0
	for range s.All() {
		seen++
		break
	}
	if seen != 1 {
		t.Errorf("All yields %d times after a break, want 1", seen)
	}
}

// Literals of every length, on both sides of every length the index uses.
func TestSetLongLiterals(t *testing.T) {
	var s Set[int]
	m := setModel{}
	text := strings.Repeat("abcdefghijklmnopqrstuvwxyz0123456789", 10)
	for n := range 300 {
		prefix, suffix := text[:n], text[len(text)-n:]
		for i, pattern := range []string{
			prefix + "*", "*" + suffix, prefix[:n/2] + "*" + suffix[n/3:], prefix + "?" + suffix, prefix,
		} {
			m[pattern] = 10*n + i
			s.Add(pattern, 10*n+i)
		}
	}
	checkSet(t, &s, m)
	for n := 1; n < 300; n += 7 {
		for _, name := range []string{text[:n], text[len(text)-n:], text[:n] + "?" + text[len(text)-n:]} {
			if got, want := matches(&s, name), m.matches(name); !slices.Equal(got, want) {
				t.Errorf("%q matches %v, want %v", name, got, want)
			}
		}
	}
}

// setOps plays a random sequence of additions, removals and lookups on a Set
// and on its model, until next reports that there is nothing more to read. It
// returns how many pattern and name pairs it compared.
func setOps(t *testing.T, next byteSource, more func() bool) (pairs int) {
	t.Helper()
	var s Set[int]
	m := setModel{}
	known := []string{} // the patterns of m
	for v := 1; more(); v++ {
		switch op := next(8); {
		case op < 3:
			pattern := next.nasty(8)
			if _, ok := m[pattern]; !ok {
				known = append(known, pattern)
			}
			m[pattern] = v
			s.Add(pattern, v)
		case op == 3 && len(known) > 0:
			i := next(len(known))
			pattern := known[i]
			known[i] = known[len(known)-1]
			known = known[:len(known)-1]
			delete(m, pattern)
			if !s.Delete(pattern) {
				t.Fatalf("Delete(%q) reports no pattern", pattern)
			}
		case op == 4:
			pattern := next.nasty(8)
			want, ok := m[pattern]
			if got, found := s.Get(pattern); got != want || found != ok {
				t.Fatalf("Get(%q) = %d, %v, want %d, %v", pattern, got, found, want, ok)
			}
			if !ok && s.Delete(pattern) {
				t.Fatalf("Delete(%q) reports a pattern", pattern)
			}
		default:
			name := next.nasty(6)
			if len(known) > 0 && op == 7 {
				name = next.near(modelParse([]byte(known[next(len(known))])))
			}
			pairs += len(m)
			if got, want := matches(&s, name), m.matches(name); !slices.Equal(got, want) {
				t.Fatalf("%q matches %v of %v, want %v", name, got, m, want)
			}
		}
	}
	checkSet(t, &s, m)
	for _, pattern := range known {
		s.Delete(pattern)
	}
	checkSet(t, &s, setModel{})
	return pairs
}

// Random operations, the same ones on every run.
func TestSetModel(t *testing.T) {
	pairs := 0
	for seed := range uint64(200) {
		left := 200
		pairs += setOps(t, newByteSource(seed), func() bool { left--; return left >= 0 })
	}
	if pairs < 200_000 {
		t.Errorf("compared %d pairs, want at least 200000", pairs)
	}
}

// Many patterns at once, so that buckets are shared and the Set shrinks on the
// way down.
func TestSetManyPatterns(t *testing.T) {
	var s Set[int]
	m := setModel{}
	for i := range 1000 {
		for j, shape := range setShapes {
			pattern := shape.pattern(i)
			s.Add(pattern, 10*i+j)
			m[pattern] = 10*i + j
		}
		pattern := fmt.Sprintf("*%d*", i)
		s.Add(pattern, 10*i+9)
		m[pattern] = 10*i + 9
	}
	for len(m) > 0 {
		checkSet(t, &s, m)
		for _, shape := range setShapes {
			name := shape.name(321)
			if got, want := matches(&s, name), m.matches(name); !slices.Equal(got, want) {
				t.Fatalf("%q matches %v, want %v", name, got, want)
			}
		}
		gone := len(m)/2 + 1
		for pattern := range m {
			if gone--; gone < 0 {
				break
			}
			delete(m, pattern)
			s.Delete(pattern)
		}
	}
	checkSet(t, &s, m)
}

// Patterns whose literals differ do not share a bucket.
func TestSetBuckets(t *testing.T) {
	var s Set[int]
	for i := range 1000 {
		for _, shape := range setShapes {
			s.Add(shape.pattern(i), i)
		}
		s.Add(fmt.Sprintf("user:%d", i), i)
	}
	for _, e := range s.buckets {
		if e.next != nil {
			t.Fatalf("%q and %q share a bucket", e.pattern, e.next.pattern)
		}
	}
}

// A Set that was large gives its memory back, also when it does not become
// empty, and costs little per pattern while it is.
func TestSetMemory(t *testing.T) {
	const n, left = 50_000, 50
	patterns := make([]string, n)
	for i := range patterns {
		patterns[i] = fmt.Sprintf("user:%d:*", i)
	}
	heap := func() int {
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return int(stats.HeapAlloc)
	}
	var s Set[*int]
	before := heap()
	for _, pattern := range patterns {
		s.Add(pattern, nil)
	}
	full := heap() - before
	for _, pattern := range patterns[left:] {
		s.Delete(pattern)
	}
	after := heap() - before
	t.Logf("%d bytes per pattern; %d bytes for the last %d", full/n, after, left)
	if full/n > 200 {
		t.Errorf("a pattern costs %d bytes, want at most 200", full/n)
	}
	if after > full/20 {
		t.Errorf("%d bytes of %d are kept for %d of %d patterns", after, full, left, n)
	}
	runtime.KeepAlive(&s)
	runtime.KeepAlive(patterns)
}

// Lookups do not write; the race detector would tell.
func TestSetConcurrentReads(t *testing.T) {
	var s Set[int]
	for i := range 100 {
		for _, shape := range setShapes {
			s.Add(shape.pattern(i), i)
		}
	}
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for i := range 100 {
				for _, shape := range setShapes {
					if got := s.AppendMatches(nil, shape.name(i)); !slices.Equal(got, []int{i}) {
						t.Errorf("%q matches %v, want [%d]", shape.name(i), got, i)
					}
					if v, ok := s.Get(shape.pattern(i)); v != i || !ok {
						t.Errorf("Get(%q) = %d, %v, want %d, true", shape.pattern(i), v, ok, i)
					}
				}
			}
			for range s.All() {
			}
		})
	}
	readers.Wait()
}

func TestSetDoesNotAllocate(t *testing.T) {
	var s Set[*int]
	v := new(int)
	for i := range 100 {
		for _, shape := range setShapes {
			s.Add(shape.pattern(i), v)
		}
		s.Add(fmt.Sprintf("*%d*", i), v)
	}
	s.Add("user:50:x", v)
	dst := make([]*int, 0, 16)
	for _, name := range []string{"", "none", "user:50:x", "a:x:b50", strings.Repeat("user:50:", 100)} {
		if allocs := testing.AllocsPerRun(100, func() { dst = s.AppendMatches(dst[:0], name) }); allocs != 0 {
			t.Errorf("AppendMatches(%.20q) allocates %v times, want 0", name, allocs)
		}
	}
	if len(dst) == 0 {
		t.Error("the last name matches nothing, want a match")
	}
}

// A long pattern matches as it does alone, and leaves nothing behind.
func TestSetLongPatterns(t *testing.T) {
	var s Set[int]
	patterns := []string{
		"a" + strings.Repeat("*", 1000) + "b",
		"a*[" + strings.Repeat("xy", 500) + "]*b",
		"*" + strings.Repeat("?", 400),
		strings.Repeat("c", 400) + "*",
		strings.Repeat("c", 400),
		strings.Repeat("?", longPattern-1),
	}
	for i, p := range patterns {
		s.Add(p, i)
		s.Add(p, i)
	}
	for _, name := range []string{"ab", "axb", "azb", "b", "", strings.Repeat("c", 399), strings.Repeat("c", 400), strings.Repeat("c", 401), strings.Repeat("d", longPattern-1)} {
		var want []int
		for i, p := range patterns {
			if Match(p, name) {
				want = append(want, i)
			}
		}
		got := s.AppendMatches(nil, name)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%.10q of %d bytes: %v, want %v", name, len(name), got, want)
		}
	}
	s.Add("short", 0)
	for _, p := range patterns {
		if !s.Delete(p) {
			t.Errorf("%.20q was not there", p)
		}
	}
	if len(s.long) != 0 {
		t.Errorf("%d simplified patterns are left", len(s.long))
	}
}
