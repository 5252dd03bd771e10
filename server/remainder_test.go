package server

import (
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidwall/redcon"
)

// samples are values of all types, each one message or reply.
var samples = []string{
	"+OK\r\n", "-ERR no\r\n", ":-1\r\n", "$0\r\n\r\n", "$5\r\na\r\nb*\r\n", "$-1\r\n", "*-1\r\n", "*0\r\n", "_\r\n", "#t\r\n", ",1.5\r\n", "(123\r\n", "=5\r\ntxt:x\r\n", "!3\r\nERR\r\n",
	"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n", ">4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$1\r\nc\r\n$0\r\n\r\n",
	"%2\r\n+a\r\n*2\r\n:1\r\n:2\r\n+b\r\n%0\r\n", "~1\r\n*1\r\n~0\r\n", "|1\r\n+k\r\n:1\r\n+value\r\n",
}

func TestFrameCounterWhereverItIsCut(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var all strings.Builder
		want := random.IntN(20)
		for i := 0; i < want; {
			sample := samples[random.IntN(len(samples))]
			for again := 1 + random.IntN(4); again > 0 && i < want; again-- {
				all.WriteString(sample)
				i++
			}
		}
		most := 1 + random.IntN(100)
		var f frameCounter
		for p := all.String(); len(p) > 0; {
			n := 1 + random.IntN(min(len(p), 1+random.IntN(most)))
			f.feed([]byte(p[:n]))
			p = p[n:]
		}
		if f.count != want || f.left != 0 {
			t.Fatalf("%d values and %d begun in %q, want %d", f.count, f.left, all.String(), want)
		}
	}
}

// The messages that a slow client of one channel leaves.
func BenchmarkCountMessages(b *testing.B) {
	var q []chunk
	size := 0
	for size < 32<<20 {
		m := redcon.AppendArray(nil, 3)
		for _, s := range []string{"message", "channel", strings.Repeat("x", 64)} {
			m = redcon.AppendBulkString(m, s)
		}
		q = appendChunk(q, m)
		size += len(m)
	}
	b.SetBytes(int64(size))
	for b.Loop() {
		countMessages(q)
	}
}

// However much of a queue was sent, what is left of it is counted: the one that
// was sent in part too.
func TestCountMessagesOfAQueueSentInPart(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		var q []chunk
		var ends []int // of messages
		total := 0
		for range 1 + random.IntN(200) {
			n := 1 + random.IntN(50)
			if random.IntN(20) == 0 {
				n = shareFrom + random.IntN(3*maxBuffer)
			}
			m := redcon.AppendBulk(redcon.AppendArray(nil, 1), make([]byte, n))
			if len(m) >= shareFrom {
				q = append(q, chunk{data: m})
			} else {
				q = appendChunk(q, m)
			}
			total += len(m)
			ends = append(ends, total)
		}
		for sent := 0; sent < total; {
			n := 1 + random.IntN(total/5+1)
			if sent += n; sent >= total {
				break
			}
			q = dropBytes(q, n)
			want := 0
			for _, end := range ends {
				if end > sent {
					want++
				}
			}
			if got := countMessages(q); got != want {
				t.Fatalf("%d of %d bytes sent: %d messages, want %d", sent, total, got, want)
			}
		}
	}
}

// A reply in pieces counts as one, and what follows it is found again.
func TestCountMessagesBehindAReplyInPieces(t *testing.T) {
	reply := redcon.AppendBulk(nil, make([]byte, 5*maxBuffer/2))
	q := appendChunk(nil, []byte("+OK\r\n"))
	q = appendChunk(q, reply)
	for range 3 {
		q = appendChunk(q, []byte(":1\r\n"))
	}
	for _, tt := range []struct{ sent, want int }{{0, 5}, {4, 5}, {5, 4}, {5 + maxBuffer/2, 4}, {5 + 2*maxBuffer, 4}, {5 + len(reply), 3}, {5 + len(reply) + 4, 2}} {
		part := append([]chunk(nil), q...)
		if tt.sent > 0 {
			part = dropCopies(part, tt.sent)
		}
		if got := countMessages(part); got != tt.want {
			t.Errorf("%d bytes sent: %d, want %d", tt.sent, got, tt.want)
		}
	}
	var p pieces
	for range 20_000 {
		p.add("channel")
	}
	p.finish()
	rest := appendChunk(p.q, []byte("+OK\r\n"))
	if got := countMessages(rest); got != 2 {
		t.Errorf("an array in pieces and another reply count as %d", got)
	}
	if got := countMessages(dropCopies(rest, maxBuffer+1)); got != 2 {
		t.Errorf("sent in part they count as %d", got)
	}
}

// dropCopies is dropBytes for pieces whose buffers are still needed.
func dropCopies(q []chunk, n int) []chunk {
	q = append([]chunk(nil), q...)
	for i := range q {
		q[i].mem = nil
	}
	return dropBytes(q, n)
}

// A client that takes nothing is told of exactly: bytes, messages and how long
// the oldest has waited.
func TestRemainderOfAStalledClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := newOutboxRoom(outputLimits{})
		time.Sleep(time.Second)
		o := room.open(0) // takes nothing
		o.send("c", "first")
		synctest.Wait()
		for range 9 {
			time.Sleep(time.Second)
			o.send("c", "more")
		}
		o.close()
		now := room.conf.clock()
		o.to.close()
		got := o.takeRemainder(now)
		if got.messages != 10 || got.oldest != 9*time.Second || got.bytes == 0 || !got.authed {
			t.Errorf("%+v", got)
		}
		if again := o.takeRemainder(now); again.messages != 0 {
			t.Errorf("a second time there are %d messages", again.messages)
		}
	})
}

// Of a client that takes some now and then the age is at least that of the
// oldest message, and at most that since it took something before.
func TestRemainderOfASlowClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := newOutboxRoom(outputLimits{})
		o := room.open(0)
		one := 0
		for i := range 20 {
			o.send("c", "0123456789")
			synctest.Wait()
			if i == 0 {
				one, _ = o.pending()
			}
			time.Sleep(time.Second)
		}
		o.to.setRoom(5*one + one/2)
		synctest.Wait()
		time.Sleep(time.Second)
		o.send("c", "0123456789")
		o.close()
		o.to.close()
		got := o.takeRemainder(room.conf.clock())
		if oldest := 16 * time.Second; got.messages != 16 || got.oldest < oldest || got.oldest > oldest+6*time.Second {
			t.Errorf("%+v", got)
		}
	})
}
