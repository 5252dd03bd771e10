// Package hostile holds pubsubd against clients that mean no good: what they
// send, how they connect and leave, and what patterns they subscribe to.
package hostile

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
	"github.com/pubsubd/pubsubd/conformance/transcript"
)

var update = flag.Bool("update", false, "record the answers to the hostile requests from redis-server")

func TestMain(m *testing.M) { os.Exit(sut.Main(m)) }

// players is how many cases are played at once. To record takes more, since
// most of the time goes by in silence.
const players, recorders = 16, 64

// eachCase runs fn for each case, before and after AUTH, several at a time.
func eachCase(players int, cases []*hostileCase, fn func(c *hostileCase, l login)) {
	type job struct {
		c *hostileCase
		l login
	}
	jobs := make(chan job)
	var wg sync.WaitGroup
	for range players {
		wg.Go(func() {
			for j := range jobs {
				fn(j.c, j.l)
			}
		})
	}
	for _, c := range cases {
		jobs <- job{c, before}
		jobs <- job{c, after}
	}
	close(jobs)
	wg.Wait()
}

func newPlayer(t testing.TB, at sut.Endpoint) *player {
	return &player{t: t, at: at, tls: at.TLSConfig(t), list: newLister(t, at)}
}

// startLocked starts a server that wants a password.
func startLocked(t testing.TB, binary, network string) (*sut.Server, sut.Endpoint) {
	t.Helper()
	server, at := sut.StartOn(t, binary, network, "--requirepass", password)
	return server, at
}

// TestRecorded records what redis-server answers, over TCP, and requires the
// same of it over TLS. It does so only with the flag -update; without, it holds
// that nothing is missing from the record.
func TestRecorded(t *testing.T) {
	cases := corpus(t)
	if !*update {
		recorded := recordedAnswers(t)
		waiting := 0
		for _, c := range cases {
			if c.leave != "" {
				continue
			}
			waiting++
			if len(recorded[c.name]) != 2 {
				t.Errorf("the answers to %s are not recorded; run with -update", c.name)
			}
		}
		if waiting != len(recorded) {
			t.Errorf("%d cases are recorded, %d are there; run with -update", len(recorded), waiting)
		}
		const demanded = 500
		if len(cases) < demanded {
			t.Errorf("the corpus has %d cases, fewer than %d", len(cases), demanded)
		}
		return
	}
	got := map[string]answers{}
	for _, network := range []string{sut.TCP, sut.TLS} {
		_, at := startLocked(t, sut.Redis(t), network)
		p := newPlayer(t, at)
		var mu sync.Mutex
		all := answers{}
		eachCase(recorders, cases, func(c *hostileCase, l login) {
			o, err := p.observe(c, l)
			if err != nil {
				t.Errorf("%s, %s AUTH: %v", c.name, l, err)
			}
			mu.Lock()
			defer mu.Unlock()
			if all[c.name] == nil {
				all[c.name] = map[login]outcome{}
			}
			all[c.name][l] = o
		})
		got[network] = all
	}
	for _, c := range cases {
		for l, o := range got[sut.TCP][c.name] {
			if other := got[sut.TLS][c.name][l]; other != o {
				t.Errorf("%s, %s AUTH: over TCP %.200v, over TLS %.200v", c.name, l, o, other)
			}
		}
	}
	if !t.Failed() {
		record(t, cases, got[sut.TCP])
	}
}

// TestRequests plays the cases, before and after AUTH, over TCP and TLS, beside
// a healthy pair. In the short form it plays a sample, fewer over TLS, where
// each costs a handshake.
func TestRequests(t *testing.T) {
	strides := map[string][2]int{sut.TCP: {12, 1}, sut.TLS: {80, 6}}
	for _, network := range []string{sut.TCP, sut.TLS} {
		cases := sample(corpus(t), strides[network][0], strides[network][1])
		t.Run(network, func(t *testing.T) { testRequests(t, cases, network) })
		if sut.Long() {
			t.Run("redis-"+network, func(t *testing.T) { measureRequests(t, cases, network) })
		}
	}
}

func testRequests(t *testing.T, cases []*hostileCase, network string) {
	h := beginHostility(t, network)
	recorded := recordedAnswers(t)
	p := newPlayer(t, h.at)
	eachCase(players, cases, func(c *hostileCase, l login) {
		want := recorded[c.name][l]
		if d, ok := c.declared[l]; ok {
			want = d.outcome
			want.reply = digest(want.reply)
		}
		if err := p.play(c, l, want); err != nil {
			t.Errorf("%s, %s AUTH: %v", c.name, l, err)
		}
	})
	h.end(t, fmt.Sprintf("%d requests before and after AUTH over %s", len(cases), network))
}

