package broker

import (
	"math/rand/v2"
	"runtime"
	"sync/atomic"
)

// A churner subscribes and unsubscribes a member all the time. Several may
// share a member, if each has kinds of its own; only one that has the member
// to itself may clear it or use Exclusive.
type churner struct {
	r      *recorder
	m      *Member
	rng    *rand.Rand
	from   []subscription // what it chooses from
	kinds  []Kind         // of those
	have   map[subscription]bool
	author *author // publishes within Exclusive; nil if it does not
	sole   bool
	name   scratchName

	changes []change
	wrong   []string // results of calls
}

func newChurner(r *recorder, m *Member, seed uint64, from ...subscription) *churner {
	c := &churner{r: r, m: m, rng: rand.New(rand.NewPCG(seed, 1<<32)), from: from, have: make(map[subscription]bool)}
	seen := [kinds]bool{}
	for _, s := range from {
		if !seen[s.kind] {
			seen[s.kind] = true
			c.kinds = append(c.kinds, s.kind)
		}
	}
	return c
}

// run goes on until done.
func (c *churner) run(done *atomic.Bool) {
	for !done.Load() {
		c.step()
		runtime.Gosched()
	}
}

// changing is what a Broker and an Exclusive have in common here.
type changing interface {
	Subscribe(m *Member, k Kind, name string) bool
	Unsubscribe(m *Member, k Kind, name string) bool
	UnsubscribeAll(m *Member, k Kind) int
	Clear(m *Member)
}

func (c *churner) step() {
	switch n := c.rng.IntN(100); {
	case n < 50:
		c.change(c.r.w.b, true, pick(c.rng, c.from))
	case n < 90:
		c.change(c.r.w.b, false, pick(c.rng, c.from))
	case n < 94:
		c.unsubscribeAll(c.r.w.b, pick(c.rng, c.kinds))
	case n < 96 && c.sole:
		c.clear(c.r.w.b)
	case c.author != nil:
		c.exclusive()
	}
}

// change subscribes or unsubscribes.
func (c *churner) change(by changing, add bool, s subscription) {
	call, expect := by.Unsubscribe, c.have[s]
	if add {
		call, expect = by.Subscribe, !c.have[s]
	}
	name := c.name.view(s.name)
	start := c.r.w.tick()
	ok := call(c.m, s.kind, name)
	end := c.r.w.tick()
	c.name.spoil()
	if ok != expect {
		c.wrong = append(c.wrong, s.kind.String()+" "+s.name+": a call that changed something said no, or the other way round")
	}
	if ok {
		c.changes = append(c.changes, change{add, s, start, end})
	}
	c.have[s] = add
}

func (c *churner) unsubscribeAll(by changing, k Kind) {
	start := c.r.w.tick()
	n := by.UnsubscribeAll(c.m, k)
	end := c.r.w.tick()
	for s, have := range c.have {
		if have && s.kind == k {
			c.changes = append(c.changes, change{false, s, start, end})
			c.have[s] = false
			n--
		}
	}
	if n != 0 {
		c.wrong = append(c.wrong, "UnsubscribeAll returned a wrong number for "+k.String())
	}
}

func (c *churner) clear(by changing) {
	c.r.note(event{what: clearing})
	by.Clear(c.m)
	c.r.note(event{what: cleared})
	clear(c.have)
	if n := c.m.Total(); n != 0 {
		c.wrong = append(c.wrong, "a cleared member has subscriptions")
	}
}

// exclusive does several things of which nobody may see just some. Sometimes
// one of them is leaving what is published to, or joining it.
func (c *churner) exclusive() {
	p := place{Channel, pick(c.rng, orderChannels)}
	if c.rng.IntN(4) == 0 {
		p.kind = ShardChannel
	}
	c.r.w.b.Exclusive(c.m, func(x *Exclusive) {
		s := section{start: c.r.w.tick(), publisher: c.author.id, stream: &c.r.stream}
		c.author.publish(x.PublishFrom, p, 1, s.start)
		runtime.Gosched()
		switch c.rng.IntN(4) {
		case 0:
			c.change(x, true, pick(c.rng, c.from))
		case 1:
			c.change(x, false, pick(c.rng, c.from))
		case 2:
			c.unsubscribeAll(x, pick(c.rng, c.kinds))
		}
		c.author.publish(x.PublishFrom, p, 1+c.rng.IntN(2), s.start)
		s.end = c.r.w.tick()
		c.r.w.mu.Lock()
		defer c.r.w.mu.Unlock()
		c.r.w.alone = append(c.r.w.alone, s)
	})
}
