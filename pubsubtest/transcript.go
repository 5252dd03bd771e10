package pubsubtest

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// A direction tells what a line of the transcript is about.
type direction string

const (
	fromClient direction = ">"
	toClient   direction = "<"
	fault      direction = "!"
)

const (
	// maxLines is how many lines of the transcript are kept.
	maxLines = 4096

	// maxPrinted is how many of them a test that fails prints.
	maxPrinted = 200
)

// A transcript is what clients have sent and were sent.
type transcript struct {
	start time.Time

	mu    sync.Mutex // guards the fields below
	lines []string   // a ring once there are maxLines
	next  int
	lost  int // lines that others have replaced
}

// add writes a line about a client, whose lock is held. Size is that of the value in
// bytes, if it may be longer than what is shown.
func (t *transcript) add(l *link, d direction, text string, size int) {
	if text == "" {
		return
	}
	if size > maxKept {
		text = fmt.Sprintf("%s (%d bytes)", text, size)
	}
	who := "client ?"
	if l.id != 0 {
		who = fmt.Sprintf("client %d", l.id)
	}
	if l.name != "" {
		who += " " + quote([]byte(l.name))
	}
	t.write(fmt.Sprintf("%s %s %s", who, d, text))
}

// write adds a line.
func (t *transcript) write(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	line := fmt.Sprintf("%8.3f %s", time.Since(t.start).Seconds(), text)
	if len(t.lines) < maxLines {
		t.lines = append(t.lines, line)
		return
	}
	t.lines[t.next] = line
	t.next = (t.next + 1) % maxLines
	t.lost++
}

// last returns the latest lines, at most n, as a text that says how many there were
// before.
func (t *transcript) last(n int) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := append(append([]string(nil), t.lines[t.next:]...), t.lines[:t.next]...)
	before := t.lost
	if len(lines) > n {
		before += len(lines) - n
		lines = lines[len(lines)-n:]
	}
	var b strings.Builder
	if before > 0 {
		fmt.Fprintf(&b, "(%d lines before)\n", before)
	}
	for _, line := range lines {
		b.WriteString(line)
		b.WriteByte('\n')
	}
	return b.String()
}

// Transcript returns what the clients have sent and were sent so far, a line for each
// request (>), each reply, confirmation or message (<) and each end or fault (!), with
// the seconds since the server's start:
//
//	0.003 client 1 app > SUBSCRIBE orders
//	0.003 client 1 app < [subscribe orders 1]
//	0.005 client 1 app < [message orders hello]
//	0.006 client 1 app ! reset
//
// A line is written when the value is whole and, of what the server sends, handed to
// the connection. Passwords are left out and long values cut. The latest 4096 lines
// are kept. A test that fails prints the latest 200 of them.
func (s *Server) Transcript() string { return s.transcript.last(maxLines) }
