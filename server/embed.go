package server

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
