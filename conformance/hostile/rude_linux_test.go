package hostile

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
	"github.com/pubsubd/pubsubd/internal/procfs"
)

// A visitor connects and leaves again, rudely.
type visitor struct {
	plain, tls string // addresses of the server
	conf       *tls.Config
	from       net.Addr // where connections come from
	admin      *wire.Conn
}

// rudeWays are the ways of leaving. Each is given a new connection, which is
// closed in order behind it unless it has seen to that itself.
var rudeWays = []struct {
	name string
	tls  bool // to the port of TLS, before the handshake
	do   func(v *visitor, nc net.Conn) error
}{
	{"without a word", false, func(*visitor, net.Conn) error { return nil }},
	{"reset at once", false, func(_ *visitor, nc net.Conn) error { return say(nc, "", true) }},
	{"half-closed", false, func(_ *visitor, nc net.Conn) error {
		if err := say(nc, "*1\r\n$4\r\nPING\r\n", false); err != nil {
			return err
		}
		if err := nc.(*net.TCPConn).CloseWrite(); err != nil {
			return err
		}
		_, err := io.Copy(io.Discard, nc)
		return err
	}},
	{"in the middle of a request", false, func(_ *visitor, nc net.Conn) error {
		return say(nc, "*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$100000\r\n"+strings.Repeat("x", 5000), false)
	}},
	{"in the middle of a request, reset", false, func(_ *visitor, nc net.Conn) error {
		return say(nc, "*2\r\n$4\r\nECHO\r\n$5\r\nhel", true)
	}},
	{"in the middle of a line", false, func(_ *visitor, nc net.Conn) error { return say(nc, "PUBLISH c \"hel", true) }},
	{"subscribed", false, func(_ *visitor, nc net.Conn) error {
		return sayAndHear(nc, "SUBSCRIBE a b c\r\nPSUBSCRIBE a* *\r\nSSUBSCRIBE s\r\n", "ssubscribe", false)
	}},
	{"subscribed, reset", false, func(_ *visitor, nc net.Conn) error {
		return sayAndHear(nc, "SUBSCRIBE a b c\r\nPSUBSCRIBE a* *\r\nSSUBSCRIBE s\r\n", "ssubscribe", true)
	}},
	{"with unread replies", false, func(_ *visitor, nc net.Conn) error {
		return say(nc, strings.Repeat("*2\r\n$4\r\nECHO\r\n$4000\r\n"+strings.Repeat("x", 4000)+"\r\n", 20), false)
	}},
	{"with unread replies, reset", false, func(_ *visitor, nc net.Conn) error {
		return say(nc, "CLIENT LIST\r\nCOMMAND\r\nINFO all\r\n", true)
	}},
	{"with unread messages of its own", false, func(_ *visitor, nc net.Conn) error {
		return say(nc, "HELLO 3\r\nSUBSCRIBE own\r\n"+strings.Repeat("PUBLISH own hello\r\n", 100), true)
	}},
	{"in a transaction", false, func(_ *visitor, nc net.Conn) error {
		return sayAndHear(nc, "MULTI\r\nSUBSCRIBE a\r\nPUBLISH a b\r\n", "QUEUED", false)
	}},
	{"behind a transaction", false, func(_ *visitor, nc net.Conn) error {
		return say(nc, "MULTI\r\nSUBSCRIBE a\r\nPUBLISH a b\r\nEXEC\r\n", true)
	}},
	{"watching", false, func(_ *visitor, nc net.Conn) error { return sayAndHear(nc, "MONITOR\r\n", "OK", true) }},
	{"with a protocol error", false, func(_ *visitor, nc net.Conn) error { return say(nc, "*x\r\n", false) }},
	{"with QUIT", false, func(_ *visitor, nc net.Conn) error { return sayAndHear(nc, "QUIT\r\n", "OK", false) }},
	{"with tracking", false, func(_ *visitor, nc net.Conn) error {
		return sayAndHear(nc, "HELLO 3\r\nCLIENT TRACKING ON BCAST\r\nSUBSCRIBE a\r\n", "subscribe", true)
	}},
	{"killed", false, func(v *visitor, nc net.Conn) error { return v.killed(nc, "PING\r\n", "PONG") }},
	{"killed when subscribed", false, func(v *visitor, nc net.Conn) error {
		return v.killed(nc, "SUBSCRIBE a\r\nPSUBSCRIBE b*\r\n", "psubscribe")
	}},
	{"before the handshake", true, func(*visitor, net.Conn) error { return nil }},
	{"in the handshake", true, func(_ *visitor, nc net.Conn) error { return say(nc, "\x16\x03\x01\x02\x00\x01\x00", false) }},
	{"in the handshake, reset", true, func(_ *visitor, nc net.Conn) error { return say(nc, "\x16\x03\x01\x02\x00\x01\x00", true) }},
	{"plain where TLS is spoken", true, func(_ *visitor, nc net.Conn) error { return say(nc, "PING\r\n", false) }},
	{"behind the handshake, reset", true, func(v *visitor, nc net.Conn) error {
		c := tls.Client(nc, v.conf)
		if err := sayAndHear(c, "SUBSCRIBE a\r\nPSUBSCRIBE b*\r\n", "psubscribe", false); err != nil {
			return err
		}
		return say(c, "*1\r\n", true)
	}},
}

