package pubsubtest

import (
	"bytes"
	"testing"
)

// values goes through a stream in pieces and returns the values found in it and what
// was passed on. From byte on, if it is not negative, values are judged.
func values(p []byte, requests bool, piece, judge int) (found []string, passed []byte) {
	var s stream
	s.scan.requests = requests
	s.whole = func(value []byte, size int, held bool) []byte {
		if held && len(value) != size {
			panic("a value that is held is not whole")
		}
		found = append(found, string(value))
		return value
	}
	for at := 0; at < len(p); at += piece {
		next := p[at:min(len(p), at+piece)]
		passed = append(passed, s.pass(next, judge >= 0 && at >= judge)...)
	}
	return found, append(passed, s.held...)
}

func TestStream(t *testing.T) {
	for _, tt := range []struct {
		in       string
		requests bool
		want     []string
	}{
		{"+OK\r\n-ERR x\r\n:1\r\n_\r\n#t\r\n,1.5\r\n(1\r\n", false, []string{"+OK\r\n", "-ERR x\r\n", ":1\r\n", "_\r\n", "#t\r\n", ",1.5\r\n", "(1\r\n"}},
		{"$4\r\na\r\nb\r\n$-1\r\n$0\r\n\r\n*-1\r\n*0\r\n", false, []string{"$4\r\na\r\nb\r\n", "$-1\r\n", "$0\r\n\r\n", "*-1\r\n", "*0\r\n"}},
		{"*2\r\n*2\r\n:1\r\n$1\r\n\n\r\n>1\r\n+x\r\n:5\r\n", false, []string{"*2\r\n*2\r\n:1\r\n$1\r\n\n\r\n>1\r\n+x\r\n", ":5\r\n"}},
		{"%1\r\n+a\r\n~2\r\n:1\r\n:2\r\n|1\r\n+k\r\n+v\r\n:3\r\n", false, []string{"%1\r\n+a\r\n~2\r\n:1\r\n:2\r\n", "|1\r\n+k\r\n+v\r\n:3\r\n"}},
		{"PING\r\n$5 x\r\n*2\r\n$4\r\nPING\r\n$2\r\nhi\r\n\r\nQUIT\n", true, []string{"PING\r\n", "$5 x\r\n", "*2\r\n$4\r\nPING\r\n$2\r\nhi\r\n", "\r\n", "QUIT\n"}},
	} {
		for piece := 1; piece <= len(tt.in); piece++ {
			got, passed := values([]byte(tt.in), tt.requests, piece, -1)
			if len(got) != len(tt.want) {
				t.Fatalf("%q in pieces of %d: %q, want %q", tt.in, piece, got, tt.want)
			}
			for i := range got {
				if got[i] != tt.want[i] {
					t.Fatalf("%q in pieces of %d: %q, want %q", tt.in, piece, got, tt.want)
				}
			}
			if string(passed) != tt.in {
				t.Fatalf("%q in pieces of %d: %q was passed on", tt.in, piece, passed)
			}
		}
	}
}

// However a stream is cut, and from wherever on it is judged, the same values are in it
// and all of it is passed on. What they are is shown without a crash.
func FuzzStream(f *testing.F) {
	f.Add([]byte("*2\r\n$4\r\nPING\r\n$2\r\nhi\r\nPING\r\n"), true, uint8(3), uint8(5))
	f.Add([]byte("%1\r\n+a\r\n~2\r\n:1\r\n:2\r\n>1\r\n_\r\n*1\r\n*1\r\n$-1\r\n"), false, uint8(1), uint8(0))
	f.Add([]byte("*99999999999\r\n*-7\r\n$99\r\nshort"), true, uint8(1), uint8(9))
	f.Fuzz(func(t *testing.T, p []byte, requests bool, piece, judge uint8) {
		if len(p) > maxKept { // past that only the beginning is kept
			return
		}
		want, passed := values(p, requests, max(1, len(p)), -1)
		if !bytes.Equal(passed, p) {
			t.Fatalf("%q was passed on of %q", passed, p)
		}
		got, passed := values(p, requests, int(piece)+1, int(judge))
		if !bytes.Equal(passed, p) {
			t.Fatalf("judged from %d on, %q was passed on of %q", judge, passed, p)
		}
		if len(got) != len(want) {
			t.Fatalf("%q, want %q", got, want)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("%q, want %q", got, want)
			}
			_ = render([]byte(got[i]), nil)
			_ = showRequest([]byte(got[i]), len(got[i]), nil)
			_, _ = words([]byte(got[i]), len(got[i])+1)
		}
	})
}

// A value that is too long to be held goes by, and the next is held again.
func TestStreamLetsGo(t *testing.T) {
	s := stream{most: 20}
	s.scan.requests = true
	var held []bool
	s.whole = func(value []byte, _ int, holds bool) []byte {
		held = append(held, holds)
		return value
	}
	const long, next = "*2\r\n$4\r\nECHO\r\n$30\r\n012345678901234567890123456789\r\n", "*1\r\n$4\r\nPING\r\n"
	if got := s.pass([]byte(long[:10]), true); len(got) > 0 {
		t.Errorf("%q was passed on, and could be held", got)
	}
	if got := string(s.pass([]byte(long[10:30]), true)); got != long[:30] {
		t.Errorf("%q was passed on, want %q", got, long[:30])
	}
	if got := string(s.pass([]byte(long[30:]+next[:5]), true)); got != long[30:] {
		t.Errorf("%q was passed on, want %q", got, long[30:])
	}
	if got := string(s.pass([]byte(next[5:]), true)); got != next {
		t.Errorf("%q was passed on, want %q", got, next)
	}
	if len(held) != 2 || held[0] || !held[1] {
		t.Errorf("held: %t, want the second alone", held)
	}
}

func TestRender(t *testing.T) {
	for in, want := range map[string]string{
		"+OK\r\n":                        "OK",
		"-ERR no\r\n":                    "-ERR no",
		":7\r\n":                         "7",
		"_\r\n":                          "nil",
		"$-1\r\n":                        "nil",
		"#t\r\n":                         "true",
		"#f\r\n":                         "false",
		"$3\r\na b\r\n":                  `"a b"`,
		"$0\r\n\r\n":                     `""`,
		"*2\r\n$1\r\na\r\n*1\r\n:1\r\n":  "[a [1]]",
		">2\r\n+x\r\n~1\r\n,1.5\r\n":     ">[x ~[1.5]]",
		"%2\r\n+a\r\n:1\r\n+b\r\n:2\r\n": "{a: 1, b: 2}",
		"*2\r\n$5\r\nhel":                "[hel…(5 bytes)…",
		"=5\r\ntxt:x\r\n":                `"txt:x"`,
	} {
		if got := render([]byte(in), nil); got != want {
			t.Errorf("%q is shown as %s, want %s", in, got, want)
		}
	}
}
