//go:build linux

package slow

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/internal/numbered"
	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
)

// confined returns a program that runs a server with a bound on its memory.
func confined(t *testing.T, binary string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), filepath.Base(binary))
	script := fmt.Sprintf("#!/bin/sh\nGOMEMLIMIT=256MiB\nexport GOMEMLIMIT\nexec '%s' \"$@\"\n", binary)
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

var evictLine = regexp.MustCompile(`closing a client to get below maxmemory-clients.*takes \d+ of (\d+) bytes; maxmemory-clients is (\d+)".*"client": "([^"]*)"`)

// When subscribers without a limit of their own stop reading, those with the
// most queued are closed, so that all together stay below maxmemory-clients and
// the process within its memory. Who reads loses nothing.
func TestEviction(t *testing.T) {
	sut.Parallel(t)
	const limit = 128 * mb // half of GOMEMLIMIT
	size, total := 4<<10, 384*mb
	if sut.Long() {
		total *= 8
	}
	c := gather(t, confined(t, sut.Release(t)), 6, "--client-output-buffer-limit", "pubsub 0 0 0", "--maxmemory-clients", "50%")
	if got := c.admin.Do("CLIENT", "NO-EVICT", "on"); got.Text != "OK" {
		t.Fatal(got)
	}
	largest := sut.WatchMemory(t, c.s)

	// Little is published to some, more to others, who are the ones to go.
	join(t, c.at, 6, "small", "s")
	little := numbered.Publish(wire.DialTCP(t, c.s.Addr), numbered.Options{Channel: "s", Size: size, Window: 16, Count: 6 * mb / size})
	if err := little.Wait(); err != nil {
		t.Fatal(err)
	}
	published, stalled := 0, 0
	for id := 0; published < total; id++ {
		join(t, c.at, 6, "large", "c")
		stalled += 6
		p := numbered.Publish(wire.DialTCP(t, c.s.Addr), numbered.Options{ID: id, Channel: "c", Size: size, Window: 16, Count: 32 * mb / size, Gate: c.gate(id, size)})
		if err := p.Wait(); err != nil {
			t.Fatal(err)
		}
		c.pubs = append(c.pubs, p)
		published += 6 * 32 * mb
		sum := 0
		for _, m := range c.admin.Clients() {
			sum += m.Number("tot-mem")
		}
		if sum > limit+mb {
			t.Errorf("clients hold %d MB, the limit is %d", sum/mb, limit/mb)
		}
	}
	checkComplete(t, c.healthy, c.pubs)
	memory := largest()
	if memory > 256*mb {
		t.Errorf("%d MB resident", memory/mb)
	}
	lines := evictLine.FindAllStringSubmatch(c.s.Log(), -1)
	most := 0
	for _, m := range lines {
		sum, _ := strconv.Atoi(m[1])
		most = max(most, sum)
		if client := wire.ParseClient(m[3]); client["name"] != "large" {
			t.Errorf("closed, though there were larger ones: %v", client)
		}
		if m[2] != strconv.Itoa(limit) {
			t.Errorf("the limit is %s, want %d", m[2], limit)
		}
	}
	if n := c.admin.InfoNumber("evicted_clients"); n != len(lines) || n == 0 {
		t.Errorf("INFO counts %d, the log %d", n, len(lines))
	}
	t.Logf("promise 6: pubsubd, GOMEMLIMIT 256 MiB, maxmemory-clients 50%%: %d of %d who do not read closed, with %d MB held by clients at most; %d MB resident; nothing lost by %d who read",
		len(lines), stalled, most/mb, memory/mb, len(c.healthy))
}
