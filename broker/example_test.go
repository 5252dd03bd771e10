package broker_test

import (
	"fmt"
	"sync"

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

// A bus between goroutines: each has a mailbox, and a slow one loses what it has no room
// for while the others go on.
func ExampleMailbox() {
	b := broker.New(nil)
	var all sync.WaitGroup
	totals := make(chan int, 2)
	for range 2 {
		m := b.NewMailbox(&broker.MailboxOptions{Capacity: 100})
		m.Subscribe("orders")
		all.Go(func() {
			n := 0
			for msg := range m.C() {
				if string(msg.Payload) == "the end" {
					m.Close()
				}
				n++
			}
			totals <- n
		})
	}
	slow := b.NewMailbox(&broker.MailboxOptions{Capacity: 2, WhenFull: broker.DropOldest})
	slow.PSubscribe("ord*")
	defer slow.Close()

	for i := range 9 {
		b.Publish("orders", fmt.Append(nil, "order ", i))
	}
	b.Publish("orders", []byte("the end"))
	all.Wait()
	fmt.Println("the others have received", <-totals, "and", <-totals)
	fmt.Println("the slow one has lost", slow.Dropped())
	fmt.Printf("%s, %s\n", (<-slow.C()).Payload, (<-slow.C()).Payload)
	// Output:
	// the others have received 10 and 10
	// the slow one has lost 8
	// order 8, the end
}

func ExampleBroker_NumSub() {
	b := broker.New(nil)
	m := b.Mailbox("orders", "news")
	m.PSubscribe("ord*")
	fmt.Println(b.NumSub("orders"), b.NumPat())
	m.Unsubscribe("orders")
	fmt.Println(b.NumSub("orders"), b.Publish("orders", []byte("by the pattern")))
	m.Close()
	fmt.Println(b.NumSub("news"), b.NumPat())
	// Output:
	// 1 1
	// 0 1
	// 0 0
}
