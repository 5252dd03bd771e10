package server

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"weak"

	"github.com/tidwall/redcon"
)

// testLimits are the limits of a server with the default configuration.
func testLimits() *requestLimits { return NewConfig().requestLimits() }

// A feeder hands pieces to a requestReader as a connection would, and keeps
// count of what that costs.
type feeder struct {
	r      *requestReader
	authed bool
	putOff func() bool // tells whether the request at hand is to come again; nil for never
	alike  func() int  // how long an element may be of the next request if that is like the last; nil for no such request

	requests [][]string
	found    int // of them, by another or alike
	fed      int // bytes
	copied   int // bytes that moved within the reader
	widest   int // capacity of the largest buffer held
}

func newFeeder(l *requestLimits, authed bool) *feeder {
	return &feeder{r: &requestReader{limits: l}, authed: authed}
}

// feed hands in one piece, runs what is complete and ends the round. The error
// is a protocolError, or nil if the reader waits for more.
func (f *feeder) feed(piece []byte) error {
	for len(piece) > 0 {
		before, held := f.r.buf, f.r.buffered()
		space := f.r.space()
		f.countMove(before, held)
		if len(space) == 0 {
			return errors.New("space returned no room")
		}
		n := copy(space, piece)
		f.r.received(n)
		piece = piece[n:]
		f.fed += n
		if err := f.run(); err != nil {
			return err
		}
		before, start := f.r.buf, f.r.start
		f.r.settle()
		if f.r.buf == before && start > 0 {
			f.copied += f.r.buffered()
		}
		f.countMove(before, f.r.buffered())
	}
	return nil
}

func (f *feeder) countMove(before *buffer, held int) {
	if before != nil && f.r.buf != nil && before != f.r.buf {
		f.copied += held
	}
	if f.r.buf != nil {
		f.widest = max(f.widest, cap(f.r.buf.b))
	}
}

func (f *feeder) run() error {
	for tries := 0; ; tries++ {
		argv, err := f.r.next(f.authed)
		if err == errIncomplete {
			return nil
		}
		if err != nil {
			return err
		}
		if len(argv) == 0 {
			return errors.New("a request without elements")
		}
		if tries > f.fed && f.putOff == nil {
			return errors.New("more requests than bytes")
		}
		words := make([]string, len(argv))
		for i, a := range argv {
			words[i] = string(a)
		}
		if f.putOff != nil && f.putOff() {
			f.r.postpone()
			if f.isLikeLast() {
				return errors.New("a request that was put off is like itself")
			}
			f.r.settle()
			continue
		}
		f.requests = append(f.requests, words)
		for f.alike != nil {
			like := f.likeLast(words)
			if like == nil {
				break
			}
			if f.putOff != nil && f.putOff() {
				f.r.postpone()
				if f.isLikeLast() {
					return errors.New("a request that was put off is like itself")
				}
				f.r.settle()
				break
			}
			words = like
			f.requests = append(f.requests, words)
			f.found++
		}
	}
}

// likeLast returns the next request if it is like the last, nil if it is not.
func (f *feeder) likeLast(last []string) []string {
	keep := max(0, len(last)-2)
	if element, ok := f.r.another(f.alike()); ok {
		return append(slices.Clone(last[:len(last)-1]), string(element))
	}
	if first, second, ok := f.r.alike(f.alike(), f.alike()); ok {
		return append(slices.Clone(last[:keep]), string(first), string(second))
	}
	return nil
}

// isLikeLast tells whether the next request is like the last.
func (f *feeder) isLikeLast() bool {
	if _, ok := f.r.another(1 << 20); ok {
		return true
	}
	_, _, ok := f.r.alike(1<<20, 1<<20)
	return ok
}

// feedAll hands in the pieces until one is malformed.
func (f *feeder) feedAll(pieces ...[]byte) error {
	for _, p := range pieces {
		if err := f.feed(p); err != nil {
			return err
		}
	}
	return nil
}

// encode is a request as clients send it.
func encode[T string | []byte](words ...T) []byte {
	b := redcon.AppendArray(nil, len(words))
	for _, w := range words {
		b = redcon.AppendBulk(b, []byte(w))
	}
	return b
}

