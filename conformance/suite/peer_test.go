package suite

import (
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/internal/fake"
)

// TestAloneOnThePeer holds that -alone is said of a server and not of its peer.
func TestAloneOnThePeer(t *testing.T) {
	t.Parallel()
	s, peer := serve(t, good), serve(t, good)
	r := play(t, s, sample, Options{Protocols: []int{2}, Alone: true, Peer: &peer})
	if res := r.Results[1]; res.Outcome != NotRun || !strings.Contains(res.Note, "-peer-alone") {
		t.Errorf("%+v", res)
	}
	if r := play(t, s, sample, Options{Protocols: []int{2}, Alone: true, Peer: &peer, PeerAlone: true}); r.Count("", Passed) != 2 {
		t.Errorf("%+v", r.Results)
	}
}

// TestPeersThatFailAlike holds that two servers are the same that fail in the
// same way, though addresses and names are not.
func TestPeersThatFailAlike(t *testing.T) {
	t.Parallel()
	answer := func(n int, words []string) string {
		if words[0] == "ECHO" {
			return good(n, words) + good(n, words) // once too often
		}
		return good(n, words)
	}
	s, peer := serve(t, answer), serve(t, answer)
	const text = "why: w\ncase: SUB-001 x\nc1> ECHO ${p}x\nc1< \"${p}x\"\n\ncase: SUB-002 y\nc1> NOTHING\nc1< +OK\n"
	r := play(t, s, text, Options{Protocols: []int{2}, Peer: &peer})
	for _, res := range r.Results {
		if res.Outcome != Passed {
			t.Errorf("%+v", res)
		}
	}
}

// TestPeersThatShowNothing holds that two servers do not pass which are alike only
// in that the play of a case comes to no end.
func TestPeersThatShowNothing(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer string
		want   Outcome
	}{
		"no RESP":                       {"nonsense\r\n", Differs},
		"unknown, and then no RESP":     {"-ERR unknown command 'X'\r\nnonsense\r\n", NotSupported},
		"closed, and nobody there then": {fake.HangUp, Differs},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answering := func() func(n int, words []string) string {
				var dead atomic.Bool
				return func(n int, words []string) string {
					if words[0] == "X" {
						dead.Store(tt.answer == fake.HangUp)
						return tt.answer
					}
					if dead.Load() {
						return fake.HangUp
					}
					return good(n, words)
				}
			}
			s, peer := serve(t, answering()), serve(t, answering())
			const text = "why: w\ncase: SUB-001 x\nc1> X\nc1< +OK\nc1< +OK\n"
			r := play(t, s, text, Options{Protocols: []int{2}, Peer: &peer})
			if res := r.Results[0]; res.Outcome != tt.want || r.OK() {
				t.Errorf("%+v, want %s", res, tt.want)
			}
		})
	}
}

// TestDeadPeers holds that nothing passes where neither server is there, and that
// a peer that is gone ends the run.
func TestDeadPeers(t *testing.T) {
	t.Parallel()
	gone := func() Server {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		return Server{Addr: ln.Addr().String()}
	}
	const cases = "why: w\ncase: SUB-001 x\nc1> PING\nc1< +PONG\n\ncase: SUB-002 y\nc1> PING\nc1< +PONG\n"
	const screens = "why: w\ncase: RCL-001 x\nargs PING\n-- screen --\nPONG\n[exit status 0]\n"
	for _, text := range []string{cases, screens} {
		peer := gone()
		r := play(t, gone(), text, Options{Protocols: []int{2}, Peer: &peer, Workers: 1})
		if r.Count("", Passed) > 0 {
			t.Errorf("with nobody there %+v", r.Results)
		}
		if text == cases && (r.OK() || r.Results[0].Outcome != Differs) {
			t.Errorf("with nobody there %+v", r.Results[0])
		}
	}
	peer := gone()
	r := play(t, serve(t, good), cases, Options{Protocols: []int{2}, Peer: &peer, Workers: 1})
	if r.Results[0].Outcome != Differs || r.Results[1].Outcome != NotRun || !strings.Contains(r.Cut, "the peer answered nobody any more when SUB-001") {
		t.Errorf("with a peer that is gone %q, %+v", r.Cut, r.Results)
	}
}
