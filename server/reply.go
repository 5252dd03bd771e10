package server

import (
	"strconv"

	"github.com/tidwall/redcon"
)

// What RESP3 says in its own types and RESP2 in those it has. The types that
// are the same in both are written with redcon.Append*.

// appendNull appends the null.
func appendNull(b []byte, resp3 bool) []byte {
	if resp3 {
		return append(b, "_\r\n"...)
	}
	return redcon.AppendNull(b)
}

// appendMap opens a map of n pairs: a flat array in RESP2.
func appendMap(b []byte, resp3 bool, n int) []byte {
	if resp3 {
		return appendHeader(b, '%', n)
	}
	return redcon.AppendArray(b, 2*n)
}

// appendSet opens a set of n elements: an array in RESP2.
func appendSet(b []byte, resp3 bool, n int) []byte {
	if resp3 {
		return appendHeader(b, '~', n)
	}
	return redcon.AppendArray(b, n)
}

// appendVerbatim appends a text for people: a bulk string in RESP2.
func appendVerbatim(b []byte, resp3 bool, text []byte) []byte {
	if !resp3 {
		return redcon.AppendBulk(b, text)
	}
	b = appendHeader(b, '=', len(text)+len("txt:"))
	b = append(b, "txt:"...)
	b = append(b, text...)
	return append(b, "\r\n"...)
}

// appendStrings appends an array of bulk strings.
func appendStrings(b []byte, list []string) []byte {
	b = redcon.AppendArray(b, len(list))
	for _, s := range list {
		b = redcon.AppendBulkString(b, s)
	}
	return b
}

// appendStatusSet appends a set of status lines.
func appendStatusSet(b []byte, resp3 bool, list []string) []byte {
	b = appendSet(b, resp3, len(list))
	for _, s := range list {
		b = redcon.AppendString(b, s)
	}
	return b
}

func appendHeader(b []byte, kind byte, n int) []byte {
	b = append(b, kind)
	b = strconv.AppendInt(b, int64(n), 10)
	return append(b, "\r\n"...)
}

// appendDouble appends a number with a fraction: a bulk string in RESP2.
func appendDouble(b []byte, resp3 bool, f float64) []byte {
	text := strconv.FormatFloat(f, 'g', -1, 64) // the shortest, as Redis since 7.2
	if !resp3 {
		return redcon.AppendBulkString(b, text)
	}
	b = append(b, ',')
	b = append(b, text...)
	return append(b, "\r\n"...)
}

// appendBool appends a truth value: an integer in RESP2.
func appendBool(b []byte, resp3, v bool) []byte {
	switch {
	case !resp3 && v:
		return redcon.AppendInt(b, 1)
	case !resp3:
		return redcon.AppendInt(b, 0)
	case v:
		return append(b, "#t\r\n"...)
	}
	return append(b, "#f\r\n"...)
}
