package server

import (
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/internal/testcert"
)

// A storm is clients that send whatever may get in each other's way, over every
// kind of connection, and leave whenever they like.
type storm struct {
	s        *Server
	dial     []func() (net.Conn, error)
	commands []string
	clients  sync.WaitGroup
	ids      atomic.Int64 // of clients, at most
	rounds   atomic.Int64
	stopped  chan struct{}
}

// stormCommands are what the clients send; %d is the number of a client, %c a
// channel.
var stormCommands = []string{
	"PUBLISH %c x", "PUBLISH %c x", "PUBLISH %c x", "SPUBLISH %c x", "SUBSCRIBE %c", "PSUBSCRIBE c*", "SSUBSCRIBE %c", "UNSUBSCRIBE",
	"PUNSUBSCRIBE", "HELLO 3", "HELLO 2", "RESET", "QUIT", "PING", "MONITOR", "MULTI", "EXEC", "EXEC", "DISCARD",
	"CLIENT PAUSE 2", "CLIENT PAUSE 3 WRITE", "CLIENT UNPAUSE", "CLIENT KILL ID %d", "CLIENT KILL TYPE pubsub MAXAGE 3600",
	"CLIENT TRACKING ON", "CLIENT TRACKING ON BCAST", "CLIENT TRACKING ON REDIRECT %d", "CLIENT TRACKING OFF", "CLIENT TRACKINGINFO", "FLUSHALL",
	"CLIENT LIST", "CLIENT INFO", "CLIENT NO-EVICT ON", "CLIENT REPLY OFF", "CLIENT REPLY ON", "CLIENT REPLY SKIP", "CLIENT SETNAME n",
	"CONFIG SET maxmemory-clients 200kb", "CONFIG SET maxmemory-clients 0", "CONFIG SET latency-tracking no", "CONFIG SET latency-tracking yes",
	"CONFIG SET slowlog-log-slower-than 0 slowlog-max-len 8", "CONFIG SET slowlog-log-slower-than 10000", "CONFIG SET latency-monitor-threshold 1",
	"CONFIG SET hz 500 timeout 1", "CONFIG SET hz 10 timeout 0", "CONFIG SET bind 127.0.0.1", "CONFIG SET bind 127.0.0.1 tls-auth-clients optional",
	"CONFIG SET client-output-buffer-limit pubsub_1mb_100kb_1", "CONFIG GET *", "CONFIG RESETSTAT", "CONFIG SET nosuch x",
	"SLOWLOG GET", "SLOWLOG RESET", "LATENCY RESET", "LATENCY HISTOGRAM", "LATENCY LATEST", "INFO everything", "MEMORY STATS", "PUBSUB CHANNELS", "DEBUG SLEEP 0.001",
	"ACL SETUSER u on nopass +@all resetchannels &c1", "ACL SETUSER u allchannels", "ACL DELUSER u", "AUTH u x", "ACL LOG RESET", "ACL LOAD", "ACL SAVE",
	"NOSUCH", "ECHO",
}

func (st *storm) request(random *rand.Rand) []byte {
	if random.IntN(300) == 0 {
		return []byte("*1\r\nrubbish\r\n")
	}
	text := st.commands[random.IntN(len(st.commands))]
	text = strings.Replace(text, "%c", fmt.Sprintf("c%d", random.IntN(4)), 1)
	text = strings.Replace(text, "%d", fmt.Sprint(st.ids.Load()-random.Int64N(40)), 1)
	words := strings.Fields(text)
	for i := range words {
		words[i] = strings.ReplaceAll(words[i], "_", " ")
	}
	return encode(words...)
}

// client connects again and again.
func (st *storm) client(random *rand.Rand) {
	for {
		select {
		case <-st.stopped:
			return
		default:
		}
		nc, err := st.dial[random.IntN(len(st.dial))]()
		if err == nil {
			st.ids.Add(1)
			st.session(nc, random)
		}
		st.rounds.Add(1)
	}
}

// session sends some requests, reads what it likes and leaves.
func (st *storm) session(nc net.Conn, random *rand.Rand) {
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(patience))
	if random.IntN(8) == 0 {
		return // at once: within the handshake, if it is TLS
	}
	var read sync.WaitGroup
	if random.IntN(3) > 0 {
		read.Go(func() { _, _ = io.Copy(io.Discard, nc) })
	}
	defer read.Wait()
	defer nc.Close()
	for range random.IntN(10) {
		var batch []byte
		for range 1 + random.IntN(8) {
			batch = append(batch, st.request(random)...)
		}
		batch = batch[:len(batch)-random.IntN(2)*random.IntN(len(batch))]
		if _, err := nc.Write(batch); err != nil {
			return
		}
	}
	if hc, ok := nc.(interface{ CloseWrite() error }); ok && random.IntN(3) == 0 {
		_ = hc.CloseWrite()
	}
}

