package suite

import (
	"encoding/json"
	"io"
	"time"
)

// The JSON form of a report. Its names do not change.
type (
	jsonReport struct {
		Server  string `json:"server"`
		Name    string `json:"name,omitempty"`
		Column  string `json:"column"`
		Nearest bool   `json:"nearest_column,omitempty"`
		Peer    bool   `json:"peer,omitempty"`
		NoRESP3 bool   `json:"no_resp3,omitempty"` // it refuses HELLO 3
		// No case was played that publishes, since somebody else would have got it.
		Overheard bool         `json:"overheard,omitempty"`
		Cut       string       `json:"cut,omitempty"` // why the run ended early
		Began     time.Time    `json:"began"`
		Seconds   float64      `json:"seconds"`
		Areas     []jsonArea   `json:"areas"`
		Cases     []jsonResult `json:"cases"`
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
		// Of a value that varies the two above are what does not; this is all
		// that came, in base64.
		Full []byte `json:"received_in_full,omitempty"`
	}
)

func (r *Report) writeJSON(w io.Writer) error {
	j := jsonReport{Server: r.Server, Name: r.Name, Column: r.Column.Name, Nearest: r.Nearest, Peer: r.Peer, NoRESP3: r.NoRESP3, Overheard: r.Overheard, Cut: r.Cut, Began: r.Began, Seconds: r.Took.Seconds()}
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
			y := jsonDifference{protocol(d.Proto), d.Client, d.Line, d.Text, d.Want, d.Got, nil}
			if d.Masked {
				y.Full = d.Received
			}
			x.Differences = append(x.Differences, y)
		}
		j.Cases = append(j.Cases, x)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(j)
}
