package main

import (
	"crypto/tls"
	"fmt"
	"maps"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/transcript"
	"github.com/pubsubd/pubsubd/internal/freeport"
	"github.com/pubsubd/pubsubd/internal/testcert"
)

// A route is another way to a server than plain TCP.
type route struct {
	listen func() (args []string, addr string, err error)
	tls    *tls.Config

	// except are the transcripts that cannot be played by this route on any
	// server, and why.
	except map[string]string
}

// overUnix is the way by a Unix socket.
func overUnix(t *testing.T) route {
	dir := t.TempDir()
	var n atomic.Int64
	return route{
		listen: func() ([]string, string, error) {
			path := filepath.Join(dir, strconv.FormatInt(n.Add(1), 10))
			return []string{"--unixsocket", path}, path, nil
		},
		except: map[string]string{
			"client/kill":       "all clients have the same address",
			"server/config-tls": "it shows that there is no Unix socket",
			"slowlog/entries":   "it shows the addresses of clients",
			"slowlog/length":    "it shows the addresses of clients",
			"slowlog/pipeline":  "it shows the addresses of clients",
			"slowlog/secrets":   "it shows the addresses of clients",
		},
	}
}

// overTLS is the way by TLS, with certificates on both sides.
func overTLS(t *testing.T) route {
	ca := testcert.New(t)
	server, client := ca.Issue("server"), ca.Issue("client")
	return route{
		listen: func() ([]string, string, error) {
			port, err := freeport.Find()
			return []string{
				"--tls-port", strconv.Itoa(port), "--tls-cert-file", server.CertFile, "--tls-key-file", server.KeyFile, "--tls-ca-cert-file", ca.File,
			}, fmt.Sprintf("127.0.0.1:%d", port), err
		},
		tls: ca.Client(client),
		except: map[string]string{
			"server/maxclients": "a client too many is closed before the handshake, so that it cannot be told why",
			"server/config-tls": "it shows what TLS is while it is not in use",
		},
	}
}

// TestTranscriptsByOtherRoutes replays everything over a Unix socket and over
// TLS: what clients see does not depend on how they came.
func TestTranscriptsByOtherRoutes(t *testing.T) {
	t.Parallel()
	for name, way := range map[string]func(*testing.T) route{"unix": overUnix, "tls": overTLS} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			way := way(t)
			c := &config{expect: transcript.ExpectPubsubd, tls: way.tls}
			ours := servers(t, sut.Pubsubd(t))
			ours.Listen = way.listen
			left := maps.Clone(way.except)
			eachRun(t, func(s *transcript.Script, proto int) ([]transcript.Problem, error) {
				if way.except[s.Name] != "" {
					return nil, nil
				}
				return c.judge(ours, nil, s, proto)
			})
			for _, s := range load(t) {
				delete(left, s.Name)
			}
			for name := range left {
				t.Errorf("there is no transcript %s", name)
			}
		})
	}
}
