package broker_test

import (
	"fmt"

	"github.com/pubsubd/pubsubd/broker"
)

func ExampleBroker_Publish() {
	b := broker.New(nil)
	m := b.Mailbox("orders") // an in-process subscriber
	defer m.Close()
	m.PSubscribe("order*")

	fmt.Println(b.Publish("orders", []byte("hello")), "deliveries")
	for range 2 {
		msg := <-m.C()
		fmt.Printf("%s on %s by %s %q\n", msg.Payload, msg.Channel, msg.Kind, msg.Pattern)
	}
	// Output:
	// 2 deliveries
	// hello on orders by channel ""
	// hello on orders by pattern "order*"
}

// A printer is the least a transport has to do.
type printer struct{ name string }

func (p printer) Subscribed(k broker.Kind, name string, count int) {
	fmt.Printf("%s: subscribed to %s %s, %d in all\n", p.name, k, name, count)
}

func (p printer) Unsubscribed(k broker.Kind, name string, count int) {
	fmt.Printf("%s: unsubscribed from %s %s, %d left\n", p.name, k, name, count)
}

func (p printer) Deliver(d *broker.Delivery) {
	// All that d holds is valid until Deliver returns: print copies it.
	for _, payload := range d.Payloads {
		fmt.Printf("%s: %s %s\n", p.name, d.Channel, payload)
	}
}

func ExampleBroker_Join() {
	b := broker.New(nil)
	m := b.Join(printer{"alice"})
	b.Subscribe(m, broker.Channel, "news")
	b.Subscribe(m, broker.Pattern, "weather.*")
	b.Publish("news", []byte("one"), []byte("two"))
	b.Publish("weather.oslo", []byte("rain"))
	b.Unsubscribe(m, broker.Channel, "news")
	fmt.Println(b.Publish("news", []byte("three")))
	b.Clear(m) // tells nobody
	// Output:
	// alice: subscribed to channel news, 1 in all
	// alice: subscribed to pattern weather.*, 2 in all
	// alice: news one
	// alice: news two
	// alice: weather.oslo rain
	// alice: unsubscribed from channel news, 1 left
	// 0
}
