//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"
)

const (
	dialTimeout = 5 * time.Second

	// pollInterval is how often an event loop looks whether it should end. It
	// bounds how late an idle loop notices, not how fast a busy one runs.
	pollInterval = 20 * time.Millisecond
)

// dial opens a connection whose reads and writes fail after patience.
func dial(ctx context.Context, addr string, patience time.Duration) (net.Conn, error) {
	return dialer{}.dial(ctx, addr, patience)
}

// A dialer opens connections of a special make.
type dialer struct {
	receiveBuffer int // of the kernel, in bytes; zero for the usual one
}

// dial opens a connection whose reads and writes fail after patience.
func (d dialer) dial(ctx context.Context, addr string, patience time.Duration) (net.Conn, error) {
	nd := net.Dialer{Timeout: dialTimeout}
	if d.receiveBuffer > 0 {
		// It has to be small before the connection is made: the window that is
		// offered then does not shrink.
		nd.Control = func(_, _ string, c syscall.RawConn) (err error) {
			controlErr := c.Control(func(fd uintptr) {
				err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, d.receiveBuffer)
			})
			if controlErr != nil {
				return controlErr
			}
			return err
		}
	}
	nc, err := nd.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	if err := nc.SetDeadline(time.Now().Add(patience)); err != nil {
		nc.Close()
		return nil, err
	}
	return nc, nil
}

// detach takes a connection away from Go's own poller and returns it as a
// non-blocking descriptor. Left where it was, every arrival would wake two
// pollers. nc is closed, the connection is not.
func detach(nc net.Conn) (fd int, err error) {
	defer nc.Close()
	raw, err := nc.(syscall.Conn).SyscallConn()
	if err != nil {
		return -1, err
	}
	var dupErr error
	err = raw.Control(func(old uintptr) {
		syscall.ForkLock.RLock()
		defer syscall.ForkLock.RUnlock()
		if fd, dupErr = syscall.Dup(int(old)); dupErr == nil {
			syscall.CloseOnExec(fd)
		}
	})
	if err == nil {
		err = dupErr
	}
	if err != nil {
		return -1, fmt.Errorf("duplicating a descriptor: %w", err)
	}
	return fd, nil
}

// readSome reads what is there. It returns 0 without an error when there is
// nothing, and io.EOF when the other side has closed.
func readSome(fd int, b []byte) (int, error) {
	for {
		n, err := syscall.Read(fd, b)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EAGAIN):
			return 0, nil
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		}
		return n, nil
	}
}

// writeSome writes what the socket takes and returns how much that was.
func writeSome(fd int, b []byte) (int, error) {
	for {
		n, err := syscall.Write(fd, b)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EAGAIN):
			return 0, nil
		case err != nil:
			return 0, err
		}
		return n, nil
	}
}

// lastWord sends a PING and expects the answer to be all that the server still
// has to say to a connection, which has subscriptions or not.
func lastWord(fd int, proto protocol, subscribed bool, patience time.Duration) error {
	request, answer := proto.ping(subscribed)
	if err := exchange(fd, request, answer, patience); err != nil {
		return fmt.Errorf("where only the reply to PING was due: %w", err)
	}
	return nil
}

// exchange sends a request and expects answer to be all that comes. It makes
// the descriptor a blocking one.
func exchange(fd int, request, answer []byte, patience time.Duration) error {
	if err := setBlocking(fd, patience); err != nil {
		return err
	}
	if _, err := syscall.Write(fd, request); err != nil {
		return fmt.Errorf("sending a request: %w", err)
	}
	// Room for more than the answer, to see what comes too many.
	got := make([]byte, 0, len(answer)+256)
	for len(got) < len(answer) {
		n, err := readSome(fd, got[len(got):cap(got)])
		if err != nil {
			return fmt.Errorf("waiting for the answer: %w", err)
		}
		if n == 0 {
			return fmt.Errorf("no answer within %v", patience)
		}
		got = got[:len(got)+n]
		if len(got) > len(answer) || string(got) != string(answer[:len(got)]) {
			return fmt.Errorf("got %s, want %s", excerpt(got), excerpt(answer))
		}
	}
	return nil
}

// setBlocking makes reads and writes wait, for patience at most.
func setBlocking(fd int, patience time.Duration) error {
	if err := syscall.SetNonblock(fd, false); err != nil {
		return err
	}
	tv := syscall.NsecToTimeval(patience.Nanoseconds())
	if err := syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &tv); err != nil {
		return err
	}
	return syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &tv)
}

// A poller waits for descriptors to become ready; each is known by the number
// it was added with.
type poller struct {
	fd     int
	events [256]syscall.EpollEvent
}

func newPoller() (*poller, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("creating an epoll instance: %w", err)
	}
	return &poller{fd: fd}, nil
}

func (p *poller) add(fd, number int) error {
	return p.control(syscall.EPOLL_CTL_ADD, fd, number, syscall.EPOLLIN)
}

// wantWrite also reports when fd, added before, can be written to.
func (p *poller) wantWrite(fd, number int, want bool) error {
	events := uint32(syscall.EPOLLIN)
	if want {
		events |= syscall.EPOLLOUT
	}
	return p.control(syscall.EPOLL_CTL_MOD, fd, number, events)
}

func (p *poller) control(op, fd, number int, events uint32) error {
	ev := syscall.EpollEvent{Events: events, Fd: int32(number)}
	if err := syscall.EpollCtl(p.fd, op, fd, &ev); err != nil {
		return fmt.Errorf("changing an epoll instance: %w", err)
	}
	return nil
}

// wait returns what is ready, or nothing when d has passed.
func (p *poller) wait(d time.Duration) ([]syscall.EpollEvent, error) {
	n, err := syscall.EpollWait(p.fd, p.events[:], int(d.Milliseconds()))
	if errors.Is(err, syscall.EINTR) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("waiting for events: %w", err)
	}
	return p.events[:n], nil
}

func (p *poller) close() { syscall.Close(p.fd) }
