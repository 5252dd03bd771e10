//go:build linux

package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"strconv"
)

// A payload starts with the number of its stream (4 bytes) and its sequence
// number within the stream (8 bytes), both little endian, followed by filler.
// A stream is everything one publisher sends to one channel, so within a
// stream every subscriber must see 0, 1, 2, … without a gap.
const (
	seqOffset  = 4
	payloadMin = 12
	filler     = 'x'
)

var (
	pingRequest      = []byte("*1\r\n$4\r\nPING\r\n")
	pong             = []byte("+PONG\r\n")
	pongToSubscriber = []byte("*2\r\n$4\r\npong\r\n$0\r\n\r\n")
)

// appendBulk appends s as a bulk string.
func appendBulk(dst []byte, s string) []byte {
	dst = append(dst, '$')
	dst = strconv.AppendInt(dst, int64(len(s)), 10)
	dst = append(dst, "\r\n"...)
	dst = append(dst, s...)
	return append(dst, "\r\n"...)
}

// appendArray appends an array of bulk strings, which is also how a request
// is written.
func appendArray(dst []byte, elements ...string) []byte {
	dst = append(dst, '*')
	dst = strconv.AppendInt(dst, int64(len(elements)), 10)
	dst = append(dst, "\r\n"...)
	for _, e := range elements {
		dst = appendBulk(dst, e)
	}
	return dst
}

// appendConfirmation appends the reply to one argument of SUBSCRIBE or
// PSUBSCRIBE after which the client has count subscriptions.
func appendConfirmation(dst []byte, command, name string, count int) []byte {
	dst = append(dst, "*3\r\n"...)
	dst = appendBulk(dst, command)
	dst = appendBulk(dst, name)
	return appendInteger(dst, count)
}

// appendInteger appends an integer reply.
func appendInteger(dst []byte, n int) []byte {
	dst = append(dst, ':')
	dst = strconv.AppendInt(dst, int64(n), 10)
	return append(dst, "\r\n"...)
}

// frameHead returns all that precedes the payload in a delivery whose other
// elements are given: "message" and a channel, or "pmessage", a pattern and a
// channel.
func frameHead(payload int, elements ...string) []byte {
	head := appendArray(nil, elements...)
	// The array has one element more than we gave: the payload.
	head[1]++
	head = append(head, '$')
	head = strconv.AppendInt(head, int64(payload), 10)
	return append(head, "\r\n"...)
}

// newPayload returns a payload of n bytes for one stream, at sequence number 0.
func newPayload(n int, stream uint32) []byte {
	p := bytes.Repeat([]byte{filler}, n)
	binary.LittleEndian.PutUint32(p, stream)
	binary.LittleEndian.PutUint64(p[seqOffset:], 0)
	return p
}

// excerpt quotes the beginning of what a server sent, for an error message.
func excerpt(b []byte) string {
	const most = 120
	if len(b) > most {
		return fmt.Sprintf("%q…", b[:most])
	}
	return fmt.Sprintf("%q", b)
}

// expect reads exactly want from nc and fails at the first byte that differs,
// so that a server answering something shorter is reported with its answer
// and not by a deadline. The caller has set a deadline.
func expect(nc net.Conn, want []byte) error {
	got := make([]byte, len(want))
	for have := 0; have < len(want); {
		n, err := nc.Read(got[have:])
		have += n
		if !bytes.Equal(got[:have], want[:have]) {
			return fmt.Errorf("got %s, want %s", excerpt(got[:have]), excerpt(want))
		}
		if err != nil {
			return fmt.Errorf("after %d of %d expected bytes: %w", have, len(want), err)
		}
	}
	return nil
}
