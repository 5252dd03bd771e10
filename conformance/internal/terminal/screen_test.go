package terminal

import "testing"

func TestScreen(t *testing.T) {
	t.Parallel()
	for _, try := range []struct {
		name, printed, want string
	}{
		{name: "lines", printed: "a\r\nb\r\n", want: "a\nb\n"},
		{name: "a bare line feed keeps the column", printed: "a\nb", want: "a\n b"},
		{name: "overwriting", printed: "abc\rx", want: "xbc"},
		{name: "erasing to the end", printed: "abc\r\x1b[1C\x1b[0K", want: "a"},
		{name: "colours", printed: "a\x1b[0;90;49mb\x1b[0m", want: "ab"},
		{name: "clearing", printed: "a\r\nb\x1b[H\x1b[2Jc", want: "c"},
		{name: "backspace", printed: "ab\bc", want: "ac"},
		{name: "moving past the end", printed: "a\x1b[2Cb", want: "a  b"},
		{name: "unknown", printed: "\x1b[5n", want: "^[[5n"},
		{name: "bytes above ASCII", printed: "\xff", want: "\xff"},
		{name: "unfinished", printed: "a\x1b[", want: "a"},
	} {
		t.Run(try.name, func(t *testing.T) {
			// In pieces of every size: where a read ends must not matter.
			for size := 1; size <= len(try.printed); size++ {
				var s Screen
				for rest := []byte(try.printed); len(rest) > 0; {
					n := min(size, len(rest))
					s.Write(rest[:n])
					rest = rest[n:]
				}
				if got := s.String(); got != try.want {
					t.Errorf("in pieces of %d: %q, want %q", size, got, try.want)
				}
			}
		})
	}
}
