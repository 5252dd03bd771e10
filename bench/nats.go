//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"
)

const (
	natsConnect = `CONNECT {"verbose":false,"pedantic":false,"tls_required":false,"name":"bench","lang":"go","version":"1","protocol":0}` + "\r\n"
	natsPing    = "PING\r\n"
	natsPong    = "PONG\r\n"

	// natsConfig keeps the server from asking connections whether they live.
	// It does so once all the same, some two seconds after they began.
	natsConfig = "ping_interval: \"1h\"\n"

	// natsFirstPing is for how long that is waited for.
	natsFirstPing = 5 * time.Second

	// natsFirstSubscription is the number of the first subscription of a
	// connection, of as many digits as all others.
	natsFirstSubscription = 1_000_000
)

// nats is the text protocol of NATS. It does not tell how many subscribers a
// message has; a window of PUB ends with a PING, whose answer says that the
// server has dealt with all of it.
type nats struct {
	firstPing time.Duration // to wait for the server's first PING
}

// subject returns the name of a channel or pattern in the words of NATS: parts
// are separated by dots, a final wildcard stands for all parts that follow.
func subject(name string) string {
	s := strings.ReplaceAll(name, ":", ".")
	if rest, ok := strings.CutSuffix(s, ".*"); ok {
		return rest + ".>"
	}
	return s
}

// greet reads the server's INFO, says who we are, and waits until that is
// accepted.
func (n nats) greet(nc net.Conn) error {
	info, err := readLine(nc)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(info, "INFO ") {
		return fmt.Errorf("got %s, want INFO", excerpt([]byte(info)))
	}
	if _, err := nc.Write([]byte(natsConnect + natsPing)); err != nil {
		return err
	}
	return n.awaitPong(nc)
}

// awaitPong reads up to a PONG and answers a PING that comes before it.
func (nats) awaitPong(nc net.Conn) error {
	for {
		line, err := readLine(nc)
		if err != nil {
			return err
		}
		switch line {
		case natsPong:
			return nil
		case natsPing:
			if _, err := nc.Write([]byte(natsPong)); err != nil {
				return err
			}
		default:
			return fmt.Errorf("got %s, want %q", excerpt([]byte(line)), natsPong)
		}
	}
}

// readLine reads one line with its end. It takes a byte at a time, so that
// nothing behind the line is lost.
func readLine(nc net.Conn) (string, error) {
	const most = 64 << 10
	var line []byte
	for len(line) < most {
		var b [1]byte
		if _, err := nc.Read(b[:]); err != nil {
			return "", fmt.Errorf("after %s: %w", excerpt(line), err)
		}
		line = append(line, b[0])
		if b[0] == '\n' {
			return string(line), nil
		}
	}
	return "", fmt.Errorf("a line of more than %d bytes", most)
}

// settle waits for the PING that the server sends each connection some time
// after it began, and answers it. One that does not come in time was answered
// before, or is not sent by this version.
func (n nats) settle(ctx context.Context, fds []int) error {
	deadline := time.Now().Add(n.firstPing)
	for _, fd := range fds {
		var got []byte
		for len(got) < len(natsPing) {
			b := make([]byte, len(natsPing)-len(got))
			count, err := readSome(fd, b)
			if err != nil {
				return err
			}
			if got = append(got, b[:count]...); !strings.HasPrefix(natsPing, string(got)) {
				return fmt.Errorf("got %s, want %q", excerpt(got), natsPing)
			}
			if count > 0 {
				continue
			}
			if time.Now().After(deadline) {
				break
			}
			if err := sleep(ctx, time.Millisecond); err != nil {
				return err
			}
		}
		if len(got) == 0 {
			continue
		}
		if _, err := syscall.Write(fd, []byte(natsPong)); err != nil {
			return err
		}
	}
	return nil
}

func (nats) ping(bool) (request, answer []byte) { return []byte(natsPing), []byte(natsPong) }

func (n nats) subscribe(nc net.Conn, _ string, names []string, before int) error {
	var request []byte
	for i, name := range names {
		request = fmt.Appendf(request, "SUB %s %d\r\n", subject(name), natsFirstSubscription+before+i)
	}
	if _, err := nc.Write(append(request, natsPing...)); err != nil {
		return fmt.Errorf("sending SUB: %w", err)
	}
	if err := n.awaitPong(nc); err != nil {
		return fmt.Errorf("answer to SUB: %w", err)
	}
	return nil
}

func (nats) head(_, _ string, n int, channel string, payload int) []byte {
	return fmt.Appendf(nil, "MSG %s %d %d\r\n", subject(channel), natsFirstSubscription+n, payload)
}

func (nats) appendPublish(dst []byte, channel string, payload []byte) []byte {
	dst = fmt.Appendf(dst, "PUB %s %d\r\n", subject(channel), len(payload))
	dst = append(dst, payload...)
	return append(dst, "\r\n"...)
}

func (nats) replies(int, int) (tail, replies []byte) { return []byte(natsPing), []byte(natsPong) }
