package match

import "strings"

// Match reports whether the whole of name matches the glob pattern. Both are
// bytes, of any value and any length; nothing is decoded as UTF-8. The syntax
// is in the package comment. Every pattern is valid, so there is no error.
//
// The empty name matches only the empty pattern, not "*".
//
// Its time is at worst proportional to len(pattern) * len(name), or to a 64th of
// it if no more than 65536 bytes of the name are matched between two stars. It
// does not recurse without bound, and allocates only where it would go back over
// the name very often: at most a little more than 2 MiB.
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
		spent int                    // bytes of pattern tried in vain
	)
	for {
		var from int  // where in name to try it next
		retry := true // after a mismatch, and not for the first time behind a star
		switch {
		case p == len(pattern):
			if n == len(name) {
				return true
			}
			from = start + 1
		case pattern[p] == '*':
			p++
			star, run, from, retry = p, plainRun(pattern[p:]), n, false
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
		if retry {
			if spent += p - star + 1; spent > patience {
				return behindStar(pattern[star:], name[from:])
			}
		}
		i := strings.Index(name[from:], run)
		if i < 0 {
			return false
		}
		start = from + i
		p, n = star+len(run), start+len(run)
	}
}

// patience is how many bytes of a pattern Match tries in vain before it looks
// at many places of the name at once, which it has to prepare for.
const patience = 1 << 10

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
