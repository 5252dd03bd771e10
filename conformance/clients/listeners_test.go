package clients_test

import (
	"crypto/tls"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/internal/freeport"
	"github.com/pubsubd/pubsubd/internal/testcert"
)

// A listening is a server that can be reached by TCP, by a Unix socket and by TLS.
type listening struct {
	*sut.Server
	socket  string
	tlsPort int

	ca             *testcert.Authority
	server, client *testcert.Pair
}

// onEachListening runs test in parallel against a server of each target that
// listens in every way.
func onEachListening(t *testing.T, test func(t *testing.T, l *listening)) {
	eachTarget(t, func(t *testing.T, target sut.Target) {
		ca := testcert.New(t)
		l := &listening{ca: ca, server: ca.Issue("server"), client: ca.Issue("client"), socket: filepath.Join(t.TempDir(), "s")}
		var err error
		if l.tlsPort, err = freeport.Find(); err != nil {
			t.Fatal(err)
		}
		l.Server = sut.Start(t, target.Binary(t), "--unixsocket", l.socket, "--unixsocketperm", "700",
			"--tls-port", strconv.Itoa(l.tlsPort), "--tls-cert-file", l.server.CertFile, "--tls-key-file", l.server.KeyFile, "--tls-ca-cert-file", ca.File)
		test(t, l)
	})
}

// routes are the ways go-redis can take.
func (l *listening) routes() map[string]*redis.Options {
	return map[string]*redis.Options{
		"unix": {Network: "unix", Addr: l.socket},
		"tls":  {Addr: fmt.Sprintf("127.0.0.1:%d", l.tlsPort), TLSConfig: l.ca.Client(l.client)},
	}
}

// What go-redis does by TCP it does by a Unix socket and by TLS with
// certificates on both sides.
func TestGoRedisByOtherRoutes(t *testing.T) {
	onEachListening(t, func(t *testing.T, l *listening) {
		for name, opt := range l.routes() {
			for _, protocol := range []int{2, 3} {
				t.Run(fmt.Sprintf("%s/resp%d", name, protocol), func(t *testing.T) {
					s := &session{protocol: protocol, ctx: within(t)}
					rdb := s.client(t, func(o *redis.Options) {
						o.Network, o.Addr, o.TLSConfig = opt.Network, opt.Addr, opt.TLSConfig
					})
					ps := closing(t, rdb.Subscribe(s.ctx, "news"))
					s.expect(t, ps, `subscribe "news" 1`)
					large := strings.Repeat("x", 100_000)
					for _, payload := range []string{"hello", "", "a\r\nb\x00", large} {
						if n, err := rdb.Publish(s.ctx, "news", payload).Result(); err != nil || n != 1 {
							t.Fatalf("Publish: %d, %v", n, err)
						}
						s.expect(t, ps, fmt.Sprintf("message %q %q", "news", payload))
					}
					if n, err := rdb.ClientKillByFilter(s.ctx, "TYPE", "pubsub").Result(); err != nil || n != 1 {
						t.Fatalf("CLIENT KILL: %d, %v", n, err)
					}
					// The subscription is made again on a connection of its own.
					messages := ps.Channel()
					eventually(t, func() bool { return rdb.Publish(s.ctx, "news", "again").Val() == 1 }, "the subscriber to be back")
					if m := <-messages; m.Payload != "again" {
						t.Errorf("received %q", m.Payload)
					}
				})
			}
		}
	})
}

// Those without a certificate, or with that of a stranger, get nowhere.
func TestGoRedisWithoutCertificate(t *testing.T) {
	onEachListening(t, func(t *testing.T, l *listening) {
		s := &session{protocol: 2, ctx: within(t)}
		stranger := testcert.New(t).Issue("client")
		for who, conf := range map[string]*tls.Config{"nobody": l.ca.Client(nil), "a stranger": l.ca.Client(stranger)} {
			rdb := s.client(t, func(o *redis.Options) {
				o.Addr, o.TLSConfig, o.MaxRetries = fmt.Sprintf("127.0.0.1:%d", l.tlsPort), conf, -1
			})
			if err := rdb.Ping(s.ctx).Err(); err == nil {
				t.Errorf("%s is served", who)
			}
		}
	})
}

// redis-cli with its options for TLS and Unix sockets.
func TestRedisCLIByOtherRoutes(t *testing.T) {
	cli := sut.RedisCLI(t)
	onEachListening(t, func(t *testing.T, l *listening) {
		ctx := within(t)
		secure := []string{"-p", strconv.Itoa(l.tlsPort), "--tls", "--cacert", l.ca.File}
		// Clipped, so that each command is appended to a copy.
		mutual := slices.Clip(append(secure, "--cert", l.client.CertFile, "--key", l.client.KeyFile))
		for _, tt := range []struct {
			args []string
			want string
		}{
			{append(mutual, "publish", "c", "m"), "0\n"},
			{append(mutual, "-3", "ping", "hello"), "hello\n"},
			{append(mutual, "--sni", "localhost", "ping"), "PONG\n"},
			{append(mutual, "config", "get", "tls-port"), fmt.Sprintf("tls-port\n%d\n", l.tlsPort)},
			{[]string{"-s", l.socket, "ping"}, "PONG\n"},
			{[]string{"-s", l.socket, "config", "get", "unixsocketperm"}, "unixsocketperm\n700\n"},
		} {
			out, err := exec.CommandContext(ctx, cli, tt.args...).CombinedOutput()
			if string(out) != tt.want {
				t.Errorf("redis-cli %q: %q, %v; want %q", tt.args, out, err, tt.want)
			}
		}
		if out, err := exec.CommandContext(ctx, cli, append(secure, "ping")...).CombinedOutput(); err == nil || !strings.HasPrefix(string(out), "Error: ") {
			t.Errorf("redis-cli without a certificate: %q, %v", out, err)
		}
	})
}
