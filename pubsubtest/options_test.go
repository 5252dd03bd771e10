package pubsubtest_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pubsubd/pubsubd/pubsubtest"
	"github.com/pubsubd/pubsubd/pubsubtest/goredis"
	"github.com/pubsubd/pubsubd/server"
)

// networks are the ways to reach a server.
var networks = map[string][]pubsubtest.Option{
	"tcp":           nil,
	"unix":          {pubsubtest.UnixSocket()},
	"memory":        {pubsubtest.InMemory()},
	"TLS":           {pubsubtest.TLS()},
	"TLS in memory": {pubsubtest.TLS(), pubsubtest.InMemory()},
}

// Clients of go-redis reach a server wherever it is, with the credentials of a user.
func TestGoRedisEverywhere(t *testing.T) {
	ctx := context.Background()
	for name, opts := range networks {
		t.Run(name, func(t *testing.T) {
			opts := append([]pubsubtest.Option{pubsubtest.User("app", `se"c\r et@:/`), pubsubtest.Password("other")}, opts...)
			srv := pubsubtest.RunT(t, opts...)
			rdb := redis.NewClient(goredis.Options(srv))
			defer rdb.Close()
			if who, err := rdb.Do(ctx, "ACL", "WHOAMI").Text(); err != nil || who != "app" {
				t.Fatalf("the client is %q, %v; want app", who, err)
			}
			sub := rdb.Subscribe(ctx, "orders")
			defer sub.Close()
			srv.WaitSubscribers("orders", 1)
			large := strings.Repeat("x", 1<<20)
			srv.Publish("orders", large)
			if m, err := sub.ReceiveMessage(ctx); err != nil || m.Payload != large {
				t.Errorf("received %d bytes, %v", len(m.Payload), err)
			}
			if srv.Network() == "memory" {
				return // a URL cannot say so
			}
			o, err := redis.ParseURL(srv.URL())
			if err != nil {
				t.Fatal(err)
			}
			o.TLSConfig = srv.TLSConfig()
			other := redis.NewClient(o)
			defer other.Close()
			if who, err := other.Do(ctx, "ACL", "WHOAMI").Text(); err != nil || who != "app" {
				t.Errorf("the client of the URL is %q, %v; want app", who, err)
			}
		})
	}
}

func TestURL(t *testing.T) {
	for _, tt := range []struct {
		opts []pubsubtest.Option
		want string
	}{
		{nil, "redis://ADDR"},
		{[]pubsubtest.Option{pubsubtest.Password("p")}, "redis://:p@ADDR"},
		{[]pubsubtest.Option{pubsubtest.Password("p"), pubsubtest.User("a", "b"), pubsubtest.User("c", "d")}, "redis://a:b@ADDR"},
		{[]pubsubtest.Option{pubsubtest.TLS()}, "rediss://ADDR"},
		{[]pubsubtest.Option{pubsubtest.UnixSocket()}, "unix://ADDR"},
		{[]pubsubtest.Option{pubsubtest.InMemory()}, "redis://127.0.0.1:0"},
	} {
		srv := pubsubtest.RunT(t, tt.opts...)
		want := strings.Replace(tt.want, "ADDR", srv.Addr(), 1)
		if got := srv.URL(); got != want {
			t.Errorf("URL %s, want %s", got, want)
		}
		if _, err := url.Parse(srv.URL()); err != nil {
			t.Error(err)
		}
	}
}

// The rules of a user are in force.
func TestUserRules(t *testing.T) {
	srv := pubsubtest.RunT(t, pubsubtest.User("reader", "pass", "resetchannels", "&news.*", "+subscribe"))
	p := connect(t, srv)
	p.send("AUTH reader pass\r\nPUBLISH news.1 x\r\nSUBSCRIBE other\r\nSUBSCRIBE news.1")
	p.expect("+OK\r\n-NOPERM User reader has no permissions to run the 'publish' command\r\n" +
		"-NOPERM No permissions to access a channel\r\n" + bulks("subscribe", "news.1") + ":1\r\n")
}

