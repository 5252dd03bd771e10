package match

import "math/bits"

// Trying a pattern at one place of the name after the other takes, at worst,
// len(pattern) steps for each. What follows tries up to 64 places at once, with
// a bit for each: it is what Match turns to when that has taken too long.

// maxParallel is the most bytes of a name that are compared with many places at
// once. The table for it takes 2 MiB.
const maxParallel = 64 << 10

// behindStar reports whether the pattern matches the name or an end of it, as
// if a star stood in front of both. An end may be empty.
func behindStar(pattern, name string) bool {
	for {
		n, end := part(pattern)
		switch {
		case end == len(pattern): // no star follows: it has to be the very end
			return n <= len(name) && Match(pattern, name[len(name)-n:])
		case n > len(name):
			return false
		case n > 0:
			// The first place leaves the most to the rest.
			behind := findPart(pattern[:end], n, name)
			if behind < 0 {
				return false
			}
			name = name[behind:]
		}
		pattern = pattern[end+1:]
	}
}

// part returns how many bytes of a name the pattern takes up to its first star,
// and where that is.
func part(pattern string) (n, end int) {
	for end < len(pattern) && pattern[end] != '*' {
		end = elementEnd(pattern, end)
		n++
	}
	return n, end
}

// elementEnd returns the index behind what begins at pattern[i], which is not a
// star.
func elementEnd(pattern string, i int) int {
	switch pattern[i] {
	case '[':
		_, end := matchClass(pattern, i, 0)
		return end
	case '\\':
		return min(i+2, len(pattern))
	}
	return i + 1
}

// findPart returns the index behind the first place of name that a pattern of n
// bytes without stars matches, or -1.
func findPart(pattern string, n int, name string) int {
	if n > maxParallel {
		return findLongPart(pattern, n, name)
	}
	if n > 64 {
		t := newTable(pattern, n)
		return t.find(name, 0, func(string) bool { return true })
	}
	var rows [256]uint64
	fillRows(&rows, pattern)
	state, last := uint64(0), uint64(1)<<(n-1)
	for i := range len(name) {
		state = (state<<1 | 1) & rows[name[i]]
		if state&last != 0 {
			return i + 1
		}
	}
	return -1
}

// fillRows sets bit i of the row of each byte that the i-th element of a pattern
// without stars may be, for its first 64 elements. It returns the index behind
// them.
func fillRows(rows *[256]uint64, pattern string) (end int) {
	for bit := uint64(1); end < len(pattern) && bit != 0; bit <<= 1 {
		var set byteSet
		set, end = element(pattern, end)
		for b := range set.all {
			rows[b] |= bit
		}
	}
	return end
}

// findLongPart looks for as much as a table is made for, and tries the rest of
// the pattern at each place where it finds that.
func findLongPart(pattern string, n int, name string) int {
	cut := 0
	for range maxParallel {
		cut = elementEnd(pattern, cut)
	}
	t := newTable(pattern[:cut], maxParallel)
	rest := n - maxParallel
	return t.find(name, rest, func(behind string) bool { return Match(pattern[cut:], behind[:rest]) })
}

// A table is the rows of a pattern without stars that has more than 64 elements.
type table struct {
	n, words int
	bits     []uint64 // words for each byte
}

func newTable(pattern string, n int) *table {
	t := &table{n: n, words: (n + 63) / 64}
	t.bits = make([]uint64, 256*t.words)
	for word := range t.words {
		var rows [256]uint64
		pattern = pattern[fillRows(&rows, pattern):]
		for b, row := range rows {
			t.bits[b*t.words+word] = row
		}
	}
	return t
}

// find returns the index behind the first place of name where the pattern
// matches, at least rest bytes follow and the check of those holds. It returns
// -1 if there is none.
func (t *table) find(name string, rest int, check func(behind string) bool) int {
	state := make([]uint64, t.words)
	last := uint64(1) << ((t.n - 1) % 64)
	used := 0 // words of state behind which all are 0
	for i := range len(name) - rest {
		used = min(used+1, t.words)
		at := state[:used]
		row := t.bits[int(name[i])*t.words:][:used]
		carry := uint64(1)
		for j, s := range at {
			at[j] = (s<<1 | carry) & row[j]
			carry = s >> 63
		}
		if used == t.words && at[used-1]&last != 0 && check(name[i+1:]) {
			return i + 1 + rest
		}
		for used > 0 && at[used-1] == 0 {
			used--
		}
	}
	return -1
}

// A byteSet is a set of bytes, one bit each.
type byteSet [4]uint64

func (s *byteSet) add(b byte) { s[b/64] |= 1 << (b % 64) }

// all goes through the members in ascending order.
func (s *byteSet) all(yield func(b byte) bool) {
	for i, word := range s {
		for ; word != 0; word &= word - 1 {
			if !yield(byte(64*i + bits.TrailingZeros64(word))) {
				return
			}
		}
	}
}

// invert makes the set that of all other bytes.
func (s *byteSet) invert() {
	for i := range s {
		s[i] = ^s[i]
	}
}

// element returns the bytes that what begins at pattern[i] matches, and the
// index behind it. It is no star.
func element(pattern string, i int) (set byteSet, end int) {
	switch pattern[i] {
	case '?':
		set.invert()
		return set, i + 1
	case '[':
		return classSet(pattern, i)
	case '\\':
		if i+1 < len(pattern) {
			i++
		}
	}
	set.add(pattern[i])
	return set, i + 1
}

// classSet is matchClass for all bytes at once.
func classSet(pattern string, open int) (set byteSet, end int) {
	i := open + 1
	negated := i < len(pattern) && pattern[i] == '^'
	if negated {
		i++
	}
	for closed := false; i < len(pattern) && !closed; {
		c, rest := pattern[i], len(pattern)-i
		switch {
		case c == '\\' && rest >= 2:
			set.add(pattern[i+1])
			i += 2
		case c == ']':
			closed = true
			i++
		case rest >= 3 && pattern[i+1] == '-':
			lo, hi := min(c, pattern[i+2]), max(c, pattern[i+2])
			for b := int(lo); b <= int(hi); b++ {
				set.add(byte(b))
			}
			i += 3
		default:
			set.add(c)
			i++
		}
	}
	if negated {
		set.invert()
	}
	return set, i
}
