package match

import (
	"slices"
	"strings"
	"testing"

	tidwall "github.com/tidwall/match"
)

func FuzzMatch(f *testing.F) {
	for _, test := range matchTests {
		f.Add(test.pattern, test.name)
	}
	for i := range len(nasty) {
		f.Add("["+nasty[i:]+nasty[:i]+"]*", nasty[i:])
		f.Add(nasty[i:]+nasty, nasty)
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		// The model takes len(pattern) * len(name) steps and more.
		pattern, name = pattern[:min(len(pattern), 256)], name[:min(len(name), 256)]
		want := modelMatch(pattern, name)
		if got := Match(pattern, name); got != want {
			t.Errorf("Match(%q, %q) = %v, want %v", pattern, name, got, want)
		}
		if s := simplify(pattern); name != "" && (len(name) >= s.least && Match(s.text, name)) != want || len(s.text) > len(pattern) {
			t.Errorf("simplify(%q) = %q, %d; for %q that is not %v", pattern, s.text, s.least, name, want)
		}
		if name == "" {
			return
		}
		if got, want := behindStar(pattern, name), modelMatch("*"+pattern, name); got != want {
			t.Errorf("behindStar(%q, %q) = %v, want %v", pattern, name, got, want)
		}
	})
}

// FuzzMatchTidwall compares with a matcher that others wrote, where it has the
// same rules: no classes, no escapes, ASCII, and a name that is not empty. It
// is exponential in stars, so there are few.
func FuzzMatchTidwall(f *testing.F) {
	f.Add([]byte("a*b"), []byte("ab"))
	f.Add([]byte("a*b*a?b"), []byte("abababab"))
	f.Add([]byte("*aab*"), []byte("aaaaab"))
	f.Add([]byte("?*?"), []byte("ab"))
	f.Add([]byte("ab*ba"), []byte("aba"))
	f.Add([]byte("]^-!"), []byte("]^-!"))
	f.Fuzz(func(t *testing.T, p, n []byte) {
		const plain = "ab]^-!.\x00\x7f"
		pattern := translate(p[:min(len(p), 24)], plain+"?*")
		name := translate(n[:min(len(n), 24)], plain)
		if name == "" {
			name = "a"
		}
		const maxStars = 4
		if i := strings.LastIndex(pattern, "*"); strings.Count(pattern, "*") > maxStars {
			pattern = strings.Replace(pattern[:i], "*", "", strings.Count(pattern, "*")-maxStars) + pattern[i:]
		}
		if got, want := Match(pattern, name), tidwall.Match(name, pattern); got != want {
			t.Errorf("Match(%q, %q) = %v, want %v", pattern, name, got, want)
		}
	})
}

// translate keeps the bytes that are in the alphabet and turns the others into
// some of it.
func translate(b []byte, alphabet string) string {
	b = slices.Clone(b)
	for i, c := range b {
		if strings.IndexByte(alphabet, c) < 0 {
			b[i] = alphabet[int(c)%len(alphabet)]
		}
	}
	return string(b)
}

// FuzzSet reads its input as a sequence of operations; setOps says which.
func FuzzSet(f *testing.F) {
	for seed := range uint64(6) {
		next := newByteSource(seed)
		ops := make([]byte, 32<<seed)
		for i := range ops {
			ops[i] = byte(next(256))
		}
		f.Add(ops)
	}
	f.Fuzz(func(t *testing.T, ops []byte) {
		ops = ops[:min(len(ops), 1024)] // the model tries every pattern for every name
		next := func(n int) int {
			if len(ops) == 0 {
				return 0
			}
			b := int(ops[0])
			ops = ops[1:]
			return b % n
		}
		setOps(t, next, func() bool { return len(ops) > 0 })
	})
}
