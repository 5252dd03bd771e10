package suite

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/fake"
)

// written returns the report in a format.
func written(t *testing.T, r *Report, format string) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.Write(&b, format, WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// differing is a report of one case with one difference.
func differing(d Difference) *Report {
	c := &Case{ID: "SUB-001", Area: "subscribe", Title: "One *of* two_three <b>.", Why: "It | breaks."}
	return &Report{Server: "host:1", Column: Columns[0], Results: []Result{{Case: c, Outcome: Differs, Differences: []Difference{d}}}}
}

// TestLongValues holds that of long values what differs is shown.
func TestLongValues(t *testing.T) {
	t.Parallel()
	want := []byte(strings.Repeat("a", 5000) + "right" + strings.Repeat("b", 5000))
	got := bytes.Replace(want, []byte("right"), []byte("wrong"), 1)
	for _, format := range []string{"text", "md", "html"} {
		text := written(t, differing(Difference{Proto: 2, Want: want, Got: got, Wants: "x", Gots: "y"}), format)
		if !strings.Contains(text, "aright") || !strings.Contains(text, "awrong") || !strings.Contains(text, "bytes more") {
			t.Errorf("%s does not show where they differ:\n%s", format, text)
		}
		if len(text) > 8000 {
			t.Errorf("%s has %d bytes", format, len(text))
		}
	}
}

// TestMaskedValues holds that what truly came is shown beside what is compared.
func TestMaskedValues(t *testing.T) {
	t.Parallel()
	const text = "why: w\ncase: SUB-001 x\nc1> ECHO a1234\nmask digits\nc1< \"b<n>\"\n"
	r := play(t, serve(t, good), text, Options{Protocols: []int{2}})
	if d := r.Results[0].Differences[0]; !d.Masked || string(d.Received) != "$5\r\na1234\r\n" || string(d.Got) != "$4\r\na<n>\r\n" {
		t.Errorf("%+v", d)
	}
	if out := written(t, r, "text"); !strings.Contains(out, "received in full \"$5\\r\\na1234") {
		t.Errorf("not shown in\n%s", out)
	}
	var j struct {
		Cases []struct {
			Differences []struct {
				Received []byte `json:"received_in_full"`
			}
		}
	}
	if err := json.Unmarshal([]byte(written(t, r, "json")), &j); err != nil || string(j.Cases[0].Differences[0].Received) != "$5\r\na1234\r\n" {
		t.Errorf("%v, %+v", err, j)
	}
}

// TestWhatAServerSays holds that reports do not obey it.
func TestWhatAServerSays(t *testing.T) {
	t.Parallel()
	r := differing(Difference{Proto: 2, Text: "a\x1b[2Jb\nc"})
	r.Name, r.Cut = "redis \x1b]0;x\a*7*", "why\x1b[1m"
	r.Results = append(r.Results, Result{Case: r.Results[0].Case, Outcome: NotRun, Note: "no\x1b[1m"})
	for _, format := range Formats {
		if out := written(t, r, format); strings.Contains(out, "\x1b") {
			t.Errorf("%s holds an escape:\n%q", format, out)
		}
	}
	out := written(t, r, "md")
	for _, want := range []string{`One \*of\* two\_three \<b\>.`, `It \| breaks.`, `\*7\*`} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

// TestTableOfAreas holds that there is a line for each area that has cases, and one
// for all.
func TestTableOfAreas(t *testing.T) {
	t.Parallel()
	r := &Report{Column: Columns[0]}
	for _, x := range []struct {
		area string
		o    Outcome
	}{{Areas[2].Name, Passed}, {Areas[0].Name, Differs}, {Areas[2].Name, NotRun}, {Areas[2].Name, Passed}} {
		r.Results = append(r.Results, Result{Case: &Case{ID: "X-001", Area: x.area}, Outcome: x.o})
	}
	first, second := Areas[0].Name, Areas[2].Name
	for format, lines := range map[string][]string{
		"text": {first + " 1 0 1 0 0 0", second + " 3 2 0 0 0 1", "all 4 2 1 0 0 1"},
		"md":   {"| " + first + " | 1 | 0 | 1 | 0 | 0 | 0 |", "| " + second + " | 3 | 2 | 0 | 0 | 0 | 1 |", "| **all** | 4 | 2 | 1 | 0 | 0 | 1 |"},
		"html": {
			"<tr><td>" + first + "<td>1<td>0<td>1<td>0<td>0<td>0</tr>",
			"<tr><td>" + second + "<td>3<td>2<td>0<td>0<td>0<td>1</tr>",
			"<tr><td>all<td>4<td>2<td>1<td>0<td>0<td>1</tr>",
		},
	} {
		var out []string
		for line := range strings.Lines(written(t, r, format)) {
			out = append(out, strings.Join(strings.Fields(line), " "))
		}
		want := strings.Join(lines, "\n")
		if text := strings.Join(out, "\n"); !strings.Contains(text, "\n"+want+"\n") {
			t.Errorf("%s: no\n%s\nin\n%s", format, want, text)
		}
	}
}

// TestRunThatIsCut holds that every format tells what is wrong with the run as a
// whole.
func TestRunThatIsCut(t *testing.T) {
	t.Parallel()
	r := &Report{Server: "h", Column: Columns[0], NoRESP3: true, Cut: "the end came", Results: []Result{{Case: &Case{ID: "SUB-001", Area: "subscribe"}, Outcome: Passed}}}
	for _, format := range []string{"text", "md", "html", "json", "junit"} {
		if out := written(t, r, format); !strings.Contains(out, "the end came") {
			t.Errorf("%s:\n%s", format, out)
		}
	}
	var j struct {
		NoRESP3 bool `json:"no_resp3"`
		Cut     string
	}
	if err := json.Unmarshal([]byte(written(t, r, "json")), &j); err != nil || !j.NoRESP3 || j.Cut != r.Cut {
		t.Errorf("%v, %+v", err, j)
	}
	var suites junitSuites
	if err := xml.Unmarshal([]byte(written(t, r, "junit")), &suites); err != nil {
		t.Fatal(err)
	}
	if last := suites.Suites[len(suites.Suites)-1]; last.Name != "run" || last.Failures != 2 {
		t.Errorf("%+v", suites)
	}
	r.NoRESP3, r.Cut = false, ""
	if out := written(t, r, "junit"); strings.Contains(out, `"run"`) {
		t.Errorf("nothing is wrong with the run, and yet\n%s", out)
	}
}

// TestStrictRun holds that JUnit tells of what was left out where that is a failure.
func TestStrictRun(t *testing.T) {
	t.Parallel()
	c := &Case{ID: "SUB-001", Area: "subscribe"}
	for _, outcome := range []Outcome{Passed, NotRun, NotEstablished} {
		r := &Report{Results: []Result{{Case: c, Outcome: outcome}}}
		for _, strict := range []bool{false, true} {
			var b bytes.Buffer
			if err := r.Write(&b, "junit", WriteOptions{Strict: strict}); err != nil {
				t.Fatal(err)
			}
			if told := strings.Contains(b.String(), "no case is left out"); told != (strict && outcome != Passed) {
				t.Errorf("%s, strict %v: told %v\n%s", outcome, strict, told, b.String())
			}
		}
	}
}

func TestScore(t *testing.T) {
	t.Parallel()
	c := &Case{ID: "SUB-001", Area: "subscribe"}
	for want, outcomes := range map[string][]Outcome{
		"2 of 2 cases passed (100.0 %)":                        {Passed, Passed},
		"1 of 2 cases passed (50.0 %)":                         {Passed, Differs},
		"1 of 3 cases passed, 1 not run (50.0 % of those run)": {Passed, Differs, NotRun},
		"none of 1 cases was run":                              {NotRun},
	} {
		r := &Report{}
		for _, o := range outcomes {
			r.Results = append(r.Results, Result{Case: c, Outcome: o})
		}
		if got := r.score(); got != want {
			t.Errorf("%v: %q, want %q", outcomes, got, want)
		}
	}
}

// TestWhoIsToBlame holds that with several workers no case alone is said to have
// brought the server to a stop.
func TestWhoIsToBlame(t *testing.T) {
	t.Parallel()
	var dying atomic.Int32
	both := make(chan struct{})
	s := serve(t, func(_ int, words []string) string {
		if words[0] == "DIE" {
			if dying.Add(1) == 2 {
				close(both)
			}
			<-both
		}
		if dying.Load() == 2 {
			return fake.HangUp
		}
		return ":0\r\n"
	})
	const text = "why: w\ncase: SUB-001 x\nc1> DIE\nc1< +OK\n\ncase: SUB-002 y\nc1> DIE\nc1< +OK\n\ncase: SUB-003 z\nneeds: alone\nc1> PING\nc1< +PONG\n"
	r := play(t, s, text, Options{Protocols: []int{2}, Workers: 2, Alone: true, Timeout: time.Minute, Limit: time.Hour})
	if !strings.Contains(r.Cut, "SUB-001, SUB-002") || !strings.Contains(r.Cut, "-workers 1") {
		t.Errorf("cut since %q", r.Cut)
	}
}
