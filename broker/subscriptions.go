package broker

// Subscriptions returns the names of a member's channels, patterns or shard
// channels, in no order.
func (b *Broker) Subscriptions(m *Member, k Kind) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.names(k)
}

// Subscriptions is Broker.Subscriptions, of any member.
func (x *Exclusive) Subscriptions(m *Member, k Kind) []string { return m.names(k) }

// namesLength is what NameBytes should be. The locks of all tables must be held.
func (m *Member) namesLength() (n int64) {
	for _, set := range m.sets {
		for a := range set.all() {
			n += int64(len(a.name))
		}
	}
	return n
}

// names returns the names of a kind. The lock of the member must be held or
// those of all tables, without one of which its sets do not change.
func (m *Member) names(k Kind) []string {
	list := make([]string, 0, m.sets[k].len())
	for a := range m.sets[k].all() {
		list = append(list, a.name)
	}
	return list
}
