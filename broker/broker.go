package broker

import (
	"hash/maphash"
	"iter"
	"sync"
	"sync/atomic"

	"github.com/pubsubd/pubsubd/match"
)

// Kind tells the three name spaces of subscriptions apart. The same name in
// two kinds means two different things.
type Kind uint8

const (
	Channel      Kind = iota // a channel, by name
	Pattern                  // a glob over channels, see package match
	ShardChannel             // a channel reached by PublishShard only
	kinds
)

// String returns "channel", "pattern" or "shard channel".
func (k Kind) String() string {
	switch k {
	case Channel:
		return "channel"
	case Pattern:
		return "pattern"
	case ShardChannel:
		return "shard channel"
	}
	return "unknown kind"
}

// A Subscriber receives what is published to its subscriptions.
//
// All three methods are called with locks of the broker held: they must not
// block and must not call the broker or a Member. Deliver may be called from
// several goroutines at once, for different channels.
type Subscriber interface {
	// Subscribed is called once for each new subscription, before its first
	// Deliver. Count is the number of the subscriber's channels and patterns
	// together or, for a shard channel, of its shard channels alone.
	Subscribed(k Kind, name string, count int)

	// Unsubscribed is called once for each subscription ended by Unsubscribe
	// or UnsubscribeAll, after its last Deliver. Count is as for Subscribed.
	Unsubscribed(k Kind, name string, count int)

	// Deliver hands over one run of messages of one channel.
	Deliver(d *Delivery)
}

// A Delivery is a run of one or more messages, in order, of one channel. It is
// shared by all its receivers and valid only until Deliver returns: what a
// receiver keeps, it copies.
type Delivery struct {
	Kind     Kind     // Pattern when the receiver's subscription is a pattern
	Channel  string   // the channel published to
	Pattern  string   // the pattern that matched; empty unless Kind is Pattern
	Payloads [][]byte // at least one; more than one only if no pattern matches

	// From is the value the publisher gave to PublishFrom, nil otherwise.
	From any

	// Frames is scratch space for transports: the first receiver that speaks
	// an encoding fills its frame, the others reuse it. Empty at first.
	Frames [2]Frame

	run [][]byte // memory of the list of payloads
}

// A Frame is a Delivery in the encoding of a transport.
type Frame struct {
	// Bytes is the encoded run, empty until a receiver has encoded it. Its
	// capacity may be reused. Nobody changes it once it is filled.
	Bytes []byte

	// Owner is set by the receiver that fills Bytes if others may hold on to
	// them after Deliver has returned: whose memory they are. The broker then
	// does not use that memory again. Nil means that nobody holds on to Bytes.
	Owner FrameOwner
}

// A FrameOwner owns the memory of a frame that receivers hold on to.
type FrameOwner interface {
	// Release is called once, when all receivers have had the delivery: those
	// that hold on to the frame have made that known to its owner by then.
	Release()
}

// maxScratch is the capacity in bytes up to which the memory of a frame is
// kept for the next Delivery.
const maxScratch = 64 << 10

// maxScratchRun is the number of payloads up to which the memory of their list
// is kept.
const maxScratchRun = 1 << 10

// Options sets up a Broker. A nil *Options is ready to use.
type Options struct {
	// Shards is the number of stripes that channels are spread over. It is
	// rounded up to a power of two, at most 65536. Zero means 64.
	Shards int
}

const maxShards = 1 << 16

func (o *Options) shards() int {
	want := 64
	if o != nil && o.Shards > 0 {
		want = min(o.Shards, maxShards)
	}
	n := 1
	for n < want {
		n *= 2
	}
	return n
}

// A Broker routes messages from publishers to subscribers. All its methods may
// be called from any goroutine, except from within the methods of a Subscriber.
type Broker struct {
	// Immutable after New.
	shards []shard
	seed   maphash.Seed

	patterns struct {
		mu  sync.RWMutex
		set match.Set[*audience] // guarded by mu
		num atomic.Int64         // patterns in set; Publish looks here before it takes mu

		subscriptions int // guarded by mu; check compares
	}

	subscribers atomic.Int64 // members with a subscription
}

// A shard is a stripe of the channel tables with its own lock.
type shard struct {
	mu            sync.Mutex
	tables        [kinds]table  // of Channel and ShardChannel only
	subscriptions [kinds]int    // of those kinds; check compares
	matched       []*audience   // scratch of publish
	published     atomic.Uint64 // messages; added to with mu held
	delivered     uint64        // deliveries

	_ [64]byte // keeps neighbouring locks off one cache line
}

// New returns an empty broker.
func New(o *Options) *Broker {
	return &Broker{shards: make([]shard, o.shards()), seed: maphash.MakeSeed()}
}

// shard returns where the audience of a channel stands, and its tag there.
func (b *Broker) shard(name string) (s *shard, tag uint32) {
	h := maphash.String(b.seed, name)
	return &b.shards[h&uint64(len(b.shards)-1)], tagOf(h)
}

