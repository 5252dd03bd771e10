package server

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/pubsubd/pubsubd/internal/freeport"
	"github.com/pubsubd/pubsubd/internal/testcert"
)

// freePort returns a port of 127.0.0.1 that nobody listens on.
func freePort(t testing.TB) int {
	t.Helper()
	port, err := freeport.Find()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// start has a server listen as its Config says, on a free port of 127.0.0.1
// unless that says otherwise.
func start(t testing.TB, change ...func(*Config)) *Server {
	t.Helper()
	const attempts = 5 // somebody may take the port before the server does
	for attempt := 1; ; attempt++ {
		port := freePort(t)
		s := newServer(t, append([]func(*Config){func(c *Config) { c.Port, c.Bind = port, []string{"127.0.0.1"} }}, change...)...)
		done := make(chan error, 1)
		go func() { done <- s.ListenAndServe() }()
		waitFor(t, "the server to listen", func() bool { return s.Addr() != nil || len(done) > 0 })
		if s.Addr() == nil {
			if err := <-done; !errors.Is(err, errInUse) || attempt == attempts {
				t.Fatal(err)
			}
			continue
		}
		t.Cleanup(func() {
			_ = s.Close()
			if err := <-done; err != ErrServerClosed {
				t.Errorf("ListenAndServe: %v", err)
			}
		})
		return s
	}
}

// addrs returns the addresses of a server.
func addrs(s *Server) (list []string) {
	for _, a := range s.Addrs() {
		list = append(list, a.String())
	}
	return list
}

// local is an address of 127.0.0.1.
func local(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// mustRefuse fails the test if somebody listens on an address.
func mustRefuse(t testing.TB, addr string) {
	t.Helper()
	if nc, err := net.Dial("tcp", addr); err == nil {
		_ = nc.Close()
		t.Errorf("somebody listens on %s", addr)
	}
}

func TestConfigSetPort(t *testing.T) {
	s := start(t)
	first := s.Addr().String()
	c := dial(t, first)
	c.ask("SUBSCRIBE c", "[subscribe c 1]")
	admin := dial(t, first)
	second := freePort(t)
	admin.ask(fmt.Sprintf("CONFIG SET port %d", second), "+OK")
	mustRefuse(t, first)
	dial(t, local(second)).ask("PUBLISH c m", "1")
	c.want("[message c m]")
	if got := addrs(s); !reflect.DeepEqual(got, []string{local(second)}) {
		t.Errorf("addresses %q", got)
	}
	if got := admin.info("tcp_port"); got != fmt.Sprint(second) {
		t.Errorf("tcp_port:%s", got)
	}

	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	const failed = "-ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port. Check server logs."
	admin.ask(fmt.Sprintf("CONFIG SET port %d", taken.Addr().(*net.TCPAddr).Port), failed)
	admin.ask("CONFIG GET port", fmt.Sprintf("[port %d]", second))
	dial(t, local(second)).ask("PING", "+PONG")
	// what was opened for the first directive goes when the second fails
	third := freePort(t)
	admin.ask(fmt.Sprintf("CONFIG SET port %d tls-port %d", third, third), "-ERR CONFIG SET failed (possibly related to argument 'tls-port') - Unable to update TLS configuration. Check server logs.")
	mustRefuse(t, local(third))
	dial(t, local(second)).ask("PING", "+PONG")
	admin.ask("CONFIG SET port 0", "+OK")
	mustRefuse(t, local(second))
	if s.Addr() != nil || len(s.Addrs()) != 0 {
		t.Errorf("without a port: %v", s.Addrs())
	}
	c.ask("PING", "[pong ]")
	admin.ask(fmt.Sprintf("CONFIG SET port %d", second), "+OK")
	dial(t, local(second)).ask("PING", "+PONG")
}

func TestConfigSetBind(t *testing.T) {
	s := start(t)
	port := s.Addr().(*net.TCPAddr).Port
	admin := dial(t, s.Addr().String())
	set := func(bind, want string) {
		t.Helper()
		admin.raw(string(encode("CONFIG", "SET", "bind", bind)))
		admin.want(want)
	}
	listening := func(want ...string) {
		t.Helper()
		for i, host := range want {
			want[i] = net.JoinHostPort(host, fmt.Sprint(port))
		}
		if got := addrs(s); !reflect.DeepEqual(got, want) {
			t.Errorf("listening on %q, want %q", got, want)
		}
	}
	const failed = "-ERR CONFIG SET failed (possibly related to argument 'bind') - Failed to bind to specified addresses."
	before := s.listenersOf(listenerPort)[0]
	set("127.0.0.1 127.0.0.2", "+OK")
	listening("127.0.0.1", "127.0.0.2")
	if s.listenersOf(listenerPort)[0] != before {
		t.Error("a listener that stays was closed")
	}
	set("127.0.0.2 192.0.2.1", failed)
	listening("127.0.0.1", "127.0.0.2")
	set("127.0.0.2 -192.0.2.1", "+OK")
	listening("127.0.0.2")
	mustRefuse(t, local(port))
	set("*", "+OK") // which our own listener is in the way of
	listening("0.0.0.0")
	dial(t, local(port)).ask("PING", "+PONG")
	set("127.0.0.1 *", failed) // and fails after that was closed
	listening("0.0.0.0")
	dial(t, local(port)).ask("PING", "+PONG")
	set("", "+OK")
	listening()
	set("127.0.0.1", "+OK")
	listening("127.0.0.1")
	set("* 127.0.0.2", failed) // which are in each other's way
	listening("127.0.0.1")
	dial(t, local(port)).ask("PING", "+PONG")
}

// A server that was given its listeners listens nowhere else.
func TestConfigSetPortOfGivenListeners(t *testing.T) {
	s := newServer(t)
	c := dial(t, listen(t, s))
	c.ask("CONFIG SET port 6379", "+OK") // as it is
	c.ask("CONFIG SET port 0", "-ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port. Check server logs.")
	c.ask("CONFIG SET bind 127.0.0.1", "-ERR CONFIG SET failed (possibly related to argument 'bind') - Failed to bind to specified addresses.")
	if n := len(s.Addrs()); n != 1 {
		t.Errorf("%d listeners", n)
	}
}

func TestConfigSetTLSPort(t *testing.T) {
	ca := testcert.New(t)
	server, client := ca.Issue("server"), ca.Issue("client")
	s := start(t, withTLS(ca, server))
	admin := dial(t, s.Addr().String())
	b := &tlsBench{Server: s, ca: ca, client: client}
	for range 2 {
		port := freePort(t)
		b.addr = local(port)
		admin.ask(fmt.Sprintf("CONFIG SET tls-port %d", port), "+OK")
		b.dialTLS(t).ask("PING", "+PONG")
	}
	stays := b.dialTLS(t)
	certificate, err := os.ReadFile(server.CertFile)
	if err != nil {
		t.Fatal(err)
	}
	write := func(text []byte) {
		t.Helper()
		if err := os.WriteFile(server.CertFile, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// another port has nothing to do with the certificate, which is read
	write([]byte("garbage"))
	port := freePort(t)
	b.addr = local(port)
	admin.ask(fmt.Sprintf("CONFIG SET tls-port %d", port), "+OK")
	b.dialTLS(t).ask("PING", "+PONG")
	write(certificate)
	plain := s.Addr().(*net.TCPAddr).Port
	admin.ask(fmt.Sprintf("CONFIG SET tls-port %d", plain), "-ERR CONFIG SET failed (possibly related to argument 'tls-port') - Unable to listen on this port. Check server logs.")
	b.dialTLS(t).ask("PING", "+PONG")
	admin.ask("CONFIG SET bind 127.0.0.2", "+OK") // both follow
	mustRefuse(t, b.addr)
	mustRefuse(t, local(plain))
	admin.ask("CONFIG SET bind 127.0.0.1 tls-port 0", "+OK")
	mustRefuse(t, b.addr)
	stays.ask("PING", "+PONG")
	// all or nothing: what was opened for TLS goes again
	admin.ask(fmt.Sprintf("CONFIG SET tls-port %d bind 192.0.2.1", port), "-ERR CONFIG SET failed (possibly related to argument 'tls-port') - Unable to listen on this port. Check server logs.")
	admin.ask(fmt.Sprintf("CONFIG SET tls-port %d port %d", port, port), "-ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port. Check server logs.")
	mustRefuse(t, b.addr)
	admin.ask(fmt.Sprintf("CONFIG SET bind 127.0.0.2 tls-port %d", port), "+OK")
	mustRefuse(t, b.addr)
	admin.ask("CONFIG SET bind 127.0.0.1", "+OK")
	b.dialTLS(t).ask("PING", "+PONG")
	admin.ask("CONFIG SET tls-port 0", "+OK")
	admin.ask("CONFIG SET tls-cert-file nosuch", "+OK") // nobody looks at it now
	admin.ask("CONFIG SET tls-port 1", "-ERR CONFIG SET failed (possibly related to argument 'tls-port') - Unable to update TLS configuration. Check server logs.")
}

// Clients lose nothing while the server changes where it listens.
func TestConfigSetPortUnderLoad(t *testing.T) {
	s := start(t)
	addr := s.Addr().String()
	sub, admin := dial(t, addr), dial(t, addr)
	sub.ask("SUBSCRIBE c", "[subscribe c 1]")
	const publishers, messages = 4, 500
	var running sync.WaitGroup
	for i := range publishers {
		pub := dial(t, addr)
		pub.ask("PING", "+PONG") // it has been accepted
		running.Go(func() {
			for n := range messages {
				if _, err := pub.nc.Write(encode("PUBLISH", "c", fmt.Sprintf("%d:%d", i, n))); err != nil {
					t.Error(err)
					return
				}
				if f, err := pub.read(); err != nil || f.String() != "1" {
					t.Errorf("PUBLISH: %s, %v", f, err)
					return
				}
			}
		})
	}
	published := make(chan struct{})
	go func() {
		running.Wait()
		close(published)
	}()
	for moves := 0; ; moves++ {
		port := freePort(t)
		admin.ask(fmt.Sprintf("CONFIG SET port %d", port), "+OK")
		fresh := dial(t, local(port))
		fresh.ask("PING", "+PONG")
		_ = fresh.nc.Close()
		select {
		case <-published:
			if moves == 0 {
				t.Error("the server has not moved while messages were published")
			}
		default:
			continue
		}
		break
	}
	next := make([]int, publishers)
	for range publishers * messages {
		var i, n int
		text := sub.next().String()
		if _, err := fmt.Sscanf(text, "[message c %d:%d]", &i, &n); err != nil || n != next[i] {
			t.Fatalf("%s, %v; want message %d of it", text, err, next[i])
		}
		next[i]++
	}
}

func TestListenErrors(t *testing.T) {
	dir := t.TempDir()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	free := freePort(t)
	for _, tt := range []struct {
		change    func(*Config)
		directive string
		want      string
	}{
		{func(c *Config) { c.Port = port }, "port", fmt.Sprintf("listening on 127.0.0.1:%d: bind: Address already in use", port)},
		{func(c *Config) { c.Port, c.UnixSocket = 0, filepath.Join(dir, "no", "s") }, "unixsocket", "listening on " + filepath.Join(dir, "no", "s") + ": bind: no such file or directory"},
		{func(c *Config) { c.Port, c.UnixSocket = 0, dir }, "unixsocket", "listening on " + dir + ": bind: Address already in use"},
		{func(c *Config) { c.Port, c.UnixSocket = 0, dir+strings.Repeat("x", 108-len(dir)) }, "unixsocket", "unix socket path too long (108), must be under 108"},
		{func(c *Config) { c.Bind = []string{"nosuch.invalid"} }, "port", "Name or service not known"},
		{func(c *Config) { c.Bind = []string{"-nosuch.invalid"} }, "port", "Name or service not known"},
		{func(c *Config) { c.Bind = []string{"127.0.0.1", "192.0.2.1"} }, "port", "bind: cannot assign requested address"},
	} {
		s := newServer(t, func(c *Config) { c.Bind, c.Port = []string{"127.0.0.1"}, free }, tt.change)
		err := s.ListenAndServe()
		var le *ListenError
		if !errors.As(err, &le) || le.Directive != tt.directive || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v, want %q of %s", err, tt.want, tt.directive)
		}
		mustRefuse(t, local(free))
	}
	for what, change := range map[string]func(*Config){
		"no port":           func(c *Config) { c.Port = 0 },
		"no bind":           func(c *Config) { c.Bind = nil },
		"no address exists": func(c *Config) { c.Bind = []string{"-192.0.2.1"} },
	} {
		s := newServer(t, func(c *Config) { c.Port = free }, change)
		if err := s.ListenAndServe(); err != ErrNowhere {
			t.Errorf("%s: %v", what, err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

func TestUnixSocket(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "s")
	if err := os.WriteFile(path, []byte("left behind"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, func(c *Config) { c.Port, c.UnixSocket, c.UnixSocketPerm = 0, path, 0o600 })
	if info, err := os.Stat(path); err != nil || info.Mode() != os.ModeSocket|0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("in its directory: %v, %v", left, err)
	}
	if got := addrs(s); !reflect.DeepEqual(got, []string{path}) {
		t.Errorf("addresses %q", got)
	}
	nc, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	c := newTestConn(t, nc)
	c.send("CLIENT INFO")
	info := c.next().text
	for _, want := range []string{" addr=" + path + ":0 ", " laddr=" + path + ":0 ", " flags=U "} {
		if !strings.Contains(info, want) {
			t.Errorf("CLIENT INFO %q lacks %q", info, want)
		}
	}
	c.ask("CLIENT KILL LADDR "+path+":0 SKIPME yes", "0")
	c.ask("SUBSCRIBE c", "[subscribe c 1]")
	s.Broker().Publish("c", []byte("m"))
	c.want("[message c m]")
	// a second server takes the path, and the first leaves it to it
	second := start(t, func(c *Config) { c.Port, c.UnixSocket = 0, path })
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if nc, err := net.Dial("unix", path); err != nil {
		t.Error(err)
	} else {
		newTestConn(t, nc).ask("PING", "+PONG")
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the file is left behind: %v", err)
	}
}