// newStorm has a server listen everywhere and clients go for it.
func newStorm(t *testing.T) *storm {
	ca := testcert.New(t)
	dir := t.TempDir()
	other, tlsPort := freePort(t), freePort(t)
	path, users := filepath.Join(dir, "s"), filepath.Join(dir, "users.acl")
	writeFile(t, users, "user default on nopass ~* &* +@all\nuser v on nopass &c1 +@all\n")
	s := start(t, withTLS(ca, ca.Issue("server")), func(c *Config) {
		c.TLS.Port, c.TLS.AuthClients, c.UnixSocket = tlsPort, TLSAuthNo, path
		c.ACLFile, c.DebugCommand = users, "yes"
	})
	port := s.config().Port
	secure := &tls.Config{RootCAs: ca.Pool(), ServerName: "server"}
	st := &storm{s: s, stopped: make(chan struct{}), dial: []func() (net.Conn, error){
		func() (net.Conn, error) { return net.Dial("tcp", local(port)) },
		func() (net.Conn, error) { return net.Dial("tcp", local(other)) },
		func() (net.Conn, error) { return net.Dial("unix", path) },
		func() (net.Conn, error) {
			nc, err := net.Dial("tcp", local(tlsPort))
			if err != nil {
				return nil, err
			}
			return tls.Client(nc, secure), nil
		},
		func() (net.Conn, error) {
			mine, theirs := net.Pipe()
			go s.ServeConn(theirs)
			return mine, nil
		},
	}}
	st.commands = append([]string{fmt.Sprint("CONFIG SET port ", port), fmt.Sprint("CONFIG SET port ", other)}, stormCommands...)
	for i := range 16 {
		st.clients.Go(func() { st.client(rand.New(rand.NewPCG(uint64(i), uint64(time.Now().UnixNano())))) })
	}
	st.clients.Go(func() {
		for {
			select {
			case <-st.stopped:
				return
			case <-time.After(time.Millisecond):
			}
			_ = s.Reload()
			s.Kick(func(c ClientInfo) bool { return c.ID%7 == 0 })
		}
	})
	return st
}

// stop ends the storm.
func (st *storm) stop() {
	close(st.stopped)
	st.clients.Wait()
}

// check looks for what clients that are gone have left behind.
func (st *storm) check(t *testing.T) {
	t.Helper()
	s := st.s
	if n := s.panics.Load(); n != 0 {
		t.Errorf("%d panics", n)
	}
	if modes, held, tracking := s.modes.Load(), s.heldBack(), s.tracking.Load(); modes != 0 || held != 0 || tracking != 0 {
		t.Errorf("left behind: modes %b, %d held back, %d that track", modes, held, tracking)
	}
	if n := s.broker.Stats().Subscribers; n != 0 {
		t.Errorf("%d subscribers are left", n)
	}
}

// Whatever clients send and however they leave, the server answers others in
// the end and keeps nothing of them.
func TestStorm(t *testing.T) {
	st := newStorm(t)
	over := time.After(*stressDuration)
	for running := true; running; {
		before := st.rounds.Load()
		waitFor(t, "clients to get on", func() bool { return st.rounds.Load() > before+20 })
		select {
		case <-over:
			running = false
		default:
		}
	}
	st.stop()
	waitFor(t, "the clients to be gone", func() bool {
		st.s.unpause()
		return len(st.s.Clients()) == 0 && st.s.tracking.Load() == 0 // which ends a moment later
	})
	t.Logf("%d connections", st.rounds.Load())
	pipe(t, st.s).ask("PUBLISH c0 x", "0")
	st.check(t)
}

// Nor can they keep it from ending.
func TestShutdownInAStorm(t *testing.T) {
	over := time.After(*stressDuration / 2)
	for running := true; running; {
		st := newStorm(t)
		waitFor(t, "clients to come", func() bool { return st.rounds.Load() > 50 })
		done := make(chan error, 1)
		go func() { done <- st.s.Close() }()
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Fatalf("the server does not end:\n%s", strings.Join(goroutines(), "\n\n"))
		}
		st.stop()
		st.check(t)
		select {
		case <-over:
			running = false
		default:
		}
	}
}
