//go:build linux

package main

import (
	"fmt"
	"slices"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	readBuffer = 256 << 10

	// fewReceivers is up to how many receivers each are given a copy of a message.
	// More of them are written from one buffer.
	fewReceivers = 4

	// maxArgs and maxArg are the most elements of a request and bytes of one.
	maxArgs = 1024
	maxArg  = 64 << 10
)

// A server is everything, and belongs to one thread.
type server struct {
	epoll, listener int
	clients         []*client // by descriptor
	channels        map[string]*channel
	buf             []byte
	args            [][]byte // of the request at hand

	withOutput  []*client  // have something in out
	withPending []*channel // have something in pending
	broken      []*client  // cannot be written to
}

// A client is a connection.
type client struct {
	fd            int
	ended         bool
	rest          []byte // less than one request, from the read before
	out           []byte // to be written at the end of the round
	subscriptions map[string]*channel
}

// A channel has receivers, and what they all are to be sent at the end of the round.
type channel struct {
	head      []byte // of a frame, up to the length of its payload
	receivers []*client
	pending   []byte
}

func listen(port int) (*server, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return nil, err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return nil, err
	}
	if err := unix.Listen(fd, 511); err != nil {
		return nil, err
	}
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	s := &server{epoll: epoll, listener: fd, channels: make(map[string]*channel), buf: make([]byte, readBuffer)}
	return s, s.watch(fd)
}

func (s *server) watch(fd int) error {
	return unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
}

func (s *server) serve() error {
	var events [256]unix.EpollEvent
	for {
		n, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(s.epoll),
			uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), ^uintptr(0), 0, 0)
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 {
			return fmt.Errorf("waiting: %w", errno)
		}
		for _, ev := range events[:n] {
			if int(ev.Fd) == s.listener {
				if err := s.accept(); err != nil {
					return err
				}
				continue
			}
			s.read(s.clients[ev.Fd])
		}
		// Publishers have their replies before subscribers have the messages, so that
		// they can go on meanwhile.
		for i, c := range s.withOutput {
			s.write(c, c.out)
			c.out = c.out[:0]
			s.withOutput[i] = nil
		}
		s.withOutput = s.withOutput[:0]
		for _, ch := range s.withPending {
			for _, c := range ch.receivers {
				s.write(c, ch.pending)
			}
			ch.pending = ch.pending[:0]
		}
		s.withPending = s.withPending[:0]
		for _, c := range s.broken {
			s.end(c)
		}
		s.broken = s.broken[:0]
	}
}

func (s *server) accept() error {
	fd, _, err := unix.Accept4(s.listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	if err != nil {
		return nil // it has gone again, or will be asked for once more
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return err
	}
	if fd >= len(s.clients) {
		s.clients = append(s.clients, make([]*client, fd+1-len(s.clients))...)
	}
	s.clients[fd] = &client{fd: fd, subscriptions: make(map[string]*channel)}
	return s.watch(fd)
}

func (s *server) read(c *client) {
	have := copy(s.buf, c.rest)
	n, _, errno := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(c.fd), uintptr(unsafe.Pointer(&s.buf[have])), uintptr(len(s.buf)-have), 0, 0, 0)
	if errno == unix.EAGAIN || errno == unix.EINTR {
		return
	}
	if errno != 0 || n == 0 {
		s.end(c)
		return
	}
	b := s.buf[:have+int(n)]
	for {
		size, ok := s.request(b)
		if !ok {
			s.end(c)
			return
		}
		if size == 0 {
			break
		}
		s.do(c)
		b = b[size:]
	}
	c.rest = append(c.rest[:0], b...)
}

// request finds the request at the front of b, and returns its length, which is zero if
// more of it has to come. It is not ok if it is none of what this server is for.
func (s *server) request(b []byte) (size int, ok bool) {
	s.args = s.args[:0]
	count, i := number(b, 0, '*')
	if i == 0 {
		return 0, true
	}
	if count < 1 || count > maxArgs {
		return 0, false
	}
	for range count {
		n, at := number(b, i, '$')
		if at == 0 {
			return 0, true
		}
		if n < 0 || n > maxArg {
			return 0, false
		}
		if at+n+2 > len(b) {
			return 0, true
		}
		s.args = append(s.args, b[at:at+n])
		i = at + n + 2
	}
	return i, true
}

// number returns the number of the line at i, negative if it is none, and where the next
// line begins, zero if this one has not come whole.
func number(b []byte, i int, kind byte) (n, next int) {
	if i >= len(b) {
		return 0, 0
	}
	if b[i] != kind {
		return -1, i + 1
	}
	for i++; i < len(b); i++ {
		switch d := b[i]; {
		case d == '\r' && i+2 <= len(b):
			return n, i + 2
		case d == '\r':
			return 0, 0
		case d < '0' || d > '9' || n > maxArg:
			return -1, i + 1
		default:
			n = n*10 + int(d-'0')
		}
	}
	return 0, 0
}