// measureRequests plays the cases on redis-server, for the sake of the figures.
func measureRequests(t *testing.T, cases []*hostileCase, network string) {
	server, at := startLocked(t, sut.Redis(t), network)
	recorded := recordedAnswers(t)
	p := newPlayer(t, at)
	pair := newPair(t, at)
	use := watch(t, server)
	var others atomic.Int64
	eachCase(players, cases, func(c *hostileCase, l login) {
		if p.play(c, l, recorded[c.name][l]) != nil {
			others.Add(1)
		}
	})
	messages, slowest := pair.end(t)
	_, peak := use.end()
	t.Logf("R2: redis-server, %d requests over %s: %d answered otherwise than recorded; healthy pair: %d messages, slowest %v; resident memory %d MB before, %d during, %d after",
		2*len(cases), network, others.Load(), messages, slowest, use.before/mb, peak/mb, rss(t, server)/mb)
}

// A hostility is a pubsubd under attack and a healthy pair on it.
type hostility struct {
	server *sut.Server
	at     sut.Endpoint
	pair   *pair
	use    *usage
	began  time.Time
}

func beginHostility(t *testing.T, network string) *hostility {
	t.Helper()
	binary := sut.Pubsubd(t)
	if sut.Long() {
		binary = sut.Release(t)
	}
	h := &hostility{began: time.Now()}
	h.server, h.at = startLocked(t, binary, network)
	h.pair = newPair(t, h.at)
	h.use = watch(t, h.server)
	return h
}

// end holds that the healthy pair has missed nothing and that the server is as
// it was.
func (h *hostility) end(t *testing.T, what string) {
	t.Helper()
	took := time.Since(h.began)
	messages, slowest := h.pair.end(t)
	t.Logf("R2: %s in %v; healthy pair: %d messages, slowest %v", what, took.Round(time.Millisecond), messages, slowest)
	if bound := 250 * time.Millisecond; sut.Long() && slowest > bound {
		t.Errorf("a message of the healthy pair took %v, more than %v", slowest, bound)
	}
	h.use.check(t, h.server, h.at)
	if strings.Contains(h.server.Log(), "panic") {
		t.Errorf("the server panicked:\n%s", h.server.Log())
	}
}

// TestPlainBytesOnTLSPort sends the requests as they are to a port where TLS is
// spoken. Nothing is answered but, at most, an alert of TLS.
func TestPlainBytesOnTLSPort(t *testing.T) {
	h := beginHostility(t, sut.TLS)
	cases := sample(corpus(t), 20, 1)
	eachCase(players, cases, func(c *hostileCase, l login) {
		if l == after {
			return // nobody can log in
		}
		if err := plainToTLS(c, h.at.Address); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	})
	h.end(t, fmt.Sprintf("%d plain requests to the TLS port", len(cases)))
}

func plainToTLS(c *hostileCase, addr string) error {
	nc, err := net.DialTimeout("tcp", addr, wire.Patience)
	if err != nil {
		return err
	}
	defer nc.Close()
	sent := make(chan error, 1)
	go func() { sent <- c.send(nc) }()
	if c.leave != "" {
		err := <-sent
		part(nc, c.leave)
		return err
	}
	if err := <-sent; err != nil {
		return err
	}
	_ = nc.(*net.TCPConn).CloseWrite() // it may be closed
	_ = nc.SetReadDeadline(time.Now().Add(wire.Patience))
	reply, err := readAll(nc)
	const alert = "\x15\x03"
	if err == nil && reply != "" && !strings.HasPrefix(reply, alert) {
		err = errors.New("answered")
	}
	if err != nil {
		return fmt.Errorf("%w; received %.100q", err, reply)
	}
	return nil
}

// TestDeclared holds that the reasons of what pubsubd answers otherwise are
// listed.
func TestDeclared(t *testing.T) {
	text, err := os.ReadFile("../DIFFERENCES.md")
	if err != nil {
		t.Fatal(err)
	}
	reasons, err := transcript.ParseReasons(string(text))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, r := range reasons {
		known[r.ID] = true
	}
	recorded := recordedAnswers(t)
	for _, c := range corpus(t) {
		for l, d := range c.declared {
			if !known[d.id] {
				t.Errorf("%s: the difference %q is not listed", c.name, d.id)
			}
			if recorded[c.name][l] == d.outcome {
				t.Errorf("%s, %s AUTH: redis-server answers what is declared as a difference", c.name, l)
			}
		}
	}
}
