package pubsubtest

import (
	"errors"
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
	written uint64 // bytes, ever
	taken   uint64 // of them, read or dropped

	readOver  bool  // the reading side has closed it
	writeOver bool  // the writing side has
	readErr   error // of reads, once buf is empty: the other side has ended it
	sendErr   error // of writes likewise

	writing bool // a write is under way: the next begins behind it
	read    deadline
	write   deadline
}

func newHalf() *half {
	h := new(half)
	h.changed.L = &h.mu
	return h
}

// endReading is called when the reading side closes: who writes gets an error.
func (h *half) endReading(sendErr error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dropLocked()
	h.readOver = true
	if h.sendErr == nil {
		h.sendErr = sendErr
	}
	h.read.setTo(time.Time{}, &h.changed)
	h.changed.Broadcast()
}

// endWriting is called when the writing side closes: who reads gets an error, behind
// what is in the buffer unless that is to be dropped.
func (h *half) endWriting(drop bool, readErr error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if drop {
		h.dropLocked()
	}
	h.writeOver = true
	if h.readErr == nil {
		h.readErr = readErr
	}
	h.write.setTo(time.Time{}, &h.changed)
	h.changed.Broadcast()
}

func (h *half) dropLocked() { h.buf, h.taken = nil, h.written }

// unread is how many of the first bytes, as many as limit, were not read. The
// connection may be closed for who wrote them.
func (h *half) unread(limit uint64) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return int(max(h.taken, limit) - h.taken)
}

func (h *half) total() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.written
}

func (h *half) Read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.readOver:
			return 0, net.ErrClosed
		case len(p) == 0:
			return 0, nil
		case h.read.over:
			return 0, os.ErrDeadlineExceeded
		case len(h.buf) > 0:
			n := copy(p, h.buf)
			h.taken += uint64(n)
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

// Write writes all of p before any other Write begins. Who waits, waits for h.changed
// and not for a lock, which would keep the clock of synctest from going on.
func (h *half) Write(p []byte) (n int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	mine := false
	for {
		switch {
		case h.writeOver:
			err = net.ErrClosed
		case h.sendErr != nil:
			err = h.sendErr
		case h.write.over:
			err = os.ErrDeadlineExceeded
		}
		if err == nil && !mine && !h.writing {
			mine, h.writing = true, true
		}
		if err != nil || mine && n == len(p) {
			if mine {
				h.writing = false
				h.changed.Broadcast()
			}
			return n, err
		}
		if room := min(pipeBuffer-len(h.buf), len(p)-n); mine && room > 0 {
			h.buf = append(h.buf, p[n:n+room]...)
			n += room
			h.written += uint64(room)
			h.changed.Broadcast()
			continue
		}
		h.changed.Wait()
	}
}

// setDeadline sets the deadline of reads or of writes, unless that side has closed it.
func (h *half) setDeadline(d *deadline, over *bool, t time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if *over {
		return net.ErrClosed
	}
	d.setTo(t, &h.changed)
	return nil
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
	e.in.endReading(syscall.EPIPE)
	e.out.endWriting(false, io.EOF)
	return nil
}

// reset breaks the connection off: what is in the buffers is lost.
func (e *pipeEnd) reset() {
	e.in.endReading(syscall.ECONNRESET)
	e.out.endWriting(true, syscall.ECONNRESET)
}

func (e *pipeEnd) LocalAddr() net.Addr  { return e.local }
func (e *pipeEnd) RemoteAddr() net.Addr { return e.remote }

func (e *pipeEnd) SetDeadline(t time.Time) error {
	return errors.Join(e.SetReadDeadline(t), e.SetWriteDeadline(t))
}

func (e *pipeEnd) SetReadDeadline(t time.Time) error {
	return e.wrap("set", e.in.setDeadline(&e.in.read, &e.in.readOver, t))
}

func (e *pipeEnd) SetWriteDeadline(t time.Time) error {
	return e.wrap("set", e.out.setDeadline(&e.out.write, &e.out.writeOver, t))
}
