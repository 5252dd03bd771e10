package broker

import "fmt"

// Stats is a snapshot of a broker. The shards are read one after the other, so
// that under traffic the numbers, and what they are sums of, are of slightly
// different times.
type Stats struct {
	Channels      int    // channels with at least one subscriber by name
	Patterns      int    // distinct patterns
	ShardChannels int    // shard channels with at least one subscriber
	Subscriptions int    // subscriptions of all kinds over all members
	Subscribers   int    // members with at least one subscription
	Published     uint64 // messages published since New
	Delivered     uint64 // deliveries since New
}

// Stats returns a snapshot. It locks each shard, and then the patterns, for a few
// instructions.
func (b *Broker) Stats() Stats { return access{b: b}.stats() }

// Stats is Broker.Stats.
func (x *Exclusive) Stats() Stats { return x.a.stats() }

// Published returns the number of messages published since New. It takes no lock.
func (b *Broker) Published() (n uint64) {
	for i := range b.shards {
		n += b.shards[i].published.Load()
	}
	return n
}

func (a access) stats() Stats {
	var st Stats
	b := a.b
	for i := range b.shards {
		s := &b.shards[i]
		a.lock(&s.mu)
		st.Channels += s.tables[Channel].num
		st.ShardChannels += s.tables[ShardChannel].num
		for _, n := range s.subscriptions {
			st.Subscriptions += n
		}
		st.Published += s.published.Load()
		st.Delivered += s.delivered
		a.unlock(&s.mu)
	}
	st.Patterns = b.NumPat()
	st.Subscribers = int(b.subscribers.Load())
	if !a.held {
		b.patterns.mu.RLock()
		defer b.patterns.mu.RUnlock()
	}
	st.Subscriptions += b.patterns.subscriptions
	return st
}

// Check compares the broker's tables, the members' sets and the counters with
// one another and reports the first disagreement. It stops the broker while it
// looks at everything: for tests and for operators in doubt.
func (b *Broker) Check() (err error) {
	b.Exclusive(nil, func(*Exclusive) { err = b.checkLocked() })
	return err
}

func (b *Broker) checkLocked() error {
	seen := make(map[*Member]*[kinds]int)
	look := func(k Kind, name string, to *audience) error {
		if to.name != name {
			return fmt.Errorf("%s %q stands under the name %q", k, to.name, name)
		}
		members := []*Member{to.first}
		if to.rest != nil {
			members = append(members, to.rest.list...)
			for m, i := range to.rest.at {
				if i >= len(to.rest.list) || to.rest.list[i] != m {
					return fmt.Errorf("%s %q: the index of its members is wrong at %d", k, name, i)
				}
			}
			if to.rest.at != nil && len(to.rest.at) != len(to.rest.list) {
				return fmt.Errorf("%s %q: %d members, %d indexed", k, name, len(to.rest.list), len(to.rest.at))
			}
		}
		for _, m := range members {
			if m == nil {
				return fmt.Errorf("%s %q has an empty place", k, name)
			}
			if !m.sets[k].has(to) {
				return fmt.Errorf("%s %q has a member whose set lacks it", k, name)
			}
			if seen[m] == nil {
				seen[m] = new([kinds]int)
			}
			seen[m][k]++
		}
		return nil
	}
	for i := range b.shards {
		for _, k := range []Kind{Channel, ShardChannel} {
			t := &b.shards[i].tables[k]
			num := 0
			for to := range t.all() {
				if s, tag := b.shard(to.name); s != &b.shards[i] || t.find(to.name, tag) != to {
					return fmt.Errorf("%s %q stands where nobody looks for it", k, to.name)
				}
				if err := look(k, to.name, to); err != nil {
					return err
				}
				num++
			}
			if num != t.num {
				return fmt.Errorf("a table of kind %s has %d names, and counts %d", k, num, t.num)
			}
		}
	}
	patterns := 0
	for name, to := range b.patterns.set.All() {
		patterns++
		if err := look(Pattern, name, to); err != nil {
			return err
		}
	}
	if n := b.NumPat(); n != patterns || n != b.patterns.set.Len() {
		return fmt.Errorf("%d patterns counted, %d indexed, %d found", n, b.patterns.set.Len(), patterns)
	}
	var total [kinds]int
	for m, n := range seen {
		for k := range kinds {
			if n[k] != m.sets[k].len() || n[k] != m.Count(k) {
				return fmt.Errorf("a member is in %d audiences of kind %s, has %d in its set and counts %d", n[k], k, m.sets[k].len(), m.Count(k))
			}
			total[k] += n[k]
		}
		if named := m.namesLength(); named != m.NameBytes() {
			return fmt.Errorf("a member counts %d bytes of names, has %d", m.NameBytes(), named)
		}
	}
	for k := range kinds {
		n := 0
		for i := range b.shards {
			n += b.shards[i].subscriptions[k]
		}
		if k == Pattern {
			n += b.patterns.subscriptions
		}
		if n != total[k] {
			return fmt.Errorf("%d subscriptions of kind %s counted, %d found", n, k, total[k])
		}
	}
	if n := int(b.subscribers.Load()); n != len(seen) {
		return fmt.Errorf("%d members with subscriptions counted, %d found", n, len(seen))
	}
	return nil
}
