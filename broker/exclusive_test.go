package broker

import (
	"slices"
	"sync"
	"testing"
)

// Within Exclusive everything works as outside.
func TestExclusive(t *testing.T) {
	b := New(nil)
	var s, o scribe
	m, other := b.Join(&s), b.Join(&o)
	b.Subscribe(other, Channel, "a")
	b.Subscribe(other, ShardChannel, "a")
	o.take()
	b.Exclusive(m, func(x *Exclusive) {
		if got := x.PublishFrom("me", Channel, "a", []byte("1")); got != 1 {
			t.Errorf("PublishFrom returned %d, want 1", got)
		}
		if !x.Subscribe(m, Channel, "a") || x.Subscribe(m, Channel, "a") {
			t.Error("Subscribe did not tell the new from the old")
		}
		x.Subscribe(m, Pattern, "a*")
		x.Subscribe(m, ShardChannel, "a")
		if got := x.PublishFrom(nil, Channel, "a", payloads("2", "3")...); got != 3 {
			t.Errorf("PublishFrom returned %d, want 3", got)
		}
		if got := x.PublishFrom(nil, ShardChannel, "a", []byte("4")); got != 2 {
			t.Errorf("PublishFrom a shard channel returned %d, want 2", got)
		}
		if x.NumSub("a") != 2 || x.ShardNumSub("a") != 2 || x.NumPat() != 1 {
			t.Errorf("%d, %d, %d subscribers, want 2, 2, 1", x.NumSub("a"), x.ShardNumSub("a"), x.NumPat())
		}
		for k, want := range [kinds]string{"a", "a*", "a"} {
			if got := slices.Collect(x.Names(Kind(k))); !slices.Equal(got, []string{want}) {
				t.Errorf("names of kind %s are %q, want %q", Kind(k), got, want)
			}
		}
		if !x.Unsubscribe(m, Channel, "a") || x.Unsubscribe(m, Channel, "a") {
			t.Error("Unsubscribe did not tell something from nothing")
		}
		if got := x.UnsubscribeAll(m, Pattern); got != 1 {
			t.Errorf("UnsubscribeAll returned %d, want 1", got)
		}
		x.Clear(m)
		if m.Total() != 0 {
			t.Errorf("%d subscriptions left after Clear", m.Total())
		}
	})
	s.want(t, "+channel a 1", "+pattern a* 2", "+shard channel a 1",
		"channel a: 2", "pattern a* a: 2", "channel a: 3", "pattern a* a: 3",
		"shard channel a: 4", "-channel a 1", "-pattern a* 0")
	o.want(t, "channel a: 1", "channel a: 2", "channel a: 3", "shard channel a: 4")
	checked(t, b)
}

func TestExclusiveForeignMember(t *testing.T) {
	b := New(nil)
	mine, foreign := b.Join(&scribe{}), b.Join(&scribe{})
	for label, use := range map[string]func(x *Exclusive){
		"Subscribe":      func(x *Exclusive) { x.Subscribe(foreign, Channel, "a") },
		"Unsubscribe":    func(x *Exclusive) { x.Unsubscribe(foreign, Channel, "a") },
		"UnsubscribeAll": func(x *Exclusive) { x.UnsubscribeAll(foreign, Channel) },
		"Clear":          func(x *Exclusive) { x.Clear(foreign) },
	} {
		for _, m := range []*Member{mine, nil} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s took a foreign member", label)
					}
				}()
				b.Exclusive(m, use)
			}()
		}
	}
	// No lock is left behind, and nothing has happened.
	b.Subscribe(mine, Channel, "a")
	b.Subscribe(mine, Pattern, "a")
	if got := b.Publish("a", nil); got != 2 {
		t.Errorf("Publish returned %d, want 2", got)
	}
	checked(t, b)
}

// Exclusives of different members at once do not block each other for ever.
func TestExclusiveConcurrent(t *testing.T) {
	b := New(&Options{Shards: 4})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			m := b.Join(&scribe{})
			for range 100 {
				b.Exclusive(m, func(x *Exclusive) {
					x.Subscribe(m, Channel, "a")
					if got := x.NumSub("a"); got != 1 {
						t.Errorf("%d subscribers, want this one alone", got)
					}
					x.Clear(m)
				})
				b.Publish("a", nil)
			}
		})
	}
	wg.Wait()
	checked(t, b)
}
