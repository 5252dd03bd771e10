package suite

import (
	"html/template"
	"io"
	"strings"
)

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
	type failure struct{ ID, Outcome, Title, Why, Text string }
	data := struct {
		Head, Score string
		Outcomes    []Outcome
		Rows        []row
		Failed      []failure
		NotRun      []reason
	}{Head: r.head(), Score: r.score(), Outcomes: Outcomes, Rows: r.rows("all"), NotRun: r.notRun()}
	for i := range data.NotRun {
		data.NotRun[i].Note = printable(data.NotRun[i].Note)
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
