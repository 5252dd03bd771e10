//go:build linux

package soak

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/ordering"
	"github.com/pubsubd/pubsubd/conformance/internal/sut"
)

const (
	publishers = 8
	// perTick is how many messages a publisher publishes at most in a tick.
	perTick = 4
	tick    = 10 * time.Millisecond
)

var (
	calm  = []string{"calm.0", "calm.1", "calm.2", "calm.3"}
	rough = []string{"rough.0", "rough.1", "rough.2"}
	shard = []string{"calm.0"}
)

// places are where is published. To the calm ones only those subscribe to whom
// nothing happens.
func places() []ordering.Place {
	var list []ordering.Place
	for _, name := range calm {
		list = append(list, ordering.Place{Channel: name})
	}
	for _, name := range rough {
		list = append(list, ordering.Place{Channel: name, Rough: true})
	}
	for _, name := range shard {
		list = append(list, ordering.Place{Channel: name, Shard: true})
	}
	return list
}

func subscriptions(k ordering.Kind, names ...string) []ordering.Subscription {
	list := make([]ordering.Subscription, len(names))
	for i, name := range names {
		list[i] = ordering.Subscription{Kind: k, Name: name}
	}
	return list
}

// crowd is those to whom nothing happens.
type crowd struct {
	s          *soak
	publishers []*ordering.Publisher
	large      *ordering.Publisher // of large messages
	lasting    []*ordering.Client
	churners   []*ordering.Churner
}

var networks = []string{sut.TCP, sut.Unix, sut.TLS}

// dial connects over one of the networks.
func (s *soak) dial(n int) net.Conn {
	at := s.at[networks[n%len(networks)]]
	nc, err := ordering.Dial(at, at.TLSConfig(s.t))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { nc.Close() })
	return nc
}

func gather(s *soak) *crowd {
	c := &crowd{s: s}
	for i := range publishers + 1 {
		p := ordering.NewPublisher(s.dial(i), ordering.NewAuthor(s.ledger, i))
		if err := p.Do("+OK", "AUTH", password); err != nil {
			s.t.Fatal(err)
		}
		if i == publishers {
			c.large = p
		} else {
			c.publishers = append(c.publishers, p)
		}
	}
	for i := range 2 {
		client := c.join(fmt.Sprintf("lasting %d", i), i, 2+i)
		err := client.Do(client.Subscribe(ordering.Name, calm...), client.Subscribe(ordering.Name, rough...), client.Subscribe(ordering.Shard, shard...))
		if err != nil {
			s.t.Fatal(err)
		}
		c.lasting = append(c.lasting, client)
	}
	for i, from := range [][]ordering.Subscription{
		subscriptions(ordering.Name, append(calm[:len(calm):len(calm)], rough...)...),
		subscriptions(ordering.Pattern, "calm.*", "rough.*", "*.0", "*.[1-2]"),
		append(subscriptions(ordering.Name, calm...), subscriptions(ordering.Pattern, "*", "calm.?")...),
		append(subscriptions(ordering.Shard, shard...), subscriptions(ordering.Name, calm...)...),
	} {
		for n := range 6 {
			client := c.join(fmt.Sprintf("unharmed %d.%d", i, n), n, 2+n/3)
			c.churners = append(c.churners, &ordering.Churner{
				Client: client, From: from, Protocol: 2 + n/3, Keep: true,
				Rand: rand.New(rand.NewPCG(s.seed, uint64(len(c.churners)))),
			})
		}
	}
	return c
}

func (c *crowd) join(label string, network, protocol int) *ordering.Client {
	client := ordering.Join(c.s.dial(network), ordering.NewStream(c.s.ledger, label, nil, false))
	c.s.t.Cleanup(client.Close)
	if err := client.Do(client.Other("+OK", "AUTH", password), client.Hello(protocol)); err != nil {
		c.s.t.Fatal(err)
	}
	return client
}

// run adds to the group what goes on until ctx is done.
func (c *crowd) run(ctx context.Context, group *sync.WaitGroup, round int) {
	for i, p := range c.publishers {
		random := rand.New(rand.NewPCG(c.s.seed, uint64(round)<<32|uint64(i)))
		group.Go(func() {
			each(ctx, tick, func() error { return c.publish(p, random) }, func(err error) {
				c.s.t.Errorf("publisher %d: %v", i, err)
			})
		})
	}
	for _, churner := range c.churners {
		every := time.Duration(20+churner.Rand.IntN(200)) * time.Millisecond
		group.Go(func() {
			each(ctx, every, churner.Step, func(err error) { c.s.t.Errorf("a subscriber that no harm is done to: %v", err) })
		})
	}
}

// each calls do every now and then until ctx is done or do returns an error.
func each(ctx context.Context, every time.Duration, do func() error, failed func(error)) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := do(); err != nil {
			failed(err)
			return
		}
	}
}

func (c *crowd) publish(p *ordering.Publisher, random *rand.Rand) error {
	list := make([]int, 1+random.IntN(perTick))
	for i := range list {
		list[i] = random.IntN(len(c.s.ledger.Places()))
	}
	fill := random.IntN(300)
	if random.IntN(100) == 0 {
		fill = 10_000
	}
	if random.IntN(8) == 0 {
		return p.PublishExec(fill, list...)
	}
	return p.Publish(fill, list...)
}

// clients returns the subscribers.
func (c *crowd) clients() []*ordering.Client {
	list := append([]*ordering.Client(nil), c.lasting...)
	for _, churner := range c.churners {
		list = append(list, churner.Client)
	}
	return list
}

// mark waits until all that was published has arrived.
func (c *crowd) mark() {
	var group sync.WaitGroup
	for _, client := range c.clients() {
		group.Go(func() {
			if err := client.Do(client.Mark()); err != nil {
				c.s.t.Errorf("a subscriber that no harm is done to: %v", err)
			}
		})
	}
	group.Wait()
}

// leave closes all connections.
func (c *crowd) leave() {
	for _, client := range c.clients() {
		client.Close()
	}
	for _, p := range append(c.publishers, c.large) {
		p.Close()
	}
}