func TestConfig(t *testing.T) {
	told := make(chan uint64, 1)
	srv := pubsubtest.RunT(t, pubsubtest.Config(func(c *server.Config) {
		c.MaxClients = 1
		c.OnConnect = func(id uint64, _ net.Conn) { told <- id }
	}))
	p := connect(t, srv)
	p.send("PING")
	p.expect("+PONG\r\n")
	if id := <-told; id != 1 {
		t.Errorf("told of client %d, want 1", id)
	}
	second := connect(t, srv)
	second.expect("-ERR max number of clients reached\r\n")
	second.expectEnd()
}

// One client too many is not kept waiting for a handshake to hear of that.
func TestMaxClientsWithTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := pubsubtest.RunT(t, pubsubtest.InMemory(), pubsubtest.TLS(), pubsubtest.Config(func(c *server.Config) { c.MaxClients = 1 }))
		p := connect(t, srv)
		p.send("PING")
		p.expect("+PONG\r\n")
		began := time.Now()
		nc, err := srv.Dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		if rest, err := io.ReadAll(nc); err != nil || len(rest) > 0 {
			t.Errorf("received %q, %v; want the end", rest, err)
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("it took %v", took)
		}
		if err := connect(t, srv).Conn.(*tls.Conn).Handshake(); err == nil {
			t.Error("one client too many has shaken hands")
		}
		if c := srv.Server().Closures(); len(c) != 2 || c[0].Reason != "max-clients" {
			t.Errorf("closures %+v, want two refusals", c)
		}
	})
}

func TestOptionThatMakesNoSense(t *testing.T) {
	if srv, err := pubsubtest.Start(pubsubtest.User("a b", "p", "+nosuchcommand")); err == nil || srv != nil {
		t.Errorf("Start gave %v, %v; want an error", srv, err)
	}
	r := &recorder{TB: t}
	r.fails(t, func() { pubsubtest.RunT(r, pubsubtest.Config(func(c *server.Config) { c.Hz = -1 })) }, "pubsubtest: ", "Hz")
}

// Whom TLSConfig trusts is this server and no other, and nobody else trusts it.
func TestTLSTrust(t *testing.T) {
	srv, other := pubsubtest.RunT(t, pubsubtest.TLS()), pubsubtest.RunT(t, pubsubtest.TLS())
	pool := x509.NewCertPool()
	clear(srv.CACert()) // is of a copy
	if !pool.AppendCertsFromPEM(srv.CACert()) {
		t.Fatal("CACert is not PEM")
	}
	for name, tt := range map[string]struct {
		conf  *tls.Config
		trust bool
	}{
		"its own":        {srv.TLSConfig(), true},
		"its own PEM":    {&tls.Config{RootCAs: pool, ServerName: "127.0.0.1"}, true},
		"that of others": {other.TLSConfig(), false},
		"the system's":   {&tls.Config{ServerName: "localhost"}, false},
	} {
		nc, err := tls.Dial("tcp", srv.Addr(), tt.conf)
		if (err == nil) != tt.trust {
			t.Errorf("%s: %v, want trust: %t", name, err, tt.trust)
		}
		if err == nil {
			nc.Close()
		}
	}
	if plain := pubsubtest.RunT(t); plain.TLSConfig() != nil || plain.CACert() != nil {
		t.Error("a server without TLS has certificates")
	}
}

// Nothing is left of a server in the file system.
func TestUnixSocketIsRemoved(t *testing.T) {
	srv, err := pubsubtest.Start(pubsubtest.UnixSocket())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(srv.Addr()); err != nil {
		t.Error(err)
	}
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(srv.Addr()); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestDialThatIsCancelled(t *testing.T) {
	srv := pubsubtest.RunT(t, pubsubtest.InMemory())
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if nc, err := srv.Dial(ctx, "tcp", "anywhere:1"); err == nil {
		nc.Close()
		t.Error("Dial with a context that is done has made a connection")
	}
}
