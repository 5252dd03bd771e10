package pubsubtest

import (
	"fmt"
	"strings"
	"sync"
	"testing"
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

	// maxLine is how many bytes of a line are shown.
	maxLine = 1000

	// maxPrinted is how many lines a test that fails prints.
	maxPrinted = 200
)

// A transcript is what clients have sent and were sent. A line is made of what is
// kept when somebody reads it.
type transcript struct {
	start time.Time

	mu      sync.Mutex // guards the fields below
	lines   []line     // a ring once there are maxLines
	next    int
	lost    int      // lines that others have replaced
	secrets *secrets // passwords that the options name and that clients have sent
}

// A line is one of the transcript.
type line struct {
	at   time.Duration // since the start
	who  *party        // nil for the test itself
	dir  direction
	text string // if raw is nil
	raw  []byte // the beginning of a request or reply
	size int    // of all of it
}

func (t *transcript) add(l line) {
	l.at = time.Since(t.start)
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lines) < maxLines {
		t.lines = append(t.lines, l)
		return
	}
	t.lines[t.next] = l
	t.next = (t.next + 1) % maxLines
	t.lost++
}

// note adds a line that is told and not sent. Who is nil for the test itself.
func (t *transcript) note(who *party, what string) {
	t.add(line{who: who, dir: fault, text: what})
}

// did adds what the test itself has asked of the server.
func (t *transcript) did(words ...string) { t.add(ofWords(fromClient, words...)) }

// ofWords is a line of words, about the test itself. It ends where a word is missing.
func ofWords[T string | []byte](dir direction, words ...T) line {
	l := line{dir: dir, raw: fmt.Appendf(nil, "*%d\r\n", len(words))}
	for _, w := range words {
		if b, ok := any(w).([]byte); ok && b == nil {
			break
		}
		l.raw = fmt.Appendf(l.raw, "$%d\r\n%s\r\n", len(w), w[:min(len(w), maxKept)])
		if len(l.raw) > maxKept {
			break
		}
	}
	return l
}

// request adds what a client has sent. Passwords in it are not kept in the line. The
// lock of the link is held.
func (t *transcript) request(l *link, request []byte, size int) {
	argv, ok := words(request, size)
	switch {
	case l.in.garbled: // what follows is not known to be a request
		return
	case !ok && size > len(request):
		t.add(line{who: l.who, dir: fromClient, text: fmt.Sprintf("(an inline request of %d bytes)", size)})
		return
	case !ok:
		l.in.garbled = true
		t.add(line{who: l.who, dir: fromClient, text: "(a malformed request)"})
		return
	case len(argv) == 0:
		return
	}
	shown := l.i.srv.Redacted(argv)
	if &shown[0] == &argv[0] {
		t.add(line{who: l.who, dir: fromClient, raw: append([]byte(nil), request[:min(len(request), maxKept)]...), size: size})
		return
	}
	t.mu.Lock()
	for _, p := range passwords(argv, shown) {
		t.secrets.learn(p, size == len(request) || !isEnd(p, argv, request))
	}
	t.mu.Unlock()
	safe := ofWords(fromClient, shown...)
	safe.who = l.who
	t.add(safe)
}

// isEnd tells whether a word is, or ends with, the last of a request that is cut off
// there.
func isEnd(word []byte, argv [][]byte, request []byte) bool {
	at := request // which words share the memory of
	if request[0] != '*' {
		at = argv[len(argv)-1]
	}
	return len(word) > 0 && len(at) > 0 && &word[len(word)-1] == &at[len(at)-1]
}

// passwords returns what is a password among the words of a request that are not
// shown.
func passwords(argv, shown [][]byte) (list [][]byte) {
	for i, w := range argv {
		if len(w) == 0 || &w[0] == &shown[i][0] {
			continue
		}
		switch {
		case isWord(argv[0], "ACL"):
			if strings.IndexByte("><#!", w[0]) >= 0 {
				list = append(list, w[1:])
			}
		case i+1 < len(argv) && len(argv[i+1]) > 0 && &argv[i+1][0] != &shown[i+1][0]: // a user's name
		default:
			list = append(list, w)
		}
	}
	return list
}

