package server

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/pubsubd/pubsubd/broker"
)

// A discardTransport takes everything at once and reads nothing.
type discardTransport struct{}

func (discardTransport) read(inbox) (int, error) { return 0, io.EOF }
func (discardTransport) write(chunks [][]byte) (int, error) {
	return discardTransport{}.tryWrite(chunks)
}
func (discardTransport) close()  {}
func (discardTransport) wake()   {}
func (discardTransport) fd() int { return -1 }

func (discardTransport) tryWrite(chunks [][]byte) (n int, err error) {
	for _, c := range chunks {
		n += len(c)
	}
	return n, nil
}

// localClient returns a client without a goroutine and with a transport of the
// test's.
func localClient(s *Server, to transport) *client {
	mine, theirs := net.Pipe()
	_ = mine.Close()
	c := s.newClient(theirs)
	c.t = to
	c.out = newOutbox(to, &s.out, c)
	c.setAuthed(true)
	c.work()
	return c
}

// clientOf returns a localClient that is logged in as v, a user who may do what rules
// say.
func clientOf(t testing.TB, s *Server, to transport, rules ...string) *client {
	t.Helper()
	v, err := s.users.Set("v", false, append([]string{"on", "nopass"}, rules...)...)
	if err != nil {
		t.Fatal(err)
	}
	c := localClient(s, to)
	c.user.Store(v.User)
	return c
}

// receive runs bytes as if they had come over the connection, as many at a
// time as there is room for.
func (c *client) receive(in []byte) {
	for len(in) > 0 {
		n := copy(c.in.space(), in)
		c.in.received(n)
		in = in[n:]
		c.batch()
	}
}

// publisherTo returns a publisher and subscribes so many clients to channel c.
func publisherTo(s *Server, receivers int, to func() transport) *client {
	for range receivers {
		c := localClient(s, to())
		s.broker.Subscribe(c.join(), broker.Channel, "c")
		c.deliverAll() // the confirmation
	}
	return localClient(s, discardTransport{})
}

// The receivers get what the publisher was told they would.
func TestPublishReachesOutboxes(t *testing.T) {
	for _, receivers := range []int{1, directReceivers, directReceivers + 1, 100} {
		s := newServer(t)
		var to []*fakeTransport
		pub := publisherTo(s, receivers, func() transport {
			f := newFakeTransport(-1)
			to = append(to, f)
			return f
		})
		reply := newFakeTransport(-1)
		pub.t, pub.out.t = reply, reply
		pub.receive(bytes.Repeat(encode("PUBLISH", "c", "x"), 3))
		if got := reply.frames(t); fmt.Sprint(got) != fmt.Sprintf("[%[1]d %[1]d %[1]d]", receivers) {
			t.Errorf("the publisher is told %q", got)
		}
		waitFor(t, "the messages", func() bool {
			for _, f := range to {
				// The first frame is the confirmation, sent with the first flush.
				if len(f.frames(t)) < 3 {
					return false
				}
			}
			return true
		})
		waitFor(t, "the backlog to be 0", func() bool { return s.flusher.backlog.Load() == 0 })
	}
}

// A confirmation is queued within the broker's lock: a message published right
// behind it, before its command has ended, comes behind it.
func TestConfirmationsAreInPlace(t *testing.T) {
	s := newServer(t)
	for i, kind := range []broker.Kind{broker.Channel, broker.Pattern} {
		to := newFakeTransport(-1)
		c := localClient(s, to)
		c.reply = append(c.reply, "+reply before\r\n"...)
		name := "place"
		s.broker.Subscribe(c.join(), kind, name)
		s.broker.Publish(name, []byte("in"))
		s.broker.Unsubscribe(c.join(), kind, name)
		s.broker.Publish(name, []byte("out"))
		c.deliverAll()
		want := [][]string{
			{"+reply before", "[subscribe place 1]", "[message place in]", "[unsubscribe place 0]"},
			{"+reply before", "[psubscribe place 1]", "[pmessage place place in]", "[punsubscribe place 0]"},
		}[i]
		waitFor(t, "the frames", func() bool { return len(to.frames(t)) == len(want) })
		if got := to.frames(t); !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func BenchmarkEncodeDelivery(b *testing.B) {
	for _, size := range []int{16, 1000, 64 << 10} {
		b.Run(fmt.Sprintf("payload=%d", size), func(b *testing.B) {
			d := delivery("channel", strings.Repeat("x", size))
			f := &d.Frames[0]
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				f.Bytes = f.Bytes[:0]
				encodeDelivery(f, d, false)
			}
		})
	}
}

// One operation is one PUBLISH of a pipeline, with all its deliveries.
func BenchmarkPublish(b *testing.B) {
	for _, receivers := range []int{0, 1, 100} {
		for _, pipeline := range []int{1, 16, 128} {
			b.Run(fmt.Sprintf("receivers=%d/pipeline=%d", receivers, pipeline), func(b *testing.B) {
				s := newServer(b)
				pub := publisherTo(s, receivers, func() transport { return discardTransport{} })
				in := bytes.Repeat(encode("PUBLISH", "c", strings.Repeat("x", 64)), pipeline)
				b.ReportAllocs()
				n := 0
				for b.Loop() {
					if n++; n%pipeline == 0 {
						pub.receive(in)
					}
				}
			})
		}
	}
}
