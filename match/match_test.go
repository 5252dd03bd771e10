package match

import (
	"strings"
	"testing"
)

var matchTests = []struct {
	pattern, name string
	want          bool
}{
	// The empty name.
	{"", "", true},
	{"*", "", false},
	{"**", "", false},
	{"?", "", false},
	{"[^]", "", false},
	{`\`, "", false},
	{"", "a", false},

	// Plain bytes.
	{"a", "a", true},
	{"a", "A", false},
	{"a", "ab", false},
	{"ab", "a", false},
	{"]", "]", true},
	{"^", "^", true},
	{"-", "-", true},
	{"!", "!", true},
	{"a.b", "a.b", true},
	{"a.b", "axb", false},
	{"{a,b}", "a", false},
	{"{a,b}", "{a,b}", true},
	{"a\x00b", "a\x00b", true},
	{"a\x00b", "a\x00c", false},
	{"\r\n", "\r\n", true},

	// The question mark takes one byte, not one character.
	{"?", "a", true},
	{"?", "ab", false},
	{"?", "é", false},
	{"??", "é", true},
	{"?", "\xff", true},
	{"?", "\x00", true},
	{"a?c", "abc", true},
	{"a?c", "ac", false},
	{"a?", "a", false},

	// Stars.
	{"*", "a", true},
	{"*", "*", true},
	{"*", "\x00", true},
	{"*", "a/b", true},
	{"a*", "a", true},
	{"a**", "a", true},
	{"*a", "a", true},
	{"**a", "a", true},
	{"*a", "ba", true},
	{"*a", "ab", false},
	{"a*b", "ab", true},
	{"a*b", "a", false},
	{"a*b", "aab", true},
	{"a*b", "abb", true},
	{"a*b", "aba", false},
	{"ab*ba", "aba", false},
	{"ab*ba", "abba", true},
	{"a*a", "a", false},
	{"*aa*aa", "aaa", false},
	{"*aa*aa", "aaaa", true},
	{"*ab*", "aab", true},
	{"*abc", "ababc", true},
	{"*aab", "aaab", true},
	{"a*b*c", "aXbXbXc", true},
	{"a*b*c", "aXbXbX", false},
	{"*a?", "aab", true},
	{"*a?", "aa", true},
	{"*a?", "aabb", false},
	{"*?", "a", true},
	{"?*", "a", true},
	{"*??", "a", false},
	{"*a[bc]", "aaab", true},
	{"*a[bc]", "abac", true},
	{"*a[bc]", "abad", false},
	{`*\a`, "ba", true},
	{`*\**`, "a*b", true},
	{`*\**`, "ab", false},
	{"a*[", "a[", false},
	{"a*?", "a", false},
	{"*]", "]", true},
	{"h*llo", "heeeello", true},
	{"news.*.sport", "news.uk.sport", true},
	{"news.*.sport", "news.sport", false},

	// Escapes.
	{`\*`, "*", true},
	{`\*`, "a", false},
	{`\?`, "?", true},
	{`\?`, "a", false},
	{`\[a]`, "[a]", true},
	{`\[a]`, "a", false},
	{`\a`, "a", true},
	{`\a`, `\a`, false},
	{`\\`, `\`, true},
	{`\\`, `\\`, false},
	{`\\*`, `\a`, true},
	{`\`, `\`, true},
	{`\`, "a", false},
	{`a\`, `a\`, true},
	{`a\`, "a", false},
	{`*\`, `a\`, true},
	{`*\`, "a", false},
	{`\*\`, `*\`, true},
	{"\\\xff", "\xff", true},
	{"\\\x00", "\x00", true},

	// Classes.
	{"[abc]", "a", true},
	{"[abc]", "c", true},
	{"[abc]", "d", false},
	{"[abc]", "abc", false},
	{"x[ab]y", "xby", true},
	{"x[ab]y", "xy", false},
	{"[!a]", "!", true},
	{"[!a]", "a", true},
	{"[!a]", "b", false},
	{"[^a]", "b", true},
	{"[^a]", "a", false},
	{"[^a]", "^", true},
	{"[a^]", "^", true},
	{"[^^]", "^", false},
	{"[^^]", "a", true},
	{"[[]", "[", true},
	{"[?]", "?", true},
	{"[?]", "a", false},
	{"[*]", "*", true},
	{"[*]", "ab", false},
	{"[é]", "é", false},
	{"[é][é]", "é", true},

	// Where a class ends.
	{"[]", "a", false},
	{"[]", "[]", false},
	{"[]", "]", false},
	{"[]a]", "]", false},
	{"[]a]", "a]", false},
	{"[", "[", false},
	{"[", "a", false},
	{"[a", "a", true},
	{"[abc", "b", true},
	{"[abc", "d", false},
	{"[^", "a", true},
	{"[^", "^", true},
	{"[^]", "a", true},
	{"[^]", "]", true},
	{"[^]a]", "xa]", true},
	{"[^]a]", "x", false},
	{"[^ab", "c", true},
	{"[^ab", "b", false},
	{"x[", "x", false},
	{"x[", "x[", false},
	{"*[", "a", false},
	{"*[^", "ab", true},
	{"[a*", "*", true},
	{"[a*", "ab", false},

	// Escapes in classes.
	{`[\]]`, "]", true},
	{`[\]]`, `\`, false},
	{`[\]`, "]", true},
	{`[\]`, `\`, false},
	{`[\\]`, `\`, true},
	{`[\`, `\`, true},
	{`[\`, "[", false},
	{`[a\`, `\`, true},
	{`[^\`, `\`, false},
	{`[^\`, "a", true},
	{`[\^a]`, "^", true},
	{`[\^a]`, "b", false},
	{`[\-a]`, "-", true},
	{`[^\]]`, "]", false},
	{`[^\]]`, "a", true},

	// Ranges.
	{"[a-c]", "a", true},
	{"[a-c]", "b", true},
	{"[a-c]", "c", true},
	{"[a-c]", "d", false},
	{"[a-c]", "-", false},
	{"[c-a]", "b", true},
	{"[c-a]", "d", false},
	{"[a-a]", "a", true},
	{"[^a-c]", "b", false},
	{"[^a-c]", "d", true},
	{"[^c-a]", "b", false},
	{"[--0]", ".", true},
	{"[--0]", "-", true},
	{"[--0]", "1", false},
	{"[---]", "-", true},
	{"[+--]", ",", true},
	{"[a-c-e]", "b", true},
	{"[a-c-e]", "-", true},
	{"[a-c-e]", "e", true},
	{"[a-c-e]", "d", false},
	{"[a-cx-z]", "y", true},
	{"[-a]", "-", true},
	{"[-a]", "a", true},
	{"[-a]", "b", false},
	{"[a-]", "^", true},
	{"[a-]", "]", true},
	{"[a-]", "a", true},
	{"[a-]", "-", false},
	{"[a-]b]", "^", true},
	{"[a-]b]", "b", true},
	{"[a-", "a", true},
	{"[a-", "-", true},
	{"[a-", "b", false},
	{"[a-b", "b", true},
	{`[a-\c]`, "]", true},
	{`[a-\c]`, "^", true},
	{`[a-\c]`, `\`, true},
	{`[a-\c]`, "c", true},
	{`[a-\c]`, "b", false},
	{`[\a-c]`, "a", true},
	{`[\a-c]`, "-", true},
	{`[\a-c]`, "b", false},
	{`[\a-c]`, "c", true},
	{"[]-a]", "]-a]", false},
	{"[^-a]", "-", false},
	{"[^-a]", "b", true},
	{"[!-a]", "A", true},

	// Range ends are unsigned.
	{"[a-\xff]", "\x80", true},
	{"[a-\xff]", "\x05", false},
	{"[\xff-a]", "z", true},
	{"[\x80-\xff]", "\xc3", true},
	{"[\x80-\xff]", "a", false},
	{"[\x00-\x7f]", "a", true},
	{"[\x00-\x7f]", "\x80", false},
}

func TestMatch(t *testing.T) {
	for _, test := range matchTests {
		if got := Match(test.pattern, test.name); got != test.want {
			t.Errorf("Match(%q, %q) = %v, want %v", test.pattern, test.name, got, test.want)
		}
		if got := modelMatch(test.pattern, test.name); got != test.want {
			t.Errorf("modelMatch(%q, %q) = %v, want %v", test.pattern, test.name, got, test.want)
		}
	}
}

// Every byte value is itself as a plain byte, unless special, and when escaped.
func TestMatchEveryByte(t *testing.T) {
	for i := range 256 {
		b := string([]byte{byte(i)})
		for j := range 256 {
			name, want := string([]byte{byte(j)}), i == j
			if got := Match(`\`+b, name); got != want {
				t.Errorf("Match(%q, %q) = %v, want %v", `\`+b, name, got, want)
			}
			if got := Match(`[\`+b+"]", name); got != want {
				t.Errorf("Match(%q, %q) = %v, want %v", `[\`+b+"]", name, got, want)
			}
			if strings.Contains(`*?[`, b) {
				continue
			}
			if got := Match(b, name); got != want {
				t.Errorf("Match(%q, %q) = %v, want %v", b, name, got, want)
			}
		}
	}
}

// Random pairs of the nasty alphabet, the same ones on every run.
func TestMatchModel(t *testing.T) {
	next := newByteSource(1)
	const patterns, names = 20_000, 15
	matches := 0
	for range patterns {
		pattern := next.nasty(10)
		parts := modelParse([]byte(pattern))
		for i := range names {
			name := next.nasty(7)
			if i%2 == 0 {
				name = next.near(parts)
			}
			want := modelMatchParts(parts, name)
			if name == "" {
				want = pattern == ""
			}
			if want {
				matches++
			}
			if got := Match(pattern, name); got != want {
				t.Fatalf("Match(%q, %q) = %v, want %v", pattern, name, got, want)
			}
		}
	}
	if matches < patterns*names/10 {
		t.Errorf("only %d pairs match, too few to tell anything", matches)
	}
}

// Few letters and many stars, so that the matcher has to come back to a star
// often and long runs nearly match.
func TestMatchModelStars(t *testing.T) {
	next := newByteSource(2)
	text := func(alphabet string, maxLen int) string {
		b := make([]byte, next(maxLen+1))
		for i := range b {
			b[i] = alphabet[next(len(alphabet))]
		}
		return string(b)
	}
	for range 100_000 {
		pattern, name := text("aaabb**?", 12), text("aaab", 20)
		if got, want := Match(pattern, name), modelMatch(pattern, name); got != want {
			t.Fatalf("Match(%q, %q) = %v, want %v", pattern, name, got, want)
		}
	}
}

// Real servers give up past 1000 nested stars, or used to overflow their
// stack; we do neither.
func TestMatchManyStars(t *testing.T) {
	name := strings.Repeat("a", 20_000)
	pattern := strings.Repeat("*a", 5_000)
	if !Match(pattern, name) {
		t.Error("5000 stars do not match, want a match")
	}
	if Match(pattern+"b", name) {
		t.Error("5000 stars and a b match, want no match")
	}
	if !Match(strings.Repeat("*", 100_000), name) {
		t.Error("a run of stars does not match, want a match")
	}
}

func TestMatchDoesNotAllocate(t *testing.T) {
	for _, shape := range matchShapes {
		allocs := testing.AllocsPerRun(2, func() {
			if Match(shape.pattern, shape.name) != shape.want {
				t.Errorf("%s: Match is not %v", shape.label, shape.want)
			}
		})
		// Whatever goes back over and over costs a table and a state.
		if limit := map[string]float64{"quadratic": 3}[shape.label]; allocs > limit {
			t.Errorf("%s: Match allocates %v times, want at most %v", shape.label, allocs, limit)
		}
	}
}

// The shapes that patterns commonly have, and some that cost the most.
var matchShapes = []struct {
	label, pattern, name string
	want                 bool
}{
	{"all", "*", "user:12345:updated", true},
	{"exact", "user:12345:updated", "user:12345:updated", true},
	{"prefix", "user:12345:*", "user:12345:updated", true},
	{"prefix-miss", "user:12346:*", "user:12345:updated", false},
	{"suffix", "*:updated", "user:12345:updated", true},
	{"middle", "user:*:updated", "user:12345:updated", true},
	{"contains", "*12345*", "user:12345:updated", true},
	{"two-stars", "user:*:*:end", "user:12345:updated:end", true},
	{"class", "user:[0-9]*", "user:12345:updated", true},
	{"keyspace", "__key*__:*", "__keyevent@0__:expired", true},
	{"many-stars", strings.Repeat("*a", 5_000) + "b", strings.Repeat("a", 20_000), false},
	{"many-stars-question", strings.Repeat("*?", 5_000) + "b", strings.Repeat("a", 20_000), false},
	{"near-misses", "*" + strings.Repeat("a", 500) + "b*", strings.Repeat("a", 20_000), false},
	{"quadratic", "*?" + strings.Repeat("a", 500) + "b*", strings.Repeat("a", 20_000), false},
}

func BenchmarkMatch(b *testing.B) {
	for _, shape := range matchShapes {
		b.Run(shape.label, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if Match(shape.pattern, shape.name) != shape.want {
					b.Fatal("wrong answer")
				}
			}
		})
	}
}
