package match

import "strings"

// literals returns the bytes that every name matching pattern begins with and
// the bytes it ends with, escapes resolved. If nothing in the pattern is a
// star, a question mark or a class then exact is true, and prefix is the only
// name that matches.
//
// Unless exact, prefix and suffix come from different bytes of the pattern with
// something between them, so in a name that matches they do not overlap.
func literals(pattern string) (prefix, suffix string, exact bool) {
	first, last := -1, 0 // where the first special part begins and the last one ends
	for i := 0; i < len(pattern); {
		begin, special := i, true
		switch pattern[i] {
		case '*', '?':
			i++
		case '[':
			_, i = matchClass(pattern, i, 0)
		case '\\':
			i, special = min(i+2, len(pattern)), false
		default:
			i, special = i+1, false
		}
		if special {
			if first < 0 {
				first = begin
			}
			last = i
		}
	}
	if first < 0 {
		return unescape(pattern), "", true
	}
	return unescape(pattern[:first]), unescape(pattern[last:]), false
}

// unescape resolves the escapes of a pattern that has nothing else special. It
// allocates only if there are some.
func unescape(pattern string) string {
	i := strings.IndexByte(pattern, '\\')
	if i < 0 {
		return pattern
	}
	var b strings.Builder
	b.Grow(len(pattern))
	for ; i >= 0; i = strings.IndexByte(pattern, '\\') {
		b.WriteString(pattern[:i])
		if i+1 < len(pattern) {
			i++
		}
		b.WriteByte(pattern[i])
		pattern = pattern[i+1:]
	}
	b.WriteString(pattern)
	return b.String()
}
