package match

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Many places at once find what one place after the other would.
func TestBehindStar(t *testing.T) {
	long := strings.Repeat("ab", maxParallel/2+100)
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"", "", true},
		{"", "abc", true},
		{"c", "abc", true},
		{"b", "abc", false},
		{"b*", "abc", true},
		{"*", "", true},
		{"**b**c", "abbc", true},
		{"?", "", false},
		{"?b?d*", "xabcdz", true},
		{strings.Repeat("?", 64) + "c*", strings.Repeat("a", 100) + "c", true},
		{strings.Repeat("?", 63) + "c*", strings.Repeat("a", 63) + "c", true},
		{strings.Repeat("[a]", 65) + "b*", strings.Repeat("a", 200) + "bc", true},
		{strings.Repeat("[a]", 65) + "b*", strings.Repeat("a", 64) + "bc", false},
		{strings.Repeat("?", maxParallel) + "b*", long, true},
		{strings.Repeat("?", maxParallel) + "b[a]b*", long, true},
		{strings.Repeat("?", maxParallel) + "bb*", long, false},
		{strings.Repeat("?", maxParallel) + "b[a]b", long, true},
		{strings.Repeat("?", len(long)) + "*", long, true},
		{strings.Repeat("?", len(long)+1) + "*", long, false},
	} {
		if got := behindStar(test.pattern, test.name); got != test.want {
			t.Errorf("behindStar(%.40q of %d bytes, %.40q of %d bytes) = %v", test.pattern, len(test.pattern), test.name, len(test.name), got)
		}
	}
}

// A table of several words, one of one word, and the rest of what is longer
// than a table agree with the model.
func TestBehindStarModel(t *testing.T) {
	next := newByteSource(1)
	for range 3000 {
		var pattern, name strings.Builder
		for range 1 + next(130) {
			pattern.WriteString([]string{"a", "a", "a", "?", "[ab]", "[^b]", "\\a", "a", "a", "*", "b"}[next(11)])
		}
		for range 1 + next(250) {
			name.WriteByte("aaaaaaaaab"[next(10)])
		}
		p, n := pattern.String(), name.String()
		if got, want := behindStar(p, n), modelMatch("*"+p, n); got != want {
			t.Fatalf("behindStar(%q, %q) = %v", p, n, got)
		}
		if got, want := Match("*"+p, n), modelMatch("*"+p, n); got != want {
			t.Fatalf("Match(%q, %q) = %v", "*"+p, n, got)
		}
	}
}

func TestSimplify(t *testing.T) {
	class := "[" + strings.Repeat("a-c\\]x", 100) + "]"
	for _, test := range []struct {
		pattern, text string
		least         int
	}{
		{"a***b?**", "a*b?*", 3},
		{"**", "*", 0},
		{"\\**\\", "\\**\\", 2},
		{"[**]**[", "[**]*[", 2},
		{class + "*" + class[:len(class)-1], `[\]\a\b\c\x]*[\]\a\b\c\x]`, 2},
		{"[^" + class[1:], `[^\]\a\b\c\x]`, 1},
		{"[^" + strings.Repeat("x", 300), `[^\x]`, 1},
		{"[" + strings.Repeat("\x00-\xff", 100) + "]a", "[^]a", 2},
	} {
		if got := simplify(test.pattern); got.text != test.text || got.least != test.least {
			t.Errorf("simplify(%.60q) = %q, %d; want %q, %d", test.pattern, got.text, got.least, test.text, test.least)
		}
	}
}

// BenchmarkHostile takes patterns that make a matcher go back, beside names of
// two lengths. It is for the figures; TestHostileMatch holds the outcome.
func BenchmarkHostile(b *testing.B) {
	for _, h := range hostilePatterns {
		for _, n := range []int{20, 64 << 10} {
			name := strings.Repeat("a", n)
			b.Run(fmt.Sprintf("%s/name=%d", h.name, n), func(b *testing.B) {
				for b.Loop() {
					Match(h.pattern, name)
				}
			})
		}
	}
}

var hostilePatterns = []struct{ name, pattern string }{
	{"stars", strings.Repeat("*a", 5000) + "b"},
	{"stars-and-questions", "*" + strings.Repeat("?a", 16000) + "b*"},
	{"classes", "*" + strings.Repeat("[a]", 20000) + "b*"},
	{"long-classes", "*" + strings.Repeat("["+strings.Repeat("b", 100)+"a]", 600) + "b*"},
	{"end", "*" + strings.Repeat("?a", 30000)},
	{"literal", "*" + strings.Repeat("a", 60000) + "b*"},
	{"parts", strings.Repeat("*a?a?a?", 8000) + "b*"},
}

// None of these names matches, and to find that out takes no time to speak of:
// a matcher that goes back one place at a time needs minutes for them.
func TestHostileMatch(t *testing.T) {
	name := strings.Repeat("a", 64<<10)
	began := time.Now()
	for _, h := range hostilePatterns {
		if h.name != "end" && Match(h.pattern, name) {
			t.Errorf("%s match", h.name)
		}
	}
	if took := time.Since(began); took > patienceForHostile {
		t.Errorf("it took %v", took)
	}
}

const patienceForHostile = 20 * time.Second
