package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"os"
	"testing"
	"time"
)

// tlsPair wraps both ends of a connection in TLS.
func tlsPair(t *testing.T, near, far net.Conn) (mine, theirs net.Conn) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	server := tls.Server(near, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	client := tls.Client(far, &tls.Config{InsecureSkipVerify: true})
	shaken := make(chan error, 1)
	go func() { shaken <- client.Handshake() }()
	if err := server.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-shaken; err != nil {
		t.Fatal(err)
	}
	return server, client
}

// Wake ends one read, under way or to come, and nothing is lost by it.
func TestWake(t *testing.T) {
	socketPair := func() (near, far net.Conn) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		if near, err = net.Dial("tcp", ln.Addr().String()); err != nil {
			t.Fatal(err)
		}
		if far, err = ln.Accept(); err != nil {
			t.Fatal(err)
		}
		return near, far
	}
	for name, connect := range map[string]func() (near, far net.Conn){
		"socket": socketPair,
		"pipe":   net.Pipe,
		"TLS": func() (near, far net.Conn) {
			near, far = socketPair()
			return tlsPair(t, near, far)
		},
	} {
		near, far := connect()
		tr := newTransport(near)
		var r requestReader
		r.limits = testLimits()
		type result struct {
			n   int
			err error
		}
		results := make(chan result)
		read := func() {
			n, err := tr.read(&r)
			results <- result{n, err}
		}
		want := func(what string, n int, err error) {
			t.Helper()
			if got := <-results; got.n != n || !errors.Is(got.err, err) {
				t.Errorf("%s: %s: %d bytes, %v; want %d, %v", name, what, got.n, got.err, n, err)
			}
		}
		for range 3 {
			go read()
			tr.wake() // whether it has begun or not
			want("woken", 0, errWoken)
		}
		tr.wake()
		tr.wake()
		go read()
		want("woken twice before", 0, errWoken)
		go read()
		if _, err := far.Write([]byte("PING\r\n")); err != nil {
			t.Fatal(err)
		}
		want("then bytes arrive", 6, nil)
		r.received(6)
		if name != "socket" { // whose deadline nobody else has at hand
			_ = near.SetReadDeadline(time.Now())
			go read()
			want("a deadline of somebody else", 0, os.ErrDeadlineExceeded)
		}
		tr.close()
		tr.wake()
		_ = far.Close()
	}
}
