//go:build !unix

package server

import (
	"net"
	"syscall"
)

// newRawTransport returns nil: there are no non-blocking sockets to be had.
func newRawTransport(net.Conn, syscall.RawConn) transport { return nil }
