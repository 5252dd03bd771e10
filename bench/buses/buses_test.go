package buses

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"github.com/asaskevich/EventBus"
	"github.com/cskr/pubsub"

	"github.com/pubsubd/pubsubd/broker"
)

// A bus is what is compared. Subscribe has got called with every message, in a goroutine
// other than that of who publishes where the bus has one. It returns when the
// subscription is in force.
type bus interface {
	subscribe(channel string, got func(payload []byte))
	publish(channel string, payload []byte)
	close()
}

// room is how many messages may wait for a subscriber: more than are ever on their way.
const room = 2 * window

// window is how many messages are published before who publishes waits for all
// to have arrived. So nothing is dropped, and nobody is measured by what waits.
const window = 128

var buses = []struct {
	name string
	make func() bus
}{
	{"broker", func() bus { return &brokerBus{b: broker.New(nil)} }},
	{"EventBus", func() bus { return &eventBus{b: EventBus.New()} }},
	{"pubsub", func() bus { return &channelBus{b: pubsub.New(room)} }},
}

// brokerBus is package broker.
type brokerBus struct {
	b     *broker.Broker
	boxes []*broker.Mailbox
	ended sync.WaitGroup
}

func (b *brokerBus) subscribe(channel string, got func([]byte)) {
	m := b.b.NewMailbox(&broker.MailboxOptions{Capacity: room})
	m.Subscribe(channel)
	b.boxes = append(b.boxes, m)
	b.ended.Go(func() {
		for msg := range m.C() {
			got(msg.Payload)
		}
	})
}

func (b *brokerBus) publish(channel string, payload []byte) { b.b.Publish(channel, payload) }

func (b *brokerBus) close() {
	for _, m := range b.boxes {
		m.Close()
	}
	b.ended.Wait()
}

// eventBus is github.com/asaskevich/EventBus, which calls functions.
type eventBus struct{ b EventBus.Bus }

func (b *eventBus) subscribe(channel string, got func([]byte)) {
	if err := b.b.Subscribe(channel, got); err != nil {
		panic(err)
	}
}

func (b *eventBus) publish(channel string, payload []byte) { b.b.Publish(channel, payload) }
func (b *eventBus) close()                                 {}

// channelBus is github.com/cskr/pubsub, which sends on channels.
type channelBus struct {
	b     *pubsub.PubSub
	ended sync.WaitGroup
}

func (b *channelBus) subscribe(channel string, got func([]byte)) {
	c := b.b.Sub(channel)
	b.ended.Go(func() {
		for msg := range c {
			got(msg.([]byte))
		}
	})
}

func (b *channelBus) publish(channel string, payload []byte) { b.b.Pub(payload, channel) }

func (b *channelBus) close() {
	b.b.Shutdown()
	b.ended.Wait()
}

// All of them deliver every message to every subscriber of its channel and to nobody
// else: otherwise there is nothing to compare.
func TestBusesDeliver(t *testing.T) {
	for _, kind := range buses {
		t.Run(kind.name, func(t *testing.T) {
			b := kind.make()
			defer b.close()
			var arrived sync.WaitGroup
			const subscribers, messages = 3, 50
			arrived.Add(subscribers * messages)
			for range subscribers {
				next := 0
				b.subscribe("orders", func(p []byte) {
					if want := fmt.Sprint(next); string(p) != want {
						t.Errorf("received %q, want %s", p, want)
					}
					next++
					arrived.Done()
				})
			}
			b.subscribe("news", func(p []byte) { t.Errorf("a subscriber of another channel has received %q", p) })
			for i := range messages {
				b.publish("orders", fmt.Append(nil, i))
			}
			arrived.Wait()
		})
	}
}

// BenchmarkBus is one message to each of some subscribers, all of which have received
// it in the end.
func BenchmarkBus(b *testing.B) {
	payload := bytes.Repeat([]byte("x"), 100)
	for _, subscribers := range []int{1, 10, 100} {
		for _, kind := range buses {
			b.Run(fmt.Sprintf("subscribers=%d/bus=%s", subscribers, kind.name), func(b *testing.B) {
				bus := kind.make()
				defer bus.close()
				var arrived sync.WaitGroup
				for range subscribers {
					bus.subscribe("orders", func([]byte) { arrived.Done() })
				}
				b.ReportAllocs()
				b.ResetTimer()
				for at := 0; at < b.N; at += window {
					n := min(window, b.N-at)
					arrived.Add(n * subscribers)
					for range n {
						bus.publish("orders", payload)
					}
					arrived.Wait()
				}
				b.StopTimer()
			})
		}
	}
}
