package suite

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pubsubd/pubsubd/conformance/transcript"
)

// prefixMark stands in a case for the prefix of its names.
const prefixMark = "${p}"

// userMark stands in a case for the ACL user that its clients are.
const userMark = "${user}"

// samplePrefix is the prefix with which cases are parsed to be looked at. It is
// as long as any other, so that long lines are laid out alike.
const samplePrefix = "{samplaaa}:"

// A Case is one thing that is expected of a server.
type Case struct {
	// ID is the case's name for ever, such as SUB-001. The letters are those of
	// its area. An id is never given to another case.
	ID string
	// Area is the name of its area, one of Areas.
	Area string
	// Title says in a sentence what is expected.
	Title string
	// Why says in a sentence what breaks, and where, if it is not so.
	Why string
	// File is the name of its file, and Line that of its first line there.
	File string
	Line int

	// Protocols are those it is played in, as in transcript.Script.
	Protocols []int
	// Alone says that nobody else may use the server meanwhile, not even another
	// case.
	Alone bool
	// Screen says that it is a scenario of redis-cli and not a transcript.
	Screen bool
	// NoPassword says that it holds only where the default user needs none.
	NoPassword bool
	// Standalone says that it holds only where the server is neither a node of a
	// cluster nor a replica.
	Standalone bool

	byAddr     bool // it tells clients apart by their addresses
	onTerminal bool // redis-cli is given a terminal

	publishes bool          // some client sends PUBLISH
	needs     []need        // what it takes for granted of directives
	patience  time.Duration // the least wait for one value
	restore   []string      // directives to put back
	after     [][]string    // commands to send when the case is over, with prefixMark
	head      []string      // lines from "case:" to the first of text, for Format
	text      string        // the transcript, with prefixMark
	reasons   []string      // divergences it mentions
}

// heavyBytes is what the clients of a case may send for it to be played on a
// server that others use. What is published goes to replicas and to the other
// nodes of a cluster, and what waits for subscribers counts toward maxmemory.
const heavyBytes = 1 << 20

// An Area is a group of cases.
type Area struct {
	// Name is how the area is called in reports.
	Name string
	// Letters begin the ids of its cases.
	Letters string
}

// Areas are all areas in the order of reports.
var Areas = []Area{
	{"subscribe", "SUB"},
	{"patterns", "PAT"},
	{"shard channels", "SHD"},
	{"counts", "CNT"},
	{"globs", "GLB"},
	{"RESP3 push", "PSH"},
	{"subscribed state", "STA"},
	{"framing and limits", "FRM"},
	{"ordering", "ORD"},
	{"output buffer limits", "OBL"},
	{"ACL channels", "ACL"},
	{"MULTI", "MUL"},
	{"CLIENT", "CLI"},
	{"introspection", "INT"},
	{"redis-cli", "RCL"},
}

// areaOf returns the area with these letters.
func areaOf(letters string) (Area, bool) {
	i := slices.IndexFunc(Areas, func(a Area) bool { return a.Letters == letters })
	if i < 0 {
		return Area{}, false
	}
	return Areas[i], true
}

// A File is a file of cases, as it was read.
type File struct {
	// Name is that of the file.
	Name string
	// Cases are those in it, in order.
	Cases []*Case

	head []string // lines before the first case
}

var caseLine = regexp.MustCompile(`^case: (([A-Z]{3})-[0-9]{3}) (\S.*)$`)

// LoadFS reads every .txt file in fsys. Ids are unique over all files.
func LoadFS(fsys fs.FS) ([]*File, error) {
	names, err := fs.Glob(fsys, "*.txt")
	if err != nil {
		return nil, fmt.Errorf("loading cases: %w", err)
	}
	if len(names) == 0 {
		return nil, errors.New("loading cases: there are none")
	}
	var files []*File
	seen := map[string]bool{}
	for _, name := range names {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("loading cases: %w", err)
		}
		f, err := ParseFile(path.Base(name), string(text))
		if err != nil {
			return nil, fmt.Errorf("loading cases: %w", err)
		}
		for _, c := range f.Cases {
			if seen[c.ID] {
				return nil, fmt.Errorf("loading cases: %s:%d: a second %s", name, c.Line, c.ID)
			}
			seen[c.ID] = true
		}
		files = append(files, f)
	}
	return files, nil
}

// Cases returns the cases of files, by area and id.
func Cases(files []*File) []*Case {
	var cases []*Case
	for _, f := range files {
		cases = append(cases, f.Cases...)
	}
	order := map[string]int{}
	for i, a := range Areas {
		order[a.Name] = i
	}
	slices.SortFunc(cases, func(a, b *Case) int {
		if a.Area != b.Area {
			return order[a.Area] - order[b.Area]
		}
		return strings.Compare(a.ID, b.ID)
	})
	return cases
}

