package sut

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/internal/process"
	"github.com/pubsubd/pubsubd/internal/testcert"
)

// The networks over which a client reaches a server.
const (
	TCP  = "tcp"
	Unix = "unix"
	TLS  = "tls"
)

// A Target is a server that tests run against.
type Target struct {
	Name string
	// Binary returns the path of the server, or fails the test.
	Binary func(testing.TB) string
	// Networks are those over which its clients are tested. TCP is the first.
	Networks []string
}

// Targets are the servers of which the same outcome is required; the one that
// decides comes first.
var Targets = []Target{
	{Name: "redis", Binary: Redis, Networks: []string{TCP, Unix, TLS}},
	{Name: "pubsubd", Binary: Pubsubd, Networks: []string{TCP, Unix, TLS}},
}

// An Endpoint is all that a client needs to know to reach a server.
type Endpoint struct {
	Network string // TCP, Unix or TLS
	Address string // "127.0.0.1:port", or the path of the socket
	// CA is the PEM file of the authority that signed the server's
	// certificate, which is for 127.0.0.1 and localhost. It is empty unless
	// Network is TLS.
	CA string
}

// Args returns the endpoint as the client programs take it on their command
// line: the network, the address, and the authority if there is one.
func (e Endpoint) Args() []string {
	args := []string{e.Network, e.Address}
	if e.CA != "" {
		args = append(args, e.CA)
	}
	return args
}

// TLSConfig returns what a Go client needs to reach the endpoint, nil unless
// its network is TLS.
func (e Endpoint) TLSConfig(t testing.TB) *tls.Config {
	t.Helper()
	if e.Network != TLS {
		return nil
	}
	authority, err := os.ReadFile(e.CA)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		t.Fatalf("%s holds no certificate", e.CA)
	}
	return &tls.Config{RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS12}
}

// StartOn is Start for a server that is reached over network. The server
// listens on TCP in any case.
func StartOn(t testing.TB, binary, network string, args ...string) (*Server, Endpoint) {
	t.Helper()
	port := strconv.Itoa(FreePort(t))
	args = append([]string{"--port", port}, args...)
	at := Endpoint{Network: network}
	switch network {
	case TCP:
		at.Address = net.JoinHostPort("127.0.0.1", port)
	case Unix:
		at.Address = filepath.Join(tempDir(t), "s")
		args = append(args, "--unixsocket", at.Address)
	case TLS:
		port := strconv.Itoa(FreePort(t))
		at.Address = net.JoinHostPort("127.0.0.1", port)
		ca := testcert.New(t)
		pair := ca.Issue("localhost")
		at.CA = ca.File
		args = append(args, "--tls-port", port, "--tls-auth-clients", "no",
			"--tls-cert-file", pair.CertFile, "--tls-key-file", pair.KeyFile, "--tls-ca-cert-file", ca.File)
	default:
		t.Fatalf("no network is called %q", network)
	}
	return Start(t, binary, args...), at
}

// Restart stops a server that StartOn started and starts it again, at the same
// endpoint.
func (s *Server) Restart() {
	s.t.Helper()
	s.Stop()
	p, err := process.Start(s.binary, s.args...)
	if err != nil {
		s.t.Fatal(err)
	}
	s.Server = p
}

// tempDir is testing's TempDir with a path that is short enough for a socket.
func tempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sut-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
