package transcript

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

func TestValueText(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("0123456789", 13)
	tests := []struct {
		wire, want string
	}{
		{"+OK\r\n", `+OK`},
		{"+two words\r\n", `+two words`},
		{"+\r\n", `+""`},
		{"+ x \r\n", `+" x "`},
		{"+\"q\"\r\n", `+"\"q\""`},
		{"-ERR it's 'x'\r\n", `-ERR it's 'x'`},
		{"-ERR 'a' \r\n", `-"ERR 'a' "`},
		{":12\r\n", `:12`},
		{":-1\r\n", `:-1`},
		{"$0\r\n\r\n", `""`},
		{"$-1\r\n", `$-1`},
		{"$5\r\na\r\n\"\\\r\n", `"a\r\n\"\\"`},
		{"$4\r\n\x00\xff\t<\r\n", `"\x00\xff\t<"`},
		{"*0\r\n", `*0`},
		{"*-1\r\n", `*-1`},
		{"*2\r\n*1\r\n:1\r\n+a b\r\n", `*2 *1 :1 +"a b"`},
		{">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n", `>3 "subscribe" "a" :1`},
		{"%1\r\n$1\r\nk\r\n_\r\n", `%1 "k" _`},
		{"~2\r\n#t\r\n#f\r\n", `~2 #t #f`},
		{",3.14\r\n", `,3.14`},
		{"(123456789012345678901234567890\r\n", `(123456789012345678901234567890`},
		{"=7\r\ntxt:a b\r\n", `="txt:a b"`},
		{"!5\r\nERR x\r\n", `!"ERR x"`},
		{"|1\r\n+k\r\n+v\r\n:1\r\n", `|1 +k +v :1`},
		{"$39\r\n" + strings.Repeat("a", 39) + "\r\n", `"` + strings.Repeat("a", 39) + `"`},
		{"$40\r\n" + strings.Repeat("a", 40) + "\r\n", `"<a*40>"`},
		{"$41\r\n" + strings.Repeat("\x00", 40) + "b\r\n", `"<\x00*40>b"`},
		{"$6\r\n<a*40>\r\n", `"\x3ca*40>"`},
		{"$5\r\n<a*b>\r\n", `"<a*b>"`},
		{"", `eof`},
		{"*2\r\n$130\r\n" + long + "\r\n:1\r\n", "*2\n  \"" + long + "\"\n  :1"},
		{"%1\r\n$130\r\n" + long + "\r\n:1\r\n", "%1\n  \"" + long + "\" :1"},
		{"$131\r\n" + long[:65] + "\n" + long[65:] + "\r\n", `"` + long[:65] + "\\n\" &\n  \"" + long[65:] + `"`},
		{"$131\r\n" + long + "\n\r\n", `"` + long + `\n"`},
	}
	for _, tt := range tests {
		v, err := ReadValue(readerOf(tt.wire))
		if err != nil {
			t.Errorf("%q: %v", tt.wire, err)
			continue
		}
		if got := v.Format(0); got != tt.want {
			t.Errorf("%q is shown as\n%s\nwant\n%s", tt.wire, got, tt.want)
		}
		back, err := ParseValue(tt.want)
		if err != nil || !reflect.DeepEqual(back, v) {
			t.Errorf("%s is parsed as %#v, %v; want %#v", tt.want, back, err, v)
		}
	}
}

func TestReadValueErrors(t *testing.T) {
	t.Parallel()
	for _, wire := range []string{
		"\r\n", "x\r\n", "$x\r\n", "$-2\r\n", "$01\r\na\r\n", "$1\r\nab\r\n", "$2\r\na",
		"*x\r\n", "*1\r\n", "*2\r\n:1\r\n", "+no end", "*99999999\r\n", "$99999999999\r\n",
		strings.Repeat("*1\r\n", 40) + ":1\r\n",
	} {
		if v, err := ReadValue(readerOf(wire)); err == nil {
			t.Errorf("%q was read as %v", wire, v)
		}
	}
}

func TestParseValueErrors(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "x", "*1", "*2 :1", "*x", "*-2", `"open`, `"a" "b"`, `:1 :2`, "$5", `"a" & b`, "*1 *1",
		strings.Repeat("*1 ", 40) + ":1",
	} {
		if v, err := ParseValue(text); err == nil {
			t.Errorf("%q was parsed as %v", text, v)
		}
	}
}

