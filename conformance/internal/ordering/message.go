package ordering

import (
	"bytes"
	"strconv"
	"strings"
	"sync"
)

// A message is what a payload says: who published it, the how manieth it is of
// that publisher and of that publisher on that place, both from 0 on.
type message struct {
	publisher   int
	seq, number int64
	// Tied says that the same EXEC published the publisher's message before on
	// the place, more that it publishes the next one too.
	tied, more bool
}

func (m message) id() id { return makeID(m.publisher, m.number) }

// filler is the byte that fills up a payload.
const filler = 'x'

// appendPayload appends the payload of a message, which has fill bytes at its
// end.
func (m message) appendPayload(b []byte, fill int) []byte {
	flag := func(set bool, c byte) byte {
		if set {
			return c
		}
		return '-'
	}
	for _, n := range []int64{int64(m.publisher), m.seq, m.number, int64(fill)} {
		b = strconv.AppendInt(b, n, 10)
		b = append(b, ' ')
	}
	b = append(b, flag(m.tied, 't'), flag(m.more, 'm'), ' ')
	return append(b, bytes.Repeat([]byte{filler}, fill)...)
}

// parsePayload returns what a payload says. It is not ok if a byte of it is not
// as appendPayload has made it.
func parsePayload(s string) (m message, ok bool) {
	var numbers [4]int64
	for i := range numbers {
		word, rest, found := strings.Cut(s, " ")
		n, err := strconv.ParseInt(word, 10, 64)
		if !found || err != nil || n < 0 {
			return m, false
		}
		numbers[i], s = n, rest
	}
	if len(s) < 3 || s[0] != 't' && s[0] != '-' || s[1] != 'm' && s[1] != '-' || s[2] != ' ' {
		return m, false
	}
	m = message{publisher: int(numbers[0]), seq: numbers[1], number: numbers[2], tied: s[0] == 't', more: s[1] == 'm'}
	fill := s[3:]
	return m, int64(len(fill)) == numbers[3] && strings.Count(fill, string(filler)) == len(fill)
}

// An Author makes the messages of one publisher. Its methods may be called from
// any goroutine.
type Author struct {
	l  *Ledger
	id int

	mu      sync.Mutex // guards the fields below
	seq     int64
	waiting []sent // not answered yet
}

type sent struct {
	place int
	m     message
}

// NewAuthor returns the author of a publisher's messages.
func NewAuthor(l *Ledger, publisher int) *Author { return &Author{l: l, id: publisher} }

// Next appends a PUBLISH of the author's next message, which must then be sent.
func (a *Author) Next(b []byte, place, fill int) []byte { return a.next(b, place, fill, false, false) }

func (a *Author) next(b []byte, place, fill int, tied, more bool) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	number := a.l.at(place, a.id).begun.Add(1) - 1
	m := message{publisher: a.id, seq: a.seq, number: number, tied: tied, more: more}
	a.seq++
	a.waiting = append(a.waiting, sent{place, m})
	command := "PUBLISH"
	if a.l.places[place].Shard {
		command = "SPUBLISH"
	}
	return appendRequest(b, command, a.l.places[place].Channel, string(m.appendPayload(nil, fill)))
}

// Exec appends a transaction of n messages, one for each of the places.
func (a *Author) Exec(b []byte, fill int, places ...int) []byte {
	b = appendRequest(b, "MULTI")
	for i, place := range places {
		tied, more := false, false
		for _, p := range places[:i] {
			tied = tied || p == place
		}
		for _, p := range places[i+1:] {
			more = more || p == place
		}
		b = a.next(b, place, fill, tied, more)
	}
	return appendRequest(b, "EXEC")
}

// Answered takes the answer to the first message that has none.
func (a *Author) Answered(receivers int) {
	a.answered(receivers)
}

// answered is Answered and returns what was answered; ok is false if nothing
// was waiting for it.
func (a *Author) answered(receivers int) (s sent, ok bool) {
	a.mu.Lock()
	if len(a.waiting) == 0 {
		a.mu.Unlock()
		a.l.report(RuleConfirm, "publisher %d got an answer of %d to nothing", a.id, receivers)
		return s, false
	}
	s, a.waiting = a.waiting[0], a.waiting[1:]
	a.mu.Unlock()
	a.l.answer(s.place, s.m.id(), receivers)
	return s, true
}
