package main

import (
	"bytes"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pubsubd/pubsubd/internal/testcert"
	"github.com/pubsubd/pubsubd/pubsubtest"
	"github.com/pubsubd/pubsubd/server"
)

func TestPing(t *testing.T) {
	open := pubsubtest.RunT(t)
	closed := pubsubtest.RunT(t, pubsubtest.Password("secret"))
	for _, c := range []struct {
		args         []string
		code         int
		stdout, fail string
	}{
		{at(open), 0, "+PONG\n", ""},
		{at(closed), 0, "-NOAUTH Authentication required.\n", ""},
		{[]string{"--port"}, 1, "", `"--port": an option and its value are needed`},
		{[]string{"--what", "1"}, 1, "", `unknown option "--what"`},
		{[]string{"--port", "1"}, 1, "", "refused"},
		{[]string{"--cacert", "x"}, 1, "", "need --tls"},
		{[]string{"--tls", "--cacert", "/nosuch"}, 1, "", "--cacert: "},
		{[]string{"--tls", "--cert", "/nosuch"}, 1, "", "--cert and --key: "},
		{[]string{"--unixsocket", "/nosuch"}, 1, "", "no such file"},
	} {
		pings(t, c.args, c.code, c.stdout, c.fail)
	}
}

// By a Unix socket and by TLS, without a plain port.
func TestPingOtherwise(t *testing.T) {
	ca := testcert.New(t)
	pair, client := ca.Issue("server"), ca.Issue("client")
	conf := server.NewConfig()
	conf.TLS.CertFile, conf.TLS.KeyFile, conf.TLS.CACertFile = pair.CertFile, pair.KeyFile, ca.File
	srv, err := server.New(conf)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "s")
	done := make(chan error, 2)
	var addr string
	for network, on := range map[string]string{"tcp": "127.0.0.1:0", "unix": path} {
		ln, err := net.Listen(network, on)
		if err != nil {
			t.Fatal(err)
		}
		serve := srv.Serve
		if network == "tcp" {
			serve, addr = srv.ServeTLS, ln.Addr().String()
		}
		go func() { done <- serve(ln) }()
	}
	t.Cleanup(func() {
		_ = srv.Close()
		for range 2 {
			if err := <-done; err != server.ErrServerClosed {
				t.Errorf("Serve: %v", err)
			}
		}
	})
	host, port, _ := net.SplitHostPort(addr)
	secure := []string{"--tls", "--host", host, "--port", port}
	for _, c := range []struct {
		args         []string
		code         int
		stdout, fail string
	}{
		{[]string{"--unixsocket", path}, 0, "+PONG\n", ""},
		{append(secure, "--cacert", ca.File, "--cert", client.CertFile, "--key", client.KeyFile), 0, "+PONG\n", ""},
		{append(secure, "--insecure", "--cert", client.CertFile, "--key", client.KeyFile), 0, "+PONG\n", ""},
		{append(secure, "--cacert", ca.File), 1, "", "certificate required"},
		{append(secure, "--cert", client.CertFile, "--key", client.KeyFile), 1, "", "unknown authority"},
		{append(secure, "--cacert", pair.KeyFile), 1, "", "holds no certificate"},
		{[]string{"--port", port}, 1, "", "waiting for the answer"},
	} {
		pings(t, c.args, c.code, c.stdout, c.fail)
	}
}

// pings runs pubsubd ping and compares what comes of it.
func pings(t *testing.T, args []string, code int, stdout, fail string) {
	t.Helper()
	var out, err bytes.Buffer
	got := runWith(nil, nil, &out, &err, append([]string{"ping"}, args...)...)
	if got != code || out.String() != stdout || !strings.Contains(err.String(), fail) {
		t.Errorf("ping %q: exit code %d, %q, %q, want %d, %q, %q", args, got, out.String(), err.String(), code, stdout, fail)
	}
}

func at(srv *pubsubtest.Server) []string {
	host, port, _ := net.SplitHostPort(srv.Addr())
	return []string{"--host", host, "--port", port}
}
