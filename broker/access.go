package broker

import (
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	"github.com/pubsubd/pubsubd/match"
)

// access is how operations reach the broker's tables: taking the locks they
// need or, if held, within Exclusive, which has them all.
type access struct {
	b    *Broker
	held bool
}

func (a access) lock(mu *sync.Mutex) {
	if !a.held {
		mu.Lock()
	}
}

func (a access) unlock(mu *sync.Mutex) {
	if !a.held {
		mu.Unlock()
	}
}

var deliveries = sync.Pool{New: func() any { return new(Delivery) }}

// recycle makes d ready for the pool, keeping the memory of its frames where
// no receiver has kept it.
func (d *Delivery) recycle() {
	d.empty()
	for i := range d.Frames {
		if f := &d.Frames[i]; cap(f.Bytes) > maxScratch {
			f.Bytes = nil
		}
	}
	clear(d.run)
	if cap(d.run) > maxScratchRun {
		d.run = nil
	}
	*d = Delivery{Frames: d.Frames, run: d.run[:0]}
	deliveries.Put(d)
}

func (a access) publish(from any, k Kind, channel string, payloads [][]byte) (receivers int) {
	if k == Pattern {
		panic("broker: a message is published to a channel, not to a pattern")
	}
	if len(payloads) == 0 {
		return 0
	}
	if k == Channel && len(channel) > longName && !a.held {
		return a.publishLong(from, channel, payloads)
	}
	receivers, _ = a.publishTo(from, k, channel, payloads, nil)
	return receivers
}

// longName is the length in bytes from which the names of channels are matched
// with patterns before any lock is taken, where that may take long.
const longName = 1 << 10

// publishLong is publish to a channel of a long name. Nobody else has to wait
// until it is clear which patterns match.
func (a access) publishLong(from any, channel string, payloads [][]byte) int {
	for t := newTrial(channel); ; t.Decide() {
		if receivers, ok := a.publishTo(from, Channel, channel, payloads, t); ok {
			return receivers
		}
	}
}

func newTrial(channel string) *match.Trial[*audience] { return match.NewTrial[*audience](channel) }

// publishTo is publish that, unless t is nil, does nothing but to report it if
// some patterns have to be tried first.
func (a access) publishTo(from any, k Kind, channel string, payloads [][]byte, t *match.Trial[*audience]) (receivers int, ok bool) {
	b := a.b
	s, tag := b.shard(channel)
	if !a.held {
		s.mu.Lock()
		defer s.mu.Unlock()
	}
	to := s.tables[k].find(channel, tag)

	var matched []*audience
	if k == Channel && b.patterns.num.Load() > 0 {
		if !a.held {
			b.patterns.mu.RLock()
			defer b.patterns.mu.RUnlock()
		}
		matched, ok = b.matched(s.matched[:0], channel, t)
		if s.matched = matched[:0]; !ok {
			clear(matched)
			return 0, false
		}
	}

	s.published.Add(uint64(len(payloads)))
	if to == nil && len(matched) == 0 {
		return 0, true
	}
	d := deliveries.Get().(*Delivery)
	d.From, d.Channel = from, channel
	d.run = append(d.run, payloads...) // so that the caller's list need not outlive the call
	if to != nil {
		d.Channel = to.name
		receivers = to.len()
	}
	for _, p := range matched {
		receivers += p.len()
	}
	if len(matched) == 0 {
		d.deliver(k, "", to, d.run)
	} else {
		// One by one, so that no receiver of both sees the next message
		// between the deliveries of this one.
		for i := range d.run {
			if to != nil {
				d.deliver(Channel, "", to, d.run[i:i+1])
			}
			for _, p := range matched {
				d.deliver(Pattern, p.name, p, d.run[i:i+1])
			}
		}
		clear(matched)
	}
	d.recycle()
	s.delivered += uint64(receivers) * uint64(len(payloads))
	return receivers, true
}

// matched appends the audiences of the patterns that match a channel, unless
// there is a trial that has not decided about all of them.
func (b *Broker) matched(dst []*audience, channel string, t *match.Trial[*audience]) ([]*audience, bool) {
	if t != nil {
		return t.AppendMatches(&b.patterns.set, dst)
	}
	return b.patterns.set.AppendMatches(dst, channel), true
}

// deliver sets d up for one audience and hands it over.
func (d *Delivery) deliver(k Kind, pattern string, to *audience, payloads [][]byte) {
	d.empty()
	d.Kind, d.Pattern, d.Payloads = k, pattern, payloads
	to.deliver(d)
}

// empty makes the frames ready for the next receivers.
func (d *Delivery) empty() {
	for i := range d.Frames {
		f := &d.Frames[i]
		f.Bytes = f.Bytes[:0]
		if f.Owner != nil {
			f.Owner.Release()
			*f = Frame{}
		}
	}
}

// A spot is where the audience of a name stands, if there is one.
type spot struct {
	// Nil for a pattern.
	shard *shard
	table *table

	tag uint32 // in the table
}

// enter takes the lock of where a name stands, and leave lets go of it.
func (a access) enter(at spot) {
	switch {
	case a.held:
	case at.shard != nil:
		at.shard.mu.Lock()
	default:
		a.b.patterns.mu.Lock()
	}
}

func (a access) leave(at spot) {
	switch {
	case a.held:
	case at.shard != nil:
		at.shard.mu.Unlock()
	default:
		a.b.patterns.mu.Unlock()
	}
}

// subscriptions is how many there are of a kind where a name stands, guarded by the
// lock of that.
func (b *Broker) subscriptions(k Kind, at spot) *int {
	if at.shard != nil {
		return &at.shard.subscriptions[k]
	}
	return &b.patterns.subscriptions
}

