package server

import (
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pubsubd/pubsubd/internal/testcert"
)

func TestTLSSessions(t *testing.T) {
	b := newTLSBench(t)
	admin := pipe(t, b.Server)
	conf := b.ca.Client(b.client)
	conf.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	resumed := func() bool {
		t.Helper()
		nc, err := tls.Dial("tcp", b.addr, conf)
		if err != nil {
			t.Fatal(err)
		}
		c := newTestConn(t, nc)
		c.ask("PING", "+PONG") // the session comes with it
		did := nc.ConnectionState().DidResume
		_ = nc.Close()
		return did
	}
	if first, second := resumed(), resumed(); first || !second {
		t.Errorf("resumed: %v at first, %v then", first, second)
	}
	admin.ask("CONFIG SET tls-session-caching no", "+OK")
	if first, second := resumed(), resumed(); first || second {
		t.Errorf("resumed without session caching: %v at first, %v then", first, second)
	}
}

// What a reload reads serves those who come; who is there stays.
func TestReload(t *testing.T) {
	log, logs := logger()
	b := newTLSBench(t, func(c *Config) { c.Logger = log })
	old := b.dialTLS(t)
	old.ask("PING", "+PONG")
	served := func() string {
		t.Helper()
		nc, err := tls.Dial("tcp", b.addr, b.ca.Client(b.client))
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		return nc.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	replace := func(p *testcert.Pair) {
		t.Helper()
		for from, to := range map[string]string{p.CertFile: b.server.CertFile, p.KeyFile: b.server.KeyFile} {
			text, err := os.ReadFile(from)
			if err == nil {
				err = os.WriteFile(to, text, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	replace(b.ca.Issue("renewed"))
	if name := served(); name != "server" {
		t.Errorf("before Reload %s serves", name)
	}
	if err := b.Reload(); err != nil || served() != "renewed" {
		t.Errorf("Reload: %v, then %s serves", err, served())
	}
	if err := os.WriteFile(b.server.CertFile, []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := b.Reload(); err == nil || !strings.Contains(err.Error(), b.server.CertFile) || served() != "renewed" {
		t.Errorf("Reload of a broken certificate: %v, then %s serves", err, served())
	}
	if n := logs.FilterMessageSnippet("cannot reload").Len(); n != 1 {
		t.Errorf("%d warnings", n)
	}
	old.ask("PING", "+PONG")
	if err := newServer(t).Reload(); err != nil {
		t.Errorf("Reload without TLS: %v", err)
	}
}

// CONFIG SET puts another certificate in force, or none of what it was given.
func TestConfigSetTLS(t *testing.T) {
	b := newTLSBench(t)
	admin := b.dialTLS(t)
	other := b.ca.Issue("other")
	garbage := filepath.Join(t.TempDir(), "garbage")
	if err := os.WriteFile(garbage, []byte("hello\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const failed = "-ERR CONFIG SET failed (possibly related to argument '%s') - Unable to update TLS configuration. Check server logs."
	refused := func(name, value, serves string, rest ...string) {
		t.Helper()
		want := fmt.Sprintf(failed, name)
		words := append([]string{"CONFIG", "SET", name, value}, rest...)
		admin.raw(string(encode(words...)))
		admin.want(want)
		nc, err := tls.Dial("tcp", b.addr, b.ca.Client(b.client))
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		if got := nc.ConnectionState().PeerCertificates[0].Subject.CommonName; got != serves {
			t.Errorf("after %q %s serves", words, got)
		}
	}
	refused("tls-cert-file", garbage, "server")
	refused("tls-cert-file", garbage+"x", "server")
	refused("tls-key-file", other.KeyFile, "server") // of another certificate
	refused("tls-ca-cert-file", "", "server")
	refused("tls-ca-cert-file", garbage, "server")
	refused("tls-ca-cert-dir", garbage, "server")
	for _, protocols := range []string{"TLSv1.1", "TLSv1 TLSv1.2", "TLSv1.9", "TLSv1.2  TLSv1.3"} {
		refused("tls-protocols", protocols, "server")
	}
	refused("tls-ciphers", "nosuch", "server")
	refused("tls-ciphersuites", "nosuch", "server")
	// the certificate is all right, what comes after it is not
	admin.ask("CONFIG SET tls-cert-file "+other.CertFile+" tls-key-file "+other.KeyFile+" port 1",
		"-ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port. Check server logs.")
	refused("tls-cert-file", garbage, "server")
	admin.ask("CONFIG SET tls-cert-file "+other.CertFile+" tls-key-file "+other.KeyFile, "+OK")
	refused("tls-cert-file", garbage, "other")
	admin.raw(string(encode("CONFIG", "SET", "tls-ca-cert-file", "", "tls-auth-clients", "no")))
	admin.want("+OK")
	if got := b.hello(t, b.ca.Client(nil)); got != "+PONG" {
		t.Errorf("without a certificate: %q", got)
	}
	admin.raw(string(encode("CONFIG", "SET", "tls-protocols", "TLSv1.3")))
	admin.want("+OK")
	old := b.ca.Client(nil)
	old.MaxVersion = tls.VersionTLS12
	if got := b.hello(t, old); got != "" {
		t.Errorf("TLS 1.2 with tls-protocols TLSv1.3: %q", got)
	}
	admin.ask("CONFIG SET tls-protocols TLSv1.2 tls-ciphers ECDHE-ECDSA-CHACHA20-POLY1305", "+OK")
	nc, err := tls.Dial("tcp", b.addr, b.ca.Client(nil))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if st := nc.ConnectionState(); st.Version != tls.VersionTLS12 || st.CipherSuite != tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 {
		t.Errorf("spoken: %s with %s", tls.VersionName(st.Version), tls.CipherSuiteName(st.CipherSuite))
	}
}

func TestTLSErrorsAtStart(t *testing.T) {
	ca := testcert.New(t)
	pair := ca.Issue("server")
	for want, change := range map[string]func(*TLSConfig){
		"no tls-cert-file configured":       func(c *TLSConfig) { c.CertFile = "" },
		"no tls-key-file configured":        func(c *TLSConfig) { c.KeyFile = "" },
		"tls-auth-clients needs":            func(c *TLSConfig) { c.CACertFile = "" },
		"reading tls-cert-file":             func(c *TLSConfig) { c.CertFile += "x" },
		"reading tls-ca-cert-file":          func(c *TLSConfig) { c.CACertFile += "x" },
		"reading tls-ca-cert-dir":           func(c *TLSConfig) { c.CACertDir = c.CertFile },
		"holds no certificate":              func(c *TLSConfig) { c.CACertDir = t.TempDir() },
		"TLSv1.1 is not safe any more":      func(c *TLSConfig) { c.Protocols = "TLSv1.1" },
		"selects no cipher suite":           func(c *TLSConfig) { c.Ciphers = "AES128-SHA" },
		"is not a cipher suite of TLS 1.3":  func(c *TLSConfig) { c.CipherSuites = "nosuch" },
		"tls: failed to find any PEM data ": func(c *TLSConfig) { c.KeyFile = os.DevNull },
	} {
		s := newServer(t, withTLS(ca, pair), func(c *Config) { c.Port, c.TLS.Port = 0, 1 }, func(c *Config) { change(&c.TLS) })
		err := s.ListenAndServe()
		if _, ok := err.(*TLSError); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
	s := newServer(t, withTLS(ca, pair), func(c *Config) { c.TLS.CACertFile, c.TLS.CACertDir = "", filepath.Dir(ca.File) })
	if err := s.loadTLS(s.config()); err != nil {
		t.Errorf("with tls-ca-cert-dir: %v", err)
	}
}