func TestRequestReader(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	tests := []struct {
		name, in string
		want     [][]string
		err      error // nil: the reader waits for more
	}{
		{"ignored", "*0\r\n*-1\r\n\r\n\n*-2\r\n*-9223372036854775808\r\nPING\r\n", [][]string{{"PING"}}, nil},
		{"count not a number", "*abc\r\n", nil, errCount},
		{"count empty", "*\r\n", nil, errCount},
		{"count leading zero", "*01\r\n", nil, errCount},
		{"count plus", "*+1\r\n", nil, errCount},
		{"count tail", "*1x\r\n", nil, errCount},
		{"count minus", "*-\r\n", nil, errCount},
		{"count minus zero", "*-0\r\n", nil, errCount},
		{"count over int32", "*2147483648\r\n", nil, errCount},
		{"count over the limit", "*1048577\r\n", nil, errCount},
		{"count at the limit", "*1048576\r\n", nil, nil},
		{"count over int64", "*9223372036854775808\r\n", nil, errCount},
		{"count wraps to one", "*18446744073709551617\r\n$4\r\nPING\r\n", nil, errCount},
		{"not a bulk", "*1\r\n+PING\r\n", nil, protocolError("expected '$', got '+'")},
		{"empty element line", "*1\r\n\r\n", nil, protocolError("expected '$', got '\r'")},
		{"line feed for a bulk", "*1\r\n\nx\r\n", nil, protocolError("expected '$', got '\n'")},
		{"bulk not a number", "*1\r\n$abc\r\n", nil, errBulk},
		{"bulk empty", "*1\r\n$\r\n", nil, errBulk},
		{"bulk negative", "*1\r\n$-1\r\n", nil, errBulk},
		{"bulk very negative", "*1\r\n$-100\r\nPING\r\n", nil, errBulk},
		{"bulk leading zero", "*1\r\n$04\r\nPING\r\n", nil, errBulk},
		{"bulk blank", "*1\r\n$ 4\r\nPING\r\n", nil, errBulk},
		{"bulk tail", "*1\r\n$4x\r\nPING\r\n", nil, errBulk},
		{"bulk over the limit", "*1\r\n$536870913\r\n", nil, errBulk},
		{"bulk at the limit", "*1\r\n$536870912\r\n", nil, nil},
		{"bulk wraps to four", "*1\r\n$18446744073709551620\r\nPING\r\n", nil, errBulk},
		{"bulk of the largest number", "*1\r\n$9223372036854775807\r\nPING\r\n", nil, errBulk},
		{"no CR after the count", "*" + long, nil, errBigCount},
		{"nearly no CR after the count", "*" + long[1:], nil, nil},
		{"no CR after the bulk", "*1\r\n$" + long, nil, errBigBulk},
		{"nearly no CR after the bulk", "*1\r\n$" + long[1:], nil, nil},
		{"no LF", long + "x", nil, errBigInline},
		{"nearly no LF", long, nil, nil},
		{"longest line", long + "\nPING\r\n", [][]string{{long}, {"PING"}}, nil},
		{"quote not closed", "PUBLISH \"a\r\n", nil, errQuotes},
		{"text behind a quote", "PUBLISH \"a\"b\r\n", nil, errQuotes},
		{"bytes behind a bulk unchecked", "*2\r\n$4\r\nECHOxy$1\r\naPQPING\r\n", [][]string{{"ECHO", "a"}, {"PING"}}, nil},
		{"byte behind the CR unchecked", "*1\rx$4\ryPING\r\nPING\r\n", [][]string{{"PING"}, {"PING"}}, nil},
		{"all bytes", "*1\r\n$6\r\n\x00\r\n\xff$*\r\n", [][]string{{"\x00\r\n\xff$*"}}, nil},
		{"empty elements", "*2\r\n$0\r\n\r\n$0\r\n\r\n", [][]string{{"", ""}}, nil},
		{"inline", "  PUBLISH ch \"a\\x41\\n\" 'it\\'s'\r\n", [][]string{{"PUBLISH", "ch", "aA\n", "it's"}}, nil},
		{"inline by LF", "PING\nPING\n", [][]string{{"PING"}, {"PING"}}, nil},
		{"blank line", " \t \r\nPING\r\n", [][]string{{"PING"}}, nil},
		{"NUL hides the end", "PI\x00NG\r\nPING\r\n", nil, nil},
		{"NUL hides the end too long", "\x00\n" + long, nil, errBigInline},
		{"NUL in the count", "*1\x00\r\n", nil, nil},
		{"good before bad", "PING\r\n*1\r\n$4\r\nPING\r\n*x\r\nPING\r\n", [][]string{{"PING"}, {"PING"}}, errCount},
		{"half a request", "*2\r\n$4\r\nPING\r\n$1", nil, nil},
	}
	for _, tt := range tests {
		for _, size := range []int{math.MaxInt, 7, 1} {
			if size < len(tt.in)/1000 {
				size = 1000
			}
			f := newFeeder(testLimits(), true)
			err := f.feedAll(slices.Collect(slices.Chunk([]byte(tt.in), min(size, len(tt.in))))...)
			if err != tt.err || !reflect.DeepEqual(f.requests, tt.want) {
				t.Errorf("%s in pieces of %d: %.80q, %v; want %.80q, %v", tt.name, size, f.requests, err, tt.want, tt.err)
			}
		}
	}
}

