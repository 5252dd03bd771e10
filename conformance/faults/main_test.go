package faults

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
	"github.com/pubsubd/pubsubd/conformance/transcript"
)

func TestMain(m *testing.M) { os.Exit(sut.Main(m)) }

// look is the time from one look at the server to the next.
const look = 10 * time.Millisecond

// An entry is one closure as CLIENT CLOSED tells it.
type entry map[string]string

func (e entry) number(t testing.TB, key string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(e[key], 10, 64)
	if err != nil {
		t.Fatalf("%s of %v: %v", key, e, err)
	}
	return n
}

// closures asks for all closures that the server has kept.
func closures(t testing.TB, c *wire.Conn) []entry {
	t.Helper()
	v := c.Do("CLIENT", "CLOSED", "-1")
	if v.Kind != transcript.Array {
		t.Fatalf("CLIENT CLOSED was answered %v", v)
	}
	list := make([]entry, len(v.Elems))
	for i, elem := range v.Elems {
		list[i] = make(entry)
		for j := 0; j+1 < len(elem.Elems); j += 2 {
			list[i][elem.Elems[j].Text] = elem.Elems[j+1].Text
		}
	}
	return list
}

// closureOf waits for the closure of the client at an address.
func closureOf(t testing.TB, c *wire.Conn, addr string) (found entry) {
	t.Helper()
	sut.Until(t, "the closure of "+addr, func() bool {
		for _, e := range closures(t, c) {
			if e["addr"] == addr {
				if found != nil {
					t.Fatalf("two closures of %s: %v and %v", addr, found, e)
				}
				found = e
			}
		}
		return found != nil
	})
	return found
}

// awaitLines is logLines that waits until there are so many: the log takes its
// way.
func awaitLines(t testing.TB, s *sut.Server, n int, key, value string) (found []map[string]any) {
	t.Helper()
	sut.Until(t, fmt.Sprintf("%d lines with %s %s", n, key, value), func() bool {
		found = logLines(t, s, key, value)
		return len(found) >= n
	})
	return found
}

// logLines returns the lines of the log, which is in JSON, that have a field
// with a value.
func logLines(t testing.TB, s *sut.Server, key, value string) (found []map[string]any) {
	t.Helper()
	text := s.Log()
	text = text[:strings.LastIndexByte(text, '\n')+1]
	for line := range strings.Lines(text) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("a line of the log is none: %v: %q", err, line)
		}
		if fmt.Sprint(fields[key]) == value {
			found = append(found, fields)
		}
	}
	return found
}

// verbose makes the log tell everything, in lines that can be taken apart.
var verbose = []string{"--loglevel", "verbose", "--log-format", "json"}
