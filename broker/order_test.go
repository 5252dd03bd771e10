package broker

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	orderAuthors = 8
	orderCalls   = 150 // of each author in a round
)

// Publishers and subscribers in great confusion; what they have seen is held
// against the rules.
func TestOrder(t *testing.T) {
	deadline := time.Now().Add(*duration)
	var rounds, calls, events, confirmations, alone int
	for rounds == 0 || time.Now().Before(deadline) && !t.Failed() {
		h := orderRound(t, uint64(rounds))
		rounds++
		alone += len(h.alone)
		for _, made := range h.calls {
			calls += len(made)
		}
		for _, s := range h.streams {
			events += len(s.events)
			confirmations += len(s.changes)
		}
		for _, v := range checkHistory(h) {
			t.Errorf("round %d: %s", rounds, v)
		}
	}
	t.Logf("%d rounds, %d calls of Publish, %d subscriptions begun or ended, %d events, %d times exclusive",
		rounds, calls, confirmations, events, alone)
}

// orderRound lets everybody loose on a new broker until the authors are done.
func orderRound(t *testing.T, seed uint64) *history {
	w := newWorld(&Options{Shards: []int{1, 2, 64}[seed%3]})
	var recorders []*recorder
	var churners []*churner
	join := func(label string, of ...[]subscription) (all []*churner) {
		r := &recorder{w: w, proto: len(recorders) % 2, keeps: len(recorders)%5 == 0}
		r.stream.label = fmt.Sprintf("%s %d", label, len(recorders))
		m := w.b.Join(r)
		for i, from := range of {
			c := newChurner(r, m, seed<<16|uint64(len(recorders))<<2|uint64(i), from...)
			c.sole = len(of) == 1
			all = append(all, c)
		}
		recorders = append(recorders, r)
		churners = append(churners, all...)
		return all
	}
	channels := subscriptions(Channel, orderChannels)
	patterns := subscriptions(Pattern, orderPatterns)
	shards := subscriptions(ShardChannel, orderChannels)
	both := append(channels[:len(channels):len(channels)], patterns...)
	for range 12 {
		join("name", channels)
	}
	for range 6 {
		join("pattern", patterns)
	}
	for range 6 {
		join("shard", shards)
	}
	for range 6 {
		join("both", append(both[:len(both):len(both)], shards...))
	}
	for range 4 {
		join("shared", channels, patterns)
	}
	// Some of them publish, too, and stop everybody for it.
	authors := make([]*author, orderAuthors)
	for i := range authors {
		authors[i] = newAuthor(w, i, seed)
	}
	writers := authors
	for i := 0; i < len(churners); i += 5 {
		if churners[i].sole {
			churners[i].author = newAuthor(w, len(authors), seed)
			authors = append(authors, churners[i].author)
		}
	}
	// These two stay: they see everything.
	var lasting []*churner
	lasting = append(lasting, join("lasting", both)...)
	lasting = append(lasting, join("lasting", shards)...)
	churners = churners[:len(churners)-len(lasting)]
	for _, c := range lasting {
		for _, s := range c.from {
			c.change(w.b, true, s)
		}
	}

	var done atomic.Bool
	var writing, reading sync.WaitGroup
	for _, c := range churners {
		reading.Go(func() { c.run(&done) })
	}
	reading.Go(func() { lookAround(t, w.b, &done) })
	for _, a := range writers {
		writing.Go(func() { a.run(orderCalls) })
	}
	writing.Wait()
	done.Store(true)
	reading.Wait()

	checked(t, w.b)
	h := &history{alone: w.alone}
	var want Stats
	for _, a := range authors {
		h.calls = append(h.calls, a.calls)
		for i := range a.calls {
			want.Published += uint64(a.calls[i].n)
			want.Delivered += uint64(a.calls[i].n * a.calls[i].receivers)
		}
	}
	if got := w.b.Stats(); got.Published != want.Published || got.Delivered != want.Delivered {
		t.Errorf("Stats: %d published, %d delivered, want %d and %d", got.Published, got.Delivered, want.Published, want.Delivered)
	}
	for _, r := range recorders {
		h.streams = append(h.streams, r.finish())
	}
	for _, c := range append(churners, lasting...) {
		c.r.stream.changes = append(c.r.stream.changes, c.changes...)
		for _, wrong := range c.wrong {
			t.Errorf("%s: %s", c.r.stream.label, wrong)
		}
	}
	// With everybody gone, nothing is left.
	for _, c := range append(churners, lasting...) {
		w.b.Clear(c.m)
	}
	checked(t, w.b)
	if got := w.b.Stats(); got.Channels+got.Patterns+got.ShardChannels+got.Subscriptions != 0 {
		t.Errorf("an empty broker has %+v", got)
	}
	return h
}

func subscriptions(k Kind, names []string) []subscription {
	list := make([]subscription, len(names))
	for i, name := range names {
		list[i] = subscription{k, name}
	}
	return list
}

// lookAround asks the broker about itself. One subscriber lasts, so some
// answers are known.
func lookAround(t *testing.T, b *Broker, done *atomic.Bool) {
	for !done.Load() {
		if got := len(b.Channels("*")); got != len(orderChannels)-1 { // "*" leaves the empty one out
			t.Errorf("%d channels, want %d", got, len(orderChannels)-1)
		}
		if got := len(slices.Collect(b.Names(ShardChannel))); got != len(orderChannels) {
			t.Errorf("%d shard channels, want %d", got, len(orderChannels))
		}
		if got := b.NumPat(); got != len(orderPatterns) {
			t.Errorf("%d patterns, want %d", got, len(orderPatterns))
		}
		if got := len(slices.Collect(b.Names(Pattern))); got != len(orderPatterns) {
			t.Errorf("%d patterns named, want %d", got, len(orderPatterns))
		}
		for _, name := range orderChannels {
			if b.NumSub(name) < 1 || b.ShardNumSub(name) < 1 {
				t.Errorf("%q has no subscribers", name)
			}
		}
		b.Exclusive(nil, func(x *Exclusive) {
			st := x.Stats()
			if x.NumPat() != st.Patterns || len(slices.Collect(x.Names(Channel))) != st.Channels {
				t.Errorf("Stats is %+v, with %d patterns and %d channels", st, x.NumPat(), len(slices.Collect(x.Names(Channel))))
			}
		})
	}
}
