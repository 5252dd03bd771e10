package server

import (
	"bytes"
	"math"
	"math/big"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/redcon"
)

// boundaryNumbers are where readers of lengths have gone wrong.
var boundaryNumbers = []string{
	"0", "1", "2", "10", "11", "16384", "16385", "65536", "1048576", "1048577", "536870912", "536870913",
	"2147483646", "2147483647", "2147483648", "4294967295", "4294967296", "4294967297", "4294967300",
	"9223372036854775805", "9223372036854775806", "9223372036854775807", "9223372036854775808", "9223372036854775809",
	"18446744073709551615", "18446744073709551616", "18446744073709551617", "18446744073709551620", "99999999999999999999999",
	"-1", "-2", "-100", "-2147483648", "-2147483649", "-9223372036854775808", "-9223372036854775809", "-18446744073709551612", "-", "",
	"-0", "00", "01", "04", "007", "+1", " 4", "4 ", "4x", "x", "1e1", "0x4", "\x004", "4\x00",
}

// A number in a seed or in what the fuzzer makes of it is written as this byte
// and replaced by a boundary number: mutation alone hardly ever finds them.
const numberMark = 0x01

var requestSeeds = []string{
	"PING\r\n", "PING\n", "\r\n", "\n", "*1\r\n$4\r\nPING\r\n", "*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$5\r\nhello\r\n",
	"*\x01\r\n$4\r\nPING\r\n", "*1\r\n$\x01\r\nPING\r\n", "*2\r\n$\x01\r\nECHO\r\n$1\r\na\r\n", "*2\r\n$4\r\nECHO\r\n$\x01\r\na\r\n",
	"*\x01\r\n$\x01\r\nPING\r\n$\x01\r\n", "*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$\x01\r\nhello\r\nPING\r\n", "*\x01\r\nPING\r\n",
	"*3\r\n$7\r\nPUBLISH\r\n$\x01\r\nc\r\n$5\r\nhello\r\n", "PING\r\n*\x01\r\n$4\r\nPING\r\n", "*1\r\n$4\r\nPING\r\n*1\r\n$\x01\r\nPING\r\n", "$\x01\r\nPING\r\n",
	"*1\r\n$4\r\nPINGxxPING\r\n", "*1\rx$4\ryPINGzz", "*1\n$4\nPING\n", "*1\r$4\rPING\r", "*1\r\n\r\n$4\r\nPING\r\n", "*1\r\n+PING\r\n",
	"*2\r\n$4\r\nPING\r\n", "*1\r\n$4\r\nPI", "*1\r", "*", "$4\r\nPING\r\n", "*0\r\n*-1\r\nPING\r\n", "*1\r\n$0\r\n\r\n",
	"PUBLISH c \"a b\\x00\\n\"\r\n", "PUBLISH 'a\\'b' \"\"\r\n", "PUBLISH \"a\r\n", "PUBLISH 'a'b\r\n", " \t\v\f x\v \r\n", "a\x00b\r\n", "\x00\r\n",
	"*2\r\n$4\r\nECHO\r\n$1\r\na\r\n*2\r\n$4\r\nECHO\r\n$2\r\nbc\r\n*2\r\n$4\r\nECHO\r\n$\x01\r\ndefghij\r\n*2\r\n$4\r\nECHO\r\n$0\r\n\r\n",
	"*2\r\n$4\r\nECHO\r\n$1\r\na\r\n*2\r\n$4\r\necho\r\n$1\r\nb\r\n*2\r\n$4\r\necho\r\n$1x\r\nc\r\n", "*1\r\n$4\r\nPING\r\n*1\r\n$4\rxPINGxx*1\r\n$5\r\nPINGS\r\n*1\r\n$4\r\nPI",
	"*1\x00\r\n$4\r\nPING\r\n", "*1\r\n$4\x00\r\nPING\r\n", "PING\r\n*1\r\n$4\r\nPING\r\n*x\r\nPING\r\n",
}

