package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pubsubd/pubsubd/internal/testcert"
)

// A tlsBench is a server that speaks TLS and who may connect to it.
type tlsBench struct {
	*Server
	addr   string
	ca     *testcert.Authority
	server *testcert.Pair
	client *testcert.Pair
}

// withTLS names certificates in a Config.
func withTLS(ca *testcert.Authority, server *testcert.Pair) func(*Config) {
	return func(c *Config) {
		c.TLS.CertFile, c.TLS.KeyFile, c.TLS.CACertFile = server.CertFile, server.KeyFile, ca.File
	}
}

// newTLSBench returns a server that listens for TLS on a free loopback port.
func newTLSBench(t testing.TB, change ...func(*Config)) *tlsBench {
	t.Helper()
	ca := testcert.New(t)
	b := &tlsBench{ca: ca, server: ca.Issue("server"), client: ca.Issue("client")}
	b.Server = newServer(t, append([]func(*Config){withTLS(ca, b.server)}, change...)...)
	b.addr = listenWith(t, b.Server, b.ServeTLS)
	return b
}

// dialTLS connects with a certificate and shakes hands.
func (b *tlsBench) dialTLS(t testing.TB) *testConn {
	t.Helper()
	nc, err := tls.Dial("tcp", b.addr, b.ca.Client(b.client))
	if err != nil {
		t.Fatal(err)
	}
	return newTestConn(t, nc)
}

// hello tells what becomes of a client with a configuration: the answer to
// PING, or empty if it gets none.
func (b *tlsBench) hello(t testing.TB, conf *tls.Config) string {
	t.Helper()
	nc, err := net.Dial("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	c := newTestConn(t, tls.Client(nc, conf))
	_ = nc.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c.nc, "PING\r\n"); err != nil {
		return ""
	}
	f, err := c.read()
	if err != nil {
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			t.Fatal("the server leaves a client waiting")
		}
		return ""
	}
	return f.String()
}

func TestTLS(t *testing.T) {
	b := newTLSBench(t)
	sub, pub := b.dialTLS(t), b.dialTLS(t)
	sub.ask("SUBSCRIBE c", "[subscribe c 1]")
	for _, n := range []int{0, 1, joinLimit - 100, joinLimit, joinLimit + 1, 3*joinLimit + 7, 1 << 20} {
		payload := strings.Repeat("x", n)
		pub.raw(string(encode("PUBLISH", "c", payload)))
		pub.want("1")
		sub.want("[message c " + payload + "]")
	}
	var requests []byte // more than one read's worth, answered in order
	var answers []string
	for i := range 20000 {
		requests = append(requests, encode("PING", fmt.Sprint(i))...)
		answers = append(answers, fmt.Sprint(i))
	}
	go pub.nc.Write(requests) // what goes wrong is seen in the answers
	pub.want(answers...)
	sub.ask("PING", "[pong ]")
	pub.send("CLIENT INFO")
	info := pub.next().text
	if want := "addr=" + pub.nc.LocalAddr().String() + " laddr=" + b.addr + " fd="; !strings.Contains(info, want) || strings.Contains(info, "fd=-1") {
		t.Errorf("CLIENT INFO %q lacks %q", info, want)
	}
	pub.ask("QUIT", "+OK")
	pub.end()
}

