//go:build linux

package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
)

// notMine stands in for the next sequence number of a stream a subscriber must
// not see. No publisher gets that far.
const notMine = math.MaxUint64

// A verifier checks the deliveries of one subscriber, which all have the same
// length. The sequence number of every frame is checked, which also proves
// that the frames lie where they should; the bytes around it are compared for
// the first and the last frame of what was read in one go.
type verifier struct {
	channels []string
	heads    [][]byte // by channel, nil for channels this subscriber does not get
	tail     []byte   // filler of the payload and the final CR LF
	headLen  int
	frameLen int      // zero when this subscriber gets nothing at all
	next     []uint64 // by stream: the sequence number due
}

// newVerifier returns a verifier for a subscriber that gets the channels with
// a non-nil head from publishers that each send to every channel. All heads
// have the same length.
func newVerifier(channels []string, heads [][]byte, payload, publishers int) *verifier {
	v := &verifier{channels: channels, heads: heads}
	v.tail = append(bytes.Repeat([]byte{filler}, payload-payloadMin), "\r\n"...)
	v.next = make([]uint64, publishers*len(channels))
	for i := range v.next {
		head := heads[i%len(channels)]
		if head == nil {
			v.next[i] = notMine
			continue
		}
		v.headLen = len(head)
		v.frameLen = len(head) + payload + len("\r\n")
	}
	return v
}

// check checks the whole frames at the front of b and returns how many there
// were. What is left, less than one frame, must be in front of the next b.
func (v *verifier) check(b []byte) (frames int, err error) {
	if v.frameLen == 0 {
		if len(b) > 0 {
			return 0, fmt.Errorf("nothing should be delivered here, got %s", excerpt(b))
		}
		return 0, nil
	}
	frames = len(b) / v.frameLen
	next := v.next
	at := v.headLen
	for i := range frames {
		stream := binary.LittleEndian.Uint32(b[at:])
		seq := binary.LittleEndian.Uint64(b[at+seqOffset:])
		if uint64(stream) >= uint64(len(next)) || next[stream] != seq {
			return i, v.explain(b[i*v.frameLen : (i+1)*v.frameLen])
		}
		next[stream] = seq + 1
		at += v.frameLen
	}
	if frames > 0 {
		if err := v.wellFormed(b[:v.frameLen]); err != nil {
			return 0, err
		}
		if err := v.wellFormed(b[(frames-1)*v.frameLen : frames*v.frameLen]); err != nil {
			return frames - 1, err
		}
	}
	return frames, nil
}

// wellFormed compares all of a frame but its sequence number with what the
// frame of that stream must be.
func (v *verifier) wellFormed(frame []byte) error {
	stream := binary.LittleEndian.Uint32(frame[v.headLen:])
	if uint64(stream) >= uint64(len(v.next)) {
		return fmt.Errorf("malformed frame %s", excerpt(frame))
	}
	channel := int(stream) % len(v.channels)
	head := v.heads[channel]
	if head == nil {
		return fmt.Errorf("message of channel %q, which this subscriber did not ask for: %s", v.channels[channel], excerpt(frame))
	}
	if !bytes.Equal(frame[:v.headLen], head) || !bytes.Equal(frame[v.headLen+payloadMin:], v.tail) {
		return fmt.Errorf("malformed frame %s, want it to begin %q", excerpt(frame), head)
	}
	return nil
}

// explain says what is wrong with a frame whose sequence number is not due.
func (v *verifier) explain(frame []byte) error {
	if err := v.wellFormed(frame); err != nil {
		return err
	}
	stream := binary.LittleEndian.Uint32(frame[v.headLen:])
	seq := binary.LittleEndian.Uint64(frame[v.headLen+seqOffset:])
	channel := v.channels[int(stream)%len(v.channels)]
	publisher := int(stream) / len(v.channels)
	due := v.next[stream]
	if seq > due {
		return fmt.Errorf("channel %q, publisher %d: message %d came where %d was due: lost or out of order", channel, publisher, seq, due)
	}
	return fmt.Errorf("channel %q, publisher %d: message %d came again where %d was due: repeated or out of order", channel, publisher, seq, due)
}
