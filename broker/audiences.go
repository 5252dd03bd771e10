package broker

import "iter"

// Audiences is a set of audiences: those of one member, of a kind. Most members are
// in one or a few. The zero value is empty, and so is nil.
type audiences struct {
	few  []*audience            // no more than fewLimit; nil if many is not
	many map[*audience]struct{} // nil while they are few
}

// fewLimit is the size up to which a set is searched by looking at all.
const fewLimit = 16

func (s *audiences) len() int {
	if s == nil {
		return 0
	}
	return len(s.few) + len(s.many)
}

func (s *audiences) has(a *audience) bool {
	if s == nil {
		return false
	}
	for _, o := range s.few {
		if o == a {
			return true
		}
	}
	_, ok := s.many[a]
	return ok
}

// add adds an audience that is not in the set.
func (s *audiences) add(a *audience) {
	if s.many == nil && len(s.few) < fewLimit {
		s.few = append(s.few, a)
		return
	}
	if s.many == nil {
		s.many = make(map[*audience]struct{}, 2*fewLimit)
		for _, o := range s.few {
			s.many[o] = struct{}{}
		}
		s.few = nil
	}
	s.many[a] = struct{}{}
}

// remove removes an audience, if it is in the set.
func (s *audiences) remove(a *audience) {
	for i, o := range s.few {
		if o == a {
			last := len(s.few) - 1
			s.few[i], s.few[last] = s.few[last], nil
			s.few = s.few[:last]
			return
		}
	}
	if delete(s.many, a); len(s.many) == 0 {
		s.many = nil
	}
}

// all goes through the set, which must not be added to meanwhile. The audience at
// hand may be removed.
func (s *audiences) all() iter.Seq[*audience] {
	return func(yield func(*audience) bool) {
		if s == nil {
			return
		}
		for i := len(s.few) - 1; i >= 0; i-- { // what takes the place of a removed one has been seen
			if !yield(s.few[i]) {
				return
			}
		}
		for a := range s.many {
			if !yield(a) {
				return
			}
		}
	}
}
