package match

import "math/rand/v2"

// The model is a second matcher, written from the rules alone and for
// plainness: the pattern becomes a list of byte sets and stars, and a table
// says which of their prefixes match which prefix of the name.

// A modelPart is a star or a set of bytes of which one is taken.
type modelPart struct {
	star bool
	set  [256]bool
}

func modelMatch(pattern, name string) bool {
	if len(name) == 0 {
		return len(pattern) == 0
	}
	return modelMatchParts(modelParse([]byte(pattern)), name)
}

func modelMatchParts(parts []modelPart, name string) bool {
	// row[j]: the parts so far match the first j bytes of the name.
	row := make([]bool, len(name)+1)
	row[0] = true
	for _, part := range parts {
		after := make([]bool, len(name)+1)
		for j := range after {
			if part.star {
				after[j] = row[j] || j > 0 && after[j-1]
			} else {
				after[j] = j > 0 && row[j-1] && part.set[name[j-1]]
			}
		}
		row = after
	}
	return row[len(name)]
}

func modelParse(rest []byte) []modelPart {
	var parts []modelPart
	take := func() byte {
		c := rest[0]
		rest = rest[1:]
		return c
	}
	for len(rest) > 0 {
		var part modelPart
		switch c := take(); {
		case c == '*':
			part.star = true
		case c == '?':
			for i := range part.set {
				part.set[i] = true
			}
		case c == '[':
			part.set, rest = modelClass(rest)
		case c == '\\' && len(rest) > 0:
			part.set[take()] = true
		default:
			part.set[c] = true
		}
		parts = append(parts, part)
	}
	return parts
}

// modelClass parses what follows a '['.
func modelClass(rest []byte) (set [256]bool, after []byte) {
	invert := false
	if len(rest) > 0 && rest[0] == '^' {
		invert = true
		rest = rest[1:]
	}
	for len(rest) > 0 {
		if rest[0] == '\\' && len(rest) > 1 {
			set[rest[1]] = true
			rest = rest[2:]
			continue
		}
		if rest[0] == ']' {
			rest = rest[1:]
			break
		}
		if len(rest) > 2 && rest[1] == '-' {
			from, to := int(rest[0]), int(rest[2])
			if from > to {
				from, to = to, from
			}
			for i := from; i <= to; i++ {
				set[i] = true
			}
			rest = rest[3:]
			continue
		}
		set[rest[0]] = true
		rest = rest[1:]
	}
	if invert {
		for i := range set {
			set[i] = !set[i]
		}
	}
	return set, rest
}

// nasty has the bytes on which matchers disagree: everything special, two
// plain letters, and two bytes that are negative where C chars are signed.
const nasty = "ab-]^[\\*?\x80\xff"

// A byteSource deals out bytes to build test inputs from.
type byteSource func(n int) int // a number below n

// newByteSource returns a source that deals out the same numbers on every run.
func newByteSource(seed uint64) byteSource {
	return rand.New(rand.NewPCG(seed, 0)).IntN
}

// nasty returns a string of at most maxLen nasty bytes.
func (next byteSource) nasty(maxLen int) string {
	b := make([]byte, next(maxLen+1))
	for i := range b {
		b[i] = nasty[next(len(nasty))]
	}
	return string(b)
}

// near returns a name that the parts match, or nearly.
func (next byteSource) near(parts []modelPart) string {
	var b []byte
	for _, part := range parts {
		if part.star {
			b = append(b, next.nasty(2)...)
			continue
		}
		// The first member from a random place on, if there is any.
		for from, i := next(256), 0; i < 256; i++ {
			if c := byte(from + i); part.set[c] {
				b = append(b, c)
				break
			}
		}
	}
	if len(b) > 0 && next(4) == 0 {
		b[next(len(b))] = nasty[next(len(nasty))]
	}
	return string(b)
}
