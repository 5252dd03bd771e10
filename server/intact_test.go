package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/pubsubd/pubsubd/broker"
)

// fill is the message of so many bytes that is told by a number: each byte tells
// which, so that none of another can stand among them unseen.
func fill(number, size int) []byte {
	return append(fmt.Appendf(nil, "%d %d ", number, size), bytes.Repeat([]byte{byte('!' + number%90)}, size)...)
}

// intact tells what is wrong with a frame that is to bring a message of fill.
func intact(f frame) error {
	if len(f.elems) < 3 {
		return nil // a confirmation, or the reply to QUIT
	}
	text := f.elems[len(f.elems)-1].text
	head := strings.SplitN(text, " ", 3)
	if len(head) != 3 {
		return fmt.Errorf("a message begins with %.40q", text)
	}
	number, _ := strconv.Atoi(head[0])
	size, _ := strconv.Atoi(head[1])
	if !bytes.Equal(fill(number, size), []byte(text)) {
		return fmt.Errorf("message %d of %d bytes has others, or another length: %d", number, size, len(text))
	}
	return nil
}

// Messages of all sizes arrive as they were published, over every kind of
// connection, while receivers stall, leave, are killed or outgrow their limit:
// nobody is sent from a buffer that is used for something else by then.
func TestLargeMessagesArriveIntact(t *testing.T) {
	const publishers, rounds, perRound, subscribers = 3, 2, 10, 9
	b := newTLSBench(t, func(c *Config) { c.PubsubOutput = OutputLimit{Hard: 6 << 20} })
	tcp := listen(t, b.Server)
	ln, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- b.Serve(ln) }()
	defer func() {
		_ = b.Close()
		<-served
	}()
	connect := func(i int) *testConn {
		switch i % 3 {
		case 0:
			return dial(t, tcp)
		case 1:
			return b.dialTLS(t)
		}
		nc, err := net.Dial("unix", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		return newTestConn(t, nc)
	}
	boss := dial(t, tcp)
	for round := range rounds {
		var readers, writers sync.WaitGroup
		half := make(chan struct{}) // closed when half of the round is published
		var halfOf sync.WaitGroup
		halfOf.Add(publishers)
		for i := range subscribers {
			sub := connect(i)
			if i%2 == 1 {
				sub.ask("HELLO 3", "%[server…")
			}
			sub.send("SUBSCRIBE c", "PSUBSCRIBE ?")
			sub.next()
			sub.next()
			readers.Go(func() {
				if i >= 3 { // stalls, and then goes on to the end of what it gets
					<-half
				}
				switch {
				case i == 4 || i == 6:
					_, _ = io.WriteString(sub.nc, "QUIT\r\n")
				case i == 8:
					_ = sub.nc.(*net.UnixConn).CloseWrite()
				case i == 7:
					_ = sub.nc.Close()
				}
				for {
					f, err := sub.read()
					var broken net.Error
					if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &broken) && !broken.Timeout() || errors.Is(err, net.ErrClosed) {
						return // it was closed, halfway through a message perhaps
					}
					if err == nil {
						err = intact(f)
					}
					if err != nil {
						t.Errorf("subscriber %d: %v", i, err)
						return
					}
				}
			})
		}
		for p := range publishers {
			pub := connect(p)
			writers.Go(func() {
				random := rand.New(rand.NewPCG(uint64(round), uint64(p)))
				for n := range perRound {
					if n == perRound/2 {
						halfOf.Done()
					}
					message := fill(random.IntN(1<<20), 4<<10+random.IntN(1<<(13+random.IntN(8))))
					request := encode("PUBLISH", "c", string(message))
					if n%4 == 3 { // by way of a transaction
						request = append(append(encode("MULTI"), request...), encode("EXEC")...)
					}
					request = append(request, encode("ECHO", string(message))...)
					if _, err := pub.nc.Write(request); err != nil {
						t.Errorf("publisher %d: %v", p, err)
						return
					}
					for {
						f, err := pub.read()
						if err != nil {
							t.Errorf("publisher %d: %v", p, err)
							return
						}
						if f.kind != '$' {
							continue
						}
						if f.text != string(message) {
							t.Errorf("publisher %d: an echo of %d bytes is not what was sent", p, len(message))
						}
						break
					}
				}
			})
		}
		halfOf.Wait()
		close(half)
		writers.Wait()
		boss.do("CLIENT KILL TYPE pubsub")
		readers.Wait()
	}
}

// A foreigner is a subscriber of the server's broker that encodes what it is handed
// for others, without an owner.
type foreigner struct{}

func (foreigner) Subscribed(broker.Kind, string, int)   {}
func (foreigner) Unsubscribed(broker.Kind, string, int) {}
func (foreigner) Deliver(d *broker.Delivery) {
	f := &d.Frames[0]
	f.Bytes = append(f.Bytes, encode("message", d.Channel, string(d.Payloads[0]))...)
}

// Clients may be handed a large message that somebody else has encoded.
func TestForeignFrame(t *testing.T) {
	s := newServer(t)
	s.broker.Subscribe(s.broker.Join(foreigner{}), broker.Channel, "c")
	sub := dial(t, listen(t, s))
	sub.ask("SUBSCRIBE c", "[subscribe c 1]")
	text := strings.Repeat("x", 2*shareFrom)
	if n := s.broker.Publish("c", []byte(text)); n != 2 {
		t.Errorf("published to %d", n)
	}
	sub.want("[message c " + text + "]")
}
