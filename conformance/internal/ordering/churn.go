package ordering

import "math/rand/v2"

// A Churner is a client that subscribes and unsubscribes at random. It is for
// one goroutine.
type Churner struct {
	*Client
	Rand *rand.Rand
	// From is what it chooses from.
	From []Subscription
	// Protocol is 2 or 3.
	Protocol int
	// Keep says that the client must not use RESET, because it would lose more
	// than its subscriptions.
	Keep bool
	// Places are where the client publishes itself, by the author of its
	// stream. That takes Protocol 3.
	Places []int
}

// Step makes a request or some, all in one write, and waits for the answers.
func (c *Churner) Step() error {
	k := c.From[c.Rand.IntN(len(c.From))].Kind
	switch n := c.Rand.IntN(100); {
	case n < 8:
		return c.Do(c.Unsubscribe(k))
	case n < 16:
		names := c.some(k)
		return c.Do(c.Subscribe(k, names...), c.Unsubscribe(k, names...))
	case n < 22:
		return c.Do(c.Mark())
	case n < 25 && !c.Keep:
		return c.Do(c.Reset(), c.Hello(c.Protocol))
	case n < 50 && len(c.Places) > 0:
		var tickets []Ticket
		for range 1 + c.Rand.IntN(4) {
			tickets = append(tickets, c.Publish(c.Places[c.Rand.IntN(len(c.Places))], c.Rand.IntN(100)))
		}
		return c.Do(tickets...)
	case n%2 == 0:
		return c.Do(c.Subscribe(k, c.some(k)...))
	default:
		return c.Do(c.Unsubscribe(k, c.some(k)...))
	}
}

// some returns a few names of a kind, maybe one twice.
func (c *Churner) some(k Kind) []string {
	var of, names []string
	for _, s := range c.From {
		if s.Kind == k {
			of = append(of, s.Name)
		}
	}
	for range 1 + c.Rand.IntN(3) {
		names = append(names, of[c.Rand.IntN(len(of))])
	}
	return names
}
