//go:build linux

package slow

import (
	"os"
	"regexp"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/internal/numbered"
	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
)

func TestMain(m *testing.M) { os.Exit(sut.Main(m)) }

// outputCloses is the field of INFO with the number of clients that an output
// buffer limit has closed.
const outputCloses = "client_output_buffer_limit_disconnections"

// A cut is a line of the log about a client that was too slow.
type cut struct {
	reason string
	client wire.Client
}

var cutLine = regexp.MustCompile(`closing a slow consumer.*"reason": "([a-z-]+)".*"client": "([^"]*)"`)

// cuts are those in the log of pubsubd.
func cuts(s *sut.Server) (list []cut) {
	for _, m := range cutLine.FindAllStringSubmatch(s.Log(), -1) {
		list = append(list, cut{m[1], wire.ParseClient(m[2])})
	}
	return list
}

// join subscribes n connections with a name to a channel, over all networks and
// in both protocols by turns.
func join(t *testing.T, at []sut.Endpoint, n int, name, channel string) (list []*wire.Conn) {
	t.Helper()
	for i := range n {
		list = append(list, numbered.Join(t, at[i%len(at)], 2+i/len(at)%2, name, channel))
	}
	return list
}

// checkComplete fails the test unless every subscriber has got all that the
// publishers, which have stopped, were answered.
func checkComplete(t *testing.T, subs []*numbered.Subscriber, pubs []publisher) {
	t.Helper()
	for id, p := range pubs {
		sut.Until(t, "the healthy to catch up", func() bool {
			for i, sub := range subs {
				if err := sub.Err(); err != nil {
					t.Fatalf("healthy subscriber %d: %v", i, err)
				}
				if sub.Next(id) < p.Answered() {
					return false
				}
			}
			return true
		})
	}
}

const mb = 1 << 20
