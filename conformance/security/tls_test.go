package security

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
	"github.com/pubsubd/pubsubd/internal/testcert"
)

// A tlsServer is a server that is reached by TLS too.
type tlsServer struct {
	*server
	ca   *testcert.Authority
	pair *testcert.Pair
	addr string
}

// onBothTLS is onBoth for servers with a TLS port.
func onBothTLS(t *testing.T, args []string, test func(t *testing.T, s *tlsServer)) {
	t.Parallel()
	for name, redis := range map[string]bool{"pubsubd": false, "redis": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &tlsServer{ca: testcert.New(t)}
			s.pair = s.ca.Issue("server")
			port := strconv.Itoa(sut.FreePort(t))
			s.addr = net.JoinHostPort("127.0.0.1", port)
			s.server = startTarget(t, redis, append([]string{
				"--tls-port", port, "--tls-cert-file", s.pair.CertFile, "--tls-key-file", s.pair.KeyFile, "--tls-ca-cert-file", s.ca.File,
			}, args...)...)
			test(t, s)
		})
	}
}

// connect connects by TLS, or says why not.
func (s *tlsServer) connect(conf *tls.Config) (*conn, error) {
	s.t.Helper()
	c, err := wire.Connect(s.t, sut.Endpoint{Network: sut.TLS, Address: s.addr}, conf)
	if err != nil {
		return nil, err
	}
	return &conn{c, s.t}, nil
}

func (s *tlsServer) mustConnect(conf *tls.Config) *conn {
	s.t.Helper()
	c, err := s.connect(conf)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func Test26VersionsAndSuites(t *testing.T) {
	onBothTLS(t, []string{"--tls-auth-clients", "no"}, func(t *testing.T, s *tlsServer) {
		for version, works := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
			conf := s.ca.Client(nil)
			conf.MinVersion, conf.MaxVersion = version, version
			c, err := s.connect(conf)
			switch {
			case !works && err == nil:
				t.Errorf("%s is spoken", tls.VersionName(version))
			case works && err != nil:
				t.Errorf("%s: %v", tls.VersionName(version), err)
			case works:
				c.alive(tls.VersionName(version))
			}
		}
		for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
			good := suite.ID == tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 || suite.ID == tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 || suite.ID == tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
			conf := s.ca.Client(nil)
			conf.MinVersion, conf.MaxVersion, conf.CipherSuites = tls.VersionTLS12, tls.VersionTLS12, []uint16{suite.ID}
			_, err := s.connect(conf)
			switch {
			case suite.SupportedVersions[0] == tls.VersionTLS13: // cannot be chosen from here
			case good && err != nil:
				t.Errorf("%s: %v", suite.Name, err)
			case !good && err == nil:
				s.shortfall("%s is used", suite.Name)
			}
		}
	})
}

// Plain text is not served where TLS is spoken, nor told anything but an alert.
func Test26PlainTextOnTheTLSPort(t *testing.T) {
	onBothTLS(t, []string{"--tls-auth-clients", "no"}, func(t *testing.T, s *tlsServer) {
		listener := s.dial()
		listener.ask("SUBSCRIBE a", "*3...")
		for _, sent := range []string{"PING\r\n", "*3\r\n$7\r\nPUBLISH\r\n$1\r\na\r\n$1\r\nx\r\n", "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\xff\xffPUBLISH a x\r\n"} {
			c := s.dialAt(s.addr)
			c.Raw(sent)
			_ = c.SetReadDeadline(time.Now().Add(wire.Patience))
			_ = c.Conn.Conn.(*net.TCPConn).CloseWrite()
			got, err := io.ReadAll(c.R)
			if err != nil && !isReset(err) {
				t.Errorf("%q: %v", sent, err)
			}
			if len(got) > 7 || len(got) > 0 && got[0] != 0x15 { // an alert
				t.Errorf("%q is answered %q", sent, got)
			}
		}
		s.dial().ask("PUBLISH a end", ":1")
		listener.Want(`*3 "message" "a" "end"`)
	})
}

func isReset(err error) bool {
	e, ok := err.(*net.OpError)
	if !ok {
		return false
	}
	call, ok := e.Err.(*os.SyscallError)
	return ok && call.Err == syscall.ECONNRESET
}

