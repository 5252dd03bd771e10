// Package testcert makes certificates for tests, in files that last for the test.
package testcert

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"github.com/pubsubd/pubsubd/internal/authority"
)

// An Authority signs certificates.
type Authority struct {
	// File holds its own certificate, in PEM.
	File string

	t      testing.TB
	dir    string
	signer *authority.Authority
}

// A Pair is a certificate and its private key.
type Pair struct {
	CertFile, KeyFile string // in PEM
	Certificate       tls.Certificate
}

// New returns an authority that nobody else knows.
func New(t testing.TB) *Authority {
	t.Helper()
	signer, err := authority.New()
	if err != nil {
		t.Fatal(err)
	}
	a := &Authority{t: t, dir: t.TempDir(), signer: signer}
	a.File = a.write("ca.crt", signer.PEM())
	return a
}

// Issue returns a certificate for a name, and for localhost, 127.0.0.1 and ::1, that
// is good for servers and clients.
func (a *Authority) Issue(name string) *Pair {
	a.t.Helper()
	cert, err := a.signer.Issue(name)
	if err != nil {
		a.t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		a.t.Fatal(err)
	}
	return &Pair{
		CertFile:    a.write(name+".crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})),
		KeyFile:     a.write(name+".key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})),
		Certificate: cert,
	}
}

// Pool holds the authority alone.
func (a *Authority) Pool() *x509.CertPool { return a.signer.Pool() }

// Client returns the configuration of a client that trusts the authority and
// shows a certificate, if it is not nil.
func (a *Authority) Client(p *Pair) *tls.Config {
	if p == nil {
		return a.signer.Client()
	}
	return a.signer.Client(p.Certificate)
}

// write writes a file and returns its path.
func (a *Authority) write(name string, text []byte) string {
	a.t.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		a.t.Fatal(err)
	}
	return path
}