func FuzzRequestReader(f *testing.F) {
	for i, s := range requestSeeds {
		if !strings.ContainsRune(s, numberMark) {
			f.Add([]byte(s), uint64(i), uint16(0), true)
			continue
		}
		for n := range boundaryNumbers {
			f.Add([]byte(s), uint64(i), uint16(n), n%2 == 0)
		}
	}
	for seed := range uint64(16) { // requests that are alike, cut in several ways
		f.Add([]byte(strings.Repeat("*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$1\r\nm\r\n", 6)), 4*seed+2, uint16(0), true)
		f.Add([]byte(strings.Repeat("*2\r\n$1\r\nP\r\n$2\r\n$1\r\n*2\r\n$1\r\nP\r\n$2\r\n11\r\n", 4)), 4*seed+2, uint16(0), true)
	}
	f.Fuzz(func(t *testing.T, in []byte, seed uint64, number uint16, authed bool) {
		in = bytes.ReplaceAll(in, []byte{numberMark}, []byte(boundaryNumbers[int(number)%len(boundaryNumbers)]))
		limits := testLimits()
		want, wantErr := modelRequests(string(in), authed, limits)
		random := rand.New(rand.NewPCG(seed, 0))
		for _, cut := range []func() int{
			func() int { return math.MaxInt },
			func() int { return 1 + random.IntN(1+len(in)/2) },
			func() int { return 1 },
		} {
			got := newFeeder(limits, authed)
			if seed%2 == 1 { // a request put off is the same when it comes again
				got.putOff = func() bool { return random.IntN(3) == 0 }
			}
			if seed%4 > 1 { // it does not matter how a request is read that is like the last
				got.alike = func() int { return random.IntN(20) }
			}
			var err error
			for rest := in; len(rest) > 0 && err == nil; {
				n := min(cut(), len(rest))
				if len(in) > 4096 {
					n = min(max(n, len(in)/100), len(rest)) // one byte at a time would take too long
				}
				err = got.feed(bytes.Clone(rest[:n]))
				rest = rest[n:]
				if err == nil && got.r.buffered() == 0 && got.r.buf != nil {
					t.Fatal("a buffer is held for nothing")
				}
			}
			text := ""
			if err != nil {
				text = err.Error()
			}
			if text != wantErr || !reflect.DeepEqual(got.requests, want) {
				t.Fatalf("%q:\n got %q, %q\nwant %q, %q", in, got.requests, text, want, wantErr)
			}
			if got.widest > 2*maxBuffer+4*got.fed {
				t.Fatalf("a buffer of %d bytes for %d received", got.widest, got.fed)
			}
		}
		for _, words := range want {
			packet := encode(words...)
			complete, argv, _, rest, err := redcon.ReadNextCommand(packet, nil)
			if !complete || err != nil || len(rest) > 0 || !slices.EqualFunc(argv, words, func(a []byte, w string) bool { return string(a) == w }) {
				t.Fatalf("redcon reads %q as %q, %v", packet, argv, err)
			}
		}
	})
}

// modelRequests is what a client may expect of its bytes, written down with
// nothing in mind but the rules. The error is empty if more bytes are awaited.
func modelRequests(in string, authed bool, l *requestLimits) (requests [][]string, err string) {
	const prefix = "Protocol error: "
	for in != "" {
		if in[0] != '*' {
			line, rest, state := modelLine(in, "\n")
			switch state {
			case lineTooLong:
				return requests, prefix + "too big inline request"
			case lineIncomplete:
				return requests, ""
			}
			words, ok := modelWords(strings.TrimSuffix(line, "\r"))
			if !ok {
				return requests, prefix + "unbalanced quotes in request"
			}
			if len(words) > 0 {
				requests = append(requests, words)
			}
			in = rest
			continue
		}
		words, rest, text, complete := modelRequest(in, authed, l)
		if text != "" {
			return requests, prefix + text
		}
		if !complete {
			return requests, ""
		}
		if len(words) > 0 {
			requests = append(requests, words)
		}
		in = rest
	}
	return requests, ""
}

func modelRequest(in string, authed bool, l *requestLimits) (words []string, rest, err string, complete bool) {
	line, in, state := modelLine(in, "\r")
	switch state {
	case lineTooLong:
		return nil, "", "too big mbulk count string", false
	case lineIncomplete:
		return nil, "", "", false
	}
	if in == "" { // the byte behind the CR
		return nil, "", "", false
	}
	in = in[1:]
	count, ok := modelNumber(line[1:])
	switch {
	case !ok || count > math.MaxInt32:
		return nil, "", "invalid multibulk length", false
	case count > 10 && !authed:
		return nil, "", "unauthenticated multibulk length", false
	case count > int64(l.args):
		return nil, "", "invalid multibulk length", false
	}
	for ; count > 0; count-- {
		line, in, state = modelLine(in, "\r")
		switch state {
		case lineTooLong:
			return nil, "", "too big bulk count string", false
		case lineIncomplete:
			return nil, "", "", false
		}
		if in == "" {
			return nil, "", "", false
		}
		in = in[1:]
		if !strings.HasPrefix(line, "$") {
			return nil, "", "expected '$', got '" + (line + "\r")[:1] + "'", false
		}
		n, ok := modelNumber(line[1:])
		switch {
		case !ok || n < 0 || n > int64(l.bulk):
			return nil, "", "invalid bulk length", false
		case n > 16384 && !authed:
			return nil, "", "unauthenticated bulk length", false
		case int64(len(in)) < n+2:
			return nil, "", "", false
		}
		words = append(words, in[:n])
		in = in[n+2:]
	}
	return words, in, "", true
}

type lineState int

const (
	lineComplete lineState = iota
	lineIncomplete
	lineTooLong
)

// modelLine cuts a line off. Its end is looked for as in C: a NUL hides it.
func modelLine(in, end string) (line, rest string, state lineState) {
	window, _, _ := strings.Cut(in[:min(len(in), 65537)], "\x00")
	if i := strings.Index(window, end); i >= 0 {
		return in[:i], in[i+1:], lineComplete
	}
	if len(in) > 65536 {
		return "", "", lineTooLong
	}
	return "", "", lineIncomplete
}

var numberForm = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)

func modelNumber(s string) (int64, bool) {
	n, ok := new(big.Int).SetString(s, 10)
	if !ok || !numberForm.MatchString(s) || strings.HasSuffix(s, "\n") || !n.IsInt64() {
		return 0, false
	}
	return n.Int64(), true
}
