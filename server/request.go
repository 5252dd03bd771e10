package server

import (
	"bytes"
	"errors"
	"math"
	"strings"

	"github.com/tidwall/redcon"
)

// maxLine is the most bytes a header or an inline request may have without
// coming to its end.
const maxLine = 64 << 10

// Limits for a client that has not authenticated yet.
const (
	unauthArgs = 10
	unauthBulk = 16384
)

// requestLimits bounds what a client may send.
type requestLimits struct {
	args  int // elements of one request: proto-max-multibulk-len
	bulk  int // bytes of one element: proto-max-bulk-len
	query int // bytes received and not yet run: client-query-buffer-limit
}

// A protocolError is what is wrong with a malformed request, in the words
// clients know. The connection cannot go on after it.
type protocolError string

func (e protocolError) Error() string { return "Protocol error: " + string(e) }

// loggedError is a protocol error as the log tells it: without any byte of what
// was sent, which may be a password that went astray.
func loggedError(err error) string {
	text, _, _ := strings.Cut(err.Error(), ", got ")
	return text
}

const (
	errBigCount    = protocolError("too big mbulk count string")
	errBigBulk     = protocolError("too big bulk count string")
	errBigInline   = protocolError("too big inline request")
	errCount       = protocolError("invalid multibulk length")
	errBulk        = protocolError("invalid bulk length")
	errUnauthCount = protocolError("unauthenticated multibulk length")
	errUnauthBulk  = protocolError("unauthenticated bulk length")
	errQuotes      = protocolError("unbalanced quotes in request")
	errUnreadable  = protocolError("unreadable request")
)

// errIncomplete means that the rest of the request has not arrived yet.
var errIncomplete = errors.New("incomplete request")

// A requestReader turns received bytes into requests. It looks at every byte
// once, however the bytes are cut into pieces, but for the headers of a short
// request, at which it may look twice. It judges each announced number before it
// waits for what is announced, allocates only for what has arrived, and hands
// redcon only requests that are complete and within limits.
//
// Received bytes go to space and are counted in by received; next then returns
// requests until errIncomplete, and settle ends the round.
type requestReader struct {
	limits *requestLimits

	buf   *buffer // nil while nothing is buffered
	start int     // first byte of the request at hand
	head  int     // first byte of the header line at hand
	scan  int     // first byte not looked at yet
	end   int     // first byte not received yet

	// The request at hand, once its count has been read.
	args int // elements still to come; 0 between requests
	bulk int // length of the element at scan; -1 before its header

	last   int           // first byte of the last request
	prev   int           // first byte of the header of its last element but one, if there are two
	tail   int           // and of its last; both are of no use if it was inline
	words  *requestWords // nil between rounds
	inline bool          // the last request was inline: the next overwrites its words

	widens bool // the buffer may be a wide one while much comes
	wide   bool // much has come in the last round
}

// requestWords is memory for the elements of a request, used again and again.
type requestWords struct {
	argv   [][]byte // of the last request
	inline []byte   // the words of an inline request
}

const (
	minSpace = 16 << 10 // free bytes below which a buffer grows
	keepArgv = 64       // elements of argv kept from one round to the next
	keepTail = 4 << 10  // bytes of an incomplete request that move to a small buffer

	// wideBuffer is the size of the buffer of who sends many requests of at least
	// largeRequest bytes: of an ordinary one few are read at a time, and large messages
	// leave in larger writes if there are more.
	wideBuffer   = 4 * maxBuffer
	largeRequest = 8 << 10
)

// space returns room for received bytes.
func (r *requestReader) space() []byte {
	if r.buf == nil {
		r.buf = getBuffer(r.unasked())
	}
	if n := r.nextSize(); n > 0 {
		r.move(n)
	}
	return r.buf.b[r.end:cap(r.buf.b)]
}

// nextSize is the size of the buffer that space changes to, in bytes, 0 if it
// keeps the one there is.
func (r *requestReader) nextSize() int {
	if r.wide && cap(r.buf.b) < wideBuffer {
		return wideBuffer
	}
	if cap(r.buf.b)-r.end >= minSpace {
		return 0
	}
	n := max(maxBuffer, 2*cap(r.buf.b))
	if r.args == 1 && r.bulk >= 0 && r.bulk < n { // the end is known: no more than that
		n = min(n, max(maxBuffer, r.scan-r.start+r.bulk+2+minSpace))
	}
	return bufferSize(n)
}

// unasked is the size in bytes of the buffer that a client has without asking.
func (r *requestReader) unasked() int {
	if r.wide {
		return wideBuffer
	}
	return maxBuffer
}