// ParseFile parses the text of a file of cases. See docs/conformance.md for
// the format.
func ParseFile(name, text string) (*File, error) {
	f := &File{Name: name}
	var why string
	var c *Case
	var body []string
	end := func() error {
		if c == nil {
			return nil
		}
		c.text = strings.TrimRight(strings.Join(body, "\n"), "\n") + "\n"
		return c.check()
	}
	for i, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		if strings.HasPrefix(line, "case: ") {
			if err := end(); err != nil {
				return nil, err
			}
			m := caseLine.FindStringSubmatch(line)
			if m == nil {
				return nil, fmt.Errorf("%s:%d: %q is not case: ABC-123 title", name, i+1, line)
			}
			area, ok := areaOf(m[2])
			if !ok {
				return nil, fmt.Errorf("%s:%d: no area has the letters %s", name, i+1, m[2])
			}
			c = &Case{ID: m[1], Area: area.Name, Title: m[3], Why: why, File: name, Line: i + 1, head: []string{line}}
			body = nil
			f.Cases = append(f.Cases, c)
			continue
		}
		if c == nil {
			f.head = append(f.head, line)
			if w, ok := strings.CutPrefix(line, "why: "); ok {
				why = w
			}
			continue
		}
		if len(body) == 0 {
			ok, err := c.header(line)
			if err != nil {
				return nil, fmt.Errorf("%s:%d: %w", name, i+1, err)
			}
			if ok {
				c.head = append(c.head, line)
				continue
			}
		}
		body = append(body, line)
	}
	if err := end(); err != nil {
		return nil, err
	}
	if len(f.Cases) == 0 {
		return nil, fmt.Errorf("%s holds no case", name)
	}
	return f, nil
}

// header takes in a line between "case:" and the transcript, and reports
// whether it was one.
func (c *Case) header(line string) (bool, error) {
	key, value, ok := strings.Cut(line, ": ")
	if !ok {
		return false, nil
	}
	switch key {
	case "why":
		c.Why = value
	case "needs":
		switch value {
		case "alone":
			c.Alone = true
		case "no password":
			c.NoPassword = true
		case "standalone":
			c.Standalone = true
		default:
			n, err := parseNeed(value)
			if err != nil {
				return false, err
			}
			c.needs = append(c.needs, n)
		}
	case "patience":
		d, err := time.ParseDuration(value)
		if err != nil || d <= 0 {
			return false, fmt.Errorf("patience: %q is no time", value)
		}
		c.patience = d
	case "restore":
		c.restore = append(c.restore, strings.Fields(value)...)
		c.Alone = true
	case "after":
		words, err := transcript.SplitWords(value)
		if err != nil || len(words) == 0 {
			return false, fmt.Errorf("after: %q is no command", value)
		}
		c.after = append(c.after, words)
		c.Alone = true
	default: // a line of the transcript
		return false, nil
	}
	return true, nil
}

// check parses the transcript and takes over what it says.
func (c *Case) check() error {
	if c.Screen = strings.HasPrefix(c.ID, "RCL-"); c.Screen {
		if c.Why == "" {
			return fmt.Errorf("%s: %s does not say why it matters", c.File, c.ID)
		}
		screen, err := c.parseScreen(samplePrefix, Server{})
		if err != nil {
			return fmt.Errorf("%s: %w", c.File, err)
		}
		c.Protocols, c.publishes, c.onTerminal = []int{screen.proto()}, screen.publishes(), screen.onTerminal
		return nil
	}
	s, err := c.script(samplePrefix, Server{})
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	if s.Own {
		return fmt.Errorf("%s: %s needs a server started for it; cases are played on one that runs", c.File, c.ID)
	}
	if c.Why == "" {
		return fmt.Errorf("%s: %s does not say why it matters", c.File, c.ID)
	}
	c.Protocols, c.reasons = s.Protocols, s.Reasons()
	c.publishes = s.Publishes()
	c.Alone = c.Alone || s.Alone || s.RequestBytes() > heavyBytes
	c.byAddr = strings.Contains(c.text, ".addr}") || strings.Contains(c.text, ".laddr}")
	return nil
}

// script returns the transcript of the case with its names behind prefix, for
// clients that log in as server says.
func (c *Case) script(prefix string, server Server) (*transcript.Script, error) {
	return transcript.Parse(c.ID, strings.NewReplacer(prefixMark, prefix, userMark, server.user()).Replace(c.text))
}

// Reasons returns the ids of the divergences that the case mentions.
func (c *Case) Reasons() []string { return slices.Clone(c.reasons) }

// record replaces what the case lists by what was received in runs, which must
// have been played with this prefix on this server; see transcript.Script.Record.
// In a case that names the user of its clients every word that is this name is.
func (c *Case) record(s *transcript.Script, prefix string, server Server, runs ...*transcript.Run) error {
	if err := s.Record(runs...); err != nil {
		return err
	}
	named := strings.Contains(c.text, userMark)
	c.text = strings.NewReplacer(prefix, prefixMark, shownUser(server.user()), shownUser(userMark)).Replace(s.Format())
	if named {
		word := regexp.MustCompile(`([ "])` + regexp.QuoteMeta(server.user()) + `([ "\n])`)
		c.text = word.ReplaceAllString(c.text, "${1}$"+userMark+"${2}")
	}
	return nil
}

// Format returns the text of the file. ParseFile of it gives the file again.
func (f *File) Format() string {
	var b strings.Builder
	for _, line := range f.head {
		b.WriteString(line + "\n")
	}
	for i, c := range f.Cases {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(strings.Join(c.head, "\n") + "\n")
		b.WriteString(strings.TrimRight(c.text, "\n") + "\n")
	}
	return b.String()
}
