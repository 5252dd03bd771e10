package server

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/broker"
)

// How long PUBLISH takes while another client lists a million channels over
// and over, at the 99th percentile and at most; without listing beside it for
// comparison.
func BenchmarkPublishWhileListing(b *testing.B) {
	s := newServer(b)
	addr := listen(b, s)
	m := s.broker.Join(deaf{})
	for i := range 1_000_000 {
		s.broker.Subscribe(m, broker.Channel, fmt.Sprintf("channel:%d", i))
	}
	for _, listing := range []bool{false, true} {
		b.Run(fmt.Sprintf("listing=%t", listing), func(b *testing.B) {
			lists := 0
			if listing {
				stop, stopped := make(chan struct{}), make(chan int)
				go func() { stopped <- listUntil(b, addr, stop) }()
				defer func() {
					close(stop)
					lists = <-stopped
					b.ReportMetric(float64(lists), "lists")
				}()
			}
			c := dial(b, addr)
			took := make([]time.Duration, 0, b.N)
			for b.Loop() {
				start := time.Now()
				c.ask("PUBLISH nobody message", "0")
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-us")
			b.ReportMetric(float64(took[len(took)-1].Microseconds()), "max-us")
		})
	}
}

// listUntil sends PUBSUB CHANNELS again and again and returns how often it was
// answered.
func listUntil(b *testing.B, addr string, stop <-chan struct{}) (lists int) {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		b.Error(err)
		return 0
	}
	defer nc.Close()
	r := bufio.NewReaderSize(nc, 1<<20)
	for ; ; lists++ {
		select {
		case <-stop:
			return lists
		default:
		}
		if _, err := io.WriteString(nc, "PUBSUB CHANNELS channel:*\r\n"); err != nil {
			b.Error(err)
			return lists
		}
		var n int
		if _, err := fmt.Fscanf(r, "*%d\r\n", &n); err != nil || n != 1_000_000 {
			b.Errorf("%d channels listed (%v), want a million", n, err)
			return lists
		}
		for range 2 * n { // a line for the length, a line for the name
			if _, err := r.ReadSlice('\n'); err != nil {
				b.Error(err)
				return lists
			}
		}
	}
}

// deaf is a subscriber that does nothing with what it is told.
type deaf struct{}

func (deaf) Subscribed(broker.Kind, string, int)   {}
func (deaf) Unsubscribed(broker.Kind, string, int) {}
func (deaf) Deliver(*broker.Delivery)              {}
