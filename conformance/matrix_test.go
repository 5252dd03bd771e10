package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/suite"
)

// command runs the command as a user would and returns what it prints.
func command(t *testing.T, args ...string) (ok bool, out string) {
	t.Helper()
	c, err := parseFlags(args, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	ok, err = c.main(&b)
	if err != nil {
		t.Fatal(err)
	}
	return ok, b.String()
}

// TestCases plays all cases on both servers, each in its own column.
func TestCases(t *testing.T) {
	t.Parallel()
	for name, binary := range map[string]string{"redis-7.0": redis70(t), "pubsubd": sut.Pubsubd(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sut.Start(t, binary)
			ok, out := command(t, "-addr", s.Addr, "-alone", "-timeout", "20s", "-limit", "10m")
			if !ok || !strings.Contains(out, "against the column "+name+" ") || !strings.Contains(out, "(100.0 %)") {
				t.Error(out)
			}
		})
	}
}

// TestCasesBeside compares pubsubd with redis-server: what differs is what is
// declared, and nothing else.
func TestCasesBeside(t *testing.T) {
	t.Parallel()
	redis70(t)
	s := sut.Start(t, sut.Pubsubd(t))
	_, divergences, err := loadCases("")
	if err != nil {
		t.Fatal(err)
	}
	files, _, err := loadCases("")
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string]bool{}
	for _, c := range suite.Cases(files) {
		for _, d := range divergences {
			if slices.Contains(c.Reasons(), d.ID) && slices.Contains(d.In, "pubsubd") {
				declared[c.ID] = true
			}
		}
	}
	_, out := command(t, "-addr", s.Addr, "-peer", "redis", "-alone", "-report", "json", "-timeout", "20s", "-limit", "10m")
	var report struct {
		Cases []struct{ ID, Outcome string }
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatal(err)
	}
	for _, c := range report.Cases {
		if same := c.Outcome == string(suite.Passed); same == declared[c.ID] {
			t.Errorf("%s %s beside redis-server, and a declared difference is %v", c.ID, c.Outcome, declared[c.ID])
		}
	}
}

// TestUsedServer holds that what may disturb others is not played unless asked
// for, and is told.
func TestUsedServer(t *testing.T) {
	t.Parallel()
	s := sut.Start(t, sut.Pubsubd(t))
	ok, out := command(t, "-addr", s.Addr, "-run", "^OBL|^CNT", "-timeout", "20s")
	if !ok || !strings.Contains(out, "cases not run, since it needs a server that nobody else uses") {
		t.Error(out)
	}
}

// TestPassword holds that all cases pass behind a password, for the default user
// and for another one, but for those that log out.
func TestPassword(t *testing.T) {
	t.Parallel()
	for name, binary := range map[string]string{"redis-7.0": redis70(t), "pubsubd": sut.Pubsubd(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sut.Start(t, binary, "--requirepass", "secret", "--user", "alice", "on", ">pa:ss", "allcommands", "allkeys", "allchannels")
			for _, auth := range []string{"secret", "alice:pa:ss"} {
				ok, out := command(t, "-addr", s.Addr, "-alone", "-auth", auth, "-timeout", "20s", "-limit", "10m")
				if !ok || !strings.Contains(out, "since it needs a server without a password: CNT-024 STA-") {
					t.Errorf("with %s:\n%s", auth, out)
				}
			}
		})
	}
}

// TestReports holds that each format is well formed and shows a difference with
// its bytes.
func TestReports(t *testing.T) {
	t.Parallel()
	s := sut.Start(t, redis70(t))
	for _, format := range suite.Formats {
		t.Run(format, func(t *testing.T) {
			ok, out := command(t, "-addr", s.Addr, "-column", "redis-7.2", "-run", "^SUB|CLI-011", "-report", format)
			if ok {
				t.Error("7.0 passes for 7.2")
			}
			for _, want := range []string{"CLI-011", "SETINFO"} {
				if !strings.Contains(out, want) {
					t.Errorf("the report lacks %q:\n%s", want, out)
				}
			}
			var err error
			switch format {
			case "json":
				err = json.Unmarshal([]byte(out), &struct{}{})
			case "junit":
				var suites junit
				err = xml.Unmarshal([]byte(out), &suites)
				if len(suites.Suites) != 2 || suites.Suites[0].Failures+suites.Suites[1].Failures != 1 {
					t.Errorf("suites %+v", suites)
				}
			default:
				if !strings.Contains(out, "OK\\r\\n") && !strings.Contains(out, "&#43;OK") {
					t.Errorf("the report does not show the bytes expected:\n%s", out)
				}
			}
			if err != nil {
				t.Errorf("%v in\n%s", err, out)
			}
		})
	}
}

// junit is what of a JUnit file is looked at.
type junit struct {
	Suites []struct {
		Failures int `xml:"failures,attr"`
	} `xml:"testsuite"`
}

func TestOneCase(t *testing.T) {
	t.Parallel()
	s := sut.Start(t, sut.Pubsubd(t))
	ok, out := command(t, "-addr", s.Addr, "-case", "sub-001", "-v", "-resp", "2")
	for _, want := range []string{"c1> 0000  2a 32 0d 0a 24 39", "c1< 0000  2a 33", "SUB-001 passed"} {
		if !ok || !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

// TestCaseFiles holds that the files are laid out as recording would, that there
// are as many cases as is said, and that each divergence is used and listed.
func TestCaseFiles(t *testing.T) {
	t.Parallel()
	files, divergences, err := loadCases("")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(casesDir, f.Name))
		if err != nil {
			t.Fatal(err)
		}
		if f.Format() != string(text) {
			t.Errorf("%s is not laid out as recording does", f.Name)
		}
		for _, c := range f.Cases {
			for _, id := range c.Reasons() {
				used[id] = true
			}
		}
	}
	cases := suite.Cases(files)
	if len(cases) < 600 {
		t.Errorf("%d cases", len(cases))
	}
	for _, a := range suite.Areas {
		if !slices.ContainsFunc(cases, func(c *suite.Case) bool { return c.Area == a.Name }) {
			t.Errorf("no case is about %s", a.Name)
		}
	}
	for _, d := range divergences {
		if !used[d.ID] {
			t.Errorf("no case mentions %s", d.ID)
		}
		delete(used, d.ID)
	}
	for id := range used {
		t.Errorf("cases mention %s, which RELEASES.md does not list", id)
	}
}

// TestRecordCases holds that recording again changes nothing.
func TestRecordCases(t *testing.T) {
	t.Parallel()
	s := sut.Start(t, redis70(t))
	dir := t.TempDir()
	const name = "subscribe.txt"
	before, err := os.ReadFile(filepath.Join(casesDir, name))
	if err != nil {
		t.Fatal(err)
	}
	blank := bytes.ReplaceAll(before, []byte(`c1< >3 "subscribe" "${p}a" :1`), []byte("c1<"))
	if err := os.WriteFile(filepath.Join(dir, name), blank, 0o666); err != nil {
		t.Fatal(err)
	}
	if ok, out := command(t, "-record", "-addr", s.Addr, "-dir", dir, "-timeout", "20s"); !ok {
		t.Fatal(out)
	}
	after, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("recorded %v:\n%s", err, after)
	}
}
