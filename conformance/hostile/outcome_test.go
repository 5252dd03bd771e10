package hostile

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// An outcome is what comes of a case: what the server answers, and whether it
// then closes the connection.
type outcome struct {
	reply  string // or digest, if it is long
	closed bool
}

// maxShown is the most bytes of a reply that are recorded as they are.
const maxShown = 512

// digest returns a reply, or what tells it apart if it is long.
func digest(reply string) string {
	if len(reply) <= maxShown {
		return reply
	}
	return fmt.Sprintf("%d bytes with SHA-256 %x", len(reply), sha256.Sum256([]byte(reply)))
}

func (o outcome) String() string {
	state := "open"
	if o.closed {
		state = "closed"
	}
	return state + " " + strconv.Quote(o.reply)
}

func parseOutcome(s string) (o outcome, err error) {
	state, rest, _ := strings.Cut(s, " ")
	if state != "open" && state != "closed" {
		return o, fmt.Errorf("%q is neither open nor closed", state)
	}
	o.closed = state == "closed"
	o.reply, rest, err = quoted(rest)
	if err == nil && rest != "" {
		err = fmt.Errorf("%q behind an outcome", rest)
	}
	return o, err
}

// answers are the outcomes of cases, by name.
type answers map[string]map[login]outcome

func answersPath(file string) string { return filepath.Join("testdata", "answers", file) }

// recordedAnswers reads what redis-server answered to all cases.
func recordedAnswers(t testing.TB) answers {
	t.Helper()
	paths, err := filepath.Glob(answersPath("*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	all := answers{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := ""
		s := bufio.NewScanner(strings.NewReader(string(text)))
		for n := 1; s.Scan(); n++ {
			line := s.Text()
			when, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
			switch {
			case line == "" || line[0] == '#':
			case line[0] != ' ':
				name = line
				all[name] = map[login]outcome{}
			default:
				o, err := parseOutcome(rest)
				if err != nil {
					t.Fatalf("%s:%d: %v", path, n, err)
				}
				if when == "both" {
					all[name][before], all[name][after] = o, o
				} else {
					all[name][login(when)] = o
				}
			}
		}
	}
	return all
}

// record writes the answers to all cases, in the order of the cases.
func record(t testing.TB, cases []*hostileCase, got answers) {
	t.Helper()
	files := map[string]*strings.Builder{}
	for _, c := range cases {
		if c.leave != "" {
			continue
		}
		b := files[c.file]
		if b == nil {
			b = &strings.Builder{}
			b.WriteString("# Recorded from redis-server 7.0.15 by go test ./conformance/hostile -update\n")
			files[c.file] = b
		}
		first, second := got[c.name][before], got[c.name][after]
		if first == second {
			fmt.Fprintf(b, "%s\n  both %v\n", c.name, first)
		} else {
			fmt.Fprintf(b, "%s\n  before %v\n  after %v\n", c.name, first, second)
		}
	}
	for file, b := range files {
		if err := os.WriteFile(answersPath(file), []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
