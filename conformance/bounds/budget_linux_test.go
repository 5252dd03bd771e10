package bounds

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
)

// dribble sends a request of size bytes but for its end, a piece at a time, until
// that is done or the server closes the connection.
func dribble(c *wire.Conn, size int) (closed bool) {
	const piece = 64 * kib
	pace := time.NewTicker(10 * time.Millisecond)
	defer pace.Stop()
	next := fmt.Appendf(nil, "*3\r\n$7\r\nPUBLISH\r\n$6\r\nnobody\r\n$%d\r\n", size)
	text := bytes.Repeat([]byte{'x'}, piece)
	for left := size; ; left -= piece {
		_ = c.SetWriteDeadline(time.Now().Add(wire.Patience))
		if _, err := c.Write(next); err != nil {
			return true
		}
		if left <= piece {
			return false
		}
		next = text
		<-pace.C
	}
}

// healthyPair publishes and receives until end is closed. It returns how many
// messages there were and how long the slowest took.
func healthyPair(t *testing.T, s *sut.Server, end <-chan struct{}) (messages int, slowest time.Duration) {
	sub, pub := wire.DialTCP(t, s.Addr), wire.DialTCP(t, s.Addr)
	fail := func(err error) (int, time.Duration) {
		t.Errorf("the healthy pair, after %d messages: %v", messages, err)
		return messages, slowest
	}
	sub.Send("SUBSCRIBE", "c")
	if _, err := sub.Try(wire.Patience); err != nil {
		return fail(err)
	}
	for ; ; messages++ {
		select {
		case <-end:
			return messages, slowest
		default:
		}
		start, text := time.Now(), strconv.Itoa(messages)
		if _, err := pub.Write(wire.AppendRequest(nil, "PUBLISH", "c", text)); err != nil {
			return fail(err)
		}
		if v, err := pub.Try(wire.Patience); err != nil || v.Text != "1" {
			return fail(fmt.Errorf("PUBLISH was answered %v, %v", v, err))
		}
		if v, err := sub.Try(wire.Patience); err != nil || len(v.Elems) != 3 || v.Elems[2].Text != text {
			return fail(fmt.Errorf("received %v, %v", v, err))
		}
		slowest = max(slowest, time.Since(start))
	}
}

// However many clients send large requests at a time, those take no more memory
// than they may: the client with the largest is closed, and the others are not.
func TestRequestsInFlightAreBounded(t *testing.T) {
	clients, size := long(50, 12), long(64, 8)*mib
	budget := int64(long(256, 32) * mib)
	parallel(t)
	s := sut.Start(t, sut.Release(t), "--query-buffers-limit", strconv.FormatInt(budget, 10))
	boss := wire.DialTCP(t, s.Addr)
	modest := wire.DialTCP(t, s.Addr) // whose request is large, and the smallest
	modest.Raw(fmt.Sprintf("*2\r\n$4\r\nECHO\r\n$%d\r\n%s", mib, strings.Repeat("m", mib/2)))
	before := sut.Memory(t, s)
	peak := sut.WatchMemory(t, s)
	end, ended := make(chan struct{}), make(chan struct{})
	var messages int
	var slowest time.Duration
	go func() {
		defer close(ended)
		messages, slowest = healthyPair(t, s, end)
	}()
	var mu sync.Mutex // guards closed
	closed := 0
	var all sync.WaitGroup
	for range clients {
		c := wire.DialTCP(t, s.Addr)
		all.Go(func() {
			if dribble(c, size) {
				mu.Lock()
				defer mu.Unlock()
				closed++
			}
		})
	}
	all.Wait()
	// What they have sent may still be on its way to the server.
	need := int64(clients) - budget/int64(size)
	disconnections := func() int64 { return info(t, boss, "stats", "client_query_buffers_limit_disconnections") }
	waitFor(wire.Patience, func() bool { return disconnections() >= need })
	close(end)
	<-ended
	held, cut := info(t, boss, "memory", "mem_query_buffers"), disconnections()
	grown := peak() - before
	t.Logf("promise 5: %d clients with %s each, budget %s: %d closed, %s held at the end, memory +%s; %d messages of a healthy pair, the slowest %v",
		clients, megabytes(int64(size)), megabytes(budget), cut, megabytes(held), megabytes(grown), messages, slowest.Round(time.Millisecond))
	if cut < need || int64(closed) > cut {
		t.Errorf("%d clients were closed, %d of them saw it; at least %d had to be", cut, closed, need)
	}
	if held > budget || held < budget/4 {
		t.Errorf("requests take %d bytes, of %d they may", held, budget)
	}
	// The collector lets as much again pile up, and a buffer that grows is two.
	if most := 2*budget + 2*int64(size) + 32*mib; grown > most {
		t.Errorf("the memory grew by %s, more than %s", megabytes(grown), megabytes(most))
	}
	modest.Raw(strings.Repeat("m", mib/2) + "\r\n")
	if v := modest.Read(); len(v.Text) != mib {
		t.Errorf("the client with the smallest request was answered %.80v", v)
	}
	ask(t, boss, "+OK", "CONFIG", "SET", "query-buffers-limit", "1mb") // for those who are there
	bound := before + long[int64](8, 32)*mib
	if !waitFor(wire.Patience, func() bool { return sut.Memory(t, s) <= bound }) {
		t.Errorf("the memory is %s above what it was, with requests of 1 MB", megabytes(sut.Memory(t, s)-before))
	}
}
