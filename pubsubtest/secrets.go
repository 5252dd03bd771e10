package pubsubtest

import "strings"

// maxSecrets is how many passwords are known, so that nothing shows them.
const maxSecrets = 4096

// secrets are passwords that are not shown. None are known to nil.
type secrets struct {
	whole map[string]struct{}
	begun map[string]struct{} // beginnings of those that were too long to be kept
}

func newSecrets() *secrets {
	return &secrets{whole: make(map[string]struct{}), begun: make(map[string]struct{})}
}

// learn adds a password, or the beginning of one.
func (s *secrets) learn(password []byte, whole bool) {
	if len(password) == 0 || len(s.whole)+len(s.begun) >= maxSecrets {
		return
	}
	if whole {
		s.whole[string(password)] = struct{}{}
	} else {
		s.begun[string(password)] = struct{}{}
	}
}

// unknown is the size of a text of which only the beginning is known.
const unknown = -1

// has tells whether a text of so many bytes, of which a part may be missing, is a
// password as far as is known of both.
func (s *secrets) has(text string, size int) bool {
	if s == nil {
		return false
	}
	for p := range s.begun {
		if longer := size == unknown || size >= len(p); longer && (strings.HasPrefix(text, p) || len(text) != size && strings.HasPrefix(p, text)) {
			return true
		}
	}
	if len(text) == size {
		_, is := s.whole[text]
		return is
	}
	for p := range s.whole {
		if strings.HasPrefix(p, text) && (len(p) == size || size == unknown) {
			return true
		}
	}
	return false
}
