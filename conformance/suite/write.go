package suite

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"
)

// Formats are those that Report.Write knows.
var Formats = []string{"text", "md", "json", "html", "junit"}

// WriteOptions say what a report shows.
type WriteOptions struct {
	// Verbose shows the cases that passed too, where the format has room.
	Verbose bool
}

// Write writes the report in one of Formats.
func (r *Report) Write(w io.Writer, format string, o WriteOptions) error {
	switch format {
	case "text":
		return r.writeText(w, o)
	case "md":
		return r.writeMarkdown(w)
	case "json":
		return r.writeJSON(w)
	case "html":
		return r.writeHTML(w)
	case "junit":
		return r.writeJUnit(w)
	}
	return fmt.Errorf("no report is called %q; there are %s", format, strings.Join(Formats, ", "))
}

// areas returns the areas that have cases in the report.
func (r *Report) areas() []string {
	var names []string
	for _, a := range Areas {
		if r.Total(a.Name) > 0 {
			names = append(names, a.Name)
		}
	}
	return names
}

// failed returns the results that somebody should look at.
func (r *Report) failed() []Result {
	var list []Result
	for _, res := range r.Results {
		if res.Outcome != Passed && res.Outcome != NotRun {
			list = append(list, res)
		}
	}
	return list
}

// A reason is why some cases were not run.
type reason struct {
	Note  string   `json:"note"`
	Cases []string `json:"cases"`
}

// notRun returns why which cases were not run.
func (r *Report) notRun() []reason {
	var list []reason
	for _, res := range r.Results {
		if res.Outcome != NotRun {
			continue
		}
		i := slices.IndexFunc(list, func(x reason) bool { return x.Note == res.Note })
		if i < 0 {
			i, list = len(list), append(list, reason{Note: res.Note})
		}
		list[i].Cases = append(list[i].Cases, res.Case.ID)
	}
	return list
}

// head says in a line what was played on what.
func (r *Report) head() string {
	name := r.Server
	if r.Name != "" {
		name = r.Name + " at " + r.Server
	}
	against := fmt.Sprintf("the column %s (%s)", r.Column.Name, r.Column.Basis)
	if r.Peer {
		against = "a peer"
	}
	if r.NoRESP3 {
		against += ", in RESP2 alone since it refuses HELLO 3"
	}
	return fmt.Sprintf("%s, %d cases, against %s, in %.1f s", name, len(r.Results), against, r.Took.Seconds())
}

// score is the part of the cases run that passed.
func (r *Report) score() string {
	run := len(r.Results) - r.Count("", NotRun)
	if run == 0 {
		return "no case was run"
	}
	passed := r.Count("", Passed)
	return fmt.Sprintf("%d of %d cases run passed (%.1f %%)", passed, run, float64(passed)*100/float64(run))
}

// protocol is how reports call a protocol.
func protocol(proto int) string {
	if proto == 0 {
		return "raw"
	}
	return fmt.Sprintf("RESP%d", proto)
}

// maxShown is how many bytes of a value reports show.
const maxShown = 400

// quoted shows bytes between quotes, as in a case.
func quoted(b []byte) string {
	if len(b) == 0 {
		return "nothing"
	}
	if more := len(b) - maxShown; more > 0 {
		return fmt.Sprintf("%q … and %d bytes more", b[:maxShown], more)
	}
	return fmt.Sprintf("%q", b)
}

// lines explains a difference.
func (d Difference) lines() []string {
	where := protocol(d.Proto)
	if d.Line > 0 {
		where += fmt.Sprintf(", line %d", d.Line)
	}
	if d.Client != "" {
		where += ", " + d.Client
	}
	var list []string
	if d.Text != "" {
		text, _, _ := strings.Cut(d.Text, "\n")
		list = append(list, where+": "+text)
	} else {
		list = append(list, where+":")
	}
	if len(d.Wants)+len(d.Gots) > 0 {
		list = append(list, "  expected "+shown(d.Want, d.Wants), "  received "+shown(d.Got, d.Gots))
	}
	return list
}

// shown is how bytes are shown; the end of the stream has none.
func shown(b []byte, text string) string {
	if len(b) == 0 && text != "" {
		return "the end of the stream"
	}
	return quoted(b)
}

