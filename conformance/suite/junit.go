package suite

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// The JUnit form: a suite for each area, and one for what is wrong with the run as
// a whole.
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

func (r *Report) writeJUnit(w io.Writer, o WriteOptions) error {
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
				m.Message = brief(res.Note)
				c.Skipped = m
			case NotEstablished:
				c.Skipped = m
			}
			s.Cases = append(s.Cases, c)
		}
		all.Suites = append(all.Suites, s)
	}
	if s := r.junitRun(o); s.Tests > 0 {
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

// junitRun returns the suite of what is wrong with the run as a whole, empty if
// nothing is.
func (r *Report) junitRun(o WriteOptions) junitSuite {
	s := junitSuite{Name: "run"}
	add := func(name, message string) {
		s.Tests++
		s.Failures++
		s.Cases = append(s.Cases, junitCase{Class: s.Name, Name: name, Time: "0.000", Failure: &junitMessage{Message: printable(message)}})
	}
	if r.Cut != "" {
		add("the run comes to its end", r.Cut)
	}
	if r.NoRESP3 {
		add("the server speaks RESP3", "it refuses HELLO 3")
	}
	if r.Overheard {
		add("cases that publish are played", "somebody else would have got what they publish")
	}
	if n := r.Count("", NotRun) + r.Count("", NotEstablished); o.Strict && n > 0 {
		add("no case is left out", fmt.Sprintf("%d cases were not run or are not established", n))
	}
	return s
}
