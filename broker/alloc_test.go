//go:build !race

package broker

import (
	"fmt"
	"testing"
)

// The race detector makes sync.Pool forget at random, so these tests are about
// builds without it.

// Publish does not allocate, whoever is subscribed.
func TestPublishAllocs(t *testing.T) {
	for _, test := range []struct {
		label                    string
		named, patterns, sharded int // subscribers
		n                        int // payloads
	}{
		{"nobody", 0, 0, 0, 1},
		{"one", 1, 0, 0, 1},
		{"names", 100, 0, 0, 1},
		{"names, a run", 100, 0, 0, 16},
		{"patterns", 0, 100, 0, 1},
		{"names and patterns", 100, 100, 0, 1},
		{"names and patterns, a run", 100, 100, 0, 16},
		{"shard", 0, 0, 100, 16},
	} {
		b := New(nil)
		for k, n := range [kinds]int{test.named, test.patterns, test.sharded} {
			for i := range n {
				name := "news"
				if Kind(k) == Pattern {
					name = []string{"news", "n*", "*s", "*"}[i%4]
				}
				b.Subscribe(b.Join(&transport{}), Kind(k), name)
			}
		}
		kind := Channel
		if test.sharded > 0 {
			kind = ShardChannel
		}
		batch := make([][]byte, test.n)
		for i := range batch {
			batch[i] = make([]byte, 64)
		}
		var name scratchName
		from := &transport{}
		got := testing.AllocsPerRun(200, func() {
			b.PublishFrom(from, kind, name.view("news"), batch...)
			name.spoil()
		})
		if got != 0 {
			t.Errorf("%s: PublishFrom allocates %v times", test.label, got)
		}
	}
}

// Publish to names nobody has subscribed to does not allocate while others
// have subscribed to many.
func TestPublishToNobodyAllocs(t *testing.T) {
	b := New(nil)
	m := b.Join(&transport{})
	for i := range 1000 {
		b.Subscribe(m, Channel, fmt.Sprintf("user:%d", i))
		b.Subscribe(m, Pattern, fmt.Sprintf("user:%d:*", i))
	}
	batch := payloads("hello")
	if got := testing.AllocsPerRun(200, func() {
		if b.Publish("user:1000:x", batch...) != 0 {
			t.Error("somebody has got it")
		}
	}); got != 0 {
		t.Errorf("Publish allocates %v times", got)
	}
}

// A single payload given as an argument costs its argument list at most.
func TestPublishArgumentAllocs(t *testing.T) {
	b := New(nil)
	b.Subscribe(b.Join(&transport{}), Channel, "news")
	payload := []byte("hello")
	if got := testing.AllocsPerRun(200, func() { b.Publish("news", payload) }); got != 0 {
		t.Errorf("Publish allocates %v times, want 0", got)
	}
}

// Asking for numbers, subscribing again and unsubscribing from nothing do not
// allocate either.
func TestQuestionAllocs(t *testing.T) {
	b := New(nil)
	m := b.Join(&transport{})
	b.Subscribe(m, Channel, "news")
	b.Subscribe(m, Pattern, "n*")
	if got := testing.AllocsPerRun(200, func() {
		b.NumSub("news")
		b.ShardNumSub("news")
		b.NumPat()
		b.Stats()
		b.Subscribe(m, Channel, "news")
		b.Subscribe(m, Pattern, "n*")
		b.Unsubscribe(m, Channel, "old")
		b.Unsubscribe(m, ShardChannel, "old")
		m.Total()
	}); got != 0 {
		t.Errorf("allocates %v times", got)
	}
}