func (r *Report) writeText(w io.Writer, o WriteOptions) error {
	var b strings.Builder
	fmt.Fprintln(&b, r.head())
	fmt.Fprintf(&b, "\n%-22s %6s", "area", "cases")
	for _, outcome := range Outcomes {
		fmt.Fprintf(&b, " %15s", outcome)
	}
	b.WriteByte('\n')
	for _, area := range append(r.areas(), "") {
		name := area
		if name == "" {
			name = "all"
		}
		fmt.Fprintf(&b, "%-22s %6d", name, r.Total(area))
		for _, outcome := range Outcomes {
			fmt.Fprintf(&b, " %15d", r.Count(area, outcome))
		}
		b.WriteByte('\n')
	}
	for _, res := range r.Results {
		if o.Verbose && res.Outcome == Passed {
			fmt.Fprintf(&b, "\n%s passed: %s", res.Case.ID, res.Case.Title)
		}
	}
	if o.Verbose {
		b.WriteByte('\n')
	}
	for _, res := range r.failed() {
		fmt.Fprintf(&b, "\n%s %s: %s\n", res.Case.ID, res.Outcome, res.Case.Title)
		fmt.Fprintf(&b, "  why: %s\n", res.Case.Why)
		for _, d := range res.Differences {
			fmt.Fprintf(&b, "  %s\n", strings.Join(d.lines(), "\n  "))
		}
	}
	for _, x := range r.notRun() {
		fmt.Fprintf(&b, "\n%d cases not run, since %s: %s\n", len(x.Cases), x.Note, strings.Join(x.Cases, " "))
	}
	fmt.Fprintf(&b, "\n%s\n", r.score())
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) writeMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s.\n%s.\n\n| area | cases |", r.head(), r.score())
	for _, outcome := range Outcomes {
		fmt.Fprintf(&b, " %s |", outcome)
	}
	b.WriteString("\n|---|--:|" + strings.Repeat("--:|", len(Outcomes)) + "\n")
	for _, area := range append(r.areas(), "") {
		name := area
		if name == "" {
			name = "**all**"
		}
		fmt.Fprintf(&b, "| %s | %d |", name, r.Total(area))
		for _, outcome := range Outcomes {
			fmt.Fprintf(&b, " %d |", r.Count(area, outcome))
		}
		b.WriteByte('\n')
	}
	for _, res := range r.failed() {
		fmt.Fprintf(&b, "\n**%s** %s. %s\n%s\n\n", res.Case.ID, res.Outcome, res.Case.Title, res.Case.Why)
		for _, d := range res.Differences {
			fmt.Fprintf(&b, "    %s\n", strings.Join(d.lines(), "\n    "))
		}
	}
	for _, x := range r.notRun() {
		fmt.Fprintf(&b, "\nNot run, since %s: %s.\n", x.Note, strings.Join(x.Cases, ", "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// The JSON form of a report. Its names do not change.
type (
	jsonReport struct {
		Server  string       `json:"server"`
		Name    string       `json:"name,omitempty"`
		Column  string       `json:"column"`
		Peer    bool         `json:"peer,omitempty"`
		Began   time.Time    `json:"began"`
		Seconds float64      `json:"seconds"`
		Areas   []jsonArea   `json:"areas"`
		Cases   []jsonResult `json:"cases"`
	}
	jsonArea struct {
		Area   string          `json:"area"`
		Counts map[Outcome]int `json:"counts"`
	}
	jsonResult struct {
		ID          string           `json:"id"`
		Area        string           `json:"area"`
		Title       string           `json:"title"`
		Why         string           `json:"why"`
		Outcome     Outcome          `json:"outcome"`
		Note        string           `json:"note,omitempty"`
		Seconds     float64          `json:"seconds"`
		Differences []jsonDifference `json:"differences,omitempty"`
	}
	jsonDifference struct {
		Protocol string `json:"protocol"`
		Client   string `json:"client,omitempty"`
		Line     int    `json:"line,omitempty"`
		Text     string `json:"text,omitempty"`
		Expected []byte `json:"expected"` // base64
		Received []byte `json:"received"` // base64
	}
)

func (r *Report) writeJSON(w io.Writer) error {
	j := jsonReport{Server: r.Server, Name: r.Name, Column: r.Column.Name, Peer: r.Peer, Began: r.Began, Seconds: r.Took.Seconds()}
	for _, area := range r.areas() {
		a := jsonArea{Area: area, Counts: map[Outcome]int{}}
		for _, o := range Outcomes {
			a.Counts[o] = r.Count(area, o)
		}
		j.Areas = append(j.Areas, a)
	}
	for _, res := range r.Results {
		x := jsonResult{res.Case.ID, res.Case.Area, res.Case.Title, res.Case.Why, res.Outcome, res.Note, res.Took.Seconds(), nil}
		for _, d := range res.Differences {
			x.Differences = append(x.Differences, jsonDifference{protocol(d.Proto), d.Client, d.Line, d.Text, d.Want, d.Got})
		}
		j.Cases = append(j.Cases, x)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(j)
}

// The JUnit form: a suite for each area.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Name    string       `xml:"name,attr"`
		Time    string       `xml:"time,attr"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Time    string        `xml:"time,attr"`
		Failure *junitMessage `xml:"failure"`
		Skipped *junitMessage `xml:"skipped"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

func (r *Report) writeJUnit(w io.Writer) error {
	all := junitSuites{Name: "conformance " + r.Column.Name, Time: fmt.Sprintf("%.3f", r.Took.Seconds())}
	for _, area := range r.areas() {
		s := junitSuite{
			Name: area, Tests: r.Total(area),
			Failures: r.Count(area, Differs) + r.Count(area, NotSupported),
			Skipped:  r.Count(area, NotRun) + r.Count(area, NotEstablished),
		}
		for _, res := range r.Results {
			if res.Case.Area != area {
				continue
			}
			c := junitCase{Class: area, Name: res.Case.ID + " " + res.Case.Title, Time: fmt.Sprintf("%.3f", res.Took.Seconds())}
			m := &junitMessage{Message: string(res.Outcome) + ": " + res.Case.Why}
			for _, d := range res.Differences {
				m.Text += strings.Join(d.lines(), "\n") + "\n"
			}
			switch res.Outcome {
			case Differs, NotSupported:
				c.Failure = m
			case NotRun:
				m.Message = res.Note
				c.Skipped = m
			case NotEstablished:
				c.Skipped = m
			}
			s.Cases = append(s.Cases, c)
		}
		all.Suites = append(all.Suites, s)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

var page = template.Must(template.New("report").Parse(`<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>Conformance</title>
<style>
body { font: 15px/1.5 sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em }
td, th { padding: .2em .8em; text-align: right } td:first-child, th:first-child { text-align: left }
tr:nth-child(even) { background: #f4f4f4 } pre { background: #f4f4f4; padding: .6em; overflow-x: auto }
</style>
<h1>Conformance</h1>
<p>{{.Head}}.<br>{{.Score}}.</p>
<table><tr><th>area<th>cases{{range .Outcomes}}<th>{{.}}{{end}}</tr>
{{range .Rows}}<tr><td>{{.Name}}<td>{{.Total}}{{range .Counts}}<td>{{.}}{{end}}</tr>
{{end}}</table>
{{range .Failed}}<h3 id="{{.ID}}">{{.ID}} {{.Outcome}}</h3><p>{{.Title}}<br><em>{{.Why}}</em></p><pre>{{.Text}}</pre>
{{end}}{{range .NotRun}}<p>Not run, since {{.Note}}: {{range .Cases}}{{.}} {{end}}</p>
{{end}}</html>
`))

func (r *Report) writeHTML(w io.Writer) error {
	type row struct {
		Name   string
		Total  int
		Counts []int
	}
	type failure struct{ ID, Outcome, Title, Why, Text string }
	data := struct {
		Head, Score string
		Outcomes    []Outcome
		Rows        []row
		Failed      []failure
		NotRun      []reason
	}{Head: r.head(), Score: r.score(), Outcomes: Outcomes, NotRun: r.notRun()}
	for _, area := range append(r.areas(), "") {
		x := row{Name: area, Total: r.Total(area)}
		if area == "" {
			x.Name = "all"
		}
		for _, o := range Outcomes {
			x.Counts = append(x.Counts, r.Count(area, o))
		}
		data.Rows = append(data.Rows, x)
	}
	for _, res := range r.failed() {
		var text []string
		for _, d := range res.Differences {
			text = append(text, d.lines()...)
		}
		data.Failed = append(data.Failed, failure{res.Case.ID, string(res.Outcome), res.Case.Title, res.Case.Why, strings.Join(text, "\n")})
	}
	return page.Execute(w, data)
}
