package transcript

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
)

// A Kind is the type of a RESP value: its first byte on the wire.
type Kind byte

// The RESP2 and RESP3 types, and two marks that stand where a value could.
const (
	SimpleString   Kind = '+'
	SimpleError    Kind = '-'
	Integer        Kind = ':'
	BulkString     Kind = '$'
	Array          Kind = '*'
	Push           Kind = '>'
	Map            Kind = '%'
	Set            Kind = '~'
	Null           Kind = '_'
	Boolean        Kind = '#'
	Double         Kind = ','
	BigNumber      Kind = '('
	VerbatimString Kind = '='
	BulkError      Kind = '!'
	Attribute      Kind = '|'

	// EOF says that the server has closed the connection.
	EOF Kind = 'e'
	// Nothing says, in a declared difference, that no value is sent.
	Nothing Kind = 'n'
)

const (
	maxLine  = 64 << 10  // bytes of a line that is not a bulk
	maxBulk  = 512 << 20 // bytes, the limit of the protocol
	maxElems = 1 << 20
	maxDepth = 32

	valueCost = 64      // bytes that a value takes besides its text
	anyValue  = 1 << 30 // bytes that ReadValue takes at most
	maxPlay   = 32 << 20
)

// MaxValue is how many bytes a value may take that is played, each value within it
// counted as 64 bytes and its text. No case expects a fourth of it, nor more than
// 24 MB in all; maxPlay bounds what a play keeps.
const MaxValue = 16 << 20

// A Value is one RESP value as it came over the wire.
type Value struct {
	Kind Kind
	// Null marks the RESP2 nulls $-1 and *-1.
	Null bool
	// Text is the payload of a scalar, for numbers exactly as it was written.
	Text string
	// Elems are the elements of an aggregate. A map has a key and a value
	// for each of its entries; an attribute has those, then the value that
	// it describes.
	Elems []Value
}

// ReadValue reads one value from r. The end of the stream before its first
// byte, also by a reset, is the value EOF and not an error.
func ReadValue(r *bufio.Reader) (Value, error) { return ReadValueWithin(r, anyValue) }

// ReadValueWithin is like ReadValue and fails at a value that takes more than most
// bytes, before it takes them; see MaxValue.
func ReadValueWithin(r *bufio.Reader, most int) (Value, error) {
	if _, err := r.Peek(1); errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		return Value{Kind: EOF}, nil
	}
	room := most
	v, err := readValue(r, 0, &room)
	switch network := net.Error(nil); {
	case errors.Is(err, errLarge):
		err = fmt.Errorf("reading a value: it takes more than %d bytes", most)
	case err == nil, errors.As(err, &network), errors.Is(err, io.ErrUnexpectedEOF):
	default:
		err = malformedError{err}
	}
	return v, err
}

// errLarge says that a value takes more than there is room.
var errLarge = errors.New("too large")

// readValue reads a value that takes no more than room, and takes that off it.
func readValue(r *bufio.Reader, depth int, room *int) (Value, error) {
	if depth > maxDepth {
		return Value{}, errors.New("reading a value: nested too deeply")
	}
	line, err := readLine(r)
	if err != nil {
		return Value{}, fmt.Errorf("reading a value: %w", err)
	}
	if *room -= valueCost + len(line); *room < 0 {
		return Value{}, errLarge
	}
	if line == "" {
		return Value{}, errors.New("reading a value: empty line")
	}
	v := Value{Kind: Kind(line[0])}
	rest := line[1:]
	switch v.Kind {
	case SimpleString, SimpleError, Integer, Null, Boolean, Double, BigNumber:
		v.Text = rest
		return v, nil
	case BulkString, VerbatimString, BulkError:
		if rest == "-1" {
			v.Null = true
			return v, nil
		}
		n, err := readLength(rest, maxBulk)
		if err != nil {
			return Value{}, fmt.Errorf("reading a value: %s: %w", quoteLine(line), err)
		}
		if *room -= n; *room < 0 {
			return Value{}, errLarge
		}
		v.Text, err = readBulk(r, n)
		return v, err
	case Array, Push, Map, Set, Attribute:
		if rest == "-1" {
			v.Null = true
			return v, nil
		}
		n, err := readLength(rest, maxElems)
		if err != nil {
			return Value{}, fmt.Errorf("reading a value: %s: %w", quoteLine(line), err)
		}
		for range v.Kind.elems(n) {
			e, err := readValue(r, depth+1, room)
			if err != nil {
				return Value{}, err
			}
			v.Elems = append(v.Elems, e)
		}
		return v, nil
	}
	return Value{}, fmt.Errorf("reading a value: %s does not begin with a type", quoteLine(line))
}

// maxQuoted is how many bytes of a line errors show.
const maxQuoted = 100

