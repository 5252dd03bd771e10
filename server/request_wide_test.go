package server

import (
	"slices"
	"strings"
	"testing"
)

// Who sends many large requests is read from into a wide buffer, and only as long as
// they come.
func TestRequestReaderWidens(t *testing.T) {
	large := encode("PUBLISH", "c", strings.Repeat("x", largeRequest))
	small := encode("PUBLISH", "c", strings.Repeat("x", largeRequest/2))
	for _, tt := range []struct {
		name   string
		widens bool
		in     []byte
		read   int // in this round
		want   int // size of the next buffer
	}{
		{"many large", true, slices.Repeat(large, 10), maxBuffer, wideBuffer},
		{"of a client that is waited for", false, slices.Repeat(large, 10), maxBuffer, maxBuffer},
		{"many small", true, slices.Repeat(small, 20), maxBuffer, maxBuffer},
		{"not many", true, slices.Repeat(large, 10), maxBuffer - 1, maxBuffer},
		{"one very large behind one", true, slices.Concat(large, encode("PUBLISH", "c", strings.Repeat("x", 2*maxBuffer))), maxBuffer, 2 * maxBuffer},
	} {
		r := &requestReader{limits: testLimits(), widens: tt.widens}
		round := func(n int) {
			for n > 0 {
				m := copy(r.space(), tt.in[:n])
				r.received(m)
				tt.in, n = tt.in[m:], n-m
			}
			runRound(t, r)
		}
		round(tt.read)
		if r.buf != nil && cap(r.buf.b) > maxBuffer {
			t.Errorf("%s: a buffer of %d bytes is kept", tt.name, cap(r.buf.b))
		}
		if got := r.growth(); tt.want <= wideBuffer && r.wide && got != 0 {
			t.Errorf("%s: asks for %d bytes", tt.name, got)
		}
		left := r.buffered()
		if got := len(r.space()) + left; got < tt.want || tt.want < wideBuffer && got >= wideBuffer {
			t.Errorf("%s: the next buffer has %d bytes, want %d", tt.name, got, tt.want)
		}
		r.settle() // as when nothing has come
		if r.buf != nil && cap(r.buf.b) > maxBuffer && left <= maxBuffer-minSpace {
			t.Errorf("%s: a buffer of %d bytes is kept for nothing", tt.name, cap(r.buf.b))
		}
		round(len(tt.in))
		tt.in = encode("PING")
		if round(len(tt.in)); r.wide || r.buf != nil {
			t.Errorf("%s: a wide buffer is to be next although little comes, or %v is held", tt.name, r.buf)
		}
	}
}
