package order

import (
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/ordering"
	"github.com/pubsubd/pubsubd/conformance/internal/sut"
)

const (
	publishers     = 16
	selfPublishers = 4 // subscribers that publish, too
	// farBehind is how many deliveries may be on their way before publishers
	// wait.
	farBehind = 50_000
)

var (
	channels = []string{"c0", "c1", "c2", "c3", "c4", "c5", "d0", "d1"}
	shards   = []string{"c0", "s1"}
	patterns = []string{"*", "c*", "[cd][0-1]", "d1", "?2", "no*"}
)

// A crowd is everybody who uses one server.
type crowd struct {
	t      *testing.T
	at     sut.Endpoint
	conf   *tls.Config
	ledger *ordering.Ledger

	publishers []*ordering.Publisher
	lasting    []*ordering.Client // subscribed to everything all the time
	churners   []*ordering.Churner
	steps      atomic.Int64 // of churners
}

// gather connects everybody. Early is that of ordering.Stream.
func gather(t *testing.T, at sut.Endpoint, early bool) *crowd {
	var places []ordering.Place
	for _, name := range channels {
		places = append(places, ordering.Place{Channel: name})
	}
	for _, name := range shards {
		places = append(places, ordering.Place{Channel: name, Shard: true})
	}
	c := &crowd{t: t, at: at, conf: at.TLSConfig(t), ledger: ordering.NewLedger(publishers+selfPublishers, places...)}
	for i := range publishers {
		p := ordering.NewPublisher(c.dial(), ordering.NewAuthor(c.ledger, i))
		if err := p.Do("", "HELLO", fmt.Sprint(2+i%2)); err != nil {
			t.Fatal(err)
		}
		c.publishers = append(c.publishers, p)
	}
	c.subscribe(early)
	return c
}

func (c *crowd) dial() net.Conn {
	nc, err := ordering.Dial(c.at, c.conf)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { nc.Close() })
	return nc
}

func (c *crowd) join(label string, protocol int, author *ordering.Author, early bool) *ordering.Client {
	client := ordering.Join(c.dial(), ordering.NewStream(c.ledger, label, author, early))
	c.t.Cleanup(client.Close)
	if err := client.Do(client.Hello(protocol)); err != nil {
		c.t.Fatal(err)
	}
	return client
}

// subscribe connects the subscribers.
func (c *crowd) subscribe(early bool) {
	byName, byPattern, byShard := subscriptions(ordering.Name, channels), subscriptions(ordering.Pattern, patterns), subscriptions(ordering.Shard, shards)
	both := append(byName[:len(byName):len(byName)], byPattern...)
	all := append(both[:len(both):len(both)], byShard...)

	for protocol := 2; protocol <= 3; protocol++ {
		client := c.join(fmt.Sprintf("lasting, RESP%d", protocol), protocol, nil, early)
		if err := client.Do(client.Subscribe(ordering.Name, channels...), client.Subscribe(ordering.Pattern, "*"), client.Subscribe(ordering.Shard, shards...)); err != nil {
			c.t.Fatal(err)
		}
		c.lasting = append(c.lasting, client)
	}
	churn := func(label string, n int, from []ordering.Subscription) {
		for i := range n {
			protocol := 2 + i%2
			client := c.join(fmt.Sprintf("%s %d, RESP%d", label, i, protocol), protocol, nil, early)
			c.add(&ordering.Churner{Client: client, From: from, Protocol: protocol})
		}
	}
	churn("by name", 22, byName)
	churn("by pattern", 12, byPattern)
	churn("by both", 12, both)
	churn("by shard channel", 8, byShard)
	churn("by all", 6, all)
	for i := range selfPublishers {
		client := c.join(fmt.Sprintf("publishing %d, RESP3", i), 3, ordering.NewAuthor(c.ledger, publishers+i), early)
		c.add(&ordering.Churner{Client: client, From: all, Protocol: 3, Places: indices(len(c.ledger.Places()))})
	}
}

func (c *crowd) add(churner *ordering.Churner) {
	churner.Rand = rand.New(rand.NewPCG(*orderSeed, uint64(len(c.churners))))
	c.churners = append(c.churners, churner)
}

func subscriptions(k ordering.Kind, names []string) []ordering.Subscription {
	list := make([]ordering.Subscription, len(names))
	for i, name := range names {
		list[i] = ordering.Subscription{Kind: k, Name: name}
	}
	return list
}

func indices(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// round lets everybody loose for a time, waits until all has arrived and
// settles. It returns false if that does not come to an end.
func (c *crowd) round(number int, duration time.Duration) bool {
	stop := make(chan struct{})
	time.AfterFunc(duration, func() { close(stop) })
	var group sync.WaitGroup
	for i, p := range c.publishers {
		random := rand.New(rand.NewPCG(*orderSeed, uint64(number)<<32|uint64(i)))
		group.Go(func() { c.publish(p, i, random, stop) })
	}
	for _, churner := range c.churners {
		group.Go(func() { c.churn(churner, stop) })
	}
	if !ordering.Done(&group, duration+2*ordering.Patience) {
		c.t.Error("publishers or subscribers do not come to an end")
		return false
	}
	for _, client := range c.clients() {
		group.Go(func() {
			if err := client.Do(client.Mark()); err != nil {
				c.t.Error(err)
			}
		})
	}
	group.Wait()
	if n := c.ledger.Outstanding(); n != 0 && !c.t.Failed() {
		c.t.Errorf("PUBLISH has answered %d more than was received", n)
	}
	c.ledger.Settle()
	return !c.t.Failed()
}

// clients returns all that are subscribers.
func (c *crowd) clients() []*ordering.Client {
	list := append([]*ordering.Client(nil), c.lasting...)
	for _, churner := range c.churners {
		list = append(list, churner.Client)
	}
	return list
}

// publish publishes until stop: one by one, in pipelines or in transactions.
func (c *crowd) publish(p *ordering.Publisher, id int, random *rand.Rand, stop <-chan struct{}) {
	var err error
	for err == nil {
		select {
		case <-stop:
			return
		default:
		}
		if c.ledger.Outstanding() > farBehind {
			<-soon()
			continue
		}
		fill := random.IntN(200)
		if random.IntN(200) == 0 {
			fill = 10_000 // more than the server copies for each receiver
		}
		places := make([]int, 1+random.IntN(32))
		same := random.IntN(2) == 0
		for i := range places {
			places[i] = random.IntN(len(c.ledger.Places()))
			if same {
				places[i] = places[0]
			}
		}
		switch id % 4 {
		case 0:
			err = p.Publish(fill, places[0])
		case 1:
			err = p.PublishExec(fill, places[:1+len(places)/4]...)
		default:
			err = p.Publish(fill, places...)
		}
	}
	c.t.Errorf("publisher %d: %v", id, err)
}

// churn has a subscriber change something every now and then until stop.
func (c *crowd) churn(churner *ordering.Churner, stop <-chan struct{}) {
	tick := time.NewTicker(time.Duration(5+churner.Rand.IntN(20)) * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		if err := churner.Step(); err != nil {
			c.t.Error(err)
			return
		}
		c.steps.Add(1)
	}
}
