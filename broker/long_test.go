package broker

import (
	"strings"
	"testing"
)

// While it is found out which patterns match a long name no lock is held, and
// what comes and goes meanwhile counts.
func TestPublishLongName(t *testing.T) {
	b := New(&Options{Shards: 1}) // any lock would be in everybody's way
	name := strings.Repeat("ab", 4<<10)
	hard := func(s string) string { return "*" + strings.Repeat("a?ab", 10) + s }
	one, other := &transport{}, &transport{}
	m, n := b.Join(one), b.Join(other)
	b.Subscribe(m, Pattern, hard("*"))
	b.Subscribe(m, Pattern, hard("*c"))
	b.Subscribe(m, Channel, name)

	trial := newTrial(name)
	publish := func() (int, bool) {
		return access{b: b}.publishTo(nil, Channel, name, payloads("hello"), trial)
	}
	if got, ok := publish(); ok {
		t.Fatalf("it is not left open what matches: %d receivers", got)
	}
	b.Subscribe(n, Pattern, hard("[ab]*"))
	b.Unsubscribe(m, Pattern, hard("*"))
	if got := b.Publish("a", payloads("other")...); got != 0 {
		t.Errorf("%d receivers of another channel", got)
	}
	trial.Decide()
	if got, ok := publish(); ok {
		t.Fatalf("a pattern that has come meanwhile is left out: %d receivers", got)
	}
	trial.Decide()
	if got, ok := publish(); !ok || got != 2 {
		t.Errorf("%d receivers, %v; want 2", got, ok)
	}
	if got := b.Publish(name, payloads("hello")...); got != 2 {
		t.Errorf("Publish: %d receivers, want 2", got)
	}
	x := 0
	b.Exclusive(nil, func(e *Exclusive) { x = e.PublishFrom(nil, Channel, name, payloads("hello")...) })
	if x != 2 {
		t.Errorf("within Exclusive: %d receivers, want 2", x)
	}
	if err := b.Check(); err != nil {
		t.Error(err)
	}
}

// A long pattern is found, counted and forgotten as a short one is.
func TestSubscribeLongPattern(t *testing.T) {
	b := New(nil)
	m := b.Join(&transport{})
	name := "a" + strings.Repeat("*", 2*longName) + "b"
	if !b.Subscribe(m, Pattern, name) || b.Subscribe(m, Pattern, name) {
		t.Error("not subscribed exactly once")
	}
	if got := b.Publish("axb", payloads("hello")...); got != 1 {
		t.Errorf("%d receivers", got)
	}
	if !b.Unsubscribe(m, Pattern, name) || b.NumPat() != 0 {
		t.Error("not unsubscribed")
	}
}
