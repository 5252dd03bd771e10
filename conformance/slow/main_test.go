//go:build linux

package slow

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/internal/numbered"
	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
)

func TestMain(m *testing.M) { os.Exit(sut.Main(m)) }

// info returns a field of INFO.
func info(c *wire.Conn, name string) int {
	text := c.Do("INFO", "everything").Text
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+":"); ok {
			n, _ := strconv.Atoi(value)
			return n
		}
	}
	return -1
}

// outputCloses is the field of INFO with the number of clients that an output
// buffer limit has closed.
const outputCloses = "client_output_buffer_limit_disconnections"

var infoField = regexp.MustCompile(`([a-z-]+)=(\S*)`)

// fields takes a line of CLIENT LIST apart.
func fields(line string) map[string]string {
	m := make(map[string]string)
	for _, f := range infoField.FindAllStringSubmatch(line, -1) {
		m[f[1]] = f[2]
	}
	return m
}

// number is a field that is a number, -1 if it is not there.
func number(m map[string]string, name string) int {
	n, err := strconv.Atoi(m[name])
	if err != nil {
		return -1
	}
	return n
}

// clients are the lines of CLIENT LIST.
func clients(c *wire.Conn, args ...string) (list []map[string]string) {
	for line := range strings.Lines(c.Do(append([]string{"CLIENT", "LIST"}, args...)...).Text) {
		list = append(list, fields(line))
	}
	return list
}

// A cut is a line of the log about a client that was too slow.
type cut struct {
	reason string
	client map[string]string
}

var cutLine = regexp.MustCompile(`closing a slow consumer.*"reason": "([a-z-]+)".*"client": "([^"]*)"`)

// cuts are those in the log of pubsubd.
func cuts(s *sut.Server) (list []cut) {
	for _, m := range cutLine.FindAllStringSubmatch(s.Log(), -1) {
		list = append(list, cut{m[1], fields(m[2])})
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
func checkComplete(t *testing.T, subs []*numbered.Subscriber, pubs []*numbered.Publisher) {
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
