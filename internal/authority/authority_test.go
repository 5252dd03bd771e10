package authority_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pubsubd/pubsubd/internal/authority"
)

// issue returns an authority and a certificate that it has signed.
func issue(t *testing.T) (*authority.Authority, tls.Certificate) {
	t.Helper()
	a, err := authority.New()
	if err != nil {
		t.Fatal(err)
	}
	cert, err := a.Issue("orders")
	if err != nil {
		t.Fatal(err)
	}
	return a, cert
}

// What is made on one clock holds on the other, and a century from now.
func TestHoldsOnEveryClock(t *testing.T) {
	real, realCert := issue(t)
	var fake *authority.Authority
	var fakeCert tls.Certificate
	synctest.Test(t, func(t *testing.T) {
		fake, fakeCert = issue(t)
		agree(t, real, realCert)
		agree(t, fake, fakeCert)
		time.Sleep(100 * 365 * 24 * time.Hour) // no time at all
		agree(t, fake, fakeCert)
	})
	agree(t, fake, fakeCert)
}

// agree holds that server and client of an authority trust each other.
func agree(t *testing.T, a *authority.Authority, cert tls.Certificate) {
	t.Helper()
	near, far := net.Pipe()
	server := tls.Server(near, &tls.Config{
		Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: a.Pool(),
	})
	shaken := make(chan error, 1)
	go func() { shaken <- tls.Client(far, a.Client(cert)).Handshake() }()
	if err := server.Handshake(); err != nil {
		t.Errorf("server: %v", err)
	}
	_ = near.Close() // one that waits for the server in vain is let go
	if err := <-shaken; err != nil {
		t.Errorf("client: %v", err)
	}
}

// A certificate is for its names alone, and trusted by who trusts its authority.
func TestNames(t *testing.T) {
	a, cert := issue(t)
	stranger, _ := issue(t)
	read := x509.NewCertPool()
	if !read.AppendCertsFromPEM(a.PEM()) {
		t.Fatal("no PEM")
	}
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []struct {
		name  string
		roots *x509.CertPool
		good  bool
	}{
		{"orders", a.Pool(), true},
		{"localhost", a.Pool(), true},
		{"127.0.0.1", a.Pool(), true},
		{"::1", a.Pool(), true},
		{"orders", read, true},
		{"news", a.Pool(), false},
		{"orders", stranger.Pool(), false},
	} {
		if _, err := leaf.Verify(x509.VerifyOptions{DNSName: v.name, Roots: v.roots}); (err == nil) != v.good {
			t.Errorf("%s: %v, want good: %v", v.name, err, v.good)
		}
	}
}
