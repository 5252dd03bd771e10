package hostile

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
)

// A hostileCase is one thing that a client may send to a server that trusts
// nobody. README.md describes the files it is read from.
type hostileCase struct {
	name   string // of its family and what is particular to it; unique
	file   string // base name of the file it stands in
	place  int    // in its family, from 1; 0 of a case that is alone
	writes []write
	leave  string // "close" or "reset" once all is written; empty to wait for the answer
	// declared holds what pubsubd answers otherwise than redis-server, by
	// login. Its reason is the id of a difference.
	declared map[login]declaredOutcome
}

// A write is bytes that are sent at once or, if each is set, one by one.
type write struct {
	bytes string
	each  bool
}

type declaredOutcome struct {
	id string
	outcome
}

// size is the number of bytes that a case sends.
func (c *hostileCase) size() (n int) {
	for _, w := range c.writes {
		n += len(w.bytes)
	}
	return n
}

// A login says whether a case is played before or after AUTH.
type login string

const (
	before login = "before"
	after  login = "after"
)

// corpus reads all cases of testdata/requests.
func corpus(t testing.TB) []*hostileCase {
	t.Helper()
	paths, err := filepath.Glob("testdata/requests/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d files of requests, %v", len(paths), err)
	}
	r := corpusReader{lists: map[string][]string{}}
	// Lists stand in the first file and are good for all.
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.read(filepath.Base(path), string(text)); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]bool{}
	for _, c := range r.cases {
		if seen[c.name] {
			t.Fatalf("%s: two cases are called %s", c.file, c.name)
		}
		seen[c.name] = true
		if len(c.writes) == 0 {
			t.Fatalf("%s: %s sends nothing", c.file, c.name)
		}
	}
	return r.cases
}

// sample returns all cases in the long form of the tests. In the short form it
// leaves out all but one in stride of each family, of the next family another,
// and all but one in singly of the cases that are alone.
func sample(cases []*hostileCase, stride, singly int) (some []*hostileCase) {
	if sut.Long() {
		return cases
	}
	families, singles := 0, 0
	for _, c := range cases {
		switch c.place {
		case 0:
			if singles++; singles%singly == 0 {
				some = append(some, c)
			}
			continue
		case 1:
			families++
		}
		if (c.place+families)%stride == 0 {
			some = append(some, c)
		}
	}
	return some
}

type corpusReader struct {
	lists map[string][]string
	cases []*hostileCase
	// at are the cases that the lines at hand belong to, one for each value of
	// the list if there is one, and values what {} stands for in each.
	at     []*hostileCase
	values []string
}

func (r *corpusReader) read(file, text string) error {
	r.at = nil
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if err := r.line(file, line); err != nil {
			return fmt.Errorf("%s:%d: %w", file, n, err)
		}
	}
	return nil
}

func (r *corpusReader) line(file, line string) error {
	verb, rest, _ := strings.Cut(line, " ")
	if len(r.at) == 0 && verb != "list" && verb != "case" {
		return fmt.Errorf("%s outside of a case", verb)
	}
	switch verb {
	case "list":
		return r.list(rest)
	case "case":
		return r.begin(file, rest)
	case "send", "drip":
		text, times, err := quoted(rest)
		if err != nil {
			return err
		}
		if times != "" {
			many, err := strconv.Atoi(strings.TrimPrefix(times, "x"))
			if err != nil || times[0] != 'x' {
				return fmt.Errorf("%q is no number of times", times)
			}
			text = strings.Repeat(text, many)
		}
		for i, c := range r.at {
			b := strings.ReplaceAll(text, "{}", r.values[i])
			c.writes = append(c.writes, write{b, verb == "drip"})
		}
		return nil
	case "more": // goes on with the write before
		before := make([]int, len(r.at))
		for i, c := range r.at {
			before[i] = len(c.writes)
		}
		if err := r.line(file, "send "+rest); err != nil {
			return err
		}
		for i, c := range r.at {
			if before[i] == 0 {
				return fmt.Errorf("there is no write to go on with")
			}
			c.writes[before[i]-1].bytes += c.writes[before[i]].bytes
			c.writes = c.writes[:before[i]]
		}
		return nil
	case "leave":
		if rest != "close" && rest != "reset" {
			return fmt.Errorf("nobody leaves by %q", rest)
		}
		for _, c := range r.at {
			c.leave = rest
		}
		return nil
	case "pubsubd":
		return r.declare(rest)
	}
	return fmt.Errorf("unknown word %q", verb)
}

