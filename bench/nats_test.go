//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// readNATSRequest reads a line and the payload of a PUB.
func readNATSRequest(r *bufio.Reader) ([]string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	request := strings.Fields(line)
	if len(request) == 0 || request[0] != "PUB" {
		return request, nil
	}
	n, err := strconv.Atoi(request[2])
	if err != nil {
		return nil, err
	}
	payload := make([]byte, n+len("\r\n"))
	_, err = io.ReadFull(r, payload)
	request[2] = string(payload[:n])
	return request, err
}

func (s *fakeServer) handleNATSLocked(c *fakeClient, request []string) {
	switch request[0] {
	case "CONNECT":
		c.send("PING\r\n") // as if it had taken two seconds to get here
	case "SUB":
		if c.number == 0 {
			s.joined++
			c.number = s.joined
		}
		if s.forget == nil || !s.forget(request[1]) {
			c.names = append(c.names, request[1])
		}
	case "PUB":
		for _, subscriber := range s.conns {
			s.deliverLocked(subscriber, request[1], request[2])
		}
	case "PING":
		reply := "PONG\r\n"
		if s.answer != nil {
			reply = s.answer(s.published, reply)
		}
		s.published++
		c.send(reply)
	}
}

// natsFrame is the delivery to the i-th subscription of a connection.
func natsFrame(subject string, i int, payload string) string {
	return fmt.Sprintf("MSG %s %d %d\r\n%s\r\n", subject, natsFirstSubscription+i, len(payload), payload)
}

// natsMatches tells whether a subject is among those a subscription is for:
// * stands for one part, > at the end for one or more.
func natsMatches(subscription, subject string) bool {
	want, parts := strings.Split(subscription, "."), strings.Split(subject, ".")
	for i, w := range want {
		if w == ">" {
			return len(parts) > i
		}
		if i >= len(parts) || w != "*" && w != parts[i] {
			return false
		}
	}
	return len(want) == len(parts)
}

func TestSubject(t *testing.T) {
	for name, want := range map[string]string{
		"bench:fanout":     "bench.fanout",
		"user:000017:*":    "user.000017.>",
		"*:000017:tail":    "*.000017.tail",
		"a:*:b000017":      "a.*.b000017",
		"user:000017:mail": "user.000017.mail",
	} {
		if got := subject(name); got != want {
			t.Errorf("subject(%q) = %q, want %q", name, got, want)
		}
	}
}

// TestSubjectsMatchOnce checks that in the words of NATS, too, each channel of
// a pattern plan matches the pattern whose delivery is expected, and no other.
func TestSubjectsMatchOnce(t *testing.T) {
	p := patternsPlan(100, patternShapes, patternConnections, 16, smallPayload)
	for c, channel := range p.channels {
		matches := 0
		for _, s := range p.subscribers {
			for i, name := range s.names {
				if natsMatches(subject(name), subject(channel)) {
					matches++
					if s.gets[c] != i {
						t.Errorf("%q is delivered for %q, which is not expected", channel, name)
					}
				}
			}
		}
		if matches != 1 {
			t.Errorf("%q matches %d patterns, want 1", channel, matches)
		}
	}
}

func TestLoadOnGoodNATS(t *testing.T) {
	for name, plan := range smallPlans {
		p := plan()
		if p.churners > 0 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			m, err := drive(t, (&fakeServer{nats: true}).serve(t), p, patient)
			if err != nil {
				t.Fatal(err)
			}
			if m.count == 0 {
				t.Errorf("nothing was counted: %+v", m)
			}
		})
	}
}

func TestLoadRejectsBadNATS(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		server fakeServer
		want   string // in the error
	}{
		{"drops", fakeServer{deliver: at(5, lost)}, "lost or out of order"},
		{"drops everything", fakeServer{deliver: func(int, string) string { return "" }}, "and no more came"},
		{"forgets a subscription", fakeServer{forget: func(string) bool { return true }}, "and no more came"},
		{"repeats", fakeServer{deliver: at(5, func(f string) string { return f + f })}, "repeated or out of order"},
		{"takes another subscription", fakeServer{deliver: func(_ int, f string) string {
			return strings.Replace(f, "1000000", "1000001", 1)
		}}, "malformed frame"},
		{"refuses", fakeServer{answer: at(0, func(string) string { return "-ERR 'Authorization Violation'\r\n" })}, "beginning a connection"},
		{"refuses to subscribe", fakeServer{answer: at(1, func(string) string { return "-ERR 'Permissions Violation'\r\n" })}, "answer to SUB"},
		{"answers an error", fakeServer{answer: at(5, func(string) string { return "-ERR 'Slow Consumer'\r\n" })}, "PUBLISH answered"},
		{"answers twice", fakeServer{answer: at(5, func(r string) string { return r + r })}, "beyond the replies"},
		{"does not answer", fakeServer{answer: at(5, lost)}, "got no reply to PUBLISH"},
		{"hangs up", fakeServer{hangUp: func(n int) bool { return n == 5 }}, "subscriber 0, after 5 deliveries"},
	}
	for i := range tests {
		test := &tests[i]
		test.server.nats = true
		t.Run(test.name, func(t *testing.T) {
			t.Parallel() // those that wait in vain wait together
			_, err := drive(t, test.server.serve(t), fanoutPlan(1, 1, 4, smallPayload), patienceFor(test.want))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want one with %q", err, test.want)
			}
		})
	}
}

