package pubsubtest

import (
	"bytes"

	"github.com/pubsubd/pubsubd/server"
)

// judges tells whether requests are looked at before the server gets them. The
// caller holds l.mu.
func (l *link) judges() bool { return l.dropPings || l.c.refuses.Load() != 0 }

// tookRequest is called with each request. The caller holds l.mu.
func (l *link) tookRequest(request []byte, size int, held bool) []byte {
	l.c.transcript.request(l, request, size)
	if !held {
		return nil
	}
	argv, ok := words(request, len(request))
	if !ok || len(argv) == 0 {
		return request
	}
	if l.dropPings && isWord(argv[0], "PING") {
		l.note("dropped")
		return nil
	}
	if r := Refusal(l.c.refuses.Load()).refused(argv); r != 0 {
		l.refused++
		l.refusals = append(l.refusals, refusal{l.refused, r, string(argv[0])})
		return standRequest(l.refused, argv[1:])
	}
	return request
}

// A refusal is a reply that is still to be exchanged.
type refusal struct {
	number int
	what   Refusal
	name   string // of the command, as the client has written it
}

// exchange is called with each reply, confirmation and message. The caller holds
// l.mu.
func (l *link) exchange(reply []byte, _ int, held bool) []byte {
	if !held {
		return nil
	}
	for i, r := range l.refusals {
		if isStandReply(reply, r.number) {
			l.refusals = l.refusals[i+1:] // those before have no reply: the client wants none
			return r.reply(reply)
		}
	}
	return reply
}

// tookReply is called with each of those when it leaves. The caller holds l.mu.
func (l *link) tookReply(reply []byte, size int, _ bool) []byte {
	l.c.transcript.reply(l, reply, size)
	return nil
}

// note writes of a fault into the transcript. The caller holds l.mu.
func (l *link) note(what string) { l.c.transcript.note(l.who, what) }

// words returns the words of a request of so many bytes. They share its memory, but for
// those of an inline request. It is not ok if the request is malformed. Of one of which
// only the beginning is there, words that are missing are nil, and there may be
// fewer of them by an even number.
func words(request []byte, size int) (argv [][]byte, ok bool) {
	whole := len(request) == size
	if len(request) == 0 || request[0] != '*' {
		text := string(bytes.TrimRight(request, "\r\n"))
		list, ok := server.SplitWords(text)
		if !ok && !whole {
			list, ok = splitBegun(text)
		}
		for _, w := range list {
			argv = append(argv, []byte(w))
		}
		return argv, ok
	}
	head, rest, _ := bytes.Cut(request, []byte("\r\n"))
	n, ok := number(head)
	if !ok {
		return nil, false
	}
	for len(argv) < n && len(rest) > 0 {
		head, rest, ok = bytes.Cut(rest, []byte("\r\n"))
		if !ok && !whole {
			break // in the middle of a header
		}
		size, ok := number(head)
		if !ok || head[0] != '$' || size < 0 {
			return nil, false
		}
		argv = append(argv, rest[:min(size, len(rest))])
		rest = rest[min(size+len("\r\n"), len(rest)):]
	}
	missing := n - len(argv)
	if missing > 0 && !whole {
		argv = append(argv, make([][]byte, 2-missing%2)...)
	}
	return argv, missing <= 0 || !whole
}

// splitBegun splits the beginning of an inline request that is cut off within quotes.
func splitBegun(text string) (list []string, ok bool) {
	for drop := 0; drop < len(`\xff`) && drop <= len(text); drop++ { // where an escape has begun
		for _, quote := range []string{`"`, `'`} {
			if list, ok = server.SplitWords(text[:len(text)-drop] + quote); ok {
				return list, true
			}
		}
	}
	return nil, false
}
