package match

import "strings"

// Match reports whether the whole of name matches the glob pattern. Both are
// bytes, of any value and any length; nothing is decoded as UTF-8. The syntax
// is in the package comment. Every pattern is valid, so there is no error.
//
// The empty name matches only the empty pattern, not "*".
//
// It does not allocate and does not recurse. Its time is at worst
// proportional to len(pattern) * len(name).
func Match(pattern, name string) bool {
	if name == "" {
		return pattern == ""
	}
	head := plainRun(pattern)
	if !strings.HasPrefix(name, head) {
		return false
	}
	// Everything but a star takes exactly one byte, so the only choice is how
	// much each star takes, and only the last star needs to be remembered: the
	// earlier ones took the least they could, which leaves the most to the rest.
	var (
		p, n  = len(head), len(head) // the next byte of pattern and of name
		star  = -1                   // the pattern byte after the last star; -1 before the first
		run   string                 // the plain bytes from star to the next special one
		start int                    // where in name the pattern after star is being tried
	)
	for {
		var from int // where in name to try it next
		switch {
		case p == len(pattern):
			if n == len(name) {
				return true
			}
			from = start + 1
		case pattern[p] == '*':
			p++
			star, run, from = p, plainRun(pattern[p:]), n
			if p+len(run) == len(pattern) {
				return strings.HasSuffix(name[n:], run)
			}
		case n == len(name):
			return false // what is left needs a byte; trying further on leaves fewer
		default:
			ok, next := true, p+1
			switch c := pattern[p]; c {
			case '?':
			case '[':
				ok, next = matchClass(pattern, p, name[n])
			case '\\':
				if next < len(pattern) {
					c = pattern[next]
					next++
				}
				ok = c == name[n]
			default:
				ok = c == name[n]
			}
			if ok {
				p, n = next, n+1
				continue
			}
			from = start + 1
		}
		if star < 0 {
			return false
		}
		i := strings.Index(name[from:], run)
		if i < 0 {
			return false
		}
		start = from + i
		p, n = star+len(run), start+len(run)
	}
}

// special has the bytes that do not stand for themselves outside a class.
var special = [256]bool{'*': true, '?': true, '[': true, '\\': true}

// plainRun returns the longest prefix of pattern in which every byte stands
// for itself.
func plainRun(pattern string) string {
	for i := range len(pattern) {
		if special[pattern[i]] {
			return pattern[:i]
		}
	}
	return pattern
}

// matchClass reports whether the class that opens at pattern[open], a '[',
// matches b, and returns the index of the first byte after the class. Where
// the class ends does not depend on b.
func matchClass(pattern string, open int, b byte) (matched bool, end int) {
	i := open + 1
	negated := i < len(pattern) && pattern[i] == '^'
	if negated {
		i++
	}
	member := false
	for i < len(pattern) {
		c, rest := pattern[i], len(pattern)-i
		switch {
		case c == '\\' && rest >= 2:
			member = member || b == pattern[i+1]
			i += 2
		case c == ']':
			return member != negated, i + 1
		case rest >= 3 && pattern[i+1] == '-':
			lo, hi := c, pattern[i+2]
			member = member || min(lo, hi) <= b && b <= max(lo, hi)
			i += 3
		default:
			member = member || b == c
			i++
		}
	}
	return member != negated, i
}