// What a client may not do: no certificate, that of a stranger, an old
// protocol, no TLS at all.
func TestTLSRefuses(t *testing.T) {
	b := newTLSBench(t)
	stranger := testcert.New(t).Issue("client")
	with := func(change func(*tls.Config)) *tls.Config {
		c := b.ca.Client(b.client)
		change(c)
		return c
	}
	admin := pipe(t, b.Server)
	for _, tt := range []struct {
		auth TLSAuth
		what string
		conf *tls.Config
		want string
	}{
		{TLSAuthYes, "a certificate", b.ca.Client(b.client), "+PONG"},
		{TLSAuthYes, "none", b.ca.Client(nil), ""},
		{TLSAuthYes, "a stranger's", b.ca.Client(stranger), ""},
		{TLSAuthOptional, "a certificate", b.ca.Client(b.client), "+PONG"},
		{TLSAuthOptional, "none", b.ca.Client(nil), "+PONG"},
		{TLSAuthOptional, "a stranger's", b.ca.Client(stranger), ""},
		{TLSAuthNo, "none", b.ca.Client(nil), "+PONG"},
		{TLSAuthNo, "a stranger's", b.ca.Client(stranger), "+PONG"},
		{TLSAuthYes, "TLS 1.2", with(func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }), "+PONG"},
		{TLSAuthYes, "TLS 1.1", with(func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }), ""},
		{TLSAuthYes, "a suite with CBC", with(func(c *tls.Config) {
			c.MaxVersion = tls.VersionTLS12
			c.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA}
		}), ""},
	} {
		admin.ask("CONFIG SET tls-auth-clients "+string(tt.auth), "+OK")
		if got := b.hello(t, tt.conf); got != tt.want {
			t.Errorf("tls-auth-clients %s, %s: answered %q, want %q", tt.auth, tt.what, got, tt.want)
		}
	}
	plain := dial(t, b.addr)
	plain.raw("PING\r\nPING\r\n")
	if b, err := io.ReadAll(plain.r); bytes.Contains(b, []byte("PONG")) {
		t.Errorf("plain text is answered %q, %v", b, err)
	}
}

// A client too many is closed without a word, as nothing it could read has been
// agreed upon.
func TestTLSMaxClients(t *testing.T) {
	b := newTLSBench(t, func(c *Config) { c.MaxClients = 1 })
	one := b.dialTLS(t)
	one.ask("PING", "+PONG")
	nc := dial(t, b.addr)
	if got, err := io.ReadAll(nc.r); len(got) != 0 {
		t.Errorf("sent %q, %v", got, err)
	}
	if got := one.info("rejected_connections"); got != "1" {
		t.Errorf("rejected_connections:%s", got)
	}
}

// Clients that do not finish the handshake delay nobody, and are closed when
// their time is up.
func TestTLSHandshakeIsBounded(t *testing.T) {
	ca := testcert.New(t)
	pair, client := ca.Issue("server"), ca.Issue("client")
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, withTLS(ca, pair), func(c *Config) { c.ProtectedMode = false })
		ln := newQueueListener()
		done := make(chan error, 1)
		go func() { done <- s.ServeTLS(ln) }()
		var silent []*testConn
		for i := range 200 {
			c := ln.connect(t, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: i})
			if i%2 == 0 {
				go c.nc.Write([]byte("\x16\x03\x01\x02\x00\x01")) // the beginning of a hello
			}
			silent = append(silent, c)
		}
		start := time.Now()
		good := ln.connect(t, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 1})
		good = newTestConn(t, tls.Client(good.nc, ca.Client(client)))
		good.ask("PING", "+PONG")
		if took := time.Since(start); took > 0 {
			t.Errorf("it had to wait for %v", took)
		}
		time.Sleep(s.config().TLS.HandshakeTimeout - time.Second)
		if n := len(s.Clients()); n != 201 {
			t.Errorf("%d clients while there is time", n)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if n := len(s.Clients()); n != 1 {
			t.Errorf("%d clients when the time is up", n)
		}
		for _, c := range silent {
			if got := c.end(); len(got) != 0 {
				t.Errorf("a silent client was sent %q", got)
			}
		}
		good.ask("PING", "+PONG")
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; err != ErrServerClosed {
			t.Errorf("ServeTLS: %v", err)
		}
	})
}