// FuzzValue reads any bytes as a value: what can be read must be the same
// value after it was shown and parsed, on one line and on several.
func FuzzValue(f *testing.F) {
	f.Add("*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n")
	f.Add(">2\r\n=8\r\ntxt:abcd\r\n%1\r\n+k\r\n_\r\n")
	f.Add("$60\r\n" + strings.Repeat("z", 60) + "\r\n")
	f.Add("-ERR \"x\r\n")
	f.Add("$6\r\n<a*40>\r\n")
	f.Add("$140\r\n" + strings.Repeat("a\nb&", 35) + "\r\n")
	f.Fuzz(func(t *testing.T, wire string) {
		v, err := ReadValue(readerOf(wire))
		if err != nil {
			return
		}
		for _, text := range []string{v.String(), v.Format(0)} {
			back, err := ParseValue(text)
			if err != nil {
				t.Fatalf("%q is shown as %q, which is no value: %v", wire, text, err)
			}
			if !reflect.DeepEqual(back, v) {
				t.Fatalf("%q is shown as %q, which is parsed as %#v", wire, text, back)
			}
		}
	})
}

func TestDown(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`>3 "message" "a" "b"`: `*3 "message" "a" "b"`,
		`%2 "a" :1 "b" _`:      `*4 "a" :1 "b" $-1`,
		`~2 +a +b`:             `*2 +a +b`,
		`="txt:hello"`:         `"hello"`,
		`*2 >1 :1 *-1`:         `*2 *1 :1 *-1`,
		`-ERR x`:               `-ERR x`,
		`$-1`:                  `$-1`,
		`eof`:                  `eof`,
	} {
		v, err := ParseValue(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := v.down().String(); got != want {
			t.Errorf("%s is %s in RESP2, want %s", text, got, want)
		}
	}
}

func TestSplitWords(t *testing.T) {
	t.Parallel()
	tests := []struct {
		line string
		want []string
	}{
		{`PING`, []string{"PING"}},
		{`  a   b  `, []string{"a", "b"}},
		{`"a b" 'c d' ""  ''`, []string{"a b", "c d", "", ""}},
		{`"\n\r\t\b\a\\\"\x41\xff\q"`, []string{"\n\r\t\b\a\\\"A\xffq"}},
		{`'it\'s \n'`, []string{`it's \n`}},
		{`a\b a"b`, []string{`a\b`, `a"b`}},
		{`"<a*3><\x00*2>b<c>"`, []string{"aaa\x00\x00b<c>"}},
		{`<a*3> '<a*3>'`, []string{"<a*3>", "<a*3>"}},
		{`é`, []string{"é"}},
	}
	for _, tt := range tests {
		got, err := SplitWords(tt.line)
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %q, %v; want %q", tt.line, got, err, tt.want)
		}
	}
	for _, line := range []string{`"a`, `'a`, `"a"b`, `'a'b`, `x "a`} {
		if got, err := SplitWords(line); err == nil {
			t.Errorf("%s was split into %q", line, got)
		}
	}
}

// TestAnnouncedBulk holds that a bulk takes memory as it comes, and not as its
// length says. It is not parallel, so that nobody else takes memory meanwhile.
func TestAnnouncedBulk(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if v, err := ReadValue(readerOf("$500000000\r\nabc")); err == nil {
		t.Errorf("read %v", v)
	}
	runtime.ReadMemStats(&after)
	if taken := after.TotalAlloc - before.TotalAlloc; taken > 1<<20 {
		t.Errorf("%d bytes were taken for 3", taken)
	}
}

// TestRunsAreShared holds that long runs take memory once, however often scripts
// have them. It is not parallel, so that nobody else takes memory meanwhile.
func TestRunsAreShared(t *testing.T) {
	const n, times = 1 << 20, 100
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range times {
		v, err := ParseValue(fmt.Sprintf(`>2 "<y*%d>" "<y*%d>"`, n, n-i))
		if err != nil || v.Elems[0].Text != strings.Repeat("y", n) || len(v.Elems[1].Text) != n-i {
			t.Fatalf("%v", err)
		}
	}
	runtime.ReadMemStats(&after)
	// What is compared with is made each time.
	if taken := after.TotalAlloc - before.TotalAlloc; taken > (times+10)*n {
		t.Errorf("%d bytes were taken for %d values with runs of %d", taken, times, n)
	}
}
