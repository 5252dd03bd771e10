package suite

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/transcript"
)

// lingering starts a server that answers as good does and leaves connections open of
// which the client has closed its half.
func lingering(t *testing.T) Server {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	ended := t.Context().Done()
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer nc.Close()
				for r := bufio.NewReader(nc); ; {
					v, err := transcript.ReadValue(r)
					if err != nil || v.Kind == transcript.EOF {
						<-ended
						return
					}
					var words []string
					for _, e := range v.Elems {
						words = append(words, e.Text)
					}
					fmt.Fprint(nc, good(0, words))
				}
			}()
		}
	}()
	return Server{Addr: ln.Addr().String()}
}

// TestServerThatStays holds that a server which does not close a connection that is
// closed by half fails the cases about that, and no others.
func TestServerThatStays(t *testing.T) {
	t.Parallel()
	const text = "why: w\ncase: SUB-001 x\nc1> PING\nc1< +PONG\n\ncase: SUB-002 y\nc1> PING\nc1< +PONG\nc1 shut\nc1< eof\n"
	for name, s := range map[string]Server{"stays": lingering(t), "closes": serve(t, good)} {
		r := play(t, s, text, Options{Protocols: []int{2}, Timeout: 2 * time.Second})
		if r.Results[0].Outcome != Passed {
			t.Errorf("%s: %+v", name, r.Results[0])
		}
		want := Passed
		if name == "stays" {
			want = Differs
		}
		if r.Results[1].Outcome != want {
			t.Errorf("%s: %+v, want %s", name, r.Results[1], want)
		}
	}
}

// TestCaseAboutServersThatStay holds that there is such a case.
func TestCaseAboutServersThatStay(t *testing.T) {
	t.Parallel()
	s := lingering(t)
	f, err := ParseFile("f.txt", framingCases(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range f.Cases {
		if c.ID != "FRM-014" {
			continue
		}
		r := Run(t.Context(), s, []*Case{c}, Options{Column: Columns[0], Protocols: []int{2}, Timeout: 2 * time.Second})
		text := fmt.Sprint(r.Results[0].Differences)
		if r.OK() || !strings.Contains(text, "c1 received nothing within") {
			t.Errorf("%+v", r.Results[0])
		}
		return
	}
	t.Error("there is no FRM-014")
}

// framingCases returns the text of the cases about framing.
func framingCases(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../testdata/cases/framing.txt")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
