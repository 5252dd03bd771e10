package suite

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/pubsubd/pubsubd/conformance/transcript"
)

// Formats are those that Report.Write knows.
var Formats = []string{"text", "md", "json", "html", "junit"}

// WriteOptions say what a report shows.
type WriteOptions struct {
	// Verbose shows the cases that passed too, where the format has room.
	Verbose bool
	// Strict shows what was not run or is not established as a failure, where
	// the format tells failures from the rest.
	Strict bool
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
		return r.writeJUnit(w, o)
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

// A row is a line of the table of areas.
type row struct {
	Name   string
	Total  int
	Counts []int // of Outcomes, in their order
}

// rows returns a row for each area that has cases in the report, and at last one for
// all of them, which is called all.
func (r *Report) rows(all string) []row {
	var list []row
	for _, area := range append(r.areas(), "") {
		x := row{Name: area, Total: r.Total(area)}
		if area == "" {
			x.Name = all
		}
		for _, o := range Outcomes {
			x.Counts = append(x.Counts, r.Count(area, o))
		}
		list = append(list, x)
	}
	return list
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
		name = printable(r.Name) + " at " + r.Server
	}
	against := fmt.Sprintf("the column %s (%s)", r.Column.Name, r.Column.Basis)
	if r.Nearest {
		against += ", the nearest to its release"
	}
	if r.Peer {
		against = "a peer"
	}
	if r.NoRESP3 {
		against += ", without RESP3 since it refuses HELLO 3"
	}
	head := fmt.Sprintf("%s, %d cases, against %s, in %.1f s", name, len(r.Results), against, r.Took.Seconds())
	if r.Overheard {
		head += ", without cases that publish"
	}
	if r.Cut != "" {
		head += ", cut short: " + printable(r.Cut)
	}
	return head
}

// score is the part of the cases that passed.
func (r *Report) score() string {
	all, notRun := len(r.Results), r.Count("", NotRun)
	if all == notRun {
		return fmt.Sprintf("none of %d cases was run", all)
	}
	passed := r.Count("", Passed)
	percent := float64(passed) * 100 / float64(all-notRun)
	if notRun == 0 {
		return fmt.Sprintf("%d of %d cases passed (%.1f %%)", passed, all, percent)
	}
	return fmt.Sprintf("%d of %d cases passed, %d not run (%.1f %% of those run)", passed, all, notRun, percent)
}

// protocol is how reports call a protocol, empty for NoProto.
func protocol(proto int) string {
	switch proto {
	case NoProto:
		return ""
	case transcript.Raw:
		return "raw"
	}
	return fmt.Sprintf("RESP%d", proto)
}

// maxShown is how many bytes of a value reports show, and before of them how
// many stand before the first that is wrong.
const (
	maxShown = 400
	before   = 100
)

// quoted shows bytes between quotes, and of many those around the one at index
// at.
func quoted(p part, at int) string {
	if p.all == 0 {
		return "nothing"
	}
	p = p.around(at, before, maxShown)
	text := strconv.Quote(string(p.b))
	if p.from > 0 {
		text = fmt.Sprintf("%d bytes, then %s", p.from, text)
	}
	if more := p.all - p.from - len(p.b); more > 0 {
		text += fmt.Sprintf(" and %d bytes more", more)
	}
	return text
}

// firstDifference returns the index of the first byte that is not the same in a
// and b.
func firstDifference(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// printable returns text that a server has a part in, without what a terminal
// would obey.
func printable(text string) string {
	text = brief(text)
	if strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }) < 0 {
		return text
	}
	return strings.Trim(strconv.Quote(text), `"`)
}

// lines explains a difference.
func (d Difference) lines() []string {
	if d.Proto == NoProto {
		return []string{printable(d.Text)}
	}
	where := protocol(d.Proto)
	switch {
	case d.Line > 0:
		where += fmt.Sprintf(", line %d", d.Line)
	case d.Client != "":
		where += ", at the end"
	}
	if d.Client != "" {
		where += ", " + d.Client
	}
	list := []string{where + ":"}
	if d.Text != "" {
		list[0] += " " + printable(d.Text)
	}
	if len(d.Wants)+len(d.Gots) == 0 {
		return list
	}
	varies := ""
	if d.Masked {
		varies = ", but for what varies,"
	}
	p := d.shownParts()
	list = append(list, "  expected"+varies+" "+shown(p.want, d.Wants, p.at), "  received"+varies+" "+shown(p.got, d.Gots, p.at))
	if d.Masked {
		list = append(list, "  received in full "+quoted(p.received, p.at))
	}
	return list
}

// shown is how bytes are shown; the end of the stream has none.
func shown(p part, text string, at int) string {
	if p.all == 0 && text != "" {
		return "the end of the stream"
	}
	return quoted(p, at)
}

func (r *Report) writeText(w io.Writer, o WriteOptions) error {
	var b strings.Builder
	fmt.Fprintln(&b, r.head())
	fmt.Fprintf(&b, "\n%-22s %6s", "area", "cases")
	for _, outcome := range Outcomes {
		fmt.Fprintf(&b, " %15s", outcome)
	}
	b.WriteByte('\n')
	for _, x := range r.rows("all") {
		fmt.Fprintf(&b, "%-22s %6d", x.Name, x.Total)
		for _, n := range x.Counts {
			fmt.Fprintf(&b, " %15d", n)
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
		fmt.Fprintf(&b, "\n%d cases not run, since %s: %s\n", len(x.Cases), printable(x.Note), strings.Join(x.Cases, " "))
	}
	fmt.Fprintf(&b, "\n%s\n", r.score())
	_, err := io.WriteString(w, b.String())
	return err
}

// markdown makes text stand in Markdown as it is.
func markdown(text string) string { return markdownEscapes.Replace(printable(text)) }

var markdownEscapes = func() *strings.Replacer {
	var pairs []string
	for _, c := range "\\`*_{}[]<>|#~&$" {
		pairs = append(pairs, string(c), "\\"+string(c))
	}
	return strings.NewReplacer(pairs...)
}()

func (r *Report) writeMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s.\n%s.\n\n| area | cases |", markdown(r.head()), r.score())
	for _, outcome := range Outcomes {
		fmt.Fprintf(&b, " %s |", outcome)
	}
	b.WriteString("\n|---|--:|" + strings.Repeat("--:|", len(Outcomes)) + "\n")
	for _, x := range r.rows("**all**") {
		fmt.Fprintf(&b, "| %s | %d |", x.Name, x.Total)
		for _, n := range x.Counts {
			fmt.Fprintf(&b, " %d |", n)
		}
		b.WriteByte('\n')
	}
	for _, res := range r.failed() {
		fmt.Fprintf(&b, "\n**%s** %s. %s\n%s\n\n", res.Case.ID, res.Outcome, markdown(res.Case.Title), markdown(res.Case.Why))
		for _, d := range res.Differences {
			fmt.Fprintf(&b, "    %s\n", strings.Join(d.lines(), "\n    "))
		}
	}
	for _, x := range r.notRun() {
		fmt.Fprintf(&b, "\nNot run, since %s: %s.\n", markdown(x.Note), strings.Join(x.Cases, ", "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
