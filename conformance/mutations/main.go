// Command mutations breaks pubsubd in many ways, one at a time, and holds that a
// case of the conformance suite notices each.
//
//	go run ./conformance/mutations
//	go run ./conformance/mutations -run 'globs|RESET' -v
//
// mutations.txt lists them. The tree is not touched: the file that a mutation
// changes is written into a temporary folder and laid over its original by the
// build. A mutation is caught if its case differs, or says that something is not
// supported, twice. The exit code is 0 if all were caught.
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/process"
	"github.com/pubsubd/pubsubd/conformance/suite"
)

//go:embed mutations.txt
var list string

func main() {
	run := flag.String("run", "", "only the mutations whose name, area or case matches this `regexp`")
	verbose := flag.Bool("v", false, "show what the case says")
	flag.Parse()
	if err := check(*run, *verbose); err != nil {
		fmt.Fprintln(os.Stderr, "mutations:", err)
		os.Exit(1)
	}
}

// check tries the mutations whose name, area or case matches run.
func check(run string, verbose bool) error {
	pattern, err := regexp.Compile(run)
	if err != nil {
		return fmt.Errorf("-run: %w", err)
	}
	mutations, err := parse(list)
	if err != nil {
		return err
	}
	mutations = slices.DeleteFunc(mutations, func(m mutation) bool {
		return !pattern.MatchString(m.name) && !pattern.MatchString(m.area) && !pattern.MatchString(m.id)
	})
	if len(mutations) == 0 {
		return errors.New("no mutation has such a name, area or case")
	}
	cases, divergences, err := loadCases()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "mutations-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p := player{dir: dir, cases: cases, divergences: divergences}
	if err := p.sound(mutations); err != nil {
		return err
	}
	escaped := 0
	for _, m := range mutations {
		text, caught, err := p.try(m)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		verdict := "caught "
		if !caught {
			escaped++
			verdict = "ESCAPED"
		}
		fmt.Printf("%s %s  %-22s %s\n", verdict, m.id, m.area, m.name)
		if verbose {
			fmt.Println(text)
		}
	}
	fmt.Printf("%d mutations, %d caught\n", len(mutations), len(mutations)-escaped)
	if escaped > 0 {
		return fmt.Errorf("%d escaped", escaped)
	}
	return nil
}

// A mutation is one way to break pubsubd.
type mutation struct {
	name, area string
	id         string // of the case that notices
	file       string
	old, new   string // of which old stands in the file once
}

// parse reads the list. A mutation is lines "key: value", then the old lines
// behind "- " and the new ones behind "+ ".
func parse(text string) ([]mutation, error) {
	var all []mutation
	for block := range strings.SplitSeq(text, "\n\n") {
		var m mutation
		var before, after []string
		for line := range strings.Lines(block) {
			line = strings.TrimSuffix(line, "\n")
			key, value, _ := strings.Cut(line, ": ")
			switch {
			case strings.HasPrefix(line, "- "):
				before = append(before, line[2:])
			case strings.HasPrefix(line, "+ "):
				after = append(after, line[2:])
			case key == "mutation":
				m.name = value
			case key == "area":
				m.area = value
			case key == "case":
				m.id = value
			case key == "file":
				m.file = value
			case line != "" && !strings.HasPrefix(line, "#"):
				return nil, fmt.Errorf("mutations.txt: %q is no line of a mutation", line)
			}
		}
		if m.name == "" {
			continue
		}
		m.old, m.new = strings.Join(before, "\n"), strings.Join(after, "\n")
		if m.area == "" || m.id == "" || m.file == "" || m.old == "" || m.old == m.new {
			return nil, fmt.Errorf("mutations.txt: %s: something is missing", m.name)
		}
		all = append(all, m)
	}
	return all, nil
}

// loadCases returns the cases of the tree by id.
func loadCases() (map[string]*suite.Case, []suite.Divergence, error) {
	files, err := suite.LoadFS(os.DirFS("conformance/testdata/cases"))
	if err != nil {
		return nil, nil, fmt.Errorf("%w; run this in the root of the module", err)
	}
	text, err := os.ReadFile("conformance/RELEASES.md")
	if err != nil {
		return nil, nil, err
	}
	divergences, err := suite.ParseDivergences(string(text))
	if err != nil {
		return nil, nil, err
	}
	cases := map[string]*suite.Case{}
	for _, c := range suite.Cases(files) {
		cases[c.ID] = c
	}
	return cases, divergences, nil
}

