package server

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestSplitWords(t *testing.T) {
	for _, tt := range []struct {
		line string
		want []string
		ok   bool
	}{
		{"", nil, true},
		{" \t\r\n\v\f ", nil, true},
		{"a  b\tc", []string{"a", "b", "c"}, true},
		{`a"b c"`, []string{"ab c"}, true},
		{`"" ''`, []string{"", ""}, true},
		{`"\n\r\t\b\a\\\"\x41\xfF\q"`, []string{"\n\r\t\b\a\\\"A\xffq"}, true},
		{`"\x4" "\xg1"`, []string{"x4", "xg1"}, true},
		{`'\n\'\\x'`, []string{`\n'\\x`}, true},
		{`'\\''`, []string{`\'`}, true},
		{`'\\'`, nil, false},
		{`"a`, nil, false},
		{`'a`, nil, false},
		{`"a\`, nil, false},
		{`"a"b`, nil, false},
		{`'a'"b"`, nil, false},
		{"a\vb\f", []string{"a\vb\f"}, true},
		{"\"a\"\vb", []string{"a", "b"}, true},
		{"a b\x00c d", []string{"a", "b"}, true},
		{"\"a\"\x00b", []string{"a"}, true},
		{"\"a\x00b\"", nil, false},
	} {
		got, ok := wordsOf([]byte(tt.line))
		if ok != tt.ok || !slices.Equal(got, tt.want) {
			t.Errorf("%q: %q, %v; want %q, %v", tt.line, got, ok, tt.want, tt.ok)
		}
	}
}

// wordsOf splits a line in memory that is just large enough.
func wordsOf(line []byte) (words []string, ok bool) {
	argv, ok := splitWords(nil, make([]byte, 0, len(line)), line)
	for _, w := range argv {
		words = append(words, string(w))
	}
	return words, ok
}

func TestSplitWordsKeepsWordsApart(t *testing.T) {
	argv, ok := splitWords(nil, make([]byte, 0, 8), []byte("ab cd ef"))
	if !ok || len(argv) != 3 {
		t.Fatalf("%q, %v", argv, ok)
	}
	_ = append(argv[0], 'X')
	if string(argv[1]) != "cd" {
		t.Errorf("appending to one word changed the next: %q", argv)
	}
}

func FuzzWords(f *testing.F) {
	for _, s := range []string{"", "a b", `a "b c" 'd'`, `"\x41\n\"" '\''`, `"a"b`, `'a`, "a\x00b", "\"a\"\x00", "\v\fa\v", `"\x`, `"\`, `'\`, `"\x4"`, `a"b"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		kept := bytes.Clone(line)
		mem := make([]byte, 0, len(line))
		argv, ok := splitWords(nil, mem, line)
		if !bytes.Equal(line, kept) {
			t.Fatal("the line was changed")
		}
		want, wantOK := modelWords(string(line))
		if ok != wantOK || !slices.EqualFunc(argv, want, func(a []byte, w string) bool { return string(a) == w }) {
			t.Fatalf("%q: %q, %v; want %q, %v", line, argv, ok, want, wantOK)
		}
		total := 0
		for _, w := range argv {
			total += len(w)
		}
		if full := mem[:cap(mem)]; total > 0 && &full[0] != firstByte(argv) {
			t.Fatal("the words are not in the memory given")
		}
	})
}

func firstByte(argv [][]byte) *byte {
	for _, w := range argv {
		if len(w) > 0 {
			return &w[0]
		}
	}
	return nil
}

// modelWords splits a line by an automaton that sees one byte after another.
func modelWords(line string) (words []string, ok bool) {
	line, _, _ = strings.Cut(line, "\x00")
	const blanks = " \t\n\v\f\r"
	const hexDigits = "0123456789abcdef"
	escapes := map[byte]byte{'n': '\n', 'r': '\r', 't': '\t', 'b': '\b', 'a': '\a'}
	hex := func(c byte) int { return strings.IndexByte(hexDigits, bytes.ToLower([]byte{c})[0]) }

	var word []byte
	state, held := "gap", byte(0)
	end := func() { words, word, state = append(words, string(word)), nil, "gap" }
	for i := 0; i < len(line); i++ {
		c := line[i]
		again := false // the byte is looked at once more in the new state
		switch state {
		case "gap":
			if !strings.Contains(blanks, string(rune(c))) || c >= 0x80 {
				state, again = "word", true
			}
		case "word":
			switch c {
			case ' ', '\n', '\r', '\t':
				end()
			case '"':
				state = "double"
			case '\'':
				state = "single"
			default:
				word = append(word, c)
			}
		case "double":
			switch c {
			case '\\':
				state = "escape"
			case '"':
				state = "closed"
			default:
				word = append(word, c)
			}
		case "escape":
			e, special := escapes[c]
			switch {
			case c == 'x':
				state = "hex"
			case special:
				word, state = append(word, e), "double"
			default:
				word, state = append(word, c), "double"
			}
		case "hex":
			if hex(c) >= 0 {
				held, state = c, "hex2"
			} else {
				word, state, again = append(word, 'x'), "double", true
			}
		case "hex2":
			if hex(c) >= 0 {
				word, state = append(word, byte(hex(held)<<4|hex(c))), "double"
			} else {
				word, state, again = append(word, 'x', held), "double", true
			}
		case "single":
			switch c {
			case '\\':
				state = "backslash"
			case '\'':
				state = "closed"
			default:
				word = append(word, c)
			}
		case "backslash":
			if c == '\'' {
				word, state = append(word, c), "single"
			} else {
				word, state, again = append(word, '\\'), "single", true
			}
		case "closed":
			if !strings.Contains(blanks, string(rune(c))) || c >= 0x80 {
				return nil, false
			}
			end()
		}
		if again {
			i--
		}
	}
	switch state {
	case "word", "closed":
		end()
	case "gap":
	default:
		return nil, false
	}
	return words, true
}
