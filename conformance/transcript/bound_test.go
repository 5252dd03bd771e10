package transcript

import (
	"bufio"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
)

// An endless reader gives the same bytes for ever.
type endless struct {
	text string
	at   int
	read int64
}

func (e *endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = e.text[e.at%len(e.text)]
		e.at++
	}
	e.read += int64(len(b))
	return len(b), nil
}

// TestValuesAreBounded holds that what never ends is given up, after no more than a
// value may take. It is not parallel, so that nobody else takes memory meanwhile.
func TestValuesAreBounded(t *testing.T) {
	for name, tt := range map[string]struct {
		begin, text string
		want        string
		most        int64 // bytes read, and taken six times
	}{
		"a line":              {"+", "a", "line too long", 2 * maxLine},
		"a line of LFs":       {"+", "\n", "line too long", 2 * maxLine},
		"a length":            {"$", "1", "line too long", 2 * maxLine},
		"an array":            {"*1000000\r\n", "*0\r\n", "it takes more than", MaxValue},
		"an array of arrays":  {"*1000000\r\n*1000000\r\n", "+\r\n", "it takes more than", MaxValue},
		"an array of bulks":   {"*100\r\n", "$1000000\r\n" + strings.Repeat("a", 1000000) + "\r\n", "it takes more than", MaxValue},
		"a bulk of 300 MB":    {"$300000000\r\n", "a", "it takes more than", 2 * maxLine},
		"a bulk in a message": {"*2\r\n:1\r\n$16777216\r\n", "a", "it takes more than", 2 * maxLine},
	} {
		source := &endless{text: tt.text}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := ReadValueWithin(bufio.NewReader(io.MultiReader(strings.NewReader(tt.begin), source)), MaxValue)
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), tt.want) || len(err.Error()) > 3*maxQuoted {
			t.Errorf("%s: %.300v", name, err)
		}
		if source.read > tt.most {
			t.Errorf("%s: %d bytes were read", name, source.read)
		}
		if taken := after.TotalAlloc - before.TotalAlloc; taken > uint64(6*tt.most) {
			t.Errorf("%s: %d bytes were taken", name, taken)
		}
	}
}

// TestLargestValue holds that what a case may expect is read.
func TestLargestValue(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("a", 15_000_000)
	v, err := ReadValueWithin(readerOf(fmt.Sprintf("*2\r\n:1\r\n$%d\r\n%s\r\n", len(text), text)), MaxValue)
	if err != nil || v.Elems[1].Text != text {
		t.Error(err)
	}
	if v, err := ReadValueWithin(readerOf("+"+text[:maxLine-10]+"\r\n"), MaxValue); err != nil || len(v.Text) != maxLine-10 {
		t.Error(err)
	}
}

// TestPlaysAreBounded holds that a play ends at what it cannot keep, be it listed or
// not.
func TestPlaysAreBounded(t *testing.T) {
	t.Parallel()
	large := bulk(strings.Repeat("a", maxPlay/4))
	for name, script := range map[string]string{
		"listed":     "c1> A\nc1<\nc1> A\nc1<\nc1> A\nc1<\nc1> A\nc1<\nc1> A\nc1<\n",
		"at the end": "c1> A\nc1> A\nc1> A\nc1> A\nc1> A\n",
	} {
		f := fakeServer{answers: map[string]string{"A": large}}
		r := Player{Addr: f.start(t)}.Play(mustParse(t, script), 2)
		var kept, told int
		for _, o := range r.Observations {
			kept += len(o.Values)
		}
		for _, p := range r.Problems {
			kept += len(p.Got)
			if strings.Contains(p.Text, "takes more than") {
				told++
			}
		}
		if kept != 3 || told != 1 {
			t.Errorf("%s: %d values are kept, and told %d times", name, kept, told)
		}
	}
}