// growth is how many bytes more the next call of space takes, 0 as long as the
// buffer is one that clients have without asking.
func (r *requestReader) growth() int {
	if r.buf == nil {
		return 0
	}
	if n := r.nextSize(); n > r.unasked() {
		return n - cap(r.buf.b)
	}
	return 0
}

// received counts in n bytes written to space.
func (r *requestReader) received(n int) {
	r.end += n
	r.buf.b = r.buf.b[:r.end]
}

// move puts what is buffered at the front of a buffer of n bytes.
func (r *requestReader) move(n int) {
	to := getBuffer(n)
	to.b = append(to.b, r.buf.b[r.start:r.end]...)
	r.buf.free()
	r.buf = to
	r.rebase()
}

// rebase counts positions from the request at hand, of which the headers of the last
// elements may have been read.
func (r *requestReader) rebase() {
	r.head -= r.start
	r.scan -= r.start
	r.end -= r.start
	r.last -= r.start
	r.prev -= r.start
	r.tail -= r.start
	r.start = 0
}

// buffered is the number of bytes received and not yet run.
func (r *requestReader) buffered() int { return r.end - r.start }

// settle ends a round after next has returned errIncomplete: what is left is
// the start of one request, and the memory of the others is given back. The
// requests of the round become invalid.
func (r *requestReader) settle() {
	if r.words != nil {
		r.words.settle()
	}
	n := r.buffered()
	// An ordinary buffer was full, mostly of whole requests, which are large.
	r.wide = r.widens && r.end >= maxBuffer && n <= r.end/2 && r.start-r.last >= largeRequest
	switch {
	case r.buf == nil:
	case n == 0:
		r.release()
	case n <= keepTail && cap(r.buf.b) > 2*keepTail:
		r.move(n)
	case cap(r.buf.b) > maxBuffer && n <= maxBuffer-minSpace: // more may never come
		r.move(maxBuffer)
	case r.start > 0:
		r.buf.b = r.buf.b[:copy(r.buf.b, r.buf.b[r.start:r.end])]
		r.rebase()
	}
}

// settle forgets the last request, and keeps little memory.
func (w *requestWords) settle() {
	clear(w.argv[:cap(w.argv)]) // they point into memory given back
	if cap(w.argv) > keepArgv {
		w.argv = nil
	}
	if cap(w.inline) > keepTail {
		w.inline = nil
	}
}

// postpone makes the next call of next return the last request once more. It
// may be called until settle.
func (r *requestReader) postpone() {
	r.start, r.head, r.scan = r.last, r.last, r.last
	r.args, r.bulk = 0, -1
}

// putBack is postpone for an earlier request and all behind it. At is where that
// begins, as last was when it was the last.
func (r *requestReader) putBack(at int) {
	r.last = at
	r.postpone()
}

// room is the number of bytes free behind what is buffered.
func (r *requestReader) room() int {
	if r.buf == nil {
		return 0
	}
	return cap(r.buf.b) - r.end
}

// memory is the number of bytes of the buffer, full or not.
func (r *requestReader) memory() int {
	if r.buf == nil {
		return 0
	}
	return cap(r.buf.b)
}

// release gives the buffer back.
func (r *requestReader) release() {
	if r.buf != nil {
		r.buf.free()
		r.buf = nil
	}
	r.start, r.head, r.scan, r.end = 0, 0, 0, 0
	r.last, r.prev, r.tail = 0, 0, 0
}

// next returns the next request. Its elements are valid until settle, those of
// an inline request until next. The error is errIncomplete or a protocolError,
// after which next must not be called again.
func (r *requestReader) next(authenticated bool) ([][]byte, error) {
	if r.words == nil {
		r.words = new(requestWords)
	}
	for r.start < r.end {
		if r.args == 0 && r.buf.b[r.start] != '*' {
			argv, err := r.line()
			if err != nil || len(argv) > 0 {
				return argv, err
			}
			continue
		}
		if r.args == 0 {
			if argv := r.quick(authenticated); argv != nil {
				return argv, nil
			}
			if err := r.count(authenticated); err != nil {
				return nil, err
			}
			continue
		}
		for r.args > 0 {
			if err := r.element(authenticated); err != nil {
				return nil, err
			}
		}
		packet := r.buf.b[r.start:r.scan]
		r.last, r.start, r.inline = r.start, r.scan, false
		complete, argv, _, rest, err := redcon.ReadNextCommand(packet, r.words.argv[:0])
		if err != nil || !complete || len(rest) > 0 {
			return nil, errUnreadable // the framing was checked: the two readers disagree
		}
		r.words.argv = argv
		return argv, nil
	}
	return nil, errIncomplete
}

