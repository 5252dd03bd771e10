package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/suite"
)

// TestMutationsStillApply holds that the old text of each mutation stands in its
// file once, that its case is there, and that every area has a mutation. Running
// them is for the command.
func TestMutationsStillApply(t *testing.T) {
	t.Parallel()
	mutations, err := parse(list)
	if err != nil {
		t.Fatal(err)
	}
	if len(mutations) < 71 {
		t.Errorf("%d mutations, where once there were 71", len(mutations))
	}
	files, err := suite.LoadFS(os.DirFS("../testdata/cases"))
	if err != nil {
		t.Fatal(err)
	}
	cases := suite.Cases(files)
	for _, m := range mutations {
		source, err := os.ReadFile(filepath.Join("..", "..", m.file))
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(source), m.old); n != 1 {
			t.Errorf("%s: %s has its old text %d times", m.name, m.file, n)
		}
		i := slices.IndexFunc(cases, func(c *suite.Case) bool { return c.ID == m.id })
		if i < 0 {
			t.Errorf("%s: there is no case %s", m.name, m.id)
		} else if cases[i].Area != m.area {
			t.Errorf("%s is said to be about %s, and %s is about %s", m.name, m.area, m.id, cases[i].Area)
		}
	}
	for _, a := range suite.Areas {
		if !slices.ContainsFunc(mutations, func(m mutation) bool { return m.area == a.Name }) {
			t.Errorf("no mutation is about %s", a.Name)
		}
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"mutation: a\nnonsense\n":                                      "is no line",
		"mutation: a\narea: globs\ncase: GLB-001\nfile: f\n- x\n+ x\n": "something is missing",
		"mutation: a\ncase: GLB-001\nfile: f\n- x\n+ y\n":              "something is missing",
	} {
		if _, err := parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// TestNotices holds that a case notices by what it says itself, not by a run that
// goes wrong.
func TestNotices(t *testing.T) {
	t.Parallel()
	for outcome, want := range map[suite.Outcome]bool{
		suite.Differs: true, suite.NotSupported: true, suite.Passed: false, suite.NotRun: false, suite.NotEstablished: false,
	} {
		for _, d := range []suite.Difference{{Want: []byte("+OK\r\n")}, {Got: []byte("+OK\r\n")}, {Client: "c2", Text: "no end of the stream"}, {Proto: suite.NoProto, Text: "the server answered nobody any more"}} {
			r := &suite.Report{Cut: "the end", Results: []suite.Result{
				{Case: &suite.Case{ID: "SUB-001"}, Outcome: outcome, Differences: []suite.Difference{d}},
				{Case: &suite.Case{ID: "SUB-002"}, Outcome: suite.Differs, Differences: []suite.Difference{{Want: []byte("+OK\r\n")}}},
			}}
			if want := want && d.Proto != suite.NoProto; notices(r, "SUB-001") != want {
				t.Errorf("%s with %+v is noticed: %v", outcome, d, !want)
			}
		}
	}
}

func TestNothingToTry(t *testing.T) {
	t.Parallel()
	if err := check("no such thing", false); err == nil || !strings.Contains(err.Error(), "no mutation") {
		t.Errorf("check: %v", err)
	}
}