// say writes something, and resets the connection behind it if it is to.
func say(nc net.Conn, text string, resets bool) error {
	if text != "" {
		if _, err := io.WriteString(nc, text); err != nil {
			return err
		}
	}
	if resets {
		reset(nc)
	}
	return nil
}

// sayAndHear is say that waits, before it goes, until a word has come back.
func sayAndHear(nc net.Conn, text, word string, resets bool) error {
	if err := say(nc, text, false); err != nil {
		return err
	}
	var heard []byte
	buf := make([]byte, 4096)
	for !strings.Contains(string(heard), word) {
		n, err := nc.Read(buf)
		if err != nil {
			return fmt.Errorf("waiting for %q behind %.100q: %w", word, heard, err)
		}
		heard = append(heard, buf[:n]...)
	}
	return say(nc, "", resets)
}

// killed has the connection closed by somebody else.
func (v *visitor) killed(nc net.Conn, text, word string) error {
	if err := sayAndHear(nc, text, word, false); err != nil {
		return err
	}
	_ = v.admin.SetWriteDeadline(time.Now().Add(wire.Patience))
	if _, err := v.admin.Write(wire.AppendRequest(nil, "CLIENT", "KILL", "ADDR", nc.LocalAddr().String())); err != nil {
		return err
	}
	if reply, err := v.admin.Try(wire.Patience); err != nil || reply.String() != ":1" {
		return fmt.Errorf("CLIENT KILL was answered %v, %v", reply, err)
	}
	_, err := readAll(nc)
	return err
}

// visit connects and leaves in one of the ways.
func (v *visitor) visit(n int) error {
	way := rudeWays[n%len(rudeWays)]
	addr := v.plain
	if way.tls {
		addr = v.tls
	}
	dialer := &net.Dialer{Timeout: wire.Patience, LocalAddr: v.from}
	nc, err := dialer.Dial("tcp", addr)
	if err != nil {
		return fmt.Errorf("%s: %w", way.name, err)
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(wire.Patience))
	if err := way.do(v, nc); err != nil {
		return fmt.Errorf("%s: %w", way.name, err)
	}
	return nil
}

// A trace is what is left of clients in a server.
type trace struct {
	descriptors, goroutines int
	memory                  int64
}

// near tells whether as much is there as before, but for a few that a server
// may open for itself.
func (now trace) near(before trace) bool {
	const few = 4
	return max(now.descriptors-before.descriptors, before.descriptors-now.descriptors) <= few &&
		max(now.goroutines-before.goroutines, before.goroutines-now.goroutines) <= few
}

// TestRudeConnects connects many times and leaves in all ways there are. Behind
// each wave nothing may be left of it.
func TestRudeConnects(t *testing.T) {
	waves, each := 2, 1000
	binary := sut.Pubsubd(t)
	if sut.Long() {
		waves, each = 10, 10_000
		binary = sut.Release(t)
	}
	testRudeConnects(t, "pubsubd", binary, waves, each, t.Errorf)
	if sut.Long() {
		testRudeConnects(t, "redis-server", sut.Redis(t), waves, each, t.Logf)
	}
}

