// Package terminal lets a program run on a terminal, and shows what is then on its
// screen.
package terminal

import (
	"bytes"
	"strconv"
	"strings"
)

// A Screen turns what a program prints on a terminal into the text that is
// then on it. It knows the control sequences that redis-cli's line editor
// uses and has no lower edge: nothing scrolls away. One byte is one column,
// which is how that line editor counts.
//
// A sequence it does not know is shown as it came, with ^[ for the escape, so
// that it turns up in comparisons.
type Screen struct {
	rows     [][]byte
	row, col int
	pending  []byte // an escape sequence that has not ended
}

// Write shows what a program has printed. It never fails.
func (s *Screen) Write(p []byte) (int, error) {
	for _, b := range p {
		s.show(b)
	}
	return len(p), nil
}

// String returns the rows, without a newline after the last one.
func (s *Screen) String() string {
	return string(bytes.Join(s.rows, []byte("\n")))
}

func (s *Screen) show(b byte) {
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
func (s *Screen) current() *[]byte {
	for len(s.rows) <= s.row {
		s.rows = append(s.rows, nil)
	}
	return &s.rows[s.row]
}

func (s *Screen) put(b byte) {
	row := s.current()
	for len(*row) <= s.col {
		*row = append(*row, ' ')
	}
	(*row)[s.col] = b
	s.col++
}

func (s *Screen) control(sequence []byte) {
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

func (s *Screen) unknown(sequence []byte) {
	s.put('^')
	s.put('[')
	for _, b := range sequence[1:] {
		s.put(b)
	}
}
