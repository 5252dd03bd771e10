package pubsubtest

import (
	"bytes"
	"math"
	"strconv"
)

// A scanner finds where the values of RESP end in a stream that comes in pieces of
// any length. Of what is malformed it makes lines.
type scanner struct {
	requests bool // of the client: what does not begin with * is an inline command

	open bool   // within a value
	head bool   // in its first line
	left int    // values to come until the outermost is whole
	bulk int    // bytes to come of a bulk string and its line end
	line []byte // beginning of the line at hand
}

// maxHeader is how many bytes of a line are kept: more than any number has.
const maxHeader = 32

// scan goes to the end of the outermost value at hand or of p, whichever comes
// first, and returns how many bytes that is and whether the value is whole.
func (s *scanner) scan(p []byte) (n int, whole bool) {
	if !s.open && len(p) > 0 {
		s.open, s.head, s.left = true, true, 1
	}
	for n < len(p) {
		if s.bulk > 0 {
			k := min(s.bulk, len(p)-n)
			n += k
			if s.bulk -= k; s.bulk == 0 && s.ended(1) {
				return n, true
			}
			continue
		}
		rest := p[n:]
		end := bytes.IndexByte(rest, '\n') + 1
		piece := rest
		if end > 0 {
			piece = rest[:end]
		}
		n += len(piece)
		s.line = append(s.line, piece[:min(len(piece), maxHeader-len(s.line))]...)
		if end > 0 && s.header() {
			return n, true
		}
	}
	return n, false
}

// header is called at the end of a line. It tells whether the outermost value is
// whole.
func (s *scanner) header() bool {
	line := bytes.TrimRight(s.line, "\r\n")
	s.line = s.line[:0]
	inline := s.requests && s.head && !bytes.HasPrefix(line, []byte("*"))
	s.head = false
	if len(line) == 0 || inline {
		return s.ended(1)
	}
	size, ok := number(line)
	if !ok || size < 0 {
		return s.ended(1)
	}
	switch line[0] {
	case '$', '=', '!':
		s.bulk = size + len("\r\n")
		return false
	case '*', '~', '>':
		s.left += size
	case '%':
		s.left += 2 * size
	case '|': // stands before a value
		s.left += 2 * size
		return false
	}
	return s.ended(1)
}

// ended counts values that are whole and tells whether the outermost is.
func (s *scanner) ended(n int) bool {
	if s.left -= n; s.left > 0 {
		return false
	}
	s.open = false
	return true
}

// number returns the number in a header line. A line end may be missing.
func number(line []byte) (n int, ok bool) {
	if len(line) == 0 {
		return 0, false
	}
	n, err := strconv.Atoi(string(line[1:]))
	return n, err == nil && n <= math.MaxInt32
}
