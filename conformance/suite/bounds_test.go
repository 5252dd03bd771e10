package suite

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestReportsAreBounded holds that no format shows all of what a server has sent
// without an end, nor that a run keeps it, and that what differs is shown.
func TestReportsAreBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 1<<20)
	s := serve(t, func(_ int, words []string) string {
		switch words[0] {
		case "LINE":
			return long + "\r\n"
		case "ERROR":
			return "-ERR " + long[:60_000] + "\r\n"
		case "BULK":
			return fmt.Sprintf("$%d\r\n%swrong%s\r\n", 2*len(long)+5, long, long)
		case "MASKED":
			return fmt.Sprintf("$%d\r\n%s1\r\n", len(long)+1, long)
		}
		return good(0, words)
	})
	const text = "why: w\ncase: SUB-001 x\nc1> LINE\nc1< +OK\n\ncase: SUB-002 x\nc1> ERROR\nc1< +OK\n\n" +
		"case: SUB-003 x\nc1> BULK\nc1< \"<a*1048576>right\"\n\ncase: SUB-004 x\nc1> MASKED\nmask digits\nc1< +OK\n"
	r := play(t, s, text, Options{Protocols: []int{2}})
	if n := r.Count("", Differs); n != 4 {
		t.Fatalf("%d differ", n)
	}
	for _, res := range r.Results {
		for _, d := range res.Differences {
			if n := len(d.Text) + len(d.Want) + len(d.Got) + len(d.Received) + len(d.Wants) + len(d.Gots); n > 3*maxKept+3*maxText+100 {
				t.Errorf("%s keeps %d bytes", res.Case.ID, n)
			}
		}
	}
	for _, format := range Formats {
		out := written(t, r, format)
		if len(out) > 50_000 {
			t.Errorf("%s has %d bytes", format, len(out))
		}
		if format != "json" && !strings.Contains(out, "bytes more") {
			t.Errorf("%s does not say that there is more:\n%s", format, out)
		}
	}
	var j struct {
		Cases []struct {
			Differences []struct {
				Expected, Received []byte
				ExpectedPart       jsonPart `json:"expected_part"`
				ReceivedPart       jsonPart `json:"received_part"`
				Full               []byte   `json:"received_in_full"`
				FullPart           jsonPart `json:"received_in_full_part"`
			}
		}
	}
	if err := json.Unmarshal([]byte(written(t, r, "json")), &j); err != nil {
		t.Fatal(err)
	}
	d := j.Cases[2].Differences[0]
	// The length before a value is the first that differs.
	if want := fmt.Sprintf("$%d\r\naaa", 2*len(long)+5); !strings.HasPrefix(string(d.Received), want) || d.ReceivedPart != (jsonPart{0, 2*len(long) + 5 + len("$2097157\r\n\r\n")}) {
		t.Errorf("%q of %+v", d.Received[:20], d.ReceivedPart)
	}
	if d := j.Cases[3].Differences[0]; len(d.Full) != maxKept || d.FullPart.Of != len(long)+1+len("$1048577\r\n\r\n") {
		t.Errorf("%d bytes of %+v", len(d.Full), d.FullPart)
	}
}

// TestTextsAreBounded holds that reports show no more of long texts than there is room
// for, wherever they come from.
func TestTextsAreBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 1<<20)
	r := differing(Difference{Proto: 2, Text: long})
	r.Name, r.Cut = long, long
	r.Results = append(r.Results, Result{Case: r.Results[0].Case, Outcome: NotRun, Note: long})
	for _, format := range Formats {
		if out := written(t, r, format); len(out) > 30_000 {
			t.Errorf("%s has %d bytes", format, len(out))
		}
	}
}

// TestParts holds that of the bytes around one those are taken that are there.
func TestParts(t *testing.T) {
	t.Parallel()
	b := []byte("0123456789")
	for _, tt := range []struct {
		p             part
		at, before, n int
		want          string
		from          int
	}{
		{whole(b), 0, 2, 4, "0123", 0},
		{whole(b), 5, 2, 4, "3456", 3},
		{whole(b), 9, 2, 4, "6789", 6},
		{whole(b), 50, 2, 4, "6789", 6},
		{whole(b), 5, 2, 100, "0123456789", 0},
		{part{b[2:8], 2, 10}, 5, 2, 4, "3456", 3},
		{part{b[2:8], 2, 10}, 2, 2, 4, "2345", 2},
		{part{b[2:8], 2, 10}, 7, 1, 4, "4567", 4},
	} {
		if got := tt.p.around(tt.at, tt.before, tt.n); string(got.b) != tt.want || got.from != tt.from || got.all != 10 {
			t.Errorf("%+v: %q from %d", tt, got.b, got.from)
		}
	}
}
