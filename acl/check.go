package acl

import (
	"unsafe"

	"github.com/pubsubd/pubsubd/match"
)

// A Request is what rules are asked about: a command and what it is about to
// use. Its memory is only looked at.
type Request struct {
	Command  Command
	Free     bool     // the command may be run by everybody; keys and channels are judged
	Args     [][]byte // behind the command's name
	Keys     [][]byte
	Access   Access // how the keys are used; zero if any pattern that matches them will do
	Channels [][]byte
	Patterns bool // Channels are patterns to subscribe to
}

// Denial is why rules do not allow a request.
type Denial uint8

// The reasons, from the one that is told last to the one that is told first
// when selectors disagree.
const (
	Allowed Denial = iota
	DeniedCommand
	DeniedKey
	DeniedChannel
)

// Check tells whether a request is allowed and, if a key or channel is not,
// its place in Keys or Channels.
func (r *Rules) Check(q *Request) (why Denial, at int) {
	if r.unrestricted {
		return Allowed, 0
	}
	why = DeniedCommand
	for _, s := range r.selectors {
		w, i := s.check(q)
		if w == Allowed {
			return Allowed, 0
		}
		if w > why || w == why && i > at {
			why, at = w, i
		}
	}
	return why, at
}

func (s *selector) check(q *Request) (why Denial, at int) {
	if !q.Free && !s.commands.has(q.Command) && !s.allowsFirstArg(q) {
		return DeniedCommand, 0
	}
	if !s.allKeys {
		for i, key := range q.Keys {
			if !s.allowsKey(view(key), q.Access) {
				return DeniedKey, i
			}
		}
	}
	if !s.allChannels {
		for i, channel := range q.Channels {
			if !s.allowsChannel(view(channel), q.Patterns) {
				return DeniedChannel, i
			}
		}
	}
	return Allowed, 0
}

func (s *selector) allowsFirstArg(q *Request) bool {
	if len(q.Args) == 0 {
		return false
	}
	for _, arg := range s.firstArgs[q.Command] {
		if equalFold(arg, q.Args[0]) {
			return true
		}
	}
	return false
}

func (s *selector) allowsKey(key string, access Access) bool {
	for i := range s.keys {
		if k := &s.keys[i]; k.access&access == access && match.Match(k.glob, key) {
			return true
		}
	}
	return false
}

// allowsChannel judges a channel by the globs, a pattern by its being one of
// them.
func (s *selector) allowsChannel(name string, isPattern bool) bool {
	for _, glob := range s.channels {
		if isPattern && glob == name || !isPattern && match.Match(glob, name) {
			return true
		}
	}
	return false
}

// MaySubscribe tells whether some selector allows a subscription to a channel
// or pattern.
func (r *Rules) MaySubscribe(name string, isPattern bool) bool {
	for _, s := range r.selectors {
		if s.allChannels || s.allowsChannel(name, isPattern) {
			return true
		}
	}
	return false
}

// MayTakeChannels tells whether subscriptions of the user's clients may not be
// allowed by the rules that came after others. It is so of rules that have
// stayed the same, as in Redis: a client may have subscribed as another user.
func (r *Rules) MayTakeChannels(from *Rules) bool {
	for _, s := range r.selectors {
		if s.allChannels {
			return false
		}
	}
	for _, s := range from.selectors {
		if s.allChannels || len(s.channels) > 0 {
			return true
		}
	}
	return false
}

// view is an argument as a string, without a copy.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
