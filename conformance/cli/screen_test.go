package cli_test

import (
	"bytes"
	"strconv"
	"strings"
	"testing"
)

// A screen turns what a program prints on a terminal into the text that is
// then on it. It knows the control sequences that redis-cli's line editor
// uses and has no lower edge: nothing scrolls away. One byte is one column,
// which is how that line editor counts.
//
// A sequence it does not know is shown as it came, with ^[ for the escape, so
// that it turns up in comparisons.
type screen struct {
	rows     [][]byte
	row, col int
	pending  []byte // an escape sequence that has not ended
}

// Write shows what a program has printed. It never fails.
func (s *screen) Write(p []byte) (int, error) {
	for _, b := range p {
		s.show(b)
	}
	return len(p), nil
}

// String returns the rows, without a newline after the last one.
func (s *screen) String() string {
	return string(bytes.Join(s.rows, []byte("\n")))
}

func (s *screen) show(b byte) {
	if len(s.pending) > 0 {
		s.pending = append(s.pending, b)
		// An escape sequence is ESC [ parameters, and ends with a letter.
		if len(s.pending) == 2 && b != '[' || len(s.pending) > 2 && b >= 0x40 {
			sequence := s.pending
			s.pending = nil
			s.control(sequence)
		}
		return
	}
	switch b {
	case 0x1b:
		s.pending = []byte{b}
	case '\r':
		s.col = 0
	case '\n':
		s.row++
		s.current()
	case '\b':
		s.col = max(0, s.col-1)
	case '\a':
	default:
		s.put(b)
	}
}

// current returns the row of the cursor, which it adds if there is none yet.
func (s *screen) current() *[]byte {
	for len(s.rows) <= s.row {
		s.rows = append(s.rows, nil)
	}
	return &s.rows[s.row]
}

func (s *screen) put(b byte) {
	row := s.current()
	for len(*row) <= s.col {
		*row = append(*row, ' ')
	}
	(*row)[s.col] = b
	s.col++
}

func (s *screen) control(sequence []byte) {
	parameters := strings.Split(string(sequence[2:max(2, len(sequence)-1)]), ";")
	first, _ := strconv.Atoi(parameters[0]) // absent is zero
	switch row := s.current(); sequence[len(sequence)-1] {
	case 'm': // colours
	case 'C':
		s.col += max(1, first)
	case 'D':
		s.col = max(0, s.col-max(1, first))
	case 'A':
		s.row = max(0, s.row-max(1, first))
	case 'H':
		s.row, s.col = 0, 0
	case 'K':
		if first == 0 {
			*row = (*row)[:min(len(*row), s.col)]
			return
		}
		s.unknown(sequence)
	case 'J':
		if first == 2 {
			s.rows = nil
			return
		}
		s.unknown(sequence)
	default:
		s.unknown(sequence)
	}
}

func (s *screen) unknown(sequence []byte) {
	s.put('^')
	s.put('[')
	for _, b := range sequence[1:] {
		s.put(b)
	}
}

func TestScreen(t *testing.T) {
	t.Parallel()
	for _, try := range []struct {
		name, printed, want string
	}{
		{name: "lines", printed: "a\r\nb\r\n", want: "a\nb\n"},
		{name: "a bare line feed keeps the column", printed: "a\nb", want: "a\n b"},
		{name: "overwriting", printed: "abc\rx", want: "xbc"},
		{name: "erasing to the end", printed: "abc\r\x1b[1C\x1b[0K", want: "a"},
		{name: "colours", printed: "a\x1b[0;90;49mb\x1b[0m", want: "ab"},
		{name: "clearing", printed: "a\r\nb\x1b[H\x1b[2Jc", want: "c"},
		{name: "backspace", printed: "ab\bc", want: "ac"},
		{name: "moving past the end", printed: "a\x1b[2Cb", want: "a  b"},
		{name: "unknown", printed: "\x1b[5n", want: "^[[5n"},
		{name: "bytes above ASCII", printed: "\xff", want: "\xff"},
		{name: "unfinished", printed: "a\x1b[", want: "a"},
	} {
		t.Run(try.name, func(t *testing.T) {
			// In pieces of every size: where a read ends must not matter.
			for size := 1; size <= len(try.printed); size++ {
				var s screen
				for rest := []byte(try.printed); len(rest) > 0; {
					n := min(size, len(rest))
					s.Write(rest[:n])
					rest = rest[n:]
				}
				if got := s.String(); got != try.want {
					t.Errorf("in pieces of %d: %q, want %q", size, got, try.want)
				}
			}
		})
	}
}
