package transcript

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

const (
	// wideLine is the length beyond which an aggregate is shown with one
	// element a line.
	wideLine = 120
	// minRun is the shortest run of one byte that is shown as <x*n>.
	minRun = 40
)

// String shows v on one line as in a script.
func (v Value) String() string {
	if (v.Kind == SimpleString || v.Kind == SimpleError) && isPlain(v.Text) {
		return string(rune(v.Kind)) + v.Text
	}
	var b strings.Builder
	v.write(&b)
	return b.String()
}

// Format shows v as in a script, with the elements of a wide aggregate on
// lines of their own, each indented by indent spaces and two more a level.
func (v Value) Format(indent int) string {
	if s := v.String(); len(s)+indent <= wideLine || v.Kind == SimpleString || v.Kind == SimpleError {
		return s
	}
	var b strings.Builder
	v.writeWide(&b, indent)
	return b.String()
}

func (v Value) writeWide(b *strings.Builder, indent int) {
	var line strings.Builder
	v.write(&line)
	if line.Len()+indent <= wideLine {
		b.WriteString(line.String())
		return
	}
	if len(v.Elems) == 0 {
		// A text of several lines has them on lines of their own too.
		lines := strings.SplitAfter(strings.TrimSuffix(v.Text, "\n"), "\n")
		if (v.Kind != BulkString && v.Kind != VerbatimString) || len(lines) == 1 {
			b.WriteString(line.String())
			return
		}
		if strings.HasSuffix(v.Text, "\n") {
			lines[len(lines)-1] += "\n"
		}
		if v.Kind == VerbatimString {
			b.WriteByte(byte(v.Kind))
		}
		for i, l := range lines {
			if i > 0 {
				b.WriteString(" &\n" + strings.Repeat(" ", indent+2))
			}
			b.WriteString(Quote(l))
		}
		return
	}
	fmt.Fprintf(b, "%c%d", v.Kind, v.count())
	for i, e := range v.Elems {
		// A key and its value stand on one line where they fit.
		if v.Kind == Map && i%2 == 1 {
			b.WriteByte(' ')
		} else {
			b.WriteString("\n" + strings.Repeat(" ", indent+2))
		}
		e.writeWide(b, indent+2)
	}
}

func (v Value) write(b *strings.Builder) {
	switch v.Kind {
	case EOF:
		b.WriteString("eof")
	case Nothing:
		b.WriteString("nothing")
	case BulkString:
		if v.Null {
			b.WriteString("$-1")
			return
		}
		b.WriteString(Quote(v.Text))
	case SimpleString, SimpleError:
		b.WriteByte(byte(v.Kind))
		if isWord(v.Text) {
			b.WriteString(v.Text)
		} else {
			b.WriteString(Quote(v.Text))
		}
	case VerbatimString, BulkError:
		b.WriteByte(byte(v.Kind))
		if v.Null {
			b.WriteString("-1")
			return
		}
		b.WriteString(Quote(v.Text))
	case Array, Push, Map, Set, Attribute:
		b.WriteByte(byte(v.Kind))
		if v.Null {
			b.WriteString("-1")
			return
		}
		b.WriteString(strconv.Itoa(v.count()))
		for _, e := range v.Elems {
			b.WriteByte(' ')
			e.write(b)
		}
	default:
		b.WriteByte(byte(v.Kind))
		if v.Text != "" && !isWord(v.Text) {
			b.WriteString(Quote(v.Text))
		} else {
			b.WriteString(v.Text)
		}
	}
}

