package server

import (
	"sync/atomic"

	"go.uber.org/zap"
)

// A seldom holds back lines of the log that anybody can cause, but for one a
// second. The zero value is ready to use, by any goroutine.
type seldom struct {
	second atomic.Int64 // in which a line was let through
	held   atomic.Int64 // lines that were not, since
}

// pass tells, with the present second, whether a line may be written and how
// many were held back since the last one.
func (l *seldom) pass(now int64) (ok bool, held int64) {
	if l.second.Swap(now) == now {
		l.held.Add(1)
		return false, 0
	}
	return true, l.held.Swap(0)
}

// logCannotAccept logs that a client could not be accepted.
func (s *Server) logCannotAccept(err error) {
	if ok, held := s.acceptLogged.pass(s.out.now()); ok {
		s.log.Warn("cannot accept clients, trying again", zap.Error(err), zap.Int64("failures_since_last_logged", held))
	}
}
