package transcript

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Raw is the protocol of a script whose connections send nothing the script
// does not show. The other protocols are 2 and 3.
const Raw = 0

// A Script is a parsed transcript.
type Script struct {
	// Name is the path below the directory of transcripts, without .txt.
	Name string
	// Protocols are those it is played in: 2 and 3, one of them, or Raw.
	Protocols []int
	// ServerArgs are the arguments its server must have been started with.
	ServerArgs []string
	// Alone says that nobody else may use the server meanwhile, since the
	// script changes or shows something that all clients share.
	Alone bool
	// Own says that this server must have been started for the script, since
	// it is started with ServerArgs, or other users of it would be harmed.
	Own bool
	// Ends says that the script makes its server end, with status zero.
	Ends bool

	head  []string // lines before the first step, for Format
	steps []step
}

type action int

const (
	actNote   action = iota // a comment or an empty line
	actSend                 // c1> words: one command
	actRaw                  // c1>> "bytes": one write
	actUntil                // c1>until words: repeated until the next value is as listed
	actOpen                 // c1 open: connect
	actClose                // c1 close
	actShut                 // c1 shut: close the sending half
	actKeep                 // c1= name: remember the value last received
	actExpect               // c1< value
)

// A step is one line of a script, or for actExpect a line with those that
// belong to it: the other protocol's and the declared differences.
type step struct {
	line   int
	act    action
	client string
	source string // for actNote the line, otherwise what follows the client

	words  []string // actSend, actUntil
	raw    string   // actRaw
	chunk  int      // bytes a write for actSend and actRaw; 0 is all in one
	held   bool     // actSend, actRaw: sent together with the next of this client
	expect *Expectation
}

// An Expectation is one value a client must receive.
type Expectation struct {
	Line   int
	Client string
	// AnyOrder says that the value may change places with its neighbours
	// that say so too.
	AnyOrder bool

	masks    []Mask
	answers  []answer // one for both protocols, or one for each
	declared bool     // some answer has a declared difference
}

// An answer is what is expected in one protocol, or in both.
type answer struct {
	proto    int    // 2, 3, or 0 for both
	value    *Value // nil until recorded
	declared []Declared
}

// A Declared value is what pubsubd answers on purpose in place of the value
// recorded. Several of them may replace one value; Nothing replaces it by none.
type Declared struct {
	Reason string // id of the difference
	Value  Value
}

// answerFor returns the answer that holds in proto, or nil.
func (e *Expectation) answerFor(proto int) *answer {
	for i := range e.answers {
		if a := &e.answers[i]; a.proto == 0 || a.proto == proto || proto == Raw {
			return a
		}
	}
	return nil
}

// recorded returns the recorded value in the form proto has, or nil.
func (a *answer) recorded(proto int) *Value {
	if a.value == nil || a.proto != 0 || proto != 2 {
		return a.value
	}
	v := a.value.down()
	return &v
}

// declaredFor returns the declared values that hold by answers, in the form
// proto has, and whether there are any declarations that hold.
func (a *answer) declaredFor(proto int, answers func(reason string) bool) (values []Value, ok bool) {
	for _, d := range a.declared {
		if !answers(d.Reason) {
			continue
		}
		ok = true
		if d.Value.Kind == Nothing {
			continue
		}
		v := d.Value
		if a.proto == 0 && proto == 2 {
			v = v.down()
		}
		values = append(values, v)
	}
	return values, ok
}

// Exchanges returns how many requests the script sends in one run.
func (s *Script) Exchanges() int {
	n := 0
	for _, st := range s.steps {
		switch st.act {
		case actSend, actRaw, actUntil:
			n++
		}
	}
	return n
}

// RequestBytes returns how many bytes clients send in one run, but for those of
// variables.
func (s *Script) RequestBytes() int {
	n := 0
	for _, st := range s.steps {
		n += len(st.raw)
		for _, w := range st.words {
			n += len(w)
		}
	}
	return n
}

var publishWord = regexp.MustCompile(`(?i)\bpublish\b`)

// Publishes reports whether some client sends PUBLISH, as a command or in bytes.
func (s *Script) Publishes() bool {
	raw := map[string]string{} // by client, which may send it in parts
	for _, st := range s.steps {
		switch {
		case len(st.words) > 0 && strings.EqualFold(st.words[0], "publish"):
			return true
		case st.act == actRaw:
			raw[st.client] += st.raw
		}
	}
	for _, text := range raw {
		if publishWord.MatchString(text) {
			return true
		}
	}
	return false
}

// Reasons returns the ids of the declared differences in the script.
func (s *Script) Reasons() []string {
	var ids []string
	for _, st := range s.steps {
		if st.act != actExpect {
			continue
		}
		for _, a := range st.expect.answers {
			for _, d := range a.declared {
				if !slices.Contains(ids, d.Reason) {
					ids = append(ids, d.Reason)
				}
			}
		}
	}
	return ids
}

// LoadFS parses every .txt file of fsys, in the order of their names.
func LoadFS(fsys fs.FS) ([]*Script, error) {
	var scripts []*Script
	err := fs.WalkDir(fsys, ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(file) != ".txt" {
			return err
		}
		text, err := fs.ReadFile(fsys, file)
		if err != nil {
			return err
		}
		s, err := Parse(strings.TrimSuffix(file, ".txt"), string(text))
		if err != nil {
			return err
		}
		scripts = append(scripts, s)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("loading transcripts: %w", err)
	}
	return scripts, nil
}
