package match

import "strings"

// longPattern is the length in bytes from which a Set keeps a pattern in a
// simpler form too.
const longPattern = 256

// A Prepared is a pattern and what a Set has to find out about it, which takes
// time proportional to its length.
type Prepared struct {
	pattern        string
	prefix, suffix string // as from literals
	exact          bool
	simple         simplified // of a long pattern
}

// Prepare returns a pattern in the form for [Set.AddPrepared], so that whoever
// guards a Set by a lock need not hold it for long. A short pattern can as well
// be added as it is.
func Prepare(pattern string) Prepared {
	p := Prepared{pattern: pattern}
	p.prefix, p.suffix, p.exact = literals(pattern)
	if len(pattern) >= longPattern {
		p.simple = simplify(pattern)
	}
	return p
}

// A simplified is a pattern in a form that is no longer and matches the same
// names. Of names of n bytes it takes at most n elements and n+1 stars into
// account, each of a bounded length.
type simplified struct {
	text  string
	least int    // bytes of the shortest name that may match
	key   uint64 // of its bucket
}

// maxClass is the length in bytes from which simplify writes a class anew. No
// class that it writes is as long.
const maxClass = 3 + 2*128

// simplify makes one star of several and short classes of long ones.
func simplify(pattern string) (s simplified) {
	var b strings.Builder
	copied := 0 // bytes of pattern that are in b, if they have to be
	for i := 0; i < len(pattern); {
		if pattern[i] == '*' {
			i++
			if stars := len(pattern[i:]) - len(strings.TrimLeft(pattern[i:], "*")); stars > 0 {
				b.WriteString(pattern[copied:i])
				i += stars
				copied = i
			}
			continue
		}
		s.least++
		end := elementEnd(pattern, i)
		if pattern[i] == '[' && end-i > maxClass {
			b.WriteString(pattern[copied:i])
			writeClass(&b, pattern, i)
			copied = end
		}
		i = end
	}
	if copied == 0 {
		s.text = pattern
		return s
	}
	b.WriteString(pattern[copied:])
	s.text = b.String()
	return s
}

// writeClass writes the class that opens at pattern[open] as single members.
func writeClass(b *strings.Builder, pattern string, open int) {
	set, _ := classSet(pattern, open)
	members := 0
	for range set.all {
		members++
	}
	b.WriteByte('[')
	if members > 128 {
		b.WriteByte('^')
		set.invert()
	}
	for c := range set.all {
		b.WriteByte('\\')
		b.WriteByte(c)
	}
	b.WriteByte(']')
}
