package transcript

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// A standing is what a connection has sent and received that decides how PING is
// answered on it.
type standing struct {
	resp          int
	names, shards int  // subscriptions, by the last confirmation
	unconfirmed   bool // replies were switched off, so that names and shards may be wrong
	multi         bool // a transaction is open
	loggedOut     bool // it may have to log in
	otherUser     bool // it may be of a user who lacks PING
	pongs         bool // Player.Pongs
}

func newStanding(proto int, loggedIn, pongs bool) standing {
	return standing{resp: max(proto, 2), loggedOut: !loggedIn, pongs: pongs}
}

// maxRequestLine is the length of the longest line that is looked at for words. A
// longer one is a payload.
const maxRequestLine = 256

// sent takes in what goes to the server in one write: inline requests, and arrays,
// whose words are lines behind their length.
func (s *standing) sent(b []byte) {
	array, argument := false, false // of the line before: "*1", and a length behind another header
	for line := range bytes.Lines(b) {
		if len(line) > maxRequestLine {
			array, argument = false, false
			continue
		}
		words := strings.Fields(strings.ToLower(string(line)))
		for _, w := range words {
			s.unconfirmed = s.unconfirmed || w == "reply"
			s.otherUser = s.otherUser || w == "auth" || w == "acl"
		}
		header := ""
		if len(words) == 1 {
			header = words[0]
		}
		switch {
		case argument:
		case header == "multi":
			s.multi = true
		case header == "exec", header == "discard", header == "reset":
			s.multi = false
		}
		argument = strings.HasPrefix(header, "$") && !array
		array = header == "*1"
	}
}

// received takes in a value from the server.
func (s *standing) received(v Value) {
	switch {
	case v.Kind == SimpleError:
		s.loggedOut = s.loggedOut || strings.HasPrefix(v.Text, "NOAUTH ")
		s.multi = s.multi && !strings.Contains(v.Text, "'multi'") // which was refused
		return
	case v.Kind == SimpleString && v.Text == "RESET":
		*s = newStanding(2, false, s.pongs)
		return
	}
	s.loggedOut = false
	s.confirmed(v)
	for i := 0; i+1 < len(v.Elems); i++ {
		if n := v.Elems[i+1]; v.Elems[i].Text == "proto" && n.Kind == Integer {
			s.resp, _ = strconv.Atoi(n.Text)
		}
	}
}

// confirmed takes in the confirmations of subscriptions in v, which EXEC has
// within its answer.
func (s *standing) confirmed(v Value) {
	for _, e := range v.Elems {
		s.confirmed(e)
	}
	if len(v.Elems) != 3 || v.Elems[2].Kind != Integer {
		return
	}
	n, err := strconv.Atoi(v.Elems[2].Text)
	if err != nil {
		return
	}
	switch v.Elems[0].Text {
	case "subscribe", "unsubscribe", "psubscribe", "punsubscribe":
		s.names = n
	case "ssubscribe", "sunsubscribe":
		s.shards = n
	}
}

// answers reports whether v is how PING mark is answered: in RESP2 with
// subscriptions by an array, otherwise by the mark; by QUEUED in a transaction;
// by a refusal to who must log in first or may not send it.
//
// The last three do not show the mark, but a value too many is then left over
// after the one taken for the answer.
func (s *standing) answers(v Value, mark string) bool {
	switch v.Kind {
	case BulkString:
		return v.Text == mark && !s.multi && (s.unconfirmed || s.resp == 3 || s.names+s.shards == 0)
	case Array:
		return echoes(v, mark) && !s.multi && (s.resp == 2 || s.pongs) && (s.unconfirmed || s.names+s.shards > 0)
	case SimpleError:
		return s.loggedOut && strings.HasPrefix(v.Text, "NOAUTH ") ||
			s.otherUser && strings.HasPrefix(v.Text, "NOPERM ") && strings.Contains(v.Text, "'ping'")
	case SimpleString:
		return v.Text == "QUEUED" && s.multi
	}
	return false
}

// answer returns how PING mark is answered as a rule in this state.
func (s *standing) answer(mark string) Value {
	bulk := Value{Kind: BulkString, Text: mark}
	switch {
	case s.multi:
		return Value{Kind: SimpleString, Text: "QUEUED"}
	case s.resp == 2 && s.names+s.shards > 0:
		return Value{Kind: Array, Elems: []Value{{Kind: BulkString, Text: "pong"}, bulk}}
	}
	return bulk
}

// echoes reports whether v is an answer to PING mark in some state.
func echoes(v Value, mark string) bool {
	return v.Kind == BulkString && v.Text == mark ||
		v.Kind == Array && len(v.Elems) == 2 && v.Elems[0].Text == "pong" && v.Elems[1].Text == mark
}

// A wrongPingError says that the last PING was answered as in another state.
type wrongPingError struct{ want, got Value }

func (w wrongPingError) Error() string {
	return fmt.Sprintf("the last PING is answered by %v and not by %v", w.got, w.want)
}