func (b *Broker) spot(k Kind, name string) spot {
	if k == Pattern {
		return spot{}
	}
	s, tag := b.shard(name)
	return spot{s, &s.tables[k], tag}
}

// find returns the audience of a name, nil if there is none. The lock of its
// table must be held.
func (b *Broker) find(at spot, name string) *audience {
	if at.table == nil {
		to, _ := b.patterns.set.Get(name)
		return to
	}
	return at.table.find(name, at.tag)
}

func (a access) subscribe(m *Member, k Kind, name string) (added bool) {
	b := a.b
	var long match.Prepared // what takes time is done without a lock
	isLong := k == Pattern && len(name) > longName
	if isLong {
		name = strings.Clone(name)
		long = match.Prepare(name)
	}
	a.lock(&m.mu)
	defer a.unlock(&m.mu)
	if m.left {
		return false
	}
	at := b.spot(k, name)
	a.enter(at)
	defer a.leave(at)

	to := b.find(at, name)
	if m.b != b {
		panic("broker: Member of another Broker")
	}
	if to == nil {
		if !isLong {
			name = strings.Clone(name)
		}
		to = &audience{name: name}
		if k == Pattern {
			if isLong {
				b.patterns.set.AddPrepared(long, to)
			} else {
				b.patterns.set.Add(to.name, to)
			}
			b.patterns.num.Store(int64(b.patterns.set.Len()))
		} else {
			at.table.add(to, at.tag)
		}
	} else if m.sets[k].has(to) {
		return false
	}
	to.add(m)
	if m.sets[k] == nil {
		m.sets[k] = &audiences{}
	}
	m.sets[k].add(to)
	m.counts[k].Add(1)
	m.nameBytes.Add(int64(len(to.name)))
	*b.subscriptions(k, at)++
	if m.Total() == 1 {
		b.subscribers.Add(1)
	}
	m.sub.Subscribed(k, to.name, m.count(k))
	return true
}

func (a access) unsubscribe(m *Member, k Kind, name string) (removed bool) {
	a.lock(&m.mu)
	defer a.unlock(&m.mu)
	if m.sets[k].len() == 0 {
		return false
	}
	at := a.b.spot(k, name)
	a.enter(at)
	defer a.leave(at)
	to := a.b.find(at, name)
	if to == nil {
		return false
	}
	if !m.sets[k].has(to) {
		return false
	}
	a.b.removeLocked(m, k, to, at)
	m.sub.Unsubscribed(k, to.name, m.count(k))
	return true
}

// removeLocked ends a subscription. The locks of the member and of the
// audience's table must be held.
func (b *Broker) removeLocked(m *Member, k Kind, to *audience, at spot) {
	m.sets[k].remove(to)
	m.counts[k].Add(-1)
	m.nameBytes.Add(-int64(len(to.name)))
	*b.subscriptions(k, at)--
	if m.Total() == 0 {
		b.subscribers.Add(-1)
	}
	if !to.remove(m) {
		return
	}
	if k == Pattern {
		b.patterns.set.Delete(to.name)
		b.patterns.num.Store(int64(b.patterns.set.Len()))
		return
	}
	at.table.remove(to.name, at.tag)
}

// unsubscribeAll ends all subscriptions of a kind, telling the subscriber of
// each if tell is set, and returns how many there were.
func (a access) unsubscribeAll(m *Member, k Kind, tell bool) (n int) {
	a.lock(&m.mu)
	defer a.unlock(&m.mu)
	for to := range m.sets[k].all() {
		at := a.b.spot(k, to.name)
		a.enter(at)
		a.b.removeLocked(m, k, to, at)
		if tell {
			m.sub.Unsubscribed(k, to.name, m.count(k))
		}
		a.leave(at)
		n++
	}
	// Check looks at sets without m.mu but with the locks of all tables, any of
	// which keeps it away.
	at := a.b.spot(k, "")
	a.enter(at)
	m.sets[k] = nil
	a.leave(at)
	return n
}

func (a access) clear(m *Member) {
	for k := range kinds {
		a.unsubscribeAll(m, k, false)
	}
}

// nameLists holds lists of names to use again, as *[]string.
var nameLists = sync.Pool{New: func() any { return new([]string) }}

// names goes through the names of a kind: shard by shard, each copied with its
// lock held and gone through without, for there may be millions.
func (a access) names(k Kind) iter.Seq[string] {
	return func(yield func(string) bool) {
		b := a.b
		if k == Pattern {
			if !a.held {
				b.patterns.mu.RLock()
				defer b.patterns.mu.RUnlock()
			}
			for name := range b.patterns.set.All() {
				if !yield(name) {
					return
				}
			}
			return
		}
		p := nameLists.Get().(*[]string)
		defer func() {
			clear((*p)[:cap(*p)])
			nameLists.Put(p)
		}()
		for i := range b.shards {
			s := &b.shards[i]
			a.lock(&s.mu)
			list := slices.Grow((*p)[:0], s.tables[k].num)
			for to := range s.tables[k].all() {
				list = append(list, to.name)
			}
			a.unlock(&s.mu)
			*p = list
			// Who chooses names must not learn where they stand, or could choose such
			// as stand in each other's way.
			rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
			for _, name := range list {
				if !yield(name) {
					return
				}
			}
		}
	}
}

func (a access) numSub(k Kind, channel string) int {
	at := a.b.spot(k, channel)
	a.enter(at)
	defer a.leave(at)
	if to := a.b.find(at, channel); to != nil {
		return to.len()
	}
	return 0
}
