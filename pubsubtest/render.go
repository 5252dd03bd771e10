package pubsubtest

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// maxShown is how many bytes of one string are shown.
const maxShown = 200

// hidden is shown in place of a password.
const hidden = "(redacted)"

// A renderer writes values of RESP as one line.
type renderer struct {
	strings.Builder
	secrets *secrets // strings that are not shown
}

// render returns a value of RESP as one line: [message orders hello] for an array,
// >[...] for a push, ~[...] for a set, {a: 1} for a map, -ERR ... for an error. A
// value that is not whole is shown as far as it goes.
func render(value []byte, s *secrets) string {
	b := renderer{secrets: s}
	if _, ok := b.value(value); !ok {
		b.WriteString("…")
	}
	return b.String()
}

// value writes the first value and returns what is behind it.
func (b *renderer) value(p []byte) (rest []byte, ok bool) {
	head, rest, ok := bytes.Cut(p, []byte("\r\n"))
	if !ok || len(head) == 0 {
		return rest, ok
	}
	body := head[1:]
	switch head[0] {
	case '-':
		b.WriteString(withoutEcho(string(head)))
		return rest, true
	case '+', '(', ':', ',':
		b.text(body, len(body), string(body))
		return rest, true
	case '_':
		b.WriteString("nil")
		return rest, true
	case '#':
		b.WriteString(strconv.FormatBool(string(body) == "t"))
		return rest, true
	}
	size, ok := number(head)
	switch {
	case !ok:
		b.WriteString(quote(head, len(head)))
		return rest, true
	case size < 0:
		b.WriteString("nil")
		return rest, true
	}
	switch head[0] {
	case '$', '=', '!':
		text := rest[:min(size, len(rest))]
		shown := quote(text, size)
		if head[0] == '!' {
			shown = "-" + withoutEcho(string(text))
		}
		b.text(text, size, shown)
		if len(rest) < size+2 {
			return nil, false
		}
		return rest[size+2:], true
	case '*':
		return b.list(rest, size, "[", "]")
	case '>':
		return b.list(rest, size, ">[", "]")
	case '~':
		return b.list(rest, size, "~[", "]")
	case '%':
		return b.pairs(rest, size)
	}
	b.WriteString(quote(head, len(head)))
	return rest, true
}

// text writes a string of so many bytes, of which a part may be missing, unless it is a
// password.
func (b *renderer) text(text []byte, size int, shown string) {
	if b.secrets.has(string(text), size) {
		shown = hidden
	}
	b.WriteString(shown)
}

// withoutEcho returns an error without what it says back of a request: it may be a
// password, and the request stands above.
func withoutEcho(text string) string {
	for _, end := range []string{", with args beginning with: ", "ACL SETUSER modifier '"} {
		if before, _, found := strings.Cut(text, end); found {
			return before + end + "…"
		}
	}
	return text
}

func (b *renderer) list(p []byte, n int, begin, end string) (rest []byte, ok bool) {
	b.WriteString(begin)
	for i := range n {
		if i > 0 {
			b.WriteByte(' ')
		}
		if p, ok = b.value(p); !ok {
			return nil, false
		}
	}
	b.WriteString(end)
	return p, true
}

func (b *renderer) pairs(p []byte, n int) (rest []byte, ok bool) {
	b.WriteByte('{')
	for i := range 2 * n {
		switch {
		case i%2 == 1:
			b.WriteString(": ")
		case i > 0:
			b.WriteString(", ")
		}
		if p, ok = b.value(p); !ok {
			return nil, false
		}
	}
	b.WriteByte('}')
	return p, true
}

// quote returns a string as it is, or in quotes where it would not be clear what
// belongs to it. Size is how long it is; p may be its beginning.
func quote(p []byte, size int) string {
	shown := p[:min(len(p), maxShown)]
	text := strconv.Quote(string(shown))
	if plain := text[1 : len(text)-1]; plain != "" && plain == string(shown) && !strings.ContainsAny(plain, " []{},:") {
		text = plain
	}
	if size > len(shown) {
		text += fmt.Sprintf("…(%d bytes)", size)
	}
	return text
}

// showRequest returns a request of so many bytes as a line, as far as it is kept.
func showRequest(request []byte, size int, s *secrets) string {
	if request[0] == '*' {
		return strings.TrimSuffix(strings.TrimPrefix(render(request, s), "["), "]")
	}
	argv, _ := words(request, size)
	var b strings.Builder
	for i, w := range argv {
		if i > 0 {
			b.WriteByte(' ')
		}
		length := len(w)
		if i == len(argv)-1 && size > len(request) {
			length = unknown
		}
		switch {
		case s.has(string(w), length):
			w = []byte(hidden)
		case length == unknown:
			w = append(w[:min(len(w), maxShown-len("…"))], "…"...)
		}
		b.WriteString(quote(w, len(w)))
	}
	return b.String()
}
