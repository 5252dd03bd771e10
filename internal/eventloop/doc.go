// Package eventloop waits for many sockets with one goroutine, which tells their
// handlers when there is something to read. A socket that nothing happens to takes
// no goroutine and no stack.
//
// It exists on Linux only. Elsewhere New returns an error, and programs wait for
// each connection with a goroutine of its own.
package eventloop

import "errors"

// A Handler is told of what happens to a Socket.
type Handler interface {
	// Ready is called by the goroutine of the loop when there may be something to
	// read, when the other side has ended the connection, after Socket.Call, and
	// when the Socket is closed: once or more often for all that has happened
	// since the last call. Everybody else of the loop waits meanwhile.
	Ready()
}

// ErrClosed is what a closed Socket or Loop returns.
var ErrClosed = errors.New("eventloop: closed")

// ErrAgain is what a Socket returns that has nothing to read, or takes nothing, at
// present.
var ErrAgain = errors.New("eventloop: not now")