func TestRequestReaderBeforeAuth(t *testing.T) {
	ten := encode("AUTH", "1", "2", "3", "4", "5", "6", "7", "8", "9")
	tests := []struct {
		name string
		in   []byte
		err  error
	}{
		{"10 elements", ten, nil},
		{"11 elements", []byte("*11\r\n"), errUnauthCount},
		{"very many elements", []byte("*2147483647\r\n"), errUnauthCount},
		{"too many elements for anyone", []byte("*2147483648\r\n"), errCount},
		{"bulk of 16384", encode("AUTH", strings.Repeat("x", 16384)), nil},
		{"bulk of 16385", []byte("*2\r\n$4\r\nAUTH\r\n$16385\r\n"), errUnauthBulk},
		{"bulk for nobody", []byte("*1\r\n$536870913\r\n"), errBulk},
		{"inline of 11 long words", []byte(strings.Repeat("xxxxx ", 10000) + "\r\n"), nil},
	}
	for _, tt := range tests {
		f := newFeeder(testLimits(), false)
		if err := f.feed(tt.in); err != tt.err {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.err)
		} else if err == nil && len(f.requests) != 1 {
			t.Errorf("%s: %d requests", tt.name, len(f.requests))
		}
	}
}

func TestRequestReaderLimitsFollowConfig(t *testing.T) {
	l := &requestLimits{args: 3, bulk: 5, query: 1 << 20}
	for in, want := range map[string]error{
		"*3\r\n$5\r\nhello\r\n": nil,
		"*4\r\n":                errCount,
		"*1\r\n$6\r\n":          errBulk,
	} {
		if err := newFeeder(l, true).feed([]byte(in)); err != want {
			t.Errorf("%q: %v, want %v", in, err, want)
		}
	}
	l.bulk = math.MaxInt
	for _, in := range []string{"9223372036854775807", "9223372036854775806", "9223372036854775805"} {
		if err := newFeeder(l, true).feed([]byte("*1\r\n$" + in + "\r\nPING\r\n")); err != nil {
			t.Errorf("without a limit, a bulk of %s: %v", in, err)
		}
	}
}

// A large request in small pieces must neither be moved again and again nor
// take much more memory than it has bytes.
func TestRequestReaderCostIsLinear(t *testing.T) {
	const size = 64 << 20
	for _, tt := range []struct {
		name    string
		request []byte
		piece   int
	}{
		{"one large bulk", encode("PUBLISH", "c", strings.Repeat("x", size)), 1 << 10},
		{"many small elements", encode(slices.Repeat([]string{"a"}, 1<<18)...), 64},
		{"pipeline cut inside requests", bytes.Repeat(encode("PUBLISH", "c", strings.Repeat("x", 5000)), 2000), 7001},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f := newFeeder(testLimits(), true)
		f.r.buf = nil
		for piece := range slices.Chunk(tt.request, tt.piece) {
			// The requests themselves are not kept: they would count.
			f.requests = nil
			if err := f.feed(piece); err != nil {
				t.Fatal(err)
			}
		}
		runtime.ReadMemStats(&after)
		n := len(tt.request)
		if limit := 2*n + 2*keepTail*1000; f.copied > limit {
			t.Errorf("%s: %d bytes moved for %d received", tt.name, f.copied, n)
		}
		if f.widest > 2*maxBuffer+3*n {
			t.Errorf("%s: a buffer of %d bytes for %d received", tt.name, f.widest, n)
		}
		if f.r.buf != nil {
			t.Errorf("%s: a buffer is kept", tt.name)
		}
		t.Logf("%s: received %d, moved %d, largest buffer %d, allocated %d", tt.name, n, f.copied, f.widest, after.TotalAlloc-before.TotalAlloc)
	}
}

