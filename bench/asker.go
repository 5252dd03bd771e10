//go:build linux

package main

import (
	"bytes"
	"fmt"
	"syscall"
	"time"
)

// An asker is one connection that sends windows of requests and checks their
// replies. All of it is owned by the loop that drives it, except between
// rounds.
type asker struct {
	// Immutable after it was opened.
	fd      int
	name    string        // for errors: "publisher 3"
	command string        // for errors: what the requests are
	window  int           // requests in a window
	next    func() []byte // makes the next window ready and returns it

	// replies to a window. It stays the same while a window is under way.
	replies []byte

	unsent  []byte // of the window under way
	owed    int    // bytes of replies not read yet
	replied int    // bytes of replies read and found right since the last window's end

	blocked bool      // waits for the socket to take more
	held    time.Time // since when the gate holds it
}

// begin makes the next window ready to be sent.
func (a *asker) begin() {
	a.unsent = a.next()
	a.owed += len(a.replies)
}

// write sends what the socket takes of the window.
func (a *asker) write() error {
	n, err := writeSome(a.fd, a.unsent)
	a.unsent = a.unsent[n:]
	if err != nil {
		return fmt.Errorf("%s: %w", a.name, err)
	}
	return nil
}

// read checks the replies that have come and tells whether all that were owed
// have, which ends the window. buf is scratch.
func (a *asker) read(buf []byte) (complete bool, err error) {
	n, err := readSome(a.fd, buf)
	if err != nil {
		return false, fmt.Errorf("%s: %w", a.name, err)
	}
	if n == 0 {
		return false, nil
	}
	for got := buf[:n]; len(got) > 0; {
		due := a.replies[a.replied:]
		due = due[:min(len(due), a.owed)]
		if len(due) == 0 {
			return false, fmt.Errorf("%s: got %s beyond the replies to %d requests", a.name, excerpt(got), a.window)
		}
		most := min(len(got), len(due))
		if !bytes.Equal(got[:most], due[:most]) {
			return false, fmt.Errorf("%s: %s answered %s, want %s", a.name, a.command, excerpt(got), excerpt(due))
		}
		got = got[most:]
		a.owed -= most
		a.replied = (a.replied + most) % len(a.replies)
	}
	return a.owed == 0, nil
}

func (a *asker) close() { syscall.Close(a.fd) }
