package transcript

import (
	"bufio"
	"errors"
	"fmt"
	"io"
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
)

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
func ReadValue(r *bufio.Reader) (Value, error) {
	if _, err := r.Peek(1); errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		return Value{Kind: EOF}, nil
	}
	return readValue(r, 0)
}

func readValue(r *bufio.Reader, depth int) (Value, error) {
	if depth > maxDepth {
		return Value{}, errors.New("reading a value: nested too deeply")
	}
	line, err := readLine(r)
	if err != nil {
		return Value{}, fmt.Errorf("reading a value: %w", err)
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
			return Value{}, fmt.Errorf("reading a value: %q: %w", line, err)
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
			return Value{}, fmt.Errorf("reading a value: %q: %w", line, err)
		}
		for range v.Kind.elems(n) {
			e, err := readValue(r, depth+1)
			if err != nil {
				return Value{}, err
			}
			v.Elems = append(v.Elems, e)
		}
		return v, nil
	}
	return Value{}, fmt.Errorf("reading a value: %q does not begin with a type", line)
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

// readLine returns a line without its CR LF. A lone LF does not end it.
func readLine(r *bufio.Reader) (string, error) {
	var b strings.Builder
	for {
		part, err := r.ReadString('\n')
		b.WriteString(part)
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return "", err
		}
		if s := b.String(); strings.HasSuffix(s, "\r\n") {
			return s[:len(s)-2], nil
		}
		if b.Len() > maxLine {
			return "", errors.New("line too long")
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