// Clients that say nothing, or half of a hello, delay nobody and are dropped.
func Test27UnfinishedHandshakes(t *testing.T) {
	clients, timeout := 50, 5 // in which a busy machine can shake hands
	if sut.Long() {
		clients, timeout = 200, 10 // the default
	}
	args := []string{"--tls-auth-clients", "no"}
	test := func(t *testing.T, s *tlsServer) {
		admin := s.dial()
		if !s.redis {
			admin.ask("CONFIG SET tls-handshake-timeout "+strconv.Itoa(timeout), "+OK")
		}
		list := make([]*conn, clients)
		began := time.Now()
		for i := range list {
			list[i] = s.dialAt(s.addr)
			if i%2 == 0 {
				list[i].Raw("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03half a hello")
			}
		}
		connected := time.Now()
		s.mustConnect(s.ca.Client(nil)).alive("a new client")
		waited := time.Since(connected)
		if sut.Long() && waited > time.Second {
			t.Errorf("a new client waited %v", waited)
		}
		if s.redis {
			t.Logf("R10: with %d unfinished handshakes redis-server serves a new client in %v and never drops them", clients, waited)
			return
		}
		for _, c := range list {
			c.Closed(wire.Patience)
		}
		dropped := time.Since(began)
		t.Logf("R10: with %d unfinished handshakes a new client is served in %v; the last of them is dropped after %v", clients, waited, dropped)
		if sut.Long() && (dropped < 10*time.Second || dropped > 30*time.Second) {
			t.Errorf("they are dropped after %v", dropped)
		}
		sut.Until(t, "them to be forgotten", func() bool { return admin.InfoNumber("connected_clients") == 2 }) // the admin, and the one by TLS
	}
	onBothTLS(t, args, test)
}

func Test28MutualTLS(t *testing.T) {
	onBothTLS(t, nil, func(t *testing.T, s *tlsServer) {
		stranger := testcert.New(t)
		foreign := s.ca.Client(stranger.Issue("client"))
		known := s.ca.Client(s.ca.Issue("client"))
		for what, conf := range map[string]*tls.Config{"no certificate": s.ca.Client(nil), "another authority's": foreign} {
			if c, err := s.connect(conf); err == nil { // in TLS 1.3 the refusal comes behind the handshake
				_ = c.SetDeadline(time.Now().Add(wire.Patience))
				_, _ = io.WriteString(c.Conn, "PING\r\n")
				if got, err := c.R.ReadByte(); err == nil {
					t.Errorf("%s: the server answers %q", what, got)
				}
			}
		}
		s.mustConnect(known).alive("a client with a certificate")
		admin := s.dial()
		admin.ask("CONFIG SET tls-auth-clients optional", "+OK")
		s.mustConnect(s.ca.Client(nil)).alive("a client without")
		if c, err := s.connect(foreign); err == nil {
			_ = c.SetDeadline(time.Now().Add(wire.Patience))
			if got, err := c.R.ReadByte(); err == nil {
				t.Errorf("a certificate of another authority is answered %q", got)
			}
		}
	})
}

// New certificates are taken up without dropping anybody, by CONFIG SET and, by
// pubsubd, at SIGHUP too.
func Test28CertificatesAreReadAgain(t *testing.T) {
	onBothTLS(t, []string{"--tls-auth-clients", "no"}, func(t *testing.T, s *tlsServer) {
		serial := func() string {
			c := s.mustConnect(s.ca.Client(nil))
			c.alive("a new client")
			return fmt.Sprint(c.Conn.Conn.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber)
		}
		old := s.mustConnect(s.ca.Client(nil))
		old.ask("SUBSCRIBE a", "*3...")
		first := serial()
		next := s.ca.Issue("next")
		s.dial().ask("CONFIG SET tls-cert-file "+next.CertFile+" tls-key-file "+next.KeyFile, "+OK")
		second := serial()
		if first == second {
			t.Error("CONFIG SET has not taken up the certificate")
		}
		if !s.redis {
			third := s.ca.Issue("third")
			for from, to := range map[string]string{third.CertFile: next.CertFile, third.KeyFile: next.KeyFile} {
				if err := os.Rename(from, to); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Signal(syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
			sut.Until(t, "SIGHUP to take up the certificate", func() bool { return serial() != second })
			if err := os.WriteFile(next.CertFile, []byte("garbage"), 0o600); err != nil {
				t.Fatal(err)
			}
			now := serial()
			s.dial().ask("CONFIG SET tls-cert-file "+next.CertFile, "-ERR...")
			if got := serial(); got != now {
				t.Errorf("a file that is no certificate has changed the one in use")
			}
		}
		s.dial().ask("PUBLISH a x", ":1")
		old.Want(`*3 "message" "a" "x"`)
	})
}