// pair returns the two ends of a connection, as detached ones are.
func pair(t *testing.T) (ours, theirs int) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fds[0]); syscall.Close(fds[1]) })
	return fds[0], fds[1]
}

func TestNATSSettle(t *testing.T) {
	asked, server := pair(t)
	silent, _ := pair(t)
	if _, err := syscall.Write(server, []byte("PI")); err != nil {
		t.Fatal(err)
	}
	rest := time.AfterFunc(10*time.Millisecond, func() { syscall.Write(server, []byte("NG\r\nMSG")) })
	defer rest.Stop()
	if err := (nats{firstPing: time.Second}).settle(t.Context(), []int{asked}); err != nil {
		t.Fatal(err)
	}
	if err := (nats{firstPing: time.Millisecond}).settle(t.Context(), []int{silent}); err != nil {
		t.Errorf("a server that does not ask: %v", err)
	}
	if err := receive(server, []byte(natsPong), time.Second); err != nil {
		t.Errorf("the PING was not answered: %v", err)
	}
	if err := (nats{firstPing: time.Second}).settle(t.Context(), []int{asked}); err == nil || !strings.Contains(err.Error(), `got "MSG"`) {
		t.Errorf("a message where PING was due gives %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (nats{firstPing: time.Hour}).settle(ctx, []int{silent}); !errors.Is(err, context.Canceled) {
		t.Errorf("settle returned %v, want context.Canceled", err)
	}
}

func TestNATSGreetRejects(t *testing.T) {
	for answer, want := range map[string]string{
		"-ERR 'no'\r\n":             "want INFO",
		"INFO {}\r\n-ERR 'no'\r\n":  `want "PONG`,
		"INFO {}\r\nPING\r\nPONG\n": `want "PONG`,
		"INFO {}":                   "EOF",
		strings.Repeat("x", 70_000): "a line of more than",
	} {
		server, client := net.Pipe()
		go func() {
			// The client's words are taken at any time and left aside.
			go io.Copy(io.Discard, server)
			io.WriteString(server, answer)
			server.Close()
		}()
		if err := (nats{}).greet(client); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: error is %v, want one with %q", answer, err, want)
		}
		client.Close()
	}
}

// TestPeerProgram checks how servers are started, by the names of their files.
func TestPeerProgram(t *testing.T) {
	for name, want := range map[string]struct{ proto, args string }{
		"redis-server":        {"main.resp", "--save  --appendonly no --more"},
		"valkey-server":       {"main.resp", "--save  --appendonly no --more"},
		"nats-server":         {"main.nats", "--addr 127.0.0.1 --config server.conf --more"},
		"nats-server-v2.14.0": {"main.nats", "--addr 127.0.0.1 --config server.conf --more"},
	} {
		p := peerProgram(name, "/opt/"+name, []string{"--more"})
		if got := fmt.Sprintf("%T", p.proto); got != want.proto || strings.Join(p.args, " ") != want.args || p.path != "/opt/"+name {
			t.Errorf("%s is started as %+v with the protocol %s", name, p, got)
		}
		if (p.config != "") != (want.proto == "main.nats") {
			t.Errorf("%s has the configuration %q", name, p.config)
		}
	}
}

// TestOnlyForRedis has a peer whose protocol a scenario is not made for.
func TestOnlyForRedis(t *testing.T) {
	c := &comparison{servers: [2]program{{name: "a", proto: resp{}}, {name: "b", proto: nats{}}}}
	_, err := c.run(t.Context(), scenario{traffic: countingTraffic{new([]string)}})
	if reason, ok := errors.AsType[leftOut](err); !ok || !strings.Contains(reason.Error(), "b does not speak") {
		t.Errorf("error is %v", err)
	}
}
