package broker

import (
	"bytes"
	"fmt"
	"testing"
)

func TestPublishNothing(t *testing.T) {
	b := New(nil)
	var s scribe
	m := b.Join(&s)
	b.Subscribe(m, Channel, "a")
	b.Subscribe(m, Pattern, "*")
	s.take()
	if got := b.Publish("a"); got != 0 {
		t.Errorf("Publish without payloads returned %d, want 0", got)
	}
	s.want(t)
	if got := b.Publish("a", nil); got != 2 {
		t.Errorf("Publish of a nil payload returned %d, want 2", got)
	}
	s.want(t, "channel a: ", "pattern * a: ")
}

// The result counts deliveries: a subscriber with the channel and several
// patterns counts several times.
func TestPublishCountsDeliveries(t *testing.T) {
	b := New(nil)
	var s scribe
	m := b.Join(&s)
	b.Subscribe(m, Channel, "news.sport")
	for _, p := range []string{"news.*", "*", "news.spor?", "*.sport"} {
		b.Subscribe(m, Pattern, p)
	}
	b.Subscribe(m, Pattern, "weather.*")
	b.Subscribe(b.Join(&scribe{}), Pattern, "news.*")
	s.take()
	if got := b.Publish("news.sport", []byte("goal")); got != 6 {
		t.Errorf("Publish returned %d, want 6", got)
	}
	told := s.take()
	if len(told) != 5 || told[0] != "channel news.sport: goal" {
		t.Errorf("told %q, want five deliveries, the first by name", told)
	}
	for range 3 {
		if got := b.Publish("nobody", []byte("m")); got != 1 {
			t.Errorf("Publish returned %d, want 1 for the star", got)
		}
	}
}

// A run arrives in one piece, unless patterns match: then message by message.
func TestPublishRun(t *testing.T) {
	b := New(nil)
	var named, both scribe
	b.Subscribe(b.Join(&named), Channel, "a")
	m := b.Join(&both)
	b.Subscribe(m, Channel, "a")
	b.Subscribe(m, ShardChannel, "a")
	b.Subscribe(m, Pattern, "b*")
	named.take()
	both.take()

	if got := b.Publish("a", payloads("1", "2", "3")...); got != 2 {
		t.Errorf("Publish of a run returned %d, want 2", got)
	}
	named.want(t, "channel a: 1 2 3")
	both.want(t, "channel a: 1 2 3")

	b.Subscribe(m, Pattern, "a*")
	both.take()
	if got := b.Publish("a", payloads("4", "5")...); got != 3 {
		t.Errorf("Publish of a run with a pattern returned %d, want 3", got)
	}
	named.want(t, "channel a: 4", "channel a: 5")
	both.want(t, "channel a: 4", "pattern a* a: 4", "channel a: 5", "pattern a* a: 5")

	if got := b.PublishShard("a", payloads("6", "7")...); got != 1 {
		t.Errorf("PublishShard of a run returned %d, want 1", got)
	}
	both.want(t, "shard channel a: 6 7")
}

// A subscriberFunc is a Subscriber that is interested in deliveries only.
type subscriberFunc func(d *Delivery)

func (subscriberFunc) Subscribed(Kind, string, int)   {}
func (subscriberFunc) Unsubscribed(Kind, string, int) {}
func (f subscriberFunc) Deliver(d *Delivery)          { f(d) }

func TestPublishFrom(t *testing.T) {
	b := New(nil)
	var got []any
	m := b.Join(subscriberFunc(func(d *Delivery) { got = append(got, d.From) }))
	b.Subscribe(m, Channel, "a")
	b.Subscribe(m, Pattern, "*")
	b.Subscribe(m, ShardChannel, "a")
	b.PublishFrom("me", Channel, "a", nil)
	b.PublishFrom(7, ShardChannel, "a", nil)
	b.PublishFrom(nil, Channel, "a", nil)
	b.PublishFrom("me", Channel, "a", nil)
	b.Publish("a", nil)
	b.PublishShard("a", nil)
	if got, want := fmt.Sprint(got), "[me me 7 <nil> <nil> me me <nil> <nil> <nil>]"; got != want {
		t.Errorf("from %s, want %s", got, want)
	}
}

