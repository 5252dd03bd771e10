package server

import "slices"

// Overflow closes the clients that match as those are closed that have reached their
// output buffer limit, whether they have or not: what is queued for them is
// dropped, and the log, the counters and Closures tell of a slow consumer. It
// returns how many there were. It is for tests of what clients do then.
func (s *Server) Overflow(match func(ClientInfo) bool) int {
	n := 0
	for _, c := range s.clients() {
		if match(c.info()) && c.expel(closedHardLimit) {
			n++
		}
	}
	return n
}

// Redacted returns the arguments of a request as MONITOR and SLOWLOG show them: with
// "(redacted)" in place of passwords and of what may hold one. It is argv itself if
// there is none. AUTH and HELLO are known by their own names too where
// rename-command has given them others, for clients that have not heard of it.
func (s *Server) Redacted(argv [][]byte) [][]byte {
	if len(argv) == 0 {
		return argv
	}
	cmd, known := s.lookup(argv)
	if !known {
		if cmd, known = lookup(argv); !known {
			return argv
		}
	}
	secret := secretArgs(cmd, argv)
	if secret == nil {
		return argv
	}
	shown := slices.Clone(argv)
	for i := range shown {
		if secret(i) {
			shown[i] = []byte(redacted)
		}
	}
	return shown
}
