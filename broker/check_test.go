package broker

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// A populated broker: "lone" has one member, "few" has three, "many" has more
// than are searched by looking at all.
func populated() (b *Broker, members []*Member) {
	b = New(&Options{Shards: 4})
	for i := range scanLimit + 10 {
		m := b.Join(&scribe{})
		members = append(members, m)
		for k := range kinds {
			b.Subscribe(m, k, "many")
			if i < 3 {
				b.Subscribe(m, k, "few")
			}
			if i == 0 {
				b.Subscribe(m, k, "lone")
			}
		}
	}
	return b, members
}

// named returns the audience of a name.
func named(b *Broker, k Kind, name string) *audience { return b.find(b.spot(k, name), name) }

// forget takes the audience of a name out of its table.
func forget(b *Broker, k Kind, name string) {
	at := b.spot(k, name)
	at.table.remove(name, at.tag)
}

// Check reports each way in which the tables can disagree.
func TestCheck(t *testing.T) {
	for _, test := range []struct {
		label   string
		corrupt func(b *Broker, members []*Member)
		want    string // part of the report; empty for none
	}{
		{"nothing", func(*Broker, []*Member) {}, ""},
		{"channel under another name", func(b *Broker, _ []*Member) { named(b, Channel, "lone").name = "alone" }, `channel "alone" stands where nobody looks for it`},
		{"pattern under another name", func(b *Broker, _ []*Member) { named(b, Pattern, "lone").name = "alone" }, `pattern "alone" stands under the name "lone"`},
		{"channel in the wrong shard", func(b *Broker, _ []*Member) {
			to := named(b, Channel, "lone")
			for i := range b.shards {
				s, tag := b.shard("lone")
				b.shards[i].tables[Channel].remove("lone", tag)
				if &b.shards[i] != s {
					b.shards[i].tables[Channel].add(to, tag)
				}
			}
		}, `channel "lone" stands where nobody looks for it`},
		{"channel not in the table", func(b *Broker, _ []*Member) { forget(b, Channel, "lone") }, "a member is in 2 audiences of kind channel, has 3 in its set"},
		{"shard channel not in the table", func(b *Broker, _ []*Member) { forget(b, ShardChannel, "few") }, "audiences of kind shard channel"},
		{"channels counted wrong", func(b *Broker, _ []*Member) { b.spot(Channel, "lone").table.num++ }, "a table of kind channel has "},
		{"pattern not in the table", func(b *Broker, _ []*Member) { b.patterns.set.Delete("lone") }, "patterns counted"},
		{"pattern not counted", func(b *Broker, _ []*Member) { b.patterns.num.Add(-1) }, "2 patterns counted, 3 indexed, 3 found"},
		{"empty first place", func(b *Broker, _ []*Member) { named(b, Channel, "lone").first = nil }, `channel "lone" has an empty place`},
		{"empty place in the crowd", func(b *Broker, _ []*Member) { named(b, ShardChannel, "few").rest.list[1] = nil }, `shard channel "few" has an empty place`},
		{"index names another place", func(b *Broker, members []*Member) { named(b, Pattern, "many").rest.at[members[5]]++ }, `pattern "many": the index of its members is wrong`},
		{"index names no place", func(b *Broker, members []*Member) { named(b, Pattern, "many").rest.at[members[5]] = 1000 }, `pattern "many": the index of its members is wrong at 1000`},
		{"index lacks a member", func(b *Broker, members []*Member) { delete(named(b, Channel, "many").rest.at, members[5]) }, `channel "many": 41 members, 40 indexed`},
		{"member's set lacks the channel", func(b *Broker, members []*Member) { members[0].sets[Channel].remove(named(b, Channel, "lone")) }, `channel "lone" has a member whose set lacks it`},
		{"member's set has too much", func(_ *Broker, members []*Member) { members[0].sets[Channel].add(&audience{name: "stale"}) }, "a member is in 3 audiences of kind channel, has 4 in its set and counts 3"},
		{"member counts too much", func(_ *Broker, members []*Member) { members[1].counts[Pattern].Add(1) }, "a member is in 2 audiences of kind pattern, has 2 in its set and counts 3"},
		{"member counts too many bytes of names", func(_ *Broker, members []*Member) { members[1].nameBytes.Add(1) }, "bytes of names, has "},
		{"member twice in one audience", func(b *Broker, _ []*Member) {
			to := named(b, Channel, "few")
			to.rest.list = append(to.rest.list, to.first)
		}, "a member is in 4 audiences of kind channel, has 3 in its set and counts 3"},
		{"member not in the audience", func(b *Broker, _ []*Member) {
			to := named(b, Channel, "few")
			to.rest.list = to.rest.list[:1]
		}, "a member is in 1 audiences of kind channel, has 2 in its set and counts 2"},
		{"subscriptions not counted", func(b *Broker, _ []*Member) { b.shards[0].subscriptions[ShardChannel]-- }, "45 subscriptions of kind shard channel counted, 46 found"},
		{"subscriptions to patterns not counted", func(b *Broker, _ []*Member) { b.patterns.subscriptions-- }, "subscriptions of kind pattern counted"},
		{"subscription to a pattern counted in a shard", func(b *Broker, _ []*Member) { b.shards[0].subscriptions[Pattern]++ }, "subscriptions of kind pattern counted"},
		{"subscriber not counted", func(b *Broker, _ []*Member) { b.subscribers.Add(-1) }, "members with subscriptions counted"},
		{"all of a lonely member's tables gone", func(b *Broker, members []*Member) {
			for _, m := range members {
				b.Clear(m)
			}
			b.Subscribe(members[0], Channel, "lone")
			forget(b, Channel, "lone")
		}, "1 subscriptions of kind channel counted, 0 found"},
	} {
		b, members := populated()
		test.corrupt(b, members)
		err := b.Check()
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: Check: %v", test.label, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: Check: %v, want %q", test.label, err, test.want)
		}
	}
}

// Operators may call Check and Stats at any time.
func TestCheckUnderLoad(t *testing.T) {
	b := New(&Options{Shards: 2})
	var done atomic.Bool
	var users, lookers sync.WaitGroup
	lookers.Go(func() {
		for !done.Load() {
			if err := b.Check(); err != nil {
				t.Errorf("Check: %v", err)
			}
			if st := b.Stats(); st.Subscriptions < 0 || st.Channels < 0 {
				t.Errorf("Stats is %+v", st)
			}
		}
	})
	for range 3 {
		users.Go(func() {
			m := b.Join(&scribe{})
			for range 300 {
				// A pattern is always held, so that Check looks at m.
				b.Subscribe(m, Pattern, "a*")
				b.Subscribe(m, Channel, "a")
				b.Subscribe(m, ShardChannel, "b")
				b.Publish("a", nil)
				b.UnsubscribeAll(m, Channel)
				b.UnsubscribeAll(m, ShardChannel)
				b.Unsubscribe(m, Pattern, "a*")
				b.Subscribe(m, Channel, "c")
				b.Clear(m)
			}
		})
	}
	users.Wait()
	done.Store(true)
	lookers.Wait()
	checked(t, b)
}
