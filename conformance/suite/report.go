package suite

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pubsubd/pubsubd/conformance/transcript"
)

// An Outcome is how a case went.
type Outcome string

// The outcomes, the worst last.
const (
	Passed         Outcome = "passed"
	NotRun         Outcome = "not run"
	NotEstablished Outcome = "not established"
	NotSupported   Outcome = "not supported"
	Differs        Outcome = "differs"
)

// Outcomes are all outcomes in the order of the columns of a matrix.
var Outcomes = []Outcome{Passed, Differs, NotSupported, NotEstablished, NotRun}

// NoProto is the protocol of what belongs to none, such as that the server has died.
const NoProto = -1

// A Difference is one thing a client did not receive as expected.
type Difference struct {
	// Proto is the protocol, 2 or 3, or transcript.Raw, or NoProto.
	Proto int
	// Client is its name in the case. Empty means that no client is to blame.
	Client string
	// Line is that of the transcript of the case, from 1; zero is its end.
	Line int
	// Text says what happened where bytes do not.
	Text string
	// Want and Got are the bytes expected and received. Masked says that what
	// varies is taken out of both, and Received is what truly came.
	Want, Got, Received []byte
	Masked              bool
	// Wants and Gots are the same as they are written in a case. Of long values
	// all of these are a part.
	Wants, Gots string

	parts       *parts // nil if they are whole
	unsupported bool   // the server does not know what it was asked for
	left        bool   // the case could not be undone
	spoils      bool   // and what it has left is a directive
}

// A Result is how one case went.
type Result struct {
	Case    *Case
	Outcome Outcome
	// Note says why a case was not run.
	Note        string
	Differences []Difference
	Took        time.Duration

	closed    bool // the server has closed a connection, or may have
	overheard bool // not run since somebody else would get what it publishes
}

// A Report is how a server did.
type Report struct {
	// Server is its address and Name what it says it is.
	Server, Name string
	Column       Column
	// Nearest says that the release of the server has no column of its own.
	Nearest bool
	// Peer says that the server was compared with another one.
	Peer bool
	// NoRESP3 says that the server refuses HELLO 3, so that all was played in
	// RESP2 alone.
	NoRESP3 bool
	// Overheard says that no case was played that publishes, since somebody else
	// would have got it.
	Overheard bool
	// Cut says why the run ended before all cases were played: its time was over,
	// it was interrupted, or the server answered nobody any more. Empty means
	// that it came to its end.
	Cut     string
	Began   time.Time
	Took    time.Duration
	Results []Result // in the order of the cases given
}

// OK reports whether no case differs or lacks support, RESP3 included if it was
// asked for, and the run came to its end.
// Cases that were not run because they would disturb others do not count, unless
// they are all those that publish.
func (r *Report) OK() bool {
	return !r.NoRESP3 && !r.Overheard && r.Cut == "" && r.Count("", Differs) == 0 && r.Count("", NotSupported) == 0
}

// Count returns how many cases of an area had an outcome. An empty area is all
// of them.
func (r *Report) Count(area string, o Outcome) int {
	n := 0
	for _, res := range r.Results {
		if res.Outcome == o && (area == "" || res.Case.Area == area) {
			n++
		}
	}
	return n
}

// Total returns how many cases an area has. An empty area is all of them.
func (r *Report) Total(area string) int {
	n := 0
	for _, o := range Outcomes {
		n += r.Count(area, o)
	}
	return n
}

// maxDifferences is how many differences of a case are kept. What follows the
// first few is a consequence of them.
const maxDifferences = 4

// add takes in the differences of one protocol.
func (res *Result) add(list []Difference) {
	if len(list) == 0 {
		return
	}
	if !list[0].unsupported {
		res.Outcome = Differs
	} else if res.Outcome != Differs {
		res.Outcome = NotSupported
	}
	res.Differences = append(res.Differences, list[:min(len(list), maxDifferences)]...)
}

// left reports whether the case has left something on the server.
func (res *Result) left() bool {
	return slices.ContainsFunc(res.Differences, func(d Difference) bool { return d.left })
}

// spoils reports whether the case has left a directive otherwise than it was.
func (res *Result) spoils() bool {
	return slices.ContainsFunc(res.Differences, func(d Difference) bool { return d.spoils })
}

// failure is the difference that a case could not be played, or undone.
func failure(proto int, err error) Difference {
	no, left := refusal{}, leftError{}
	d := Difference{
		Proto: proto, Text: err.Error(),
		unsupported: errors.As(err, &no) && no.unknown() || errors.Is(err, errNoDirective),
		left:        errors.As(err, &left),
	}
	d.spoils = left.directive
	return d
}