// Nor do they delay CLIENT KILL or the end of the server.
func TestTLSEndsDuringHandshake(t *testing.T) {
	b := newTLSBench(t)
	var silent []*testConn
	for range 3 {
		silent = append(silent, dial(t, b.addr))
	}
	waitFor(t, "the clients to be listed", func() bool { return len(b.Clients()) == len(silent) })
	victim := silent[1]
	pipe(t, b.Server).ask("CLIENT KILL ADDR "+victim.nc.LocalAddr().String(), "1")
	if got := victim.end(); len(got) != 0 {
		t.Errorf("it was sent %q", got)
	}
	if err := b.Shutdown(context.Background()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	for _, c := range silent {
		if got := c.end(); len(got) != 0 {
			t.Errorf("a silent client was sent %q", got)
		}
	}
}

func TestTLSProtectedMode(t *testing.T) {
	ca := testcert.New(t)
	pair, client := ca.Issue("server"), ca.Issue("client")
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, withTLS(ca, pair))
		ln := newQueueListener()
		go s.ServeTLS(ln)
		c := ln.connect(t, &net.TCPAddr{IP: net.IPv4(203, 0, 113, 9), Port: 1})
		c = newTestConn(t, tls.Client(c.nc, ca.Client(client)))
		if err := c.nc.(*tls.Conn).Handshake(); err != nil {
			t.Fatal(err)
		}
		c.want("-DENIED Redis is running in protected mode…")
		c.end()
		_ = s.Close()
		synctest.Wait()
	})
}

// A subscriber over TLS that does not read is closed by its limit, and nobody
// else notices; one that reads late gets everything in order.
func TestTLSSlowConsumer(t *testing.T) {
	b := newTLSBench(t, func(c *Config) { c.PubsubOutput = OutputLimit{Hard: 1 << 20} })
	slow, healthy, pub := b.dialTLS(t), b.dialTLS(t), b.dialTLS(t)
	slow.ask("SUBSCRIBE c", "[subscribe c 1]")
	healthy.ask("SUBSCRIBE c", "[subscribe c 1]")
	payload := strings.Repeat("x", 32<<10)
	sent := 0
	for ; pub.do("PUBLISH c "+payload) == "2"; sent++ {
		healthy.want("[message c " + payload + "]")
		if sent > 4000 {
			t.Fatal("a client that does not read is not closed")
		}
	}
	healthy.want("[message c " + payload + "]")
	if got := len(slow.end()); got > sent {
		t.Errorf("it was sent %d of %d messages", got, sent)
	}
	if got := pub.info("client_output_buffer_limit_disconnections"); got != "1" {
		t.Errorf("%s clients were closed by their limit", got)
	}
}

