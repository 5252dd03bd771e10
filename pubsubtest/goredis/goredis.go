// Package goredis makes clients of go-redis for a server of pubsubtest. It is apart
// from pubsubtest so that tests with another client do not link this one.
//
//	srv := pubsubtest.RunT(t)
//	rdb := redis.NewClient(goredis.Options(srv))
package goredis

import (
	"context"
	"crypto/tls"
	"net"

	"github.com/redis/go-redis/v9"

	"github.com/pubsubd/pubsubd/pubsubtest"
)

// Options returns what redis.NewClient needs to connect to the server: its address,
// its TLS, the credentials of its URL and, for a server in memory, its Dial. The
// caller may change them.
func Options(srv *pubsubtest.Server) *redis.Options {
	o := &redis.Options{Network: srv.Network(), Addr: srv.Addr(), TLSConfig: srv.TLSConfig()}
	o.Username, o.Password = srv.Credentials()
	if o.Network == "memory" {
		o.Dialer = dialer(srv)
	}
	return o
}

// dialer returns Dial and, if the server speaks it, TLS over it.
func dialer(srv *pubsubtest.Server) func(ctx context.Context, network, addr string) (net.Conn, error) {
	conf := srv.TLSConfig()
	if conf == nil {
		return srv.Dial
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		nc, err := srv.Dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return tls.Client(nc, conf), nil
	}
}
