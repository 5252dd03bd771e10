package pubsubtest

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// maxKept is how many bytes of a request or of a reply are kept for the transcript.
const maxKept = 1 << 10

// A stream is one direction of a connection, cut into values of RESP. Bytes go by as
// they come, but while somebody judges the values: then each is held until it is
// whole, from the first on that has not begun to go by. One that is too long to be held
// goes by too.
type stream struct {
	scan scanner
	kept []byte // beginning of the value at hand
	size int    // its bytes so far
	held []byte // of it, not passed on
	most int    // bytes to hold, more or less; 0 for any number

	garbled bool // a value was malformed: where the others begin is not known

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
			if s.most > 0 && len(s.held) > s.most && !whole { // who reads on has limits of its own
				out = append(out, s.held...)
				s.held = nil
			}
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

// A Refusal is something that a server can refuse to do. See Server.Refuse. Refusals
// can be combined by |; 0 refuses nothing.
type Refusal int

const (
	// RefuseConnections resets connections before anything is read of them, as a
	// proxy does whose server is down.
	RefuseConnections Refusal = 1 << iota

	// RefuseHello answers HELLO as an unknown command, as servers do that know
	// nothing of RESP3.
	RefuseHello

	// RefuseAuth answers AUTH, and HELLO with AUTH, as with a wrong password, as
	// after it was changed.
	RefuseAuth
)

const wrongPassword = "-WRONGPASS invalid username-password pair or user is disabled.\r\n"

// refused returns what of r concerns a request, 0 if nothing does.
func (r Refusal) refused(request [][]byte) Refusal {
	switch {
	case isWord(request[0], "AUTH"):
		return r & RefuseAuth
	case !isWord(request[0], "HELLO"):
		return 0
	case r&RefuseHello != 0:
		return RefuseHello
	case r&RefuseAuth != 0 && logsIn(request):
		return RefuseAuth
	}
	return 0
}

// logsIn tells whether a HELLO has the option AUTH. A name may be any word.
func logsIn(hello [][]byte) bool {
	for i := 2; i < len(hello); i++ {
		switch {
		case isWord(hello[i], "AUTH"):
			return true
		case isWord(hello[i], "SETNAME"):
			i++
		}
	}
	return false
}

// stand is the name of a command that no server has. It is what the server gets in
// place of a request that is refused: its reply, wherever it comes among others, is
// the one to exchange.
const stand = "pubsubtest.refused"

// standName is the name of that command for refusal number n.
func standName(n int) string { return stand + strconv.Itoa(n) }

// standRequest is the request to send in place of refusal number n. It has the
// arguments of the one that is refused, which errors say back.
func standRequest(n int, args [][]byte) []byte {
	b := fmt.Appendf(nil, "*%d\r\n", 1+len(args))
	for _, w := range append([][]byte{[]byte(standName(n))}, args...) {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(w), w)
	}
	return b
}

// isStandReply tells whether a reply is that to refusal number n.
func isStandReply(reply []byte, n int) bool {
	return bytes.HasPrefix(reply, []byte("-")) && bytes.Contains(reply, []byte("'"+standName(n)+"'"))
}

// reply returns the reply to a request that is refused, given that to its stand-in.
func (r refusal) reply(stood []byte) []byte {
	if r.what == RefuseAuth {
		return []byte(wrongPassword)
	}
	return bytes.Replace(stood, []byte(standName(r.number)), []byte(r.name), 1)
}

// isWord tells whether p is a word, in any case.
func isWord(p []byte, word string) bool { return strings.EqualFold(string(p), word) }