func TestRequestReaderAllocatesByWhatArrives(t *testing.T) {
	const size = 8 << 20
	request := encode("PUBLISH", "c", strings.Repeat("x", size))
	request = request[:len(request)-1] // never complete: only the reader allocates
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r := &requestReader{limits: testLimits()}
	for piece := range slices.Chunk(request, 1<<10) {
		r.received(copy(r.space(), piece))
		if _, err := r.next(true); err != errIncomplete {
			t.Fatal(err)
		}
		r.settle()
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 4*size+(1<<20) {
		t.Errorf("%d bytes allocated for %d received", got, size)
	}
	for _, announced := range []string{"*1048576\r\n", "*1\r\n$536870912\r\n"} {
		f := newFeeder(testLimits(), true)
		if err := f.feed([]byte(announced)); err != nil || f.widest > maxBuffer {
			t.Errorf("%q: %v, a buffer of %d bytes", announced, err, f.widest)
		}
	}
}

func TestRequestReaderHoldsNothingWhenIdle(t *testing.T) {
	r := &requestReader{limits: testLimits()}
	r.space()
	if r.settle(); r.buf != nil {
		t.Error("a buffer is held though nothing arrived")
	}
	f := &feeder{r: r, authed: true}
	for _, in := range [][]byte{encode("PING"), []byte("PING\r\n"), encode(strings.Repeat("x", 1<<20)), encode(slices.Repeat([]string{"a"}, 5000)...)} {
		if err := f.feed(in); err != nil {
			t.Fatal(err)
		}
		if r.buf != nil || r.buffered() != 0 || cap(r.words.argv) > keepArgv || cap(r.words.inline) > keepTail {
			t.Errorf("after a request of %d bytes: buffer %v, argv of %d, words of %d", len(in), r.buf, cap(r.words.argv), cap(r.words.inline))
		}
	}
	if err := f.feed([]byte("*1\r\n$4\r\nPI")); err != nil {
		t.Fatal(err)
	}
	if c := cap(r.buf.b); c > 2*keepTail {
		t.Errorf("the start of a request of 10 bytes holds a buffer of %d", c)
	}
	if err := f.feed([]byte("NG\r\n")); err != nil || r.buf != nil {
		t.Errorf("after its end: %v, buffer %v", err, r.buf)
	}
}

// What a large request was made of must be garbage once it has been run.
func TestRequestReaderForgetsRequests(t *testing.T) {
	for _, size := range []int{8 << 10, 1 << 20} {
		r := &requestReader{limits: testLimits()}
		arrays := feedAndForget(t, r, encode("PUBLISH", "c", strings.Repeat("x", size)))
		for range 3 { // what the pools hold goes with the second
			trimLargeBuffers()
			runtime.GC()
		}
		for _, a := range arrays {
			if a.Value() != nil {
				t.Errorf("the buffer of a request of %d bytes is still referred to by an idle reader", size)
			}
		}
		runtime.KeepAlive(r)
	}
}

// runRound reads the requests that have arrived, and ends the round.
func runRound(t *testing.T, r *requestReader) {
	t.Helper()
	for {
		if _, err := r.next(true); err == errIncomplete {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	r.settle()
}

//go:noinline
func feedAndForget(t *testing.T, r *requestReader, in []byte) (arrays []weak.Pointer[byte]) {
	for len(in) > 0 {
		n := copy(r.space(), in)
		r.received(n)
		in = in[n:]
		arrays = append(arrays, weak.Make(&r.buf.b[0]))
		runRound(t, r)
	}
	return arrays
}

func TestParseLength(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want int64
		ok   bool
	}{
		{"0", 0, true}, {"1", 1, true}, {"-1", -1, true}, {"9223372036854775807", math.MaxInt64, true},
		{"-9223372036854775808", math.MinInt64, true}, {"9223372036854775808", 0, false}, {"-9223372036854775809", 0, false},
		{"9999999999999999999", 0, false}, {"18446744073709551616", 0, false}, {"", 0, false}, {"-", 0, false}, {"-0", 0, false},
		{"00", 0, false}, {"01", 0, false}, {"+1", 0, false}, {" 1", 0, false}, {"1 ", 0, false}, {"1_0", 0, false}, {"0x1", 0, false}, {"--1", 0, false},
	} {
		if got, ok := parseLength([]byte(tt.in)); got != tt.want || ok != tt.ok {
			t.Errorf("%q: %d, %v; want %d, %v", tt.in, got, ok, tt.want, tt.ok)
		}
	}
}

func TestProtocolErrorText(t *testing.T) {
	if got, want := errCount.Error(), "Protocol error: invalid multibulk length"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := fmt.Sprint(errIncomplete); got == "" {
		t.Error("errIncomplete has no text")
	}
}

func BenchmarkRequestReader(b *testing.B) {
	for _, size := range []int{16, 100, 1000, 64 << 10} {
		b.Run(fmt.Sprintf("payload=%d", size), func(b *testing.B) {
			request := encode("PUBLISH", "channel", strings.Repeat("x", size))
			lot := max(1, (32<<10)/len(request)) // requests that arrive together
			in := bytes.Repeat(request, lot)
			r := &requestReader{limits: testLimits()}
			b.SetBytes(int64(len(request)))
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				if n == 0 {
					for rest := in; len(rest) > 0; {
						m := copy(r.space(), rest)
						r.received(m)
						rest = rest[m:]
					}
					n = lot
				}
				if _, err := r.next(true); err != nil {
					b.Fatal(err)
				}
				if n--; n == 0 {
					r.settle()
				}
			}
		})
	}
}
