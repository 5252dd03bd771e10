//go:build !unix

package server

import (
	"net"
	"syscall"
)

// newRawTransport returns nil: there are no non-blocking sockets to be had.
func newRawTransport(net.Conn, syscall.RawConn) transport { return nil }

// unreadOf is not known here.
func unreadOf(net.Conn, syscall.RawConn) int { return 0 }

// canWriteNow tells that sockets cannot be written to without waiting.
const canWriteNow = false

// writeOut is not called.
func (s *tlsSocket) writeOut(uintptr) { s.werr = errWouldBlock }
