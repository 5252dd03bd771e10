//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
)

// frameOf returns the delivery of one message, as a right server sends it.
func frameOf(head []byte, payload int, stream uint32, seq uint64) []byte {
	p := newPayload(payload, stream)
	binary.LittleEndian.PutUint64(p[seqOffset:], seq)
	return append(append(append([]byte(nil), head...), p...), "\r\n"...)
}

// testStream is a verifier for two of three channels and two publishers, and
// what it should see: some messages of each of its four streams, interleaved.
func testStream() (v *verifier, frames [][]byte) {
	channels := []string{"a", "b", "c"}
	heads := [][]byte{frameHead(16, "message", "a"), nil, frameHead(16, "message", "c")}
	v = newVerifier(channels, heads, 16, 2)
	for seq := range uint64(4) {
		for _, stream := range []uint32{5, 0, 2, 3} {
			frames = append(frames, frameOf(heads[stream%3], 16, stream, seq))
		}
	}
	return v, frames
}

func join(frames [][]byte) []byte {
	var b []byte
	for _, f := range frames {
		b = append(b, f...)
	}
	return b
}

func TestVerifierAccepts(t *testing.T) {
	v, frames := testStream()
	b := join(frames)
	n, err := v.check(b[:len(b)-1])
	if err != nil || n != len(frames)-1 {
		t.Errorf("check = %d, %v, want %d frames", n, err, len(frames)-1)
	}
	n, err = v.check(frames[len(frames)-1])
	if err != nil || n != 1 {
		t.Errorf("check of the last frame = %d, %v", n, err)
	}
}

func TestVerifierRejects(t *testing.T) {
	_, good := testStream()
	second := frameOf(frameHead(16, "message", "b"), 16, 1, 0)
	edit := func(f func(frames [][]byte) [][]byte) []byte {
		return join(f(append([][]byte(nil), good...)))
	}
	tests := []struct {
		name string
		in   []byte
		want string
	}{
		{"drop", edit(func(f [][]byte) [][]byte { return append(f[:5], f[6:]...) }), "lost"},
		{"drop of the first", edit(func(f [][]byte) [][]byte { return f[1:] }), "lost"},
		{"repeat", edit(func(f [][]byte) [][]byte { return append(f, f[len(f)-1]) }), "repeated"},
		{"reorder within a stream", edit(func(f [][]byte) [][]byte { f[4], f[8] = f[8], f[4]; return f }), "out of order"},
		{"channel not asked for", edit(func(f [][]byte) [][]byte { f[7] = second; return f }), "did not ask"},
		{"stream unknown", edit(func(f [][]byte) [][]byte { f[7] = frameOf(frameHead(16, "message", "a"), 16, 6, 0); return f }), "malformed"},
		{"first frame of another channel", edit(func(f [][]byte) [][]byte {
			f[0] = frameOf(frameHead(16, "message", "a"), 16, 5, 0)
			return f
		}), "malformed"},
		{"last frame of another kind", edit(func(f [][]byte) [][]byte {
			f[len(f)-1] = []byte(strings.Replace(string(f[len(f)-1]), "message", "missive", 1))
			return f
		}), "malformed"},
		{"last frame with a changed payload", edit(func(f [][]byte) [][]byte {
			f[len(f)-1] = []byte(strings.Replace(string(f[len(f)-1]), "xx\r\n", "xy\r\n", 1))
			return f
		}), "malformed"},
		{"last frame with a changed end", edit(func(f [][]byte) [][]byte {
			f[len(f)-1] = []byte(strings.Replace(string(f[len(f)-1]), "xx\r\n", "xx\n\n", 1))
			return f
		}), "malformed"},
		{"byte too many", edit(func(f [][]byte) [][]byte { f[3] = append([]byte("\n"), f[3]...); return f }), "malformed"},
		{"error reply", []byte("-ERR something went wrong on the server and takes as long as a frame\r\n"), "malformed"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v, _ := testStream()
			_, err := v.check(test.in)
			if err == nil {
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q, want one with %q", err, test.want)
			}
		})
	}
}

func TestVerifierOfNothing(t *testing.T) {
	v := newVerifier([]string{"a"}, [][]byte{nil}, 16, 1)
	if n, err := v.check(nil); n != 0 || err != nil {
		t.Errorf("check of nothing = %d, %v", n, err)
	}
	if _, err := v.check([]byte("*")); err == nil {
		t.Error("a byte was accepted where nothing is due")
	}
}

func TestVerifierDoesNotAllocate(t *testing.T) {
	v, frames := testStream()
	b := join(frames)
	fresh := append([]uint64(nil), v.next...)
	allocs := testing.AllocsPerRun(100, func() {
		copy(v.next, fresh)
		if _, err := v.check(b); err != nil {
			t.Fatal(err)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// FuzzVerifierChunks feeds one stream of bytes in pieces of any size, changed
// at one place, and wants the outcome not to depend on the pieces as far as
// sequence numbers go.
func FuzzVerifierChunks(f *testing.F) {
	f.Add([]byte{1}, uint16(0), byte(0))
	f.Add([]byte{7, 200, 3}, uint16(40), byte(1))
	f.Add([]byte{255, 1, 60, 61}, uint16(99), byte(0x80))
	f.Fuzz(func(t *testing.T, sizes []byte, at uint16, flip byte) {
		v, frames := testStream()
		b := join(frames)
		b[int(at)%len(b)] ^= flip

		var rest []byte
		total, broken := 0, false
		for in, i := b, 0; len(in) > 0 && !broken; i++ {
			size := 1
			if len(sizes) > 0 {
				size += int(sizes[i%len(sizes)])
			}
			size = min(size, len(in))
			rest = append(rest, in[:size]...)
			in = in[size:]
			n, err := v.check(rest)
			total += n
			broken = err != nil
			rest = rest[n*v.frameLen:]
		}
		if flip == 0 && (broken || total != len(frames)) {
			t.Fatalf("%d of %d frames accepted, broken = %v", total, len(frames), broken)
		}
		inFrame := int(at) % len(b) % v.frameLen
		inNumber := inFrame >= v.headLen && inFrame < v.headLen+payloadMin
		if flip != 0 && inNumber && !broken {
			t.Fatalf("byte %d of frame %d was changed, and nothing noticed", inFrame, int(at)%len(b)/v.frameLen)
		}
	})
}

func BenchmarkVerifier(b *testing.B) {
	for _, payload := range []int{smallPayload, largePayload} {
		b.Run(fmt.Sprintf("payload=%d", payload), func(b *testing.B) {
			p := fanoutPlan(1, 1, 1, payload)
			heads := p.subscribers[0].heads(resp{}, p)
			head := heads[0]
			v := newVerifier(p.channels, heads, payload, 1)
			var read []byte
			frames := uint64(readBuffer / v.frameLen)
			for seq := range frames {
				read = append(read, frameOf(head, payload, 0, seq)...)
			}
			b.SetBytes(int64(len(read)))
			for b.Loop() {
				v.next[0] = 0
				if _, err := v.check(read); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(frames), "ns/frame")
		})
	}
}
