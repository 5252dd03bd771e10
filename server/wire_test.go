package server

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/pubsubd/pubsubd/broker"
)

// A frame is one RESP value as it came over the wire.
type frame struct {
	kind  byte // the first byte
	text  string
	null  bool
	elems []frame
}

// String is the frame in short: +OK, -ERR text, 1, text, nil, [a b], >[a b].
func (f frame) String() string {
	switch f.kind {
	case '+', '-':
		return string(f.kind) + f.text
	case '*', '>', '~', '%':
		if f.null {
			return "nil"
		}
		words := make([]string, len(f.elems))
		for i, e := range f.elems {
			words[i] = e.String()
		}
		list := "[" + strings.Join(words, " ") + "]"
		if f.kind == '*' {
			return list
		}
		return string(f.kind) + list
	}
	if f.null {
		return "nil"
	}
	return f.text
}

// readFrame reads one value. It accepts nothing but well-formed RESP.
func readFrame(r *bufio.Reader) (f frame, err error) {
	line, err := r.ReadString('\n')
	if err != nil {
		if line != "" && err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return f, err
	}
	if len(line) < 3 || line[len(line)-2] != '\r' || strings.ContainsRune(line[:len(line)-2], '\r') {
		return f, fmt.Errorf("not a line of RESP: %q", line)
	}
	f.kind, f.text = line[0], line[1:len(line)-2]
	switch f.kind {
	case '+', '-':
		return f, nil
	case ':':
		_, err = strconv.ParseInt(f.text, 10, 64)
		return f, err
	case ',':
		_, err = strconv.ParseFloat(f.text, 64)
		return f, err
	case '_':
		f.null = true
		return f, nil
	}
	n, err := strconv.Atoi(f.text)
	if err != nil {
		return f, fmt.Errorf("not a length: %q", line)
	}
	if n == -1 {
		f.null = true
		return f, nil
	}
	switch f.kind {
	case '$', '=':
		b := make([]byte, n+2)
		if _, err := io.ReadFull(r, b); err != nil {
			return f, err
		}
		if string(b[n:]) != "\r\n" {
			return f, fmt.Errorf("a bulk of %d bytes ends in %q", n, b[n:])
		}
		f.text = string(b[:n])
		return f, nil
	case '%':
		n *= 2
	case '*', '>', '~':
	default:
		return f, fmt.Errorf("not a frame: %q", line)
	}
	for range n {
		e, err := readFrame(r)
		if err != nil {
			return f, fmt.Errorf("in %q: %w", line, err)
		}
		f.elems = append(f.elems, e)
	}
	return f, nil
}

// framesOf reads all frames of a stream, which must end with a whole one.
func framesOf(stream []byte) (list []frame, err error) {
	r := bufio.NewReader(strings.NewReader(string(stream)))
	for {
		f, err := readFrame(r)
		if err == io.EOF {
			return list, nil
		}
		if err != nil {
			return list, fmt.Errorf("after %d frames: %w", len(list), err)
		}
		list = append(list, f)
	}
}

// texts is frames in short, one after another.
func texts(list []frame) []string {
	words := make([]string, len(list))
	for i, f := range list {
		words[i] = f.String()
	}
	return words
}

// delivery is a run of messages of one channel.
func delivery(channel string, payloads ...string) *broker.Delivery {
	d := &broker.Delivery{Kind: broker.Channel, Channel: channel}
	for _, p := range payloads {
		d.Payloads = append(d.Payloads, []byte(p))
	}
	return d
}
