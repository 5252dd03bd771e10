package pubsubtest

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// maxShown is how many bytes of one string are shown.
const maxShown = 200

// render returns a value of RESP as one line: [message orders hello] for an array,
// >[...] for a push, ~[...] for a set, {a: 1} for a map, -ERR ... for an error. A
// value that is not whole is shown as far as it goes.
func render(value []byte) string {
	var b strings.Builder
	if _, ok := renderValue(&b, value); !ok {
		b.WriteString("…")
	}
	return b.String()
}

// renderValue writes the first value and returns what is behind it.
func renderValue(b *strings.Builder, p []byte) (rest []byte, ok bool) {
	line, rest, ok := bytes.Cut(p, []byte("\r\n"))
	if !ok || len(line) == 0 {
		return rest, ok
	}
	body := line[1:]
	switch line[0] {
	case '+':
		b.Write(body)
		return rest, true
	case '-', '(', ':', ',':
		if line[0] == '-' {
			b.WriteByte('-')
		}
		b.Write(body)
		return rest, true
	case '_':
		b.WriteString("nil")
		return rest, true
	case '#':
		b.WriteString(strconv.FormatBool(string(body) == "t"))
		return rest, true
	}
	size, err := strconv.Atoi(string(body))
	if err != nil {
		b.WriteString(quote(line))
		return rest, true
	}
	if size < 0 {
		b.WriteString("nil")
		return rest, true
	}
	switch line[0] {
	case '$', '=', '!':
		if len(rest) < size+2 {
			b.WriteString(quote(rest))
			return nil, false
		}
		b.WriteString(quote(rest[:size]))
		return rest[size+2:], true
	case '*':
		return renderList(b, rest, size, "[", "]")
	case '>':
		return renderList(b, rest, size, ">[", "]")
	case '~':
		return renderList(b, rest, size, "~[", "]")
	case '%':
		return renderMap(b, rest, size)
	}
	b.WriteString(quote(line))
	return rest, true
}

func renderList(b *strings.Builder, p []byte, n int, begin, end string) (rest []byte, ok bool) {
	b.WriteString(begin)
	for i := range n {
		if i > 0 {
			b.WriteByte(' ')
		}
		if p, ok = renderValue(b, p); !ok {
			return nil, false
		}
	}
	b.WriteString(end)
	return p, true
}

func renderMap(b *strings.Builder, p []byte, n int) (rest []byte, ok bool) {
	b.WriteByte('{')
	for i := range 2 * n {
		switch {
		case i%2 == 1:
			b.WriteString(": ")
		case i > 0:
			b.WriteString(", ")
		}
		if p, ok = renderValue(b, p); !ok {
			return nil, false
		}
	}
	b.WriteByte('}')
	return p, true
}

// quote returns a string as it is, or in quotes where it would not be clear what
// belongs to it.
func quote(p []byte) string {
	shown := p[:min(len(p), maxShown)]
	text := strconv.Quote(string(shown))
	if plain := text[1 : len(text)-1]; plain != "" && plain == string(shown) && !strings.ContainsAny(plain, " []{},:") {
		text = plain
	}
	if len(p) > maxShown {
		text += fmt.Sprintf("…(%d bytes)", len(p))
	}
	return text
}

// words returns the words of a request, nil if it is malformed. They share its
// memory.
func words(request []byte) [][]byte {
	if len(request) == 0 || request[0] != '*' {
		return bytes.Fields(request)
	}
	line, rest, _ := bytes.Cut(request, []byte("\r\n"))
	n, err := strconv.Atoi(string(line[1:]))
	if err != nil {
		return nil
	}
	var list [][]byte
	for range n {
		line, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		if len(line) == 0 || line[0] != '$' {
			return list
		}
		size, err := strconv.Atoi(string(line[1:]))
		if err != nil || size < 0 {
			return list
		}
		if size > len(rest) {
			return append(list, rest) // the beginning of one that is not kept whole
		}
		list = append(list, rest[:size])
		rest = bytes.TrimPrefix(rest[size:], []byte("\r\n"))
	}
	return list
}

// showRequest returns a request as a line. What follows AUTH is not shown.
func showRequest(request []byte) string {
	list := words(request)
	var b strings.Builder
	secret := 0
	for i, w := range list {
		if i > 0 {
			b.WriteByte(' ')
		}
		switch {
		case secret > 0:
			secret--
			b.WriteString("(redacted)")
		default:
			b.WriteString(quote(w))
		}
		switch {
		case i == 0 && isWord(w, "AUTH"):
			secret = len(list)
		case i > 0 && secret == 0 && isWord(list[0], "HELLO") && isWord(w, "AUTH"):
			secret = 2
		}
	}
	return b.String()
}
