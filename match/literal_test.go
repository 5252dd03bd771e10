package match

import (
	"strings"
	"testing"
)

func TestLiterals(t *testing.T) {
	for _, test := range []struct {
		pattern, prefix, suffix string
		exact                   bool
	}{
		{"", "", "", true},
		{"abc", "abc", "", true},
		{`a\*c`, "a*c", "", true},
		{`\\\`, `\\`, "", true},
		{`a]b`, "a]b", "", true},
		{"*", "", "", false},
		{"a*", "a", "", false},
		{"*b", "", "b", false},
		{"ab*ba", "ab", "ba", false},
		{"a*b*c", "a", "c", false},
		{"a?b", "a", "b", false},
		{"?", "", "", false},
		{"a[xyz]b", "a", "b", false},
		{"a[x", "a", "", false},
		{"a[]b", "a", "b", false},
		{"a[]]b", "a", "]b", false},
		{`a[\]]b`, "a", "b", false},
		{"a[x-]]b", "a", "b", false},
		{"a[x-]b", "a", "", false},
		{`\[a*\]`, "[a", "]", false},
		{`*\`, "", `\`, false},
		{`a\**\*b\`, "a*", `*b\`, false},
		{`*[*]x`, "", "x", false},
	} {
		prefix, suffix, exact := literals(test.pattern)
		if prefix != test.prefix || suffix != test.suffix || exact != test.exact {
			t.Errorf("literals(%q) = %q, %q, %v, want %q, %q, %v", test.pattern,
				prefix, suffix, exact, test.prefix, test.suffix, test.exact)
		}
	}
}

func TestRank(t *testing.T) {
	for n := range 2 * maxLength {
		r := rank(n)
		if int(r) >= numLengths {
			t.Fatalf("rank(%d) = %d, want less than %d", n, r, numLengths)
		}
		if lengths[r] > n {
			t.Errorf("rank(%d) stands for %d, want at most %d", n, lengths[r], n)
		}
		if int(r)+1 < numLengths && lengths[r+1] <= n {
			t.Errorf("rank(%d) stands for %d, but %d would do", n, lengths[r], lengths[r+1])
		}
		if dropped := n - lengths[r]; n <= evenLengths && dropped > 1 || n < maxLength && dropped >= longStep {
			t.Errorf("rank(%d) drops %d bytes", n, dropped)
		}
	}
	if got := lengths[maxRank]; got != maxLength {
		t.Errorf("the longest length is %d, want %d", got, maxLength)
	}
}

// A name that matches begins with the prefix and ends with the suffix, and has
// room for both.
func TestLiteralsHoldForMatches(t *testing.T) {
	next := newByteSource(5)
	for range 100_000 {
		pattern := next.nasty(10)
		name := next.near(modelParse([]byte(pattern)))
		if name == "" || !Match(pattern, name) {
			continue
		}
		prefix, suffix, exact := literals(pattern)
		if exact && name != prefix {
			t.Fatalf("literals(%q) = %q, exact, but %q matches", pattern, prefix, name)
		}
		if !strings.HasPrefix(name, prefix) || !strings.HasSuffix(name, suffix) || len(prefix)+len(suffix) > len(name) {
			t.Fatalf("literals(%q) = %q, %q, but %q matches", pattern, prefix, suffix, name)
		}
	}
}
