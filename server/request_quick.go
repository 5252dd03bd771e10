package server

import "bytes"

// A request of at most quickWords words is read by quick, if none of them is longer than
// an ordinary buffer, or than unauthBulk before login.
const quickWords = 9

// quick returns the request that begins at start if it has arrived and is written as
// nearly all are: it is what next would find, for a fraction of the work. It returns nil
// if that is not so, and then only the list of the last request's words is lost.
func (r *requestReader) quick(authenticated bool) [][]byte {
	b := r.buf.b[:r.end]
	i := r.start + len("*1\r\n") // of which next does not look at the last
	if i > len(b) || b[i-2] != '\r' {
		return nil
	}
	num, most := int(b[i-3]-'0'), maxBuffer
	if num < 1 || num > min(quickWords, r.limits.args) {
		return nil
	}
	if !authenticated {
		most = unauthBulk
	}
	prev, tail := 0, 0
	argv := r.words.argv[:0]
	for range num {
		if i >= len(b) || b[i] != '$' {
			return nil
		}
		prev, tail = tail, i
		var word []byte
		if word, i = r.elementAt(i+1, most); i == 0 {
			return nil
		}
		argv = append(argv, word)
	}
	r.words.argv, r.inline = argv, false
	r.accept(i, prev, tail)
	return argv
}

// another returns the last element of the request that follows the last one, if it
// has arrived and equals that but for this element, which may have so many bytes. It
// is what next would find, for a fraction of the work: most requests of a pipeline
// are like that. If it is not so, nothing has happened. It may be called after next,
// another or alike has returned a request, until settle.
func (r *requestReader) another(most int) (element []byte, ok bool) {
	i := r.afterCommon(r.tail)
	if i == 0 {
		return nil, false
	}
	tail := i - 1
	if element, i = r.elementAt(i, most); i == 0 {
		return nil, false
	}
	r.accept(i, r.start+r.prev-r.last, tail)
	return element, true
}

// alike is another for a request that may differ in its last two elements, which may
// be all.
func (r *requestReader) alike(mostFirst, mostSecond int) (first, second []byte, ok bool) {
	i := r.afterCommon(r.prev)
	if i == 0 {
		return nil, nil, false
	}
	prev := i - 1
	first, i = r.elementAt(i, mostFirst)
	if i == 0 || i >= r.end || r.buf.b[i] != '$' {
		return nil, nil, false
	}
	tail := i
	if second, i = r.elementAt(i+1, mostSecond); i == 0 {
		return nil, nil, false
	}
	r.accept(i, prev, tail)
	return first, second, true
}

// afterCommon returns the place behind what the request that follows has in common
// with the last one up to the first byte of a header of that, 0 if it differs before.
func (r *requestReader) afterCommon(header int) int {
	if r.inline || r.args != 0 || r.start == r.last || header <= r.last { // put off: it would be like itself
		return 0
	}
	common, b := r.buf.b[r.last:header+1], r.buf.b[r.start:r.end]
	if len(b) <= len(common) || !bytes.Equal(b[:len(common)], common) {
		return 0
	}
	return r.start + len(common)
}

// elementAt returns the element whose length is at i, and the place behind it, 0 if it
// has not arrived, has more than so many bytes or is written as it rarely is.
func (r *requestReader) elementAt(i, most int) (element []byte, end int) {
	b, first, n := r.buf.b[:r.end], i, 0
	for ; i < len(b) && b[i]-'0' <= 9 && n <= most; i++ {
		n = 10*n + int(b[i]-'0')
	}
	if i == first || b[first] == '0' && i > first+1 || n > min(most, r.limits.bulk) || len(b)-i < n+4 || b[i] != '\r' {
		return nil, 0
	}
	i += 2 // of which next does not look at the second either
	return b[i : i+n : i+n], i + n + 2
}

// accept has the request up to end be the last one, with the headers of its last two
// elements at prev and tail.
func (r *requestReader) accept(end, prev, tail int) {
	r.last, r.prev, r.tail = r.start, prev, tail
	r.start, r.head, r.scan = end, end, end
}