// do runs the request at hand.
func (s *server) do(c *client) {
	switch command, args := s.args[0], s.args[1:]; {
	case is(command, "PUBLISH") && len(args) == 2:
		s.publish(c, args[0], args[1])
	case is(command, "SUBSCRIBE"):
		for _, name := range args {
			s.subscribe(c, string(name))
		}
	case is(command, "UNSUBSCRIBE"):
		for _, name := range args {
			s.unsubscribe(c, string(name))
		}
	case is(command, "PING") && len(c.subscriptions) > 0:
		s.send(c, "*2\r\n$4\r\npong\r\n$0\r\n\r\n")
	case is(command, "PING"):
		s.send(c, "+PONG\r\n")
	default:
		s.send(c, "-ERR not supported\r\n")
	}
}

func is(command []byte, name string) bool {
	if len(command) != len(name) {
		return false
	}
	for i := range command {
		if command[i]&^0x20 != name[i] {
			return false
		}
	}
	return true
}

// output returns what is to be written to c, to be appended to.
func (s *server) output(c *client) *[]byte {
	if len(c.out) == 0 {
		s.withOutput = append(s.withOutput, c)
	}
	return &c.out
}

func (s *server) send(c *client, text string) {
	out := s.output(c)
	*out = append(*out, text...)
}

func (s *server) publish(c *client, name, payload []byte) {
	ch := s.channels[string(name)]
	if ch == nil {
		s.send(c, ":0\r\n")
		return
	}
	out := s.output(c)
	*out = appendLine(append(*out, ':'), len(ch.receivers))
	if len(ch.receivers) > fewReceivers {
		if len(ch.pending) == 0 {
			s.withPending = append(s.withPending, ch)
		}
		ch.pending = ch.appendFrame(ch.pending, payload)
		return
	}
	for _, r := range ch.receivers {
		out := s.output(r)
		*out = ch.appendFrame(*out, payload)
	}
}

func (ch *channel) appendFrame(b, payload []byte) []byte {
	b = appendLine(append(b, ch.head...), len(payload))
	return append(append(b, payload...), "\r\n"...)
}

func (s *server) subscribe(c *client, name string) {
	if c.subscriptions[name] == nil {
		ch := s.channels[name]
		if ch == nil {
			ch = &channel{head: fmt.Appendf(nil, "*3\r\n$7\r\nmessage\r\n$%d\r\n%s\r\n$", len(name), name)}
			s.channels[name] = ch
		}
		ch.receivers = append(ch.receivers, c)
		c.subscriptions[name] = ch
	}
	s.confirm(c, "subscribe", name)
}

func (s *server) unsubscribe(c *client, name string) {
	s.leave(c, name)
	s.confirm(c, "unsubscribe", name)
}

func (s *server) leave(c *client, name string) {
	ch := c.subscriptions[name]
	if ch == nil {
		return
	}
	delete(c.subscriptions, name)
	i := slices.Index(ch.receivers, c)
	ch.receivers = slices.Delete(ch.receivers, i, i+1)
	if len(ch.receivers) == 0 {
		delete(s.channels, name)
	}
}

func (s *server) confirm(c *client, command, name string) {
	out := s.output(c)
	b := append(*out, "*3\r\n$"...)
	b = appendLine(b, len(command))
	b = append(append(b, command...), "\r\n$"...)
	b = appendLine(b, len(name))
	b = append(append(b, name...), "\r\n:"...)
	*out = appendLine(b, len(c.subscriptions))
}

func appendLine(b []byte, n int) []byte {
	return append(strconv.AppendInt(b, int64(n), 10), "\r\n"...)
}

// write writes all of b, and waits for the client if it has to.
func (s *server) write(c *client, b []byte) {
	for len(b) > 0 && !c.ended {
		n, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(c.fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), unix.MSG_NOSIGNAL, 0, 0)
		switch errno {
		case 0:
			b = b[n:]
		case unix.EINTR:
		case unix.EAGAIN:
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(c.fd), Events: unix.POLLOUT}}, -1)
		default:
			s.broken = append(s.broken, c) // not at once: its channels' receivers may be gone through
			return
		}
	}
}

func (s *server) end(c *client) {
	if c.ended {
		return
	}
	c.ended = true
	for name := range c.subscriptions {
		s.leave(c, name)
	}
	s.clients[c.fd] = nil
	_ = unix.Close(c.fd)
}
