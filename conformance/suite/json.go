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
		// Of a long value those are a part, of which this says where it stands.
		ExpectedPart *jsonPart `json:"expected_part,omitempty"`
		ReceivedPart *jsonPart `json:"received_part,omitempty"`
		// Of a value that varies the two above are what does not; this is all
		// that came, in base64.
		Full     []byte    `json:"received_in_full,omitempty"`
		FullPart *jsonPart `json:"received_in_full_part,omitempty"`
	}
	jsonPart struct {
		From int `json:"from"` // index of its first byte
		Of   int `json:"of"`   // bytes of the value
	}
)

// json says where p stands, nil if it is the whole value.
func (p part) json() *jsonPart {
	if len(p.b) == p.all {
		return nil
	}
	return &jsonPart{p.from, p.all}
}

func (r *Report) writeJSON(w io.Writer) error {
	j := jsonReport{Server: r.Server, Name: brief(r.Name), Column: r.Column.Name, Nearest: r.Nearest, Peer: r.Peer, NoRESP3: r.NoRESP3, Overheard: r.Overheard, Cut: brief(r.Cut), Began: r.Began, Seconds: r.Took.Seconds()}
	for _, area := range r.areas() {
		a := jsonArea{Area: area, Counts: map[Outcome]int{}}
		for _, o := range Outcomes {
			a.Counts[o] = r.Count(area, o)
		}
		j.Areas = append(j.Areas, a)
	}
	for _, res := range r.Results {
		x := jsonResult{res.Case.ID, res.Case.Area, res.Case.Title, res.Case.Why, res.Outcome, brief(res.Note), res.Took.Seconds(), nil}
		for _, d := range res.Differences {
			d = d.bounded()
			p := d.shownParts()
			y := jsonDifference{
				Protocol: protocol(d.Proto), Client: d.Client, Line: d.Line, Text: d.Text,
				Expected: d.Want, Received: d.Got, ExpectedPart: p.want.json(), ReceivedPart: p.got.json(),
			}
			if d.Masked {
				y.Full, y.FullPart = d.Received, p.received.json()
			}
			x.Differences = append(x.Differences, y)
		}
		j.Cases = append(j.Cases, x)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(j)
}
