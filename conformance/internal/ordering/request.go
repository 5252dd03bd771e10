package ordering

import (
	"strconv"

	"github.com/tidwall/redcon"
)

// verbs are the first words of confirmations, and commands in lower case.
var (
	verbs   = [kinds]string{"subscribe", "psubscribe", "ssubscribe"}
	unverbs = [kinds]string{"unsubscribe", "punsubscribe", "sunsubscribe"}
)

// A request is one that a stream has announced and that is not answered yet.
type request struct {
	what what
	kind Kind

	// Of changes.
	add     bool
	names   []string // to be confirmed, in order
	all     bool     // of a kind, when nobody has said which
	started bool     // all: left is set
	left    int      // all: confirmations still to come

	reply    string // other: what is answered, as transcript.Value prints it
	protocol int    // hello

	before []int64 // answered when it was sent, as Ledger.answeredNow
	done   chan struct{}
}

type what uint8

const (
	change what = iota
	mark
	publish
	reset
	hello
	other
)

// A Ticket is a request to be sent. Done is closed when all of it has been
// answered, or the stream is over.
type Ticket struct {
	Bytes []byte
	Done  <-chan struct{}
}

func appendRequest(b []byte, args ...string) []byte {
	b = redcon.AppendArray(b, len(args))
	for _, arg := range args {
		b = redcon.AppendBulkString(b, arg)
	}
	return b
}

// expect enters a request, which must then be sent before others.
func (s *Stream) expect(r *request, b []byte) Ticket {
	r.done = make(chan struct{})
	r.before = s.l.answeredNow()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		close(r.done)
	} else {
		s.waiting = append(s.waiting, r)
	}
	return Ticket{b, r.done}
}

// Subscribe asks for subscriptions of a kind.
func (s *Stream) Subscribe(k Kind, names ...string) Ticket {
	return s.expect(&request{what: change, kind: k, add: true, names: names},
		appendRequest(nil, append([]string{verbs[k]}, names...)...))
}

// Unsubscribe asks for the end of subscriptions of a kind; of all if there are
// no names.
func (s *Stream) Unsubscribe(k Kind, names ...string) Ticket {
	return s.expect(&request{what: change, kind: k, names: names, all: len(names) == 0},
		appendRequest(nil, append([]string{unverbs[k]}, names...)...))
}

// Mark asks for a PONG. What has been answered until now must come before it.
func (s *Stream) Mark() Ticket { return s.expect(&request{what: mark}, appendRequest(nil, "PING")) }

// Publish publishes the next message of the stream's author.
func (s *Stream) Publish(place, fill int) Ticket {
	return s.expect(&request{what: publish}, s.author.Next(nil, place, fill))
}

// Reset asks for RESET, after which the stream is of RESP2 and has no
// subscription.
func (s *Stream) Reset() Ticket { return s.expect(&request{what: reset}, appendRequest(nil, "RESET")) }

// Other makes a request that is answered by reply, as transcript.Value prints
// it, or anything but an error if reply is empty.
func (s *Stream) Other(reply string, args ...string) Ticket {
	return s.expect(&request{what: other, reply: reply}, appendRequest(nil, args...))
}

// Hello asks for a protocol, 2 or 3.
func (s *Stream) Hello(protocol int) Ticket {
	return s.expect(&request{what: hello, protocol: protocol}, appendRequest(nil, "HELLO", strconv.Itoa(protocol)))
}
