package pubsubtest

import (
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// pipeBuffer is how many bytes one direction of an in-memory connection takes
// that the other side has not read, as the buffers of a socket would.
const pipeBuffer = 64 << 10

// memoryAddr is one end of an in-memory connection.
type memoryAddr string

func (memoryAddr) Network() string  { return "memory" }
func (a memoryAddr) String() string { return string(a) }

// pipes numbers in-memory connections.
var pipes atomic.Uint64

// newPipe returns the two ends of an in-memory connection. Unlike those of net.Pipe
// they have buffers, and a write ends before anybody reads. Who waits, waits for
// nothing outside of the program, so that synctest can tell.
func newPipe() (near, far *pipeEnd) {
	a, b := newHalf(), newHalf()
	there := memoryAddr(fmt.Sprintf("memory:%d", pipes.Add(1)))
	near = &pipeEnd{in: a, out: b, local: "memory:0", remote: there}
	far = &pipeEnd{in: b, out: a, local: there, remote: "memory:0"}
	return near, far
}

// A half is one direction of an in-memory connection.
type half struct {
	mu      sync.Mutex // guards the fields below
	changed sync.Cond
	buf     []byte // written and not read yet
	readErr error  // of reads, once buf is empty; nil while both ends are open
	sendErr error  // of writes
	read    deadline
	write   deadline
}

func newHalf() *half {
	h := new(half)
	h.changed.L = &h.mu
	return h
}

// end has reads fail, after what is in the buffer unless it is to be dropped, and
// writes too. The first end stays.
func (h *half) end(drop bool, readErr, sendErr error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if drop {
		h.buf = nil
	}
	if h.readErr == nil {
		h.readErr = readErr
	}
	if h.sendErr == nil {
		h.sendErr = sendErr
	}
	h.changed.Broadcast()
}

func (h *half) Read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.readErr == net.ErrClosed: // by its own side
			return 0, h.readErr
		case h.read.over:
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case len(h.buf) > 0:
			n := copy(p, h.buf)
			if h.buf = h.buf[n:]; len(h.buf) == 0 {
				h.buf = nil
			}
			h.changed.Broadcast()
			return n, nil
		case h.readErr != nil:
			return 0, h.readErr
		}
		h.changed.Wait()
	}
}

func (h *half) Write(p []byte) (n int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.sendErr != nil:
			return n, h.sendErr
		case h.write.over:
			return n, os.ErrDeadlineExceeded
		case len(p) == 0:
			return n, nil
		}
		if room := min(pipeBuffer-len(h.buf), len(p)); room > 0 {
			h.buf = append(h.buf, p[:room]...)
			n, p = n+room, p[room:]
			h.changed.Broadcast()
			continue
		}
		h.changed.Wait()
	}
}

// setDeadline sets the deadline of reads or of writes.
func (h *half) setDeadline(d *deadline, t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d.setTo(t, &h.changed)
}

// A pipeEnd is one end of an in-memory connection.
type pipeEnd struct {
	in, out       *half
	local, remote memoryAddr
}

func (e *pipeEnd) Read(p []byte) (int, error) {
	n, err := e.in.Read(p)
	return n, e.wrap("read", err)
}

func (e *pipeEnd) Write(p []byte) (int, error) {
	n, err := e.out.Write(p)
	return n, e.wrap("write", err)
}

// wrap dresses errors as those of package net are.
func (e *pipeEnd) wrap(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: "memory", Source: e.local, Addr: e.remote, Err: err}
}

// Close ends the connection: the other side reads what is in the buffer and then
// the end.
func (e *pipeEnd) Close() error {
	e.in.end(true, net.ErrClosed, syscall.EPIPE)
	e.out.end(false, io.EOF, net.ErrClosed)
	e.setTimersOff()
	return nil
}

// reset breaks the connection off: what is in the buffers is lost.
func (e *pipeEnd) reset() {
	e.in.end(true, net.ErrClosed, syscall.ECONNRESET)
	e.out.end(true, syscall.ECONNRESET, net.ErrClosed)
	e.setTimersOff()
}

// setTimersOff leaves no timer behind.
func (e *pipeEnd) setTimersOff() { _ = e.SetDeadline(time.Time{}) }

func (e *pipeEnd) LocalAddr() net.Addr  { return e.local }
func (e *pipeEnd) RemoteAddr() net.Addr { return e.remote }

func (e *pipeEnd) SetDeadline(t time.Time) error {
	_ = e.SetReadDeadline(t)
	return e.SetWriteDeadline(t)
}

func (e *pipeEnd) SetReadDeadline(t time.Time) error {
	e.in.setDeadline(&e.in.read, t)
	return nil
}

func (e *pipeEnd) SetWriteDeadline(t time.Time) error {
	e.out.setDeadline(&e.out.write, t)
	return nil
}