// testRudeConnects tells of what is left by fail.
func testRudeConnects(t *testing.T, name, binary string, waves, each int, fail func(string, ...any)) {
	server, at := sut.StartOn(t, binary, sut.TLS, "--protected-mode", "no")
	admin := wire.DialTCP(t, server.Addr)
	began := time.Now()
	clean := look(t, server, admin)
	var first, last trace
	for wave := range waves {
		from := &net.TCPAddr{IP: net.IPv4(127, 0, byte(wave), 2)} // a wave has its own ports
		rudeWave(t, server, at, from, each)
		last = awaitAlone(t, server, admin, clean)
		if wave == 0 {
			first = last
		}
	}
	t.Logf("R9: %s, %d connects in %d ways in %v: descriptors %d before, %d after; goroutines %d, %d (0 if not told); resident memory %d KB, %d after the first wave of %d, %d in the end",
		name, waves*each, len(rudeWays), time.Since(began).Round(time.Millisecond), clean.descriptors, last.descriptors,
		clean.goroutines, last.goroutines, clean.memory>>10, first.memory>>10, waves, last.memory>>10)
	if !last.near(clean) {
		fail("%s: %d descriptors before, %d after; %d goroutines before, %d after",
			name, clean.descriptors, last.descriptors, clean.goroutines, last.goroutines)
	}
	growth := int64(64 * mb) // with the race detector
	if sut.Long() {
		growth = 8 * mb
	}
	if last.memory-first.memory > growth {
		fail("%s: resident memory %d MB after the first wave, %d in the end", name, first.memory/mb, last.memory/mb)
	}
	admin.Send("PUBSUB", "CHANNELS")
	admin.Send("PUBSUB", "NUMPAT")
	admin.Send("PUBSUB", "SHARDCHANNELS")
	admin.Want("*0", ":0", "*0")
	if strings.Contains(server.Log(), "panic") {
		t.Errorf("%s panicked:\n%s", name, server.Log())
	}
}

// rudeWave connects n times, several at once.
func rudeWave(t *testing.T, server *sut.Server, at sut.Endpoint, from net.Addr, n int) {
	t.Helper()
	const visitors = 24
	next := make(chan int)
	var wg sync.WaitGroup
	for range visitors {
		v := &visitor{plain: server.Addr, tls: at.Address, conf: at.TLSConfig(t), from: from, admin: wire.DialTCP(t, server.Addr)}
		wg.Go(func() {
			defer v.admin.Close()
			for i := range next {
				if err := v.visit(i); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

// awaitAlone waits until the server has nobody else, and returns what is left.
// Descriptors and goroutines of the last may take a moment longer.
func awaitAlone(t *testing.T, server *sut.Server, admin *wire.Conn, clean trace) (left trace) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(wire.Patience); ; <-tick.C {
		clients := strings.Count(admin.Do("CLIENT", "LIST").Text, "\n")
		left = look(t, server, admin)
		late := time.Now().After(deadline)
		if late && clients != 1 {
			t.Fatalf("%d clients are left:\n%.2000s", clients-1, admin.Do("CLIENT", "LIST").Text)
		}
		if late || clients == 1 && left.near(clean) {
			admin.Send("MEMORY", "PURGE")
			admin.Want("+OK")
			left.memory = rss(t, server)
			return left
		}
	}
}

// look returns what a server has at the moment. A server that does not tell its
// number of goroutines has none.
func look(t *testing.T, server *sut.Server, admin *wire.Conn) (now trace) {
	t.Helper()
	now.memory = rss(t, server)
	var err error
	if now.descriptors, err = procfs.Descriptors(server.PID()); err != nil {
		t.Fatal(err)
	}
	if text, ok := procfs.ColonValue(admin.Do("INFO", "all").Text, "goroutines"); ok {
		if now.goroutines, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	return now
}