// differences turns the problems of a run into differences.
func differences(proto int, problems []transcript.Problem) []Difference {
	var list []Difference
	for _, p := range problems {
		d := Difference{Proto: proto, Client: p.Client, Line: p.Line, Text: p.Text}
		if len(p.Want)+len(p.Got) > 0 {
			if len(p.Got) > 0 {
				d.Text = ""
			}
			d.Want, d.Wants = wire(p.Want)
			d.Got, d.Gots = wire(p.Got)
			d.Received, _ = wire(p.Received)
			d.Masked = len(d.Received) > 0 && !bytes.Equal(d.Received, d.Got)
		}
		d.unsupported = unsupported(p)
		list = append(list, d)
	}
	return list
}

// wire returns values as they are sent, and as they are written in a case.
func wire(values []transcript.Value) (b []byte, text string) {
	var lines []string
	for _, v := range values {
		b = v.AppendWire(b)
		lines = append(lines, v.String())
	}
	return b, strings.Join(lines, " then ")
}

// unsupported reports whether a problem is that the server does not know what
// it was asked for, rather than that it does it in another way.
func unsupported(p transcript.Problem) bool {
	return slices.ContainsFunc(p.Got, unknown) && !slices.ContainsFunc(p.Want, unknown)
}

// unknown reports whether v says that a command or subcommand is unknown.
func unknown(v transcript.Value) bool {
	if v.Kind != transcript.SimpleError {
		return false
	}
	text := strings.ToLower(v.Text)
	return strings.HasPrefix(text, "err unknown command") || strings.HasPrefix(text, "err unknown subcommand") ||
		strings.HasPrefix(text, "noproto ") || strings.Contains(text, "unsupported subcommand")
}

// peerFailure is the difference that a case could not be played on the peer, or
// undone there. It says nothing of what the server supports.
func peerFailure(proto int, err error) Difference {
	d := failure(proto, fmt.Errorf("the peer: %w", err))
	d.unsupported = false
	return d
}

// compare returns where two runs of a case are not the same. A run that came to
// no end, since nobody could connect or nothing more was sent, is not the same as
// any other: what has not been seen is not alike. Where the peer's ends before that of
// the server, this is the last difference, and nothing behind it is compared.
func compare(proto int, run, peer *transcript.Run) []Difference {
	var problems []transcript.Problem
	for i, o := range run.Observations {
		if i == len(peer.Observations) {
			return append(differences(proto, problems), ended(proto, peer))
		}
		want := peer.Observations[i].Values
		if !slices.EqualFunc(want, o.Values, sameValue) {
			problems = append(problems, transcript.Problem{
				Line: o.Expectation.Line, Client: o.Expectation.Client, Want: want, Got: o.Values, Received: o.Received,
			})
		}
	}
	if len(problems) > 0 || slices.EqualFunc(run.Problems, peer.Problems, sameProblem) && !slices.ContainsFunc(run.Problems, unseen) {
		return differences(proto, problems)
	}
	d := Difference{Proto: proto, Text: fmt.Sprintf("the server: %v; the peer: %v", run.Problems, peer.Problems)}
	if slices.EqualFunc(run.Problems, peer.Problems, sameProblem) {
		// Where both do not know a command, what would follow it does not come.
		d.unsupported = slices.ContainsFunc(run.Observations, func(o transcript.Observation) bool { return slices.ContainsFunc(o.Values, unknown) })
	}
	return []Difference{d}
}

// ended is the difference that the run of the peer has come to an end too early.
func ended(proto int, peer *transcript.Run) Difference {
	d := Difference{Proto: proto, Text: "the peer sent no more"}
	if len(peer.Problems) > 0 {
		p := peer.Problems[0]
		d.Line, d.Client, d.Text = p.Line, p.Client, "the peer: "+p.Text
	}
	return d
}

func sameValue(a, b transcript.Value) bool { return a.String() == b.String() }

// sameProblem reports whether two servers fail alike. The text of a problem has
// addresses and names in it that differ from run to run.
func sameProblem(a, b transcript.Problem) bool {
	return a.Line == b.Line && a.Client == b.Client && slices.EqualFunc(a.Got, b.Got, sameValue)
}

// unseen reports whether a problem is about no value that came.
func unseen(p transcript.Problem) bool { return len(p.Got) == 0 }