// quoteLine shows the beginning of a line.
func quoteLine(line string) string {
	if len(line) <= maxQuoted {
		return strconv.Quote(line)
	}
	return fmt.Sprintf("%q and %d bytes more", line[:maxQuoted], len(line)-maxQuoted)
}

// size returns how many bytes v takes, about.
func (v Value) size() int {
	n := valueCost + len(v.Text)
	for _, e := range v.Elems {
		n += e.size()
	}
	return n
}

// elems returns how many values follow the header of an aggregate of n.
func (k Kind) elems(n int) int {
	switch k {
	case Map:
		return 2 * n
	case Attribute:
		return 2*n + 1
	}
	return n
}

// count is the inverse of elems: the number in the header of v.
func (v Value) count() int {
	if v.Kind == Map || v.Kind == Attribute {
		return len(v.Elems) / 2
	}
	return len(v.Elems)
}

// readLine returns a line without its CR LF. A lone LF does not end it. It takes
// memory for no more than maxLine bytes.
func readLine(r *bufio.Reader) (string, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > maxLine {
			return "", fmt.Errorf("line too long: %s", quoteLine(string(append(line, part...))))
		}
		line = append(line, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF):
			return "", io.ErrUnexpectedEOF
		case err != nil:
			return "", err
		case bytes.HasSuffix(line, []byte("\r\n")):
			return string(line[:len(line)-2]), nil
		}
	}
}

func readLength(s string, limit int) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, err
	}
	if n < 0 || n > limit || strconv.Itoa(n) != s {
		return 0, errors.New("bad length")
	}
	return n, nil
}

const (
	firstPart  = 64 << 10 // bytes for which memory is taken when a bulk is announced
	partGrowth = 15       // and then for so many times the bytes that have come
)

// readBulk reads n bytes and CR LF. It takes memory as bytes come, not as they
// are announced.
func readBulk(r *bufio.Reader, n int) (string, error) {
	var b strings.Builder
	for b.Len() < n+2 {
		part := min(n+2-b.Len(), max(firstPart, partGrowth*b.Len()))
		b.Grow(part)
		if _, err := io.CopyN(&b, r, int64(part)); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return "", fmt.Errorf("reading a bulk of %d bytes: %w", n, err)
		}
	}
	text, end := b.String()[:n], b.String()[n:]
	if end != "\r\n" {
		return "", fmt.Errorf("reading a bulk of %d bytes: it ends with %q", n, end)
	}
	return text, nil
}

// down returns v in the form a RESP2 client receives it: a push and a set are
// arrays there, a map is an array of keys and values, a verbatim string is a
// bulk without its format, and null is $-1.
func (v Value) down() Value {
	switch v.Kind {
	case Push, Set, Map:
		v.Kind = Array
	case VerbatimString:
		v.Kind = BulkString
		if len(v.Text) >= 4 {
			v.Text = v.Text[4:]
		}
	case Null:
		v.Kind, v.Null = BulkString, true
	}
	return v.mapElems(Value.down)
}

// mapElems returns a copy of v with f applied to each element.
func (v Value) mapElems(f func(Value) Value) Value {
	if v.Elems == nil {
		return v
	}
	elems := make([]Value, len(v.Elems))
	for i, e := range v.Elems {
		elems[i] = f(e)
	}
	v.Elems = elems
	return v
}

// isString reports whether v carries bytes: a status, an error or a bulk.
func (v Value) isString() bool {
	switch v.Kind {
	case SimpleString, SimpleError, BulkString, VerbatimString, BulkError:
		return !v.Null
	}
	return false
}

// AppendWire appends the bytes of v on the wire to b. The marks EOF and Nothing
// have none.
func (v Value) AppendWire(b []byte) []byte {
	switch v.Kind {
	case EOF, Nothing:
		return b
	case BulkString, VerbatimString, BulkError:
		b = append(b, byte(v.Kind))
		if v.Null {
			return append(b, "-1\r\n"...)
		}
		b = strconv.AppendInt(b, int64(len(v.Text)), 10)
		b = append(b, "\r\n"...)
		b = append(b, v.Text...)
	case Array, Push, Map, Set, Attribute:
		b = append(b, byte(v.Kind))
		if v.Null {
			return append(b, "-1\r\n"...)
		}
		b = strconv.AppendInt(b, int64(v.count()), 10)
		b = append(b, "\r\n"...)
		for _, e := range v.Elems {
			b = e.AppendWire(b)
		}
		return b
	default:
		b = append(b, byte(v.Kind))
		b = append(b, v.Text...)
	}
	return append(b, "\r\n"...)
}

// Replace returns v with every old in its texts replaced by new.
func (v Value) Replace(old, new string) Value {
	return deep(func(v Value) Value {
		v.Text = strings.ReplaceAll(v.Text, old, new)
		return v
	})(v)
}
