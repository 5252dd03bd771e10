package pubsubtest

import (
	"bytes"
	"strconv"
	"strings"
)

// maxKept is how many bytes of a request or of a reply are kept for the transcript.
const maxKept = 2 << 10

// A stream is one direction of a connection, cut into values of RESP. Bytes go by as
// they come, but while somebody judges the values: then each is held until it is
// whole, from the first on that has not begun to go by.
type stream struct {
	scan scanner
	kept []byte // beginning of the value at hand
	size int    // its bytes so far
	held []byte // of it, not passed on

	// whole is called with each value: as far as it is kept or, if it is held, all
	// of it. What it returns is passed on in place of a value that is held, and
	// otherwise of no use.
	whole func(value []byte, size int, held bool) []byte
}

// pass returns what is to be passed on once p has come. It is p itself unless values
// are judged, or are held since they were.
func (s *stream) pass(p []byte, judge bool) []byte {
	if judge || len(s.held) > 0 {
		return s.sift(p, judge)
	}
	for rest := p; len(rest) > 0; {
		n, whole := s.scan.scan(rest)
		s.keep(rest[:n])
		if whole {
			s.end(false)
		}
		rest = rest[n:]
	}
	return p
}

func (s *stream) sift(p []byte, judge bool) (out []byte) {
	for len(p) > 0 {
		hold := len(s.held) > 0 || judge && !s.scan.open
		n, whole := s.scan.scan(p)
		s.keep(p[:n])
		if hold {
			s.held = append(s.held, p[:n]...)
		} else {
			out = append(out, p[:n]...)
		}
		if whole {
			if value := s.end(hold); hold {
				out = append(out, value...)
			}
		}
		p = p[n:]
	}
	return out
}

func (s *stream) keep(p []byte) {
	s.size += len(p)
	if room := maxKept - len(s.kept); room > 0 {
		s.kept = append(s.kept, p[:min(len(p), room)]...)
	}
}

func (s *stream) end(held bool) []byte {
	value := s.kept
	if held {
		value = s.held
	}
	out := s.whole(value, s.size, held)
	s.kept, s.held, s.size = s.kept[:0], nil, 0
	return out
}

// A Refusal is something that a server can refuse to do. See Server.Refuse.
type Refusal int

const (
	// Connections are reset before anything is read of them, as by a proxy whose
	// server is down.
	Connections Refusal = 1 << iota

	// Hello is HELLO, which is answered as an unknown command, as by servers that
	// know nothing of RESP3.
	Hello

	// Auth is AUTH, and HELLO with AUTH: any password is wrong, as after it was
	// changed.
	Auth
)

const wrongPassword = "-WRONGPASS invalid username-password pair or user is disabled.\r\n"

// refused tells whether a request is refused, and with which reply.
func (r Refusal) refused(request [][]byte) (reply string, refused bool) {
	if len(request) == 0 {
		return "", false
	}
	switch {
	case isWord(request[0], "AUTH"):
		return wrongPassword, r&Auth != 0
	case !isWord(request[0], "HELLO"):
		return "", false
	case r&Hello != 0:
		var b strings.Builder
		b.WriteString("-ERR unknown command '" + string(request[0]) + "', with args beginning with: ")
		for _, arg := range request[1:] {
			b.WriteString("'" + string(arg) + "' ")
		}
		return b.String() + "\r\n", true
	case r&Auth != 0:
		for _, arg := range request[1:] {
			if isWord(arg, "AUTH") {
				return wrongPassword, true
			}
		}
	}
	return "", false
}

// stand is the name of a command that no server has. It is what the server gets in
// place of a request that is refused: its reply, wherever it comes among others, is
// the one to exchange.
const stand = "pubsubtest.refused"

// standRequest is the request to send in place of refusal number n.
func standRequest(n int) []byte {
	name := stand + strconv.Itoa(n)
	return []byte("*1\r\n$" + strconv.Itoa(len(name)) + "\r\n" + name + "\r\n")
}

// isStandReply tells whether a reply is that to refusal number n.
func isStandReply(reply []byte, n int) bool {
	return bytes.HasPrefix(reply, []byte("-")) && bytes.Contains(reply, []byte("'"+stand+strconv.Itoa(n)+"'"))
}

// isWord tells whether p is a word, in any case.
func isWord(p []byte, word string) bool { return strings.EqualFold(string(p), word) }