// list reads: name "value" "value" …
func (r *corpusReader) list(rest string) error {
	name, rest, _ := strings.Cut(rest, " ")
	for rest != "" {
		value, more, err := quoted(rest)
		if err != nil {
			return err
		}
		r.lists[name] = append(r.lists[name], value)
		rest = more
	}
	return nil
}

// begin reads: name [for each list].
func (r *corpusReader) begin(file, rest string) error {
	name, list, family := strings.Cut(rest, " for each ")
	r.at, r.values = nil, []string{""}
	if family {
		if r.values = r.lists[list]; r.values == nil {
			return fmt.Errorf("there is no list %q", list)
		}
	}
	if strings.ContainsAny(name, " \t") {
		return fmt.Errorf("the name %q has blanks", name)
	}
	for i, v := range r.values {
		c := &hostileCase{name: name, file: file, declared: map[login]declaredOutcome{}}
		if family {
			c.name += "=" + strconv.Quote(v)
			c.place = i + 1
		}
		r.at = append(r.at, c)
	}
	r.cases = append(r.cases, r.at...)
	return nil
}

// declare reads: {id} before|after|both outcome, and before it, if it is for
// some of a family only, the values: "value" "value" …
func (r *corpusReader) declare(rest string) error {
	var only []string
	for strings.HasPrefix(rest, `"`) {
		value, more, err := quoted(rest)
		if err != nil {
			return err
		}
		only, rest = append(only, value), more
	}
	id, rest, _ := strings.Cut(rest, " ")
	when, rest, _ := strings.Cut(rest, " ")
	o, err := parseOutcome(rest)
	if err != nil {
		return err
	}
	logins := []login{login(when)}
	if when == "both" {
		logins = []login{before, after}
	}
	if logins[0] != before && logins[0] != after || !strings.HasPrefix(id, "{") || !strings.HasSuffix(id, "}") {
		return fmt.Errorf("a difference needs {id} and before, after or both")
	}
	for i, c := range r.at {
		if only != nil && !slices.Contains(only, r.values[i]) {
			continue
		}
		for _, l := range logins {
			d := declaredOutcome{strings.Trim(id, "{}"), o}
			d.reply = strings.ReplaceAll(d.reply, "{}", r.values[i])
			c.declared[l] = d
		}
	}
	return nil
}

// quoted cuts a quoted string off, and the blanks behind it.
func quoted(s string) (text, rest string, err error) {
	q, err := strconv.QuotedPrefix(s)
	if err != nil {
		return "", "", fmt.Errorf("%.40s does not begin with a string in quotes", s)
	}
	text, err = strconv.Unquote(q)
	return text, strings.TrimSpace(s[len(q):]), err
}

func TestCorpusReader(t *testing.T) {
	r := corpusReader{lists: map[string][]string{}}
	err := r.read("f", `
# a comment
list n "1" "\r\n"
case single
send "a\x00" x3
more "b"
drip "cd"
leave reset
case family for each n
send "*{}\r\n"
pubsubd "1" {some-id} after closed "-no {}\r\n"
`)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.cases) != 3 {
		t.Fatalf("%d cases", len(r.cases))
	}
	single, one, two := r.cases[0], r.cases[1], r.cases[2]
	if !slices.Equal(single.writes, []write{{"a\x00a\x00a\x00b", false}, {"cd", true}}) || single.leave != "reset" || single.size() != 9 {
		t.Errorf("%+v", single)
	}
	if one.name != `family="1"` || one.writes[0].bytes != "*1\r\n" || two.name != `family="\r\n"` || two.writes[0].bytes != "*\r\n\r\n" {
		t.Errorf("%+v %+v", one, two)
	}
	if d := one.declared[after]; d.id != "some-id" || !d.closed || d.reply != "-no 1\r\n" || len(two.declared) != 0 {
		t.Errorf("%+v, %+v", d, two.declared)
	}
	for _, bad := range []string{
		"send \"a\"", "case a b", "case a for each nothing", "case a\nsend a", "case a\nsend \"a\" 3", "case a\nmore \"a\"",
		"case a\nleave now", "case a\npubsubd id both open \"\"", "case a\npubsubd {id} never open \"\"", "case a\npubsubd {id} both ajar \"\"", "case a\nnonsense",
	} {
		r := corpusReader{lists: map[string][]string{}}
		if err := r.read("f", bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