// reply adds what a client is sent.
func (t *transcript) reply(l *link, reply []byte, size int) {
	t.add(line{who: l.who, dir: toClient, raw: append([]byte(nil), reply[:min(len(reply), maxKept)]...), size: size})
}

// position is how many lines there were so far.
func (t *transcript) position() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lost + len(t.lines)
}

// last returns the latest lines behind a position, at most n, as a text that says how
// many there were before.
func (t *transcript) last(n, from int) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := append(append([]line(nil), t.lines[t.next:]...), t.lines[:t.next]...)
	before := max(0, t.lost-from)
	lines = lines[min(len(lines), max(0, from-t.lost)):]
	if len(lines) > n {
		before += len(lines) - n
		lines = lines[len(lines)-n:]
	}
	var b strings.Builder
	if before > 0 {
		fmt.Fprintf(&b, "(%d lines before)\n", before)
	}
	for i := range lines {
		b.WriteString(cut(lines[i].show(t.secrets), maxLine))
		b.WriteByte('\n')
	}
	return b.String()
}

// cut returns at most n bytes of a text.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "") + "…"
}

func (l *line) show(s *secrets) string {
	text := l.text
	switch {
	case l.raw == nil:
	case l.dir == fromClient:
		text = showRequest(l.raw, l.size, s)
	default:
		text = render(l.raw, s)
	}
	if l.size > maxKept {
		text = fmt.Sprintf("%s (%d bytes)", cut(text, maxLine-100), l.size)
	}
	return fmt.Sprintf("%8.3f %s %s %s", l.at.Seconds(), l.who.shown(s), l.dir, text)
}

func (p *party) String() string { return p.shown(nil) }

func (p *party) shown(s *secrets) string {
	if p == nil {
		return "test"
	}
	who := "client ?"
	if id := p.id.Load(); id != 0 {
		who = fmt.Sprintf("client %d", id)
	}
	switch name := p.called(); {
	case name == "":
	case s.has(name, len(name)):
		who += " " + hidden
	default:
		who += " " + quote([]byte(name), len(name))
	}
	return who
}

// called is its name; it may be empty.
func (p *party) called() string {
	if name := p.name.Load(); name != nil {
		return *name
	}
	return ""
}

// learnNames finds out how the clients are called at present.
func (c *core) learnNames() {
	i := c.current()
	names := make(map[uint64]string)
	for _, info := range i.srv.Clients() {
		names[info.ID] = info.Name
	}
	for _, l := range c.openLinks() {
		if name, ok := names[l.who.id.Load()]; ok && l.i == i {
			l.who.name.Store(&name)
		}
	}
}

// Transcript returns what the clients have sent and were sent so far, a line for each
// request (>), each reply, confirmation or message (<) and each end or fault (!), with
// the seconds since the server's start:
//
//	0.003 client 1 app > SUBSCRIBE orders
//	0.003 client 1 app < [subscribe orders 1]
//	0.005 test > PUBLISH orders hello
//	0.005 client 1 app < [message orders hello]
//	0.006 client 1 app ! reset
//	0.006 test ! Reset: 1 client
//
// Clients have the name that they have now, or had in the end. What the test does by
// Publish, Subscribe and faults is that of "test". A line about what a client sends is written
// when the server reads it, one about what it is sent when that is handed to the
// connection, which may keep some 64 KiB that the client does not read. What Stall,
// Partition and Delay hold back is not there yet, nor what CutAfter has cut away.
//
// Passwords are left out of requests and, where they are values of their own, of
// replies and names; they are in none of the lines. Long values and lines are cut. The
// latest 4096 lines are kept. A test that fails prints the latest 200 of them.
func (s *Server) Transcript() string { return s.transcriptSince(maxLines, 0) }

func (c *core) transcriptSince(n, from int) string {
	c.learnNames()
	return c.transcript.last(n, from)
}

// printIfFailed prints the transcript, from a position on, if the test has failed.
func (c *core) printIfFailed(t testing.TB, from int) {
	t.Helper()
	if t.Failed() {
		t.Logf("pubsubtest: what the clients have sent (>) and were sent (<):\n%s", c.transcriptSince(maxPrinted, from))
	}
}
