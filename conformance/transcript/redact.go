package transcript

import (
	"errors"
	"strconv"
	"strings"
)

// Redact returns the text of an error that answers a login without what was
// sent in it: a server that does not know the command repeats its beginning.
func Redact(text string, login []string) string {
	text, _, _ = strings.Cut(text, ", with args")
	for _, word := range login[min(1, len(login)):] {
		text = hideWord(text, word)
		// What it has cut off is a secret too.
		for n := len(word) - 1; n >= leastPiece; n-- {
			text = strings.ReplaceAll(text, word[:n], hidden)
		}
	}
	return text
}

const (
	hidden     = "…" // in place of a secret
	leastPiece = 4   // bytes, of a secret that is hidden wherever it stands
)

// Hide returns text without a secret, however it is quoted. A secret that is shorter
// than four bytes stays, since it may stand anywhere by chance.
func Hide(text, secret string) string {
	if len(secret) < leastPiece {
		return text
	}
	return hideWord(text, secret)
}

// hideWord returns text without word as it is, and as it is between quotes.
func hideWord(text, word string) string {
	if word == "" {
		return text
	}
	for _, quoted := range []string{word, strconv.Quote(word), Quote(word)} {
		if len(quoted) > len(word) {
			quoted = quoted[1 : len(quoted)-1]
		}
		text = strings.ReplaceAll(text, quoted, hidden)
	}
	return text
}

// A malformedError says what of the bytes received is no RESP, and quotes them.
type malformedError struct{ error }

func (m malformedError) Unwrap() error { return m.error }

// HideMalformed returns err, which ReadValue returned for the answer to a login,
// without the bytes that it quotes: they may be any piece of a password.
func HideMalformed(err error) error {
	if errors.As(err, new(malformedError)) {
		return errors.New("the answer is no RESP")
	}
	return err
}