// count reads the line that says how many elements a request has.
func (r *requestReader) count(authenticated bool) error {
	line, err := r.header(errBigCount)
	if err != nil {
		return err
	}
	n, ok := parseLength(line[1:])
	switch {
	case !ok || n > math.MaxInt32:
		return errCount
	case n <= 0:
		r.start = r.scan // nothing to run, nothing to answer
	case n > unauthArgs && !authenticated:
		return errUnauthCount
	case n > int64(r.limits.args):
		return errCount
	default:
		r.args, r.bulk = int(n), -1
		r.prev, r.tail = r.start, r.start
	}
	return nil
}

// element reads one element of a request.
func (r *requestReader) element(authenticated bool) error {
	if r.bulk < 0 {
		head := r.head
		line, err := r.header(errBigBulk)
		if err != nil {
			return err
		}
		r.prev, r.tail = r.tail, head // once for each header, however it arrives
		first := byte('\r')           // of an empty line
		if len(line) > 0 {
			first = line[0]
		}
		if first != '$' {
			return protocolError("expected '$', got '" + string([]byte{first}) + "'")
		}
		n, ok := parseLength(line[1:])
		switch {
		case !ok || n < 0 || n > int64(r.limits.bulk):
			return errBulk
		case n > unauthBulk && !authenticated:
			return errUnauthBulk
		}
		r.bulk = int(n)
	}
	if r.end-r.scan-2 < r.bulk {
		return errIncomplete
	}
	r.scan += r.bulk
	// Redis skips these two unchecked; redcon would look at them.
	r.buf.b[r.scan], r.buf.b[r.scan+1] = '\r', '\n'
	r.scan += 2
	r.head = r.scan
	r.args--
	r.bulk = -1
	return nil
}

// header returns the line that begins at head, without its end, and moves scan
// and head behind it.
func (r *requestReader) header(tooBig protocolError) ([]byte, error) {
	i := r.find('\r')
	if i < 0 {
		if r.end-r.head > maxLine {
			return nil, tooBig
		}
		return nil, errIncomplete
	}
	if i+1 == r.end {
		r.scan = i // the byte behind the CR belongs to the line
		return nil, errIncomplete
	}
	r.buf.b[i+1] = '\n' // skipped unchecked, as the two behind an element
	line := r.buf.b[r.head:i]
	r.scan = i + 2
	r.head = r.scan
	return line, nil
}

// shortLine is about as long as the header of any element that is not huge.
const shortLine = 12

// find returns the place of the first c of the line at hand, or -1 if it has
// not arrived, is more than maxLine bytes away or is behind a NUL: Redis looks
// for it with strchr. Scan moves on to where the next find begins.
func (r *requestReader) find(c byte) int {
	end := min(r.end, r.head+maxLine+1)
	if r.scan >= end {
		return -1
	}
	seen := r.buf.b[r.scan:end]
	for i, b := range seen[:min(len(seen), shortLine)] { // nearly always enough
		if b == c {
			return r.scan + i
		}
		if b == 0 {
			r.scan += i
			return -1
		}
	}
	i := bytes.IndexByte(seen, c)
	if i >= 0 {
		seen = seen[:i]
	}
	if nul := bytes.IndexByte(seen, 0); nul >= 0 {
		r.scan += nul
		return -1
	}
	if i >= 0 {
		return r.scan + i
	}
	r.scan = end
	return -1
}

// line reads an inline request: words in a line of their own. It returns no
// words for an empty line.
func (r *requestReader) line() ([][]byte, error) {
	i := r.find('\n')
	if i < 0 {
		if r.end-r.head > maxLine {
			return nil, errBigInline
		}
		return nil, errIncomplete
	}
	line := bytes.TrimSuffix(r.buf.b[r.start:i], []byte{'\r'})
	r.last = r.start
	r.start, r.head, r.scan, r.inline = i+1, i+1, i+1, true
	w := r.words
	if cap(w.inline) < len(line) {
		w.inline = make([]byte, 0, len(line))
	}
	argv, ok := splitWords(w.argv[:0], w.inline[:0], line)
	if !ok {
		return nil, errQuotes
	}
	w.argv = argv
	return argv, nil
}

// maxDigits is the most digits an int64 may have.
const maxDigits = 19

// parseLength reads an int64 as clients write it: digits without a leading
// zero, behind a minus if it is below zero.
func parseLength(b []byte) (n int64, ok bool) {
	negative := len(b) > 1 && b[0] == '-'
	if negative {
		b = b[1:]
	}
	if len(b) == 0 || len(b) > maxDigits || b[0] == '0' && (len(b) > 1 || negative) {
		return 0, false
	}
	var u uint64 // 19 digits always fit
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		u = u*10 + uint64(c-'0')
	}
	switch {
	case negative && u <= 1<<63:
		return -int64(u), true
	case !negative && u < 1<<63:
		return int64(u), true
	}
	return 0, false
}
