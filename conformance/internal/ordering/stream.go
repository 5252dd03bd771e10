package ordering

import (
	"slices"
	"strconv"
	"sync"

	"github.com/pubsubd/pubsubd/conformance/transcript"
)

// A Stream judges what one client receives. What it finds it reports to the
// ledger. Its methods may be called from any goroutine, but the requests must
// be sent in the order in which they were asked for.
type Stream struct {
	// Forgive says that the server may refuse requests with an error and
	// close the connection. It must be set before anything else is done.
	Forgive bool

	l      *Ledger
	label  string
	author *Author // publishes over the same connection, or nil
	// early says that a message to oneself comes before the reply to its
	// PUBLISH, as in Redis up to 7.0.
	early bool

	mu      sync.Mutex // guards the fields below
	over    bool
	waiting []*request // sent, not answered
	resp3   bool
	active  map[Subscription]bool
	count   [kinds]int // active, by kind
	views   []view     // by place
	seqs    []int64    // the latest of each publisher, -1 before
	own     *sent      // own message that was answered and must arrive next
	frames  int64
}

// A view is what a stream has seen of a place since it is subscribed.
type view struct {
	by []Subscription // that reach the place

	// By publisher: the number that comes next, unknown until the first has
	// come, which is then from floor to ceil.
	next, floor, ceil []int64

	last id // the latest message, zero if there was none
	more bool
	open bool           // another frame of the latest message may come
	got  []Subscription // what the latest message came by
}

const unknown = -1

// NewStream returns the stream of a new connection, in RESP2. Author is nil
// unless the client publishes, too, and early says in what order a message to
// itself then comes; see Stream.
func NewStream(l *Ledger, label string, author *Author, early bool) *Stream {
	s := &Stream{
		l: l, label: label, author: author, early: early,
		active: make(map[Subscription]bool),
		views:  make([]view, len(l.places)),
		seqs:   slices.Repeat([]int64{-1}, l.publishers),
	}
	return s
}

// End is called when the connection is gone. Nothing more is expected of it.
func (s *Stream) End() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	for _, r := range s.waiting {
		close(r.done)
	}
	s.waiting = nil
}

// report reports a violation.
func (s *Stream) report(r Rule, format string, args ...any) {
	s.l.report(r, s.label+": "+format, args...)
}

// Frame judges the next value that was received.
func (s *Stream) Frame(v transcript.Value) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frames++
	if !s.pushed(v) {
		s.reply(v)
		return
	}
	e := v.Elems
	if _, ok := parseCount(e[2]); ok && len(e) == 3 {
		s.confirm(e[0].Text, e[1], e[2])
		return
	}
	switch word := e[0].Text; {
	case word == "message" && len(e) == 3:
		s.deliver(Subscription{Name, e[1].Text}, e[1].Text, e[2].Text)
	case word == "smessage" && len(e) == 3:
		s.deliver(Subscription{Shard, e[1].Text}, e[1].Text, e[2].Text)
	case word == "pmessage" && len(e) == 4:
		s.deliver(Subscription{Pattern, e[1].Text}, e[2].Text, e[3].Text)
	default:
		s.report(RuleContent, "received %.200v", v)
	}
}

// pushed tells whether a value is a message or a confirmation. In RESP2 these
// are arrays of three or four, which no reply is that a stream asks for, but
// for those of EXEC and HELLO.
func (s *Stream) pushed(v transcript.Value) bool {
	kind := transcript.Array
	if s.resp3 {
		kind = transcript.Push
	}
	if v.Kind != kind || len(v.Elems) < 3 || len(v.Elems) > 4 || v.Elems[0].Kind != transcript.BulkString {
		return false
	}
	return true
}

func parseCount(v transcript.Value) (int, bool) {
	n, err := strconv.Atoi(v.Text)
	return n, err == nil && v.Kind == transcript.Integer
}

// reply takes what answers the first request that waits.
func (s *Stream) reply(v transcript.Value) {
	if len(s.waiting) == 0 {
		s.report(RuleConfirm, "received %.200v, which nobody asked for", v)
		return
	}
	s.ownArrived()
	r := s.waiting[0]
	if s.Forgive && v.Kind == transcript.SimpleError {
		s.answered()
		return
	}
	bad := func() { s.report(RuleConfirm, "received %.200v for request %d of kind %d", v, s.frames, r.what) }
	switch r.what {
	case mark:
		pong := v.Kind == transcript.SimpleString && v.Text == "PONG"
		subscribed := s.count[Name]+s.count[Pattern]+s.count[Shard] > 0
		if !s.resp3 && subscribed {
			pong = v.Kind == transcript.Array && len(v.Elems) == 2 && v.Elems[0].Text == "pong"
		}
		if !pong {
			bad()
		}
		for place := range s.views {
			if len(s.views[place].by) > 0 {
				s.reached(place, r.before)
			}
		}
	case publish:
		n, ok := parseCount(v)
		if !ok {
			bad()
			break
		}
		if p, ok := s.author.answered(n); ok {
			s.ownAnswered(p)
		}
	case reset:
		if v.Kind != transcript.SimpleString || v.Text != "RESET" {
			bad()
		}
		for sub := range s.active {
			s.end(sub, r.before)
		}
		s.resp3 = false
	case hello:
		s.resp3 = r.protocol == 3
		if want := map[bool]transcript.Kind{false: transcript.Array, true: transcript.Map}[s.resp3]; v.Kind != want {
			bad()
		}
	case other:
		if v.Kind == transcript.SimpleError || r.reply != "" && v.String() != r.reply {
			bad()
		}
	default:
		bad()
		return
	}
	s.answered()
}

// answered is called when the first request that waits has its answer.
func (s *Stream) answered() {
	close(s.waiting[0].done)
	s.waiting = s.waiting[1:]
}

// confirm takes a confirmation.
func (s *Stream) confirm(word string, name, count transcript.Value) {
	s.ownArrived()
	if len(s.waiting) == 0 || s.waiting[0].what != change {
		s.report(RuleConfirm, "received %s %v, which nobody asked for", word, name)
		return
	}
	r := s.waiting[0]
	sub := Subscription{r.kind, name.Text}
	want := unverbs[r.kind]
	if r.add {
		want = verbs[r.kind]
	}
	if r.all && !r.started {
		r.started, r.left = true, max(1, s.count[r.kind])
	}
	none := r.all && s.count[r.kind] == 0
	switch {
	case word != want, none != (name.Null || name.Kind == transcript.Null):
		s.report(RuleConfirm, "received %s %v, want %s", word, name, want)
	case r.all && !none && !s.active[sub]:
		s.report(RuleConfirm, "received %s %v of what was not subscribed", word, name)
	case !r.all && name.Text != r.names[0]:
		s.report(RuleConfirm, "received %s %v, want %q", word, name, r.names[0])
	}
	if had := s.active[sub]; !none && had != r.add {
		if r.add {
			s.begin(sub, r.before)
		} else {
			s.end(sub, r.before)
		}
	}
	total := s.count[Name] + s.count[Pattern]
	if r.kind == Shard {
		total = s.count[Shard]
	}
	if n, ok := parseCount(count); !ok || n != total {
		s.report(RuleCount, "%s %v counts %v, want %d", word, name, count, total)
	}
	if r.all {
		r.left--
	} else {
		r.names = r.names[1:]
	}
	if r.left == 0 && len(r.names) == 0 {
		s.answered()
	}
}
