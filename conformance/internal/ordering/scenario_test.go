package ordering

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/transcript"
)

// A scenario is lines of what some clients and publishers send and receive:
//
//	both> subscribe c0        a request of the client called both
//	both< subscribe c0 1      what it receives; 0.3 is publisher 0's message 3
//	p0> c0                    publisher 0 publishes its next message
//	p0> exec c0 c0            in a transaction
//	p0< 2                     the answer
//	own< :1                   a reply to a client that publishes, as publisher 2
//	settle
const scenario = `
both> subscribe c0
both< subscribe c0 1
name> subscribe c0 c1
name< subscribe c0 1
name< subscribe c1 2
p0> c0
both< message c0 0.0
name< message c0 0.0
p0< 2
both> psubscribe c*
both< psubscribe c* 2
p0> c1
both< pmessage c* c1 0.1
name< message c1 0.1
p0< 2
p1> c0
p0> c0
both< message c0 1.0
both< pmessage c* c0 1.0
both< message c0 0.2
both< pmessage c* c0 0.2
name< message c0 1.0
name< message c0 0.2
p1< 3
p0< 3
p0> exec c0 c0
both< message c0 0.3
both< pmessage c* c0 0.3
both< message c0 0.4
both< pmessage c* c0 0.4
name< message c0 0.3
name< message c0 0.4
p0< 3
p0< 3
name> unsubscribe c0
name< unsubscribe c0 1
p1> c0
both< message c0 1.1
both< pmessage c* c0 1.1
p1< 2
name> subscribe c0
name< subscribe c0 2
p1> c0
both< message c0 1.2
both< pmessage c* c0 1.2
name< message c0 1.2
p1< 3
own> hello 3
own< map
own> ssubscribe c0
own< ssubscribe c0 1
own> publish c0/shard
own> ping
own< :1
own< smessage c0 2.0
own< +PONG
name> unsubscribe
name< unsubscribe c1 1
name< unsubscribe c0 0
name> unsubscribe
name< unsubscribe - 0
name> psubscribe zz
name< psubscribe zz 1
p0> c0
both< message c0 0.5
both< pmessage c* c0 0.5
p0< 2
both> ping
both< pong
name> reset
name< +RESET
name> ping
name< +PONG
settle
`

// A stage plays scenarios.
type stage struct {
	t        *testing.T
	l        *Ledger
	streams  map[string]*Stream
	authors  []*Author
	payloads map[string]string // by publisher and sequence number
	places   map[string]int
}

// play returns what a scenario violates.
func play(t *testing.T, lines []string, early bool) []Violation {
	l := NewLedger(3, Place{Channel: "c0"}, Place{Channel: "c1"}, Place{Channel: "c0", Shard: true})
	s := &stage{
		t: t, l: l, payloads: make(map[string]string),
		places: map[string]int{"c0": 0, "c1": 1, "c0/shard": 2},
	}
	for i := range 3 {
		s.authors = append(s.authors, NewAuthor(l, i))
	}
	s.streams = map[string]*Stream{
		"both": NewStream(l, "both", nil, early),
		"name": NewStream(l, "name", nil, early),
		"own":  NewStream(l, "own", s.authors[2], early),
	}
	for _, line := range lines {
		s.line(line)
	}
	_, list := l.Violations()
	return list
}

func (s *stage) line(line string) {
	who, words := strings.Fields(line)[0], strings.Fields(line)[1:]
	name := strings.TrimRight(who, "<>")
	stream := s.streams[name]
	switch {
	case who == "settle":
		s.l.Settle()
	case stream != nil && strings.HasSuffix(who, ">"):
		s.ask(stream, words)
	case stream != nil:
		stream.Frame(s.value(stream, words))
	case strings.HasSuffix(who, ">"):
		publisher, _ := strconv.Atoi(name[1:])
		s.publish(publisher, words)
	default:
		publisher, _ := strconv.Atoi(name[1:])
		receivers, _ := strconv.Atoi(words[0])
		s.authors[publisher].Answered(receivers)
	}
}

func (s *stage) publish(publisher int, words []string) {
	a := s.authors[publisher]
	first := len(a.waiting)
	if words[0] != "exec" {
		a.Next(nil, s.places[words[0]], 3)
	} else {
		var places []int
		for _, w := range words[1:] {
			places = append(places, s.places[w])
		}
		a.Exec(nil, 3, places...)
	}
	s.learn(a, first)
}

// learn notes the payloads of what an author has made since first.
func (s *stage) learn(a *Author, first int) {
	for _, w := range a.waiting[first:] {
		s.payloads[fmt.Sprintf("%d.%d", a.id, w.m.seq)] = string(w.m.appendPayload(nil, 3))
	}
}

func (s *stage) ask(stream *Stream, words []string) {
	command, names := words[0], words[1:]
	switch {
	case command == "ping":
		stream.Mark()
	case command == "reset":
		stream.Reset()
	case command == "hello":
		stream.Hello(3)
	case command == "publish":
		first := len(stream.author.waiting)
		stream.Publish(s.places[names[0]], 3)
		s.learn(stream.author, first)
	case slices.Contains(verbs[:], command):
		stream.Subscribe(Kind(slices.Index(verbs[:], command)), names...)
	case slices.Contains(unverbs[:], command):
		stream.Unsubscribe(Kind(slices.Index(unverbs[:], command)), names...)
	default:
		s.t.Fatalf("what is %q", command)
	}
}

// value returns what a line says that a stream received.
func (s *stage) value(stream *Stream, words []string) transcript.Value {
	switch first := words[0]; {
	case first == "map":
		return transcript.Value{Kind: transcript.Map}
	case first == "pong":
		return transcript.Value{Kind: transcript.Array, Elems: []transcript.Value{bulk("pong"), bulk("")}}
	case first[0] == '+' || first[0] == ':':
		return transcript.Value{Kind: transcript.Kind(first[0]), Text: first[1:]}
	}
	v := transcript.Value{Kind: transcript.Array}
	if stream.resp3 {
		v.Kind = transcript.Push
	}
	message := strings.HasSuffix(words[0], "message")
	for i, w := range words {
		switch payload, ok := s.payloads[w]; {
		case i == len(words)-1 && !message:
			v.Elems = append(v.Elems, transcript.Value{Kind: transcript.Integer, Text: w})
		case ok:
			v.Elems = append(v.Elems, bulk(payload))
		case w == "-":
			v.Elems = append(v.Elems, transcript.Value{Kind: transcript.BulkString, Null: true})
		default:
			v.Elems = append(v.Elems, bulk(w))
		}
	}
	return v
}

func bulk(text string) transcript.Value {
	return transcript.Value{Kind: transcript.BulkString, Text: text}
}
