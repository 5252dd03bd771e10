package transcript

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// SplitWords splits a command as redis-cli does: on blanks, with "…" in which
// escapes count and '…' in which only \' does. In "…" a run <x*n> stands for n
// times the byte x.
func SplitWords(s string) ([]string, error) {
	var words []string
	for {
		s = strings.TrimLeft(s, " \t")
		if s == "" {
			return words, nil
		}
		word, rest, err := splitWord(s)
		if err != nil {
			return nil, fmt.Errorf("splitting %q: %w", s, err)
		}
		words = append(words, word)
		s = rest
	}
}

func splitWord(s string) (word, rest string, err error) {
	switch s[0] {
	case '"':
		word, rest, err = unquote(s)
	case '\'':
		word, rest, err = unquoteSingle(s)
	default:
		if i := strings.IndexAny(s, " \t"); i >= 0 {
			return s[:i], s[i:], nil
		}
		return s, "", nil
	}
	if err == nil && rest != "" && rest[0] != ' ' && rest[0] != '\t' {
		err = errors.New("text follows the closing quote")
	}
	return word, rest, err
}

func unquoteSingle(s string) (text, rest string, err error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\'':
			return b.String(), s[i+1:], nil
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == '\'':
			i++
			b.WriteByte('\'')
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", errors.New("the quote is not closed")
}

// encodeCommand returns words as the array of bulk strings a client sends.
func encodeCommand(words []string) []byte {
	size := 16
	for _, w := range words {
		size += len(w) + 16
	}
	b := append(make([]byte, 0, size), "*"+strconv.Itoa(len(words))+"\r\n"...)
	for _, w := range words {
		b = append(b, '$')
		b = strconv.AppendInt(b, int64(len(w)), 10)
		b = append(b, "\r\n"...)
		b = append(b, w...)
		b = append(b, "\r\n"...)
	}
	return b
}
