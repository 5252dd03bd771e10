package bounds

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
)

// sendIn sends bytes in pieces, each on its own.
func sendIn(t *testing.T, c *wire.Conn, b []byte, piece int) {
	t.Helper()
	for len(b) > 0 {
		n := min(piece, len(b))
		if err := c.SetWriteDeadline(time.Now().Add(wire.Patience)); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write(b[:n]); err != nil {
			t.Fatal(err)
		}
		b = b[n:]
	}
}

// The time a request takes grows with its length and no faster, however it is
// cut into pieces.
func TestRequestsTakeLinearTime(t *testing.T) {
	// A reader that begins anew with each piece takes 12 s for the arguments of
	// the short form and 197 s for those of the long.
	arguments, bulk := long(1_000_000, 300_000), long(64, 16)*mib
	bound := long(time.Second, 5*time.Second)
	many := []byte(fmt.Sprintf("*%d\r\n$4\r\nPING\r\n%s", arguments+1, strings.Repeat("$1\r\nx\r\n", arguments)))
	large := wire.AppendRequest(nil, "PUBLISH", "nobody", strings.Repeat("x", bulk))
	for _, target := range released() {
		for _, r := range []struct {
			name    string
			request []byte
			piece   int
			want    string
		}{
			{fmt.Sprintf("%d arguments in pieces of 1460 bytes", arguments), many, 1460, "-ERR wrong number of arguments for 'ping' command"},
			{fmt.Sprintf("%d MB in pieces of 1 KB", bulk/mib), large, kib, ":0"},
		} {
			t.Run(target.Name+"/"+strings.ReplaceAll(r.name, " ", "-"), func(t *testing.T) {
				parallel(t)
				s := sut.Start(t, target.Binary(t), "--save", "")
				c := wire.DialTCP(t, s.Addr)
				before, start := sut.CPU(t, s), time.Now()
				sendIn(t, c, r.request, r.piece)
				c.Want(r.want)
				took := sut.CPU(t, s) - before
				t.Logf("R11: %s, %s: %v of processor time, %v in all", target.Name, r.name, took, time.Since(start).Round(time.Millisecond))
				holds(t, target, took <= bound, "it took %v of processor time, more than %v", took, bound)
			})
		}
	}
}

// What is announced takes nothing until it arrives.
func TestAnnouncedBytesTakeNoMemory(t *testing.T) {
	const pieces, bound = 20_000, mib
	for _, target := range released() {
		t.Run(target.Name, func(t *testing.T) {
			parallel(t)
			s := sut.Start(t, target.Binary(t), "--save", "")
			c, other := wire.DialTCP(t, s.Addr), wire.DialTCP(t, s.Addr)
			ask(t, c, "+PONG", "PING")
			before := sut.Memory(t, s)
			peak := sut.WatchMemory(t, s)
			c.Raw("*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$536870912\r\n")
			sendIn(t, c, bytes.Repeat([]byte{'x'}, pieces), 1)
			if !waitFor(wire.Patience, func() bool { return other.ClientAt(c.LocalAddr().String()).Number("qbuf") >= pieces }) {
				t.Error("the bytes have not arrived")
			}
			grown := peak() - before
			t.Logf("R11: %s, %d single bytes of 512 MB announced: memory +%s", target.Name, pieces, megabytes(grown))
			holds(t, target, grown <= bound, "the memory grew by %s", megabytes(grown))
		})
	}
}

// A connection that has sent much and is idle holds next to nothing.
func TestIdleConnectionsHoldNoMemory(t *testing.T) {
	const size, each = 16 * mib, 64 * kib
	number := int64(long(64, 8))
	slack := int64(long(0, 8*mib)) // the noise of a busy machine
	request := wire.AppendRequest(nil, "PUBLISH", "nobody", strings.Repeat("x", size))
	for _, target := range released() {
		t.Run(target.Name, func(t *testing.T) {
			parallel(t)
			s := sut.Start(t, target.Binary(t), "--save", "")
			other := wire.DialTCP(t, s.Addr)
			clients := make([]*wire.Conn, number)
			for i := range clients {
				clients[i] = wire.DialTCP(t, s.Addr)
				ask(t, clients[i], "+PONG", "PING")
			}
			before := sut.Memory(t, s)
			for _, c := range clients {
				sendIn(t, c, request, mib)
				c.Want(":0")
			}
			after := sut.Memory(t, s)
			bound, start := before+number*each+slack, time.Now()
			waitFor(long(10*time.Second, wire.Patience), func() bool { return sut.Memory(t, s) <= bound })
			held := sut.Memory(t, s) - before
			t.Logf("R13: %s, %d connections that have sent %s each: memory +%s, after %v +%s, which is %.1f KB for each",
				target.Name, number, megabytes(size), megabytes(after-before), time.Since(start).Round(100*time.Millisecond), megabytes(held), float64(held)/float64(number)/kib)
			holds(t, target, held <= bound-before, "the memory is %s above what it was", megabytes(held))
			most := 0
			for _, c := range clients {
				client := other.ClientAt(c.LocalAddr().String())
				most = max(most, client.Number("qbuf")+client.Number("qbuf-free"))
			}
			holds(t, target, most <= each, "CLIENT LIST shows a query buffer of %d bytes", most)
		})
	}
}