// Publish delivers the payloads, in order and with nothing of the channel in
// between, to the subscribers of the channel and of each matching pattern. It
// returns the number of deliveries of each one payload. The payloads are not
// kept; the channel may be a view of memory that changes after the call.
func (b *Broker) Publish(channel string, payloads ...[]byte) int {
	return access{b: b}.publish(nil, Channel, channel, payloads)
}

// PublishShard is Publish for a shard channel. Patterns play no part in it.
func (b *Broker) PublishShard(channel string, payloads ...[]byte) int {
	return access{b: b}.publish(nil, ShardChannel, channel, payloads)
}

// PublishFrom is Publish or, if k is ShardChannel, PublishShard, with a value
// that receivers find in Delivery.From.
func (b *Broker) PublishFrom(from any, k Kind, channel string, payloads ...[]byte) int {
	return access{b: b}.publish(from, k, channel, payloads)
}

// Names goes through the names of all channels, patterns or shard channels that
// have a subscriber, each once, in no order. Of what comes and goes meanwhile
// some may be missed. The body of the loop over patterns, and of any within
// Exclusive, runs with locks held and must neither block nor call the broker;
// that of another may take its time, and publishers do not wait for it.
func (b *Broker) Names(k Kind) iter.Seq[string] { return access{b: b}.names(k) }

// Channels returns the channels with at least one subscriber by name that
// match the glob, in no order.
func (b *Broker) Channels(glob string) []string { return b.matching(Channel, glob) }

// ShardChannels is Channels for shard channels.
func (b *Broker) ShardChannels(glob string) []string {
	return b.matching(ShardChannel, glob)
}

func (b *Broker) matching(k Kind, glob string) (names []string) {
	for name := range b.Names(k) {
		if match.Match(glob, name) {
			names = append(names, name)
		}
	}
	return names
}

// NumSub returns the number of subscribers of a channel by name.
func (b *Broker) NumSub(channel string) int { return access{b: b}.numSub(Channel, channel) }

// ShardNumSub returns the number of subscribers of a shard channel.
func (b *Broker) ShardNumSub(channel string) int { return access{b: b}.numSub(ShardChannel, channel) }

// NumPat returns the number of distinct patterns over all subscribers.
func (b *Broker) NumPat() int { return int(b.patterns.num.Load()) }

// Exclusive calls fn while nobody else publishes, subscribes or unsubscribes.
// Within fn the broker is used through x only, and x only within fn and, of
// all members, only with m, which may be nil. It stops the whole broker: fn
// must be short.
func (b *Broker) Exclusive(m *Member, fn func(x *Exclusive)) {
	if m != nil {
		m.mu.Lock()
		defer m.mu.Unlock()
	}
	for i := range b.shards {
		b.shards[i].mu.Lock()
	}
	b.patterns.mu.Lock()
	defer func() {
		b.patterns.mu.Unlock()
		for i := range b.shards {
			b.shards[i].mu.Unlock()
		}
	}()
	fn(&Exclusive{access{b: b, held: true}, m})
}

// An Exclusive is the broker for the one who has it alone.
type Exclusive struct {
	a access
	m *Member
}

// PublishFrom is Broker.PublishFrom.
func (x *Exclusive) PublishFrom(from any, k Kind, channel string, payloads ...[]byte) int {
	return x.a.publish(from, k, channel, payloads)
}

// Names is Broker.Names.
func (x *Exclusive) Names(k Kind) iter.Seq[string] { return x.a.names(k) }

// NumSub is Broker.NumSub.
func (x *Exclusive) NumSub(channel string) int { return x.a.numSub(Channel, channel) }

// ShardNumSub is Broker.ShardNumSub.
func (x *Exclusive) ShardNumSub(channel string) int { return x.a.numSub(ShardChannel, channel) }

// NumPat is Broker.NumPat.
func (x *Exclusive) NumPat() int { return x.a.b.NumPat() }

// Subscribe is Broker.Subscribe.
func (x *Exclusive) Subscribe(m *Member, k Kind, name string) bool {
	return x.a.subscribe(x.own(m), k, name)
}

// Unsubscribe is Broker.Unsubscribe.
func (x *Exclusive) Unsubscribe(m *Member, k Kind, name string) bool {
	return x.a.unsubscribe(x.own(m), k, name)
}

// UnsubscribeAll is Broker.UnsubscribeAll.
func (x *Exclusive) UnsubscribeAll(m *Member, k Kind) int {
	return x.a.unsubscribeAll(x.own(m), k, true)
}

// Clear is Broker.Clear.
func (x *Exclusive) Clear(m *Member) { x.a.clear(x.own(m)) }

// own refuses a member whose lock is not held.
func (x *Exclusive) own(m *Member) *Member {
	if m != x.m {
		panic("broker: Exclusive used with a member it was not given")
	}
	return m
}