// A player builds servers and plays cases on them.
type player struct {
	dir         string
	cases       map[string]*suite.Case
	divergences []suite.Divergence
}

// sound checks that pubsubd as it is passes the cases of the mutations: one that
// fails anyway would notice nothing.
func (p player) sound(mutations []mutation) error {
	binary, err := p.build("")
	if err != nil {
		return err
	}
	var cases []*suite.Case
	for _, m := range mutations {
		c := p.cases[m.id]
		if c == nil {
			return fmt.Errorf("%s: there is no case %s", m.name, m.id)
		}
		if !slices.Contains(cases, c) {
			cases = append(cases, c)
		}
	}
	report, text, err := p.play(binary, cases)
	if err == nil && report.Count("", suite.Passed) != len(cases) {
		err = errors.New("pubsubd itself does not pass:\n" + text)
	}
	return err
}

// try applies a mutation and reports whether its case notices.
func (p player) try(m mutation) (text string, caught bool, err error) {
	source, err := os.ReadFile(m.file)
	if err != nil {
		return "", false, err
	}
	if n := strings.Count(string(source), m.old); n != 1 {
		return "", false, fmt.Errorf("%s has its old text %d times", m.file, n)
	}
	broken := filepath.Join(p.dir, "broken.go")
	if err := os.WriteFile(broken, []byte(strings.Replace(string(source), m.old, m.new, 1)), 0o600); err != nil {
		return "", false, err
	}
	original, err := filepath.Abs(m.file)
	if err != nil {
		return "", false, err
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {original: broken}})
	if err != nil {
		return "", false, err
	}
	file := filepath.Join(p.dir, "overlay.json")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		return "", false, err
	}
	binary, err := p.build(file)
	if err != nil {
		return "", false, err
	}
	// Twice, since on a busy machine a case may fail once for want of time.
	for range 2 {
		var report *suite.Report
		if report, text, err = p.play(binary, []*suite.Case{p.cases[m.id]}); err != nil {
			return "", false, err
		}
		if !notices(report, m.id) {
			return text, false, nil
		}
	}
	return text, true, nil
}

// notices reports whether the case with this id was played and tells by what came,
// or did not come, the server from one that is right. A server that dies, or a run
// that fails in another way, shows nothing.
func notices(r *suite.Report, id string) bool {
	return slices.ContainsFunc(r.Results, func(res suite.Result) bool {
		return res.Case.ID == id && (res.Outcome == suite.Differs || res.Outcome == suite.NotSupported) &&
			len(res.Differences) > 0 && !slices.ContainsFunc(res.Differences, func(d suite.Difference) bool { return d.Proto == suite.NoProto })
	})
}

// build builds pubsubd with an overlay, or as it is if there is none.
func (p player) build(overlay string) (binary string, err error) {
	binary = filepath.Join(p.dir, "pubsubd")
	// Without optimization and symbols, which take most of the time.
	args := []string{"build", "-o", binary, "-ldflags=-s -w", "-gcflags=github.com/pubsubd/pubsubd/...=-N -l"}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	out, err := exec.Command("go", append(args, "./cmd/pubsubd")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building: %w\n%s", err, out)
	}
	return binary, nil
}

// play plays cases on a server started from binary.
func (p player) play(binary string, cases []*suite.Case) (*suite.Report, string, error) {
	s, err := process.Start(binary)
	if err != nil {
		return nil, "", err
	}
	defer s.Kill()
	column, err := suite.ColumnNamed("pubsubd")
	if err != nil {
		return nil, "", err
	}
	report := suite.Run(context.Background(), suite.Server{Addr: s.Addr}, cases, suite.Options{
		Column: column, Divergences: p.divergences, Alone: true, Timeout: 5 * time.Second, Limit: 10 * time.Minute,
	})
	var b strings.Builder
	err = report.Write(&b, "text", suite.WriteOptions{})
	return report, b.String(), err
}