// isPlain reports whether s can stand unquoted up to the end of a line.
func isPlain(s string) bool {
	if s == "" || s[0] == '"' || s[0] == ' ' || s[len(s)-1] == ' ' || hasRun(s) {
		return false
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// isWord reports whether s can stand unquoted among other values.
func isWord(s string) bool {
	return isPlain(s) && !strings.ContainsAny(s, ` "`)
}

// hasRun reports whether s has a run of bytes that Quote would shorten.
func hasRun(s string) bool {
	for i := 0; i < len(s); {
		n := runLength(s[i:])
		if n >= minRun {
			return true
		}
		i += n
	}
	return false
}

func runLength(s string) int {
	n := 1
	for n < len(s) && s[n] == s[0] {
		n++
	}
	return n
}

// Quote shows the bytes of s between double quotes. Bytes outside printable
// ASCII are escaped, and long runs of one byte are shown as <x*n>.
func Quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(s); {
		if n := runLength(s[i:]); n >= minRun {
			b.WriteByte('<')
			quoteByte(&b, s[i])
			fmt.Fprintf(&b, "*%d>", n)
			i += n
			continue
		}
		if _, _, ok := parseRun(s[i:]); ok {
			b.WriteString(`\x3c`) // text that only looks like a run
		} else {
			quoteByte(&b, s[i])
		}
		i++
	}
	b.WriteByte('"')
	return b.String()
}

func quoteByte(b *strings.Builder, c byte) {
	switch {
	case c == '\n':
		b.WriteString(`\n`)
	case c == '\r':
		b.WriteString(`\r`)
	case c == '\t':
		b.WriteString(`\t`)
	case c == '"' || c == '\\':
		b.WriteByte('\\')
		b.WriteByte(c)
	case c < ' ' || c > '~':
		fmt.Fprintf(b, `\x%02x`, c)
	default:
		b.WriteByte(c)
	}
}

// parseRun parses <x*n> at the start of s, where x is a byte or an escape. It
// returns the run and how much of s stood for it.
func parseRun(s string) (run string, length int, ok bool) {
	if len(s) < 5 || s[0] != '<' {
		return "", 0, false
	}
	c, n := s[1], 1
	if c == '\\' {
		c, n = unescape(s[1:])
	}
	rest := s[1+n:]
	if !strings.HasPrefix(rest, "*") {
		return "", 0, false
	}
	digits, _, found := strings.Cut(rest[1:], ">")
	times, err := strconv.Atoi(digits)
	if !found || err != nil || times < 0 || times > maxBulk {
		return "", 0, false
	}
	return repeated(c, times), 1 + n + 1 + len(digits) + 1, true
}

// maxKeptRuns is how many bytes of runs are kept to be used again, all together.
const maxKeptRuns = 32 << 20

// keptRuns holds the longest run of each byte so far; shorter ones are parts of it. A
// script has the same message of a megabyte again and again.
var keptRuns struct {
	mu    sync.Mutex // guards the fields below
	of    [256]string
	bytes int
}

// repeated returns n times the byte c.
func repeated(c byte, n int) string {
	keptRuns.mu.Lock()
	defer keptRuns.mu.Unlock()
	kept := keptRuns.of[c]
	if n <= len(kept) {
		return kept[:n]
	}
	run := strings.Repeat(string([]byte{c}), n)
	if all := keptRuns.bytes - len(kept) + n; all <= maxKeptRuns {
		keptRuns.of[c], keptRuns.bytes = run, all
	}
	return run
}

// unescape returns the byte that the escape at the start of s stands for, and
// the length of the escape. s begins with a backslash.
func unescape(s string) (c byte, length int) {
	if len(s) >= 4 && s[1] == 'x' {
		if n, err := strconv.ParseUint(s[2:4], 16, 8); err == nil {
			return byte(n), 4
		}
	}
	if len(s) < 2 {
		return '\\', 1
	}
	switch s[1] {
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'b':
		return '\b', 2
	case 'a':
		return '\a', 2
	}
	return s[1], 2
}

// unquote parses the double-quoted string at the start of s and returns its
// bytes and what follows it.
func unquote(s string) (text, rest string, err error) {
	var b strings.Builder
	for i := 1; i < len(s); {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], nil
		case '\\':
			c, n := unescape(s[i:])
			b.WriteByte(c)
			i += n
		case '<':
			if run, n, ok := parseRun(s[i:]); ok {
				if i == 1 && strings.HasPrefix(s[i+n:], `"`) { // there is nothing else, and no copy is needed
					return run, s[i+n+1:], nil
				}
				b.WriteString(run)
				i += n
				continue
			}
			fallthrough
		default:
			b.WriteByte(s[i])
			i++
		}
	}
	return "", "", errors.New("the quote is not closed")
}

// unquoteLines parses one or more double-quoted strings joined by "&".
func unquoteLines(s string) (text, rest string, err error) {
	text, rest, err = unquote(s)
	for err == nil {
		next, more := strings.CutPrefix(strings.TrimLeft(rest, " \n"), "&")
		if !more {
			break
		}
		next = strings.TrimLeft(next, " \n")
		if !strings.HasPrefix(next, `"`) {
			return "", "", errors.New("a quoted string must follow &")
		}
		var line string
		line, rest, err = unquote(next)
		text += line
	}
	return text, rest, err
}

// ParseValue parses what Format or String made.
func ParseValue(s string) (Value, error) {
	s = strings.TrimSpace(s)
	if s != "" && (s[0] == '+' || s[0] == '-') && !strings.HasPrefix(s[1:], `"`) {
		return Value{Kind: Kind(s[0]), Text: s[1:]}, nil
	}
	v, rest, err := parseText(s, 0)
	if err != nil {
		return Value{}, fmt.Errorf("parsing %q: %w", s, err)
	}
	if strings.TrimSpace(rest) != "" {
		return Value{}, fmt.Errorf("parsing %q: %q follows the value", s, rest)
	}
	return v, nil
}

func parseText(s string, depth int) (v Value, rest string, err error) {
	s = strings.TrimLeft(s, " \n")
	if s == "" {
		return Value{}, "", errors.New("a value is missing")
	}
	if depth > maxDepth {
		return Value{}, "", errors.New("nested too deeply")
	}
	if s[0] == '"' {
		v.Kind = BulkString
		v.Text, rest, err = unquoteLines(s)
		return v, rest, err
	}
	word, rest := s, ""
	if i := strings.IndexAny(s, " \n"); i >= 0 {
		word, rest = s[:i], s[i:]
	}
	switch word {
	case "eof":
		return Value{Kind: EOF}, rest, nil
	case "nothing":
		return Value{Kind: Nothing}, rest, nil
	}
	v.Kind = Kind(word[0])
	switch v.Kind {
	case BulkString, Array, Push, Map, Set, Attribute, VerbatimString, BulkError:
		if word[1:] == "-1" {
			v.Null = true
			return v, rest, nil
		}
	}
	switch v.Kind {
	case SimpleString, SimpleError, Integer, Null, Boolean, Double, BigNumber, VerbatimString, BulkError:
		if strings.HasPrefix(word[1:], `"`) {
			v.Text, rest, err = unquoteLines(s[1:])
			return v, rest, err
		}
		v.Text = word[1:]
		return v, rest, nil
	case Array, Push, Map, Set, Attribute:
		n, err := readLength(word[1:], maxElems)
		if err != nil {
			return Value{}, "", fmt.Errorf("%q: %w", word, err)
		}
		for range v.Kind.elems(n) {
			var e Value
			if e, rest, err = parseText(rest, depth+1); err != nil {
				return Value{}, "", err
			}
			v.Elems = append(v.Elems, e)
		}
		return v, rest, nil
	}
	return Value{}, "", fmt.Errorf("%q does not begin with a type", word)
}
