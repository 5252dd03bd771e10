//go:build !linux

package server

import "net"

// joinLoop returns false: there are no event loops.
func (s *Server) joinLoop(*client, net.Conn) bool { return false }
