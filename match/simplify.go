package match

import "strings"

// longPattern is the length in bytes from which a Set keeps a pattern in a
// simpler form too.
const longPattern = 256

// A simplified is a pattern in a form that is no longer and matches the same
// names. Of names of n bytes it takes at most n elements and n+1 stars into
// account, each of a bounded length.
type simplified struct {
	text  string
	least int // bytes of the shortest name that may match
}

// maxClass is the length in bytes from which simplify writes a class anew. No
// class that it writes is as long.
const maxClass = 3 + 2*128

// simplify makes one star of several and short classes of long ones.
func simplify(pattern string) (s simplified) {
	var b strings.Builder
	star := false // the last thing written is one
	for i := 0; i < len(pattern); {
		if pattern[i] == '*' {
			if !star {
				b.WriteByte('*')
			}
			star = true
			i++
			continue
		}
		star = false
		s.least++
		end := elementEnd(pattern, i)
		if pattern[i] == '[' && end-i > maxClass {
			writeClass(&b, pattern, i)
		} else {
			b.WriteString(pattern[i:end])
		}
		i = end
	}
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
