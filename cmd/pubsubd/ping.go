package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

// pingTimeout bounds connecting, asking and the answer.
const pingTimeout = 3 * time.Second

// A pingTarget is the server that ping asks, and how.
type pingTarget struct {
	host, port string
	unixSocket string // in place of host and port

	tls, insecure     bool
	caCert, cert, key string // files
}

// ping asks a server for a sign of life. It is a container's health check, in
// an image that has no shell to run anything else. A server that asks for a
// password is alive too.
func ping(args []string, stdout, stderr io.Writer) int {
	target, err := parsePing(args)
	if err != nil {
		fmt.Fprintf(stderr, "pubsubd ping: %v\n", err)
		return 1
	}
	reply, err := target.ask()
	if err != nil {
		fmt.Fprintf(stderr, "pubsubd ping: %v\n", err)
		return 1
	}
	fmt.Fprintln(stdout, reply)
	if reply != "+PONG" && !strings.HasPrefix(reply, "-NOAUTH") {
		return 1
	}
	return 0
}

// parsePing reads the options of ping, which are named as those of redis-cli.
func parsePing(args []string) (*pingTarget, error) {
	t := &pingTarget{host: "127.0.0.1", port: "6379"}
	values := map[string]*string{
		"-h": &t.host, "--host": &t.host, "-p": &t.port, "--port": &t.port, "-s": &t.unixSocket, "--unixsocket": &t.unixSocket,
		"--cacert": &t.caCert, "--cert": &t.cert, "--key": &t.key,
	}
	switches := map[string]*bool{"--tls": &t.tls, "--insecure": &t.insecure}
	for ; len(args) > 0; args = args[1:] {
		if on := switches[args[0]]; on != nil {
			*on = true
			continue
		}
		value := values[args[0]]
		if value == nil {
			return nil, fmt.Errorf("unknown option %q", args[0])
		}
		if len(args) == 1 {
			return nil, fmt.Errorf("%q: an option and its value are needed", args[0])
		}
		args = args[1:]
		*value = args[0]
	}
	if !t.tls && (t.insecure || t.caCert != "" || t.cert != "" || t.key != "") {
		return nil, errors.New("--cacert, --cert, --key and --insecure need --tls")
	}
	return t, nil
}

// connect connects to the server, with TLS if that is wanted.
func (t *pingTarget) connect() (net.Conn, error) {
	network, addr := "tcp", net.JoinHostPort(t.host, t.port)
	if t.unixSocket != "" {
		network, addr = "unix", t.unixSocket
	}
	dialer := &net.Dialer{Timeout: pingTimeout}
	if !t.tls {
		return dialer.Dial(network, addr)
	}
	conf := &tls.Config{InsecureSkipVerify: t.insecure, ServerName: t.host}
	if t.caCert != "" {
		text, err := os.ReadFile(t.caCert)
		if err != nil {
			return nil, fmt.Errorf("--cacert: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("--cacert: %s holds no certificate", t.caCert)
		}
	}
	if t.cert != "" || t.key != "" {
		pair, err := tls.LoadX509KeyPair(t.cert, t.key)
		if err != nil {
			return nil, fmt.Errorf("--cert and --key: %w", err)
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	return tls.DialWithDialer(dialer, network, addr, conf)
}

// ask sends PING and returns the line that answers it.
func (t *pingTarget) ask() (string, error) {
	nc, err := t.connect()
	if err != nil {
		return "", err
	}
	defer nc.Close()
	if err := nc.SetDeadline(time.Now().Add(pingTimeout)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(nc, "*1\r\n$4\r\nPING\r\n"); err != nil {
		return "", fmt.Errorf("asking %s: %w", nc.RemoteAddr(), err)
	}
	line, err := bufio.NewReader(nc).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("waiting for the answer of %s: %w", nc.RemoteAddr(), err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}
