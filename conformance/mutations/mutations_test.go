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
	if len(mutations) < 30 {
		t.Errorf("%d mutations", len(mutations))
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
		if !slices.ContainsFunc(cases, func(c *suite.Case) bool { return c.ID == m.id }) {
			t.Errorf("%s: there is no case %s", m.name, m.id)
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
