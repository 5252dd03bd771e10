package server

import "bytes"

// splitWords splits a line into words at blanks, with the quotes of Redis:
// "…" with \n \r \t \b \a \xHH and \ before any other byte for that byte, '…'
// with \' only. The words are appended to argv, their bytes to mem, which must
// have room for as many bytes as the line. It is not ok if a quote is not
// closed or is followed by anything but a blank. A NUL ends the line.
//
// Inline requests, the configuration and its arguments are split by it.
func splitWords(argv [][]byte, mem, line []byte) (words [][]byte, ok bool) {
	line, _, _ = bytes.Cut(line, []byte{0})
	i := 0
	for {
		for i < len(line) && isSpace(line[i]) {
			i++
		}
		if i == len(line) {
			return argv, true
		}
		from := len(mem)
		for i < len(line) && !endsWord(line[i]) {
			if c := line[i]; c != '"' && c != '\'' {
				mem = append(mem, c)
				i++
				continue
			}
			if mem, i, ok = quoted(mem, line, i); !ok {
				return nil, false
			}
			break // a closing quote ends the word
		}
		argv = append(argv, mem[from:len(mem):len(mem)])
	}
}

// quoted appends the string whose opening quote is at i to mem and returns the
// place behind its closing quote.
func quoted(mem, line []byte, i int) ([]byte, int, bool) {
	quote := line[i]
	for i++; i < len(line); i++ {
		c := line[i]
		switch {
		case c == quote:
			i++
			return mem, i, i == len(line) || isSpace(line[i])
		case c != '\\' || i+1 == len(line):
			mem = append(mem, c)
		case quote == '\'':
			if line[i+1] == '\'' {
				i++
			}
			mem = append(mem, line[i])
		case line[i+1] == 'x' && i+3 < len(line) && isHex(line[i+2]) && isHex(line[i+3]):
			mem = append(mem, unhex(line[i+2])<<4|unhex(line[i+3]))
			i += 3
		default:
			i++
			mem = append(mem, unescape(line[i]))
		}
	}
	return mem, i, false
}

func unescape(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'b':
		return '\b'
	case 'a':
		return '\a'
	}
	return c
}

// isSpace is isspace of C in its default locale.
func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// endsWord tells which of the blanks end a word that has begun.
func endsWord(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c >= 'a':
		return c - 'a' + 10
	}
	return c - 'A' + 10
}