// The first receiver of each audience finds empty frames, the others what it
// has put in, and no receiver sees what was meant for another audience.
func TestFrames(t *testing.T) {
	b := New(nil)
	encoded := 0
	receive := func(d *Delivery) {
		for i := range d.Frames {
			f := &d.Frames[i]
			want := append(appendFrame(nil, d), byte(i))
			if len(f.Bytes) == 0 {
				encoded++
				f.Bytes = append(f.Bytes, want...)
			}
			if f.Owner != nil || !bytes.Equal(f.Bytes, want) {
				t.Errorf("frame %d is %q of %v, want %q of nobody", i, f.Bytes, f.Owner, want)
			}
		}
	}
	for range 3 {
		m := b.Join(subscriberFunc(receive))
		b.Subscribe(m, Channel, "a")
		b.Subscribe(m, ShardChannel, "a")
	}
	for _, test := range []struct {
		pattern string
		publish func(string, ...[]byte) int
		n, want int // payloads, frames encoded
	}{
		{"", b.Publish, 1, 2},
		{"", b.Publish, 3, 2},
		{"", b.PublishShard, 3, 2},
		{"a*", b.Publish, 1, 4},
		{"*", b.Publish, 3, 18},
		{"", b.PublishShard, 2, 2},
	} {
		if test.pattern != "" {
			for range 2 {
				b.Subscribe(b.Join(subscriberFunc(receive)), Pattern, test.pattern)
			}
		}
		encoded = 0
		test.publish("a", payloads("one", "two", "three")[:test.n]...)
		if encoded != test.want {
			t.Errorf("%d frames were encoded for %d payloads, want %d", encoded, test.n, test.want)
		}
	}
}

// Frames are used again, but not those that somebody has kept.
func TestFramesKept(t *testing.T) {
	for _, pattern := range []string{"", "a*"} {
		b := New(nil)
		var kept, copies [][]byte
		keep := false
		receive := func(d *Delivery) {
			f := &d.Frames[0]
			if len(f.Bytes) == 0 {
				f.Bytes = appendFrame(f.Bytes, d)
			}
			if keep {
				f.Owner = holders{}
				kept = append(kept, f.Bytes)
				copies = append(copies, bytes.Clone(f.Bytes))
			}
		}
		first := b.Join(subscriberFunc(receive))
		b.Subscribe(first, Channel, "a")
		b.Subscribe(b.Join(subscriberFunc(receive)), Channel, "a")
		if pattern != "" {
			b.Subscribe(first, Pattern, pattern)
		}
		for i := range 200 {
			keep = i%3 == 0
			b.Publish("a", fmt.Appendf(nil, "message %d", i), []byte("x"))
		}
		if len(kept) == 0 {
			t.Fatal("nothing was kept")
		}
		for i := range kept {
			if !bytes.Equal(kept[i], copies[i]) {
				t.Fatalf("pattern %q: the kept frame %q has become %q", pattern, copies[i], kept[i])
			}
		}
	}
}

// What goes back to the pool holds on to nothing but small scratch memory.
func TestRecycle(t *testing.T) {
	small, large, owned := make([]byte, 10, 100), make([]byte, 10, maxScratch+1), make([]byte, 10, 100)
	released := 0
	for _, test := range []struct {
		label    string
		frame    Frame
		want     int // capacity left
		released int // times the owner is told
	}{
		{"small", Frame{Bytes: small}, 100, 0},
		{"large", Frame{Bytes: large}, 0, 0},
		{"owned", Frame{Bytes: owned, Owner: holders{&released}}, 0, 1},
		{"empty", Frame{}, 0, 0},
	} {
		d := &Delivery{Kind: Pattern, Channel: "c", Pattern: "p", Payloads: payloads("x"), From: t}
		d.Frames[1] = test.frame
		released = 0
		d.recycle()
		f := d.Frames[1]
		if len(f.Bytes) != 0 || cap(f.Bytes) != test.want || f.Owner != nil || released != test.released {
			t.Errorf("%s: %d bytes of capacity %d, owner %v, released %d times; want capacity %d, released %d times", test.label, len(f.Bytes), cap(f.Bytes), f.Owner, released, test.want, test.released)
		}
		if d.Kind != Channel || d.Channel != "" || d.Pattern != "" || d.Payloads != nil || d.From != nil {
			t.Errorf("%s: %+v is left", test.label, d)
		}
	}
}

// Publish holds on to no audience that has gone.
func TestPublishForgetsMatched(t *testing.T) {
	b := New(&Options{Shards: 1})
	m := b.Join(&scribe{})
	for _, p := range []string{"a", "a*", "*"} {
		b.Subscribe(m, Pattern, p)
	}
	if got := b.Publish("a", nil); got != 3 {
		t.Fatalf("Publish returned %d, want 3", got)
	}
	scratch := b.shards[0].matched
	if cap(scratch) < 3 {
		t.Fatalf("the scratch has capacity %d, want at least 3", cap(scratch))
	}
	for i, to := range scratch[:3] {
		if to != nil {
			t.Errorf("the scratch holds %q at %d", to.name, i)
		}
	}
}

// A Subscriber that panics leaves no lock behind.
func TestPublishPanic(t *testing.T) {
	b := New(nil)
	m := b.Join(subscriberFunc(func(*Delivery) { panic("receiver") }))
	b.Subscribe(m, Channel, "a")
	b.Subscribe(m, Pattern, "a*")
	func() {
		defer func() {
			if got := recover(); got != "receiver" {
				t.Errorf("recovered %v, want the panic of the receiver", got)
			}
		}()
		b.Publish("a", []byte("m"))
	}()
	b.Clear(m)
	if got := b.Publish("a", []byte("m")); got != 0 {
		t.Errorf("Publish returned %d, want 0", got)
	}
	checked(t, b)
}
