package broker

import "iter"

// A table finds audiences by their names: a hash table with open addressing, which
// takes half the memory of a map of names, and uses the hash that has chosen the
// shard again. The zero value is empty.
type table struct {
	// A place with a tag of 0 is free. Names stand at the first place from where their
	// tags point to that was free, and there is no free place between.
	tags []uint32
	list []*audience
	num  int
}

// minPlaces is the number of places of the smallest table.
const minPlaces = 8

// A tag is what a table knows of a name before it looks at the audience: 31 bits of
// its hash, and one that is set.
func tagOf(hash uint64) uint32 { return uint32(hash>>32) | 1 }

// home is the place that a tag points to.
func (t *table) home(tag uint32) int { return int(tag>>1) & (len(t.tags) - 1) }

func (t *table) next(i int) int { return (i + 1) & (len(t.tags) - 1) }

// at returns the place of a name, -1 if there is none.
func (t *table) at(name string, tag uint32) int {
	if t.num == 0 {
		return -1
	}
	for i := t.home(tag); t.tags[i] != 0; i = t.next(i) {
		if t.tags[i] == tag && t.list[i].name == name {
			return i
		}
	}
	return -1
}

// find returns the audience of a name, nil if there is none.
func (t *table) find(name string, tag uint32) *audience {
	if i := t.at(name, tag); i >= 0 {
		return t.list[i]
	}
	return nil
}

// add adds an audience whose name is not in the table.
func (t *table) add(to *audience, tag uint32) {
	if 4*(t.num+1) > 3*len(t.tags) {
		t.resize(max(minPlaces, 2*len(t.tags)))
	}
	t.put(to, tag)
	t.num++
}

func (t *table) put(to *audience, tag uint32) {
	i := t.home(tag)
	for t.tags[i] != 0 {
		i = t.next(i)
	}
	t.tags[i], t.list[i] = tag, to
}

func (t *table) resize(places int) {
	old := *t
	t.tags, t.list = make([]uint32, places), make([]*audience, places)
	for i, tag := range old.tags {
		if tag != 0 {
			t.put(old.list[i], tag)
		}
	}
}

// remove removes a name, if it is there.
func (t *table) remove(name string, tag uint32) {
	free := t.at(name, tag)
	if free < 0 {
		return
	}
	t.num--
	// Those behind it move up, as far as they may stand there.
	for i := t.next(free); t.tags[i] != 0; i = t.next(i) {
		way, room := (i-t.home(t.tags[i]))&(len(t.tags)-1), (i-free)&(len(t.tags)-1)
		if way >= room {
			t.tags[free], t.list[free] = t.tags[i], t.list[i]
			free = i
		}
	}
	t.tags[free], t.list[free] = 0, nil
	if len(t.tags) > minPlaces && 8*t.num < len(t.tags) {
		t.resize(max(minPlaces, len(t.tags)/4))
	}
}

// all goes through the audiences, in no order.
func (t *table) all() iter.Seq[*audience] {
	return func(yield func(*audience) bool) {
		for _, to := range t.list {
			if to != nil && !yield(to) {
				return
			}
		}
	}
}
