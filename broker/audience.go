package broker

// An audience is the members subscribed to one channel, pattern or shard
// channel. It exists only while there is at least one. Most have exactly one
// and then cost no more than the name and two words.
type audience struct {
	name  string // interned: table key, confirmations and deliveries share it
	first *Member
	rest  *crowd // nil if first is the only one
}

// A crowd is the members of an audience but its first.
type crowd struct {
	list []*Member
	at   map[*Member]int // place in list; nil while list is short enough to scan
}

// scanLimit is the length up to which a crowd is searched by looking at all.
const scanLimit = 32

func (a *audience) len() int {
	if a.rest == nil {
		return 1
	}
	return 1 + len(a.rest.list)
}

// add adds a member that is not in the audience yet.
func (a *audience) add(m *Member) {
	if a.first == nil {
		a.first = m
		return
	}
	if a.rest == nil {
		a.rest = &crowd{}
	}
	c := a.rest
	c.list = append(c.list, m)
	switch {
	case c.at != nil:
		c.at[m] = len(c.list) - 1
	case len(c.list) > scanLimit:
		c.at = make(map[*Member]int, 2*scanLimit)
		for i, m := range c.list {
			c.at[m] = i
		}
	}
}

// remove removes a member that is in the audience and tells whether nobody is
// left.
func (a *audience) remove(m *Member) (empty bool) {
	if a.rest == nil {
		a.first = nil
		return true
	}
	c := a.rest
	last := len(c.list) - 1
	if a.first == m {
		a.first = c.list[last]
		delete(c.at, a.first)
	} else {
		i := c.find(m)
		c.list[i] = c.list[last]
		if c.at != nil {
			c.at[c.list[i]] = i
			delete(c.at, m)
		}
	}
	c.list[last] = nil
	c.list = c.list[:last]
	switch {
	case last == 0:
		a.rest = nil
	case last < scanLimit/2:
		c.at = nil
	case cap(c.list) > 4*scanLimit && last < cap(c.list)/4:
		c.list = append(make([]*Member, 0, 2*last), c.list...)
	}
	return false
}

func (c *crowd) find(m *Member) int {
	if c.at != nil {
		return c.at[m]
	}
	for i := range c.list {
		if c.list[i] == m {
			return i
		}
	}
	panic("broker: member is not in the audience its set names")
}

// deliver hands d to every member.
func (a *audience) deliver(d *Delivery) {
	a.first.sub.Deliver(d)
	if a.rest != nil {
		for _, m := range a.rest.list {
			m.sub.Deliver(d)
		}
	}
}
