package pubsubtest_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/pubsubtest"
)

// patience bounds every wait of these tests.
const patience = 20 * time.Second

// A peer is a connection without a client library.
type peer struct {
	net.Conn
	r *bufio.Reader
	t *testing.T
}

// connect returns a connection to the server, in memory or as its address says, with
// TLS if it has that.
func connect(t *testing.T, srv *pubsubtest.Server) *peer {
	t.Helper()
	nc, err := dial(srv)
	if err != nil {
		t.Fatal(err)
	}
	return newPeer(t, nc)
}

func newPeer(t *testing.T, nc net.Conn) *peer {
	t.Cleanup(func() { nc.Close() })
	return &peer{nc, bufio.NewReader(nc), t}
}

func dial(srv *pubsubtest.Server) (nc net.Conn, err error) {
	if srv.Network() == "memory" {
		nc, err = srv.Dial(context.Background(), "", "")
	} else {
		nc, err = net.Dial(srv.Network(), srv.Addr())
	}
	if conf := srv.TLSConfig(); conf != nil && err == nil {
		nc = tls.Client(nc, conf) // shakes hands when it is used
	}
	return nc, err
}

// send sends an inline command.
func (p *peer) send(format string, args ...any) {
	p.t.Helper()
	p.write(fmt.Sprintf(format+"\r\n", args...))
}

// write sends bytes.
func (p *peer) write(text string) {
	p.t.Helper()
	if _, err := p.Write([]byte(text)); err != nil {
		p.t.Fatal(err)
	}
}

// expect reads these bytes.
func (p *peer) expect(want string) {
	p.t.Helper()
	if got := p.read(len(want)); got != want {
		p.t.Fatalf("received %q, want %q", got, want)
	}
}

// read reads so many bytes.
func (p *peer) read(n int) string {
	p.t.Helper()
	_ = p.SetDeadline(time.Now().Add(patience))
	got := make([]byte, n)
	if n, err := io.ReadFull(p.r, got); err != nil {
		p.t.Fatalf("received %q, %v", got[:n], err)
	}
	return string(got)
}

// expectEnd reads the end of the connection, and nothing before it.
func (p *peer) expectEnd() {
	p.t.Helper()
	_ = p.SetDeadline(time.Now().Add(patience))
	if rest, err := io.ReadAll(p.r); err != nil || len(rest) > 0 {
		p.t.Fatalf("received %q, %v; want the end", rest, err)
	}
}

// expectReset reads a reset, and nothing before it.
func (p *peer) expectReset() {
	p.t.Helper()
	_ = p.SetDeadline(time.Now().Add(patience))
	if rest, err := io.ReadAll(p.r); !errors.Is(err, syscall.ECONNRESET) || len(rest) > 0 {
		p.t.Fatalf("received %q, %v; want a reset", rest, err)
	}
}

// expectSilence tells that nothing comes within a time.
func (p *peer) expectSilence(d time.Duration) {
	p.t.Helper()
	_ = p.SetReadDeadline(time.Now().Add(d))
	if b, err := p.r.ReadByte(); !errors.Is(err, os.ErrDeadlineExceeded) {
		p.t.Fatalf("received %q, %v; want nothing", b, err)
	}
}

// subscribe subscribes under a name.
func (p *peer) subscribe(name, channel string) {
	p.t.Helper()
	p.send("CLIENT SETNAME %s", name)
	p.expect("+OK\r\n")
	p.send("SUBSCRIBE %s", channel)
	p.expect(bulks("subscribe", channel) + ":1\r\n")
}

// bulks is the beginning of an array of strings and one thing more.
func bulks(words ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(words)+1)
	for _, w := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	return b.String()
}

// message is one in RESP2.
func message(channel, payload string) string {
	return fmt.Sprintf("*3\r\n$7\r\nmessage\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n", len(channel), channel, len(payload), payload)
}

// request is a request with arguments.
func request(name string, args ...string) string {
	words := append([]string{name}, args...)
	b := fmt.Sprintf("*%d\r\n", len(words))
	for _, w := range words {
		b += fmt.Sprintf("$%d\r\n%s\r\n", len(w), w)
	}
	return b
}

// until reads until the end is this.
func (p *peer) until(end string) (got string) {
	p.t.Helper()
	for !strings.HasSuffix(got, end) {
		got += p.read(1)
	}
	return got
}

// expectGone reads the end of the connection, of whatever sort.
func (p *peer) expectGone() {
	p.t.Helper()
	_ = p.SetDeadline(time.Now().Add(patience))
	if b, err := p.r.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		p.t.Fatalf("received %q, %v; want the end", b, err)
	}
}