func TestTLSLateReader(t *testing.T) {
	b := newTLSBench(t, func(c *Config) { c.PubsubOutput = OutputLimit{} })
	sub, pub := b.dialTLS(t), b.dialTLS(t)
	sub.ask("SUBSCRIBE c", "[subscribe c 1]")
	var want []string
	for i := range 600 { // more than sockets hold, of all sizes
		payload := strings.Repeat(string(rune('a'+i%26)), 1+i*i%(3*joinLimit))
		pub.raw(string(encode("PUBLISH", "c", payload)))
		want = append(want, "[message c "+payload+"]")
	}
	for range want {
		pub.want("1")
	}
	done := make(chan error, 1)
	go func() { done <- b.Shutdown(context.Background()) }()
	if got := sub.end(); !reflect.DeepEqual(got, want) {
		t.Errorf("%d messages arrived, or some of them changed; want %d", len(got), len(want))
	}
	if err := <-done; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

// Many subscribers, so that the flusher serves them, see what each of several
// publishers sends in its order.
func TestTLSOrder(t *testing.T) {
	const subscribers, publishers, messages = 2 * directReceivers, 4, 300
	b := newTLSBench(t, func(c *Config) { c.PubsubOutput = OutputLimit{} })
	var subs []*testConn
	for range subscribers {
		c := b.dialTLS(t)
		c.ask("SUBSCRIBE c", "[subscribe c 1]")
		subs = append(subs, c)
	}
	var running sync.WaitGroup
	for i := range publishers {
		pub := b.dialTLS(t)
		var requests []byte
		for n := range messages {
			requests = append(requests, encode("PUBLISH", "c", fmt.Sprintf("%d:%d:%s", i, n, strings.Repeat("x", n*i%5000)))...)
		}
		running.Go(func() {
			if _, err := pub.nc.Write(requests); err != nil {
				t.Error(err)
				return
			}
			for range messages {
				if f, err := pub.read(); err != nil || f.String() != fmt.Sprint(subscribers) {
					t.Errorf("PUBLISH: %s, %v", f, err)
					return
				}
			}
		})
	}
	for _, sub := range subs {
		running.Go(func() {
			next := make([]int, publishers)
			for range publishers * messages {
				f, err := sub.read()
				var i, n int
				if _, scan := fmt.Sscanf(f.String(), "[message c %d:%d:", &i, &n); err != nil || scan != nil || n != next[i] {
					t.Errorf("%.80s, %v, %v; want message %d of its publisher", f, err, scan, next[i])
					return
				}
				next[i]++
			}
		})
	}
	running.Wait()
}

// Closing a client whose connection takes nothing does not wait for it.
func TestTLSKillWhileWriting(t *testing.T) {
	b := newTLSBench(t, func(c *Config) { c.PubsubOutput = OutputLimit{} })
	sub, admin := b.dialTLS(t), b.dialTLS(t)
	sub.ask("SUBSCRIBE c", "[subscribe c 1]")
	payload := bytes.Repeat([]byte("x"), 1<<20)
	for range 16 {
		b.Broker().Publish("c", payload)
	}
	victim := b.Clients()[0]
	waitFor(t, "its socket to be full", func() bool { return b.clients()[0].out.pendingState() == outboxBlocked })
	admin.ask(fmt.Sprintf("CLIENT KILL ID %d", victim.ID), "1")
	waitFor(t, "it to be gone", func() bool { return len(b.Clients()) == 1 })
	_, _ = io.Copy(io.Discard, sub.r)
}

// pendingState returns the state of an outbox.
func (o *outbox) pendingState() outboxState {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.state
}

// A recorder keeps what is read from a connection.
type recorder struct {
	net.Conn
	mu  sync.Mutex
	got []byte
}

func (r *recorder) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, p[:n]...)
	return n, err
}

// lastRecord returns the type of the last TLS record.
func (r *recorder) lastRecord(t testing.TB) byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	kind := byte(0)
	for b := r.got; len(b) > 0; {
		n := 5 + int(b[3])<<8 + int(b[4])
		if len(b) < n {
			t.Fatal("the stream ends within a record")
		}
		kind, b = b[0], b[n:]
	}
	return kind
}

// However a connection ends, the client is told that it was meant to.
func TestTLSGoodbye(t *testing.T) {
	for _, how := range []string{"QUIT", "PING x y z", "CLIENT KILL TYPE normal SKIPME no", "SHUTDOWN", "eof"} {
		b := newTLSBench(t)
		nc, err := net.Dial("tcp", b.addr)
		if err != nil {
			t.Fatal(err)
		}
		rec := &recorder{Conn: nc}
		conf := b.ca.Client(b.client)
		conf.MaxVersion = tls.VersionTLS12 // later ones hide what a record is
		c := newTestConn(t, tls.Client(rec, conf))
		c.ask("PING", "+PONG")
		switch how {
		case "eof":
			_ = c.nc.(*tls.Conn).CloseWrite()
		case "PING x y z":
			c.raw("*x\r\n")
		default:
			c.send(how)
		}
		c.end()
		const alert = 21
		if kind := rec.lastRecord(t); kind != alert {
			t.Errorf("%s: the last record has the type %d, want %d", how, kind, alert)
		}
	}
}
