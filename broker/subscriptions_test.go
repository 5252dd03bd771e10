package broker

import (
	"reflect"
	"slices"
	"testing"
)

func TestSubscriptions(t *testing.T) {
	b := New(nil)
	defer checked(t, b)
	m, other := b.Join(&scribe{}), b.Join(&scribe{})
	names := map[Kind][]string{Channel: {"a", "b"}, Pattern: {"*", "a*"}, ShardChannel: {"a"}}
	for k, list := range names {
		for _, name := range list {
			b.Subscribe(m, k, name)
		}
	}
	b.Subscribe(other, Channel, "c")
	sorted := func(list []string) []string {
		slices.Sort(list)
		return list
	}
	for k, want := range names {
		if got := sorted(b.Subscriptions(m, k)); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %q, want %q", k, got, want)
		}
	}
	if got := b.Subscriptions(other, Pattern); len(got) != 0 {
		t.Errorf("patterns of one who has none: %q", got)
	}
	b.Exclusive(other, func(x *Exclusive) {
		for k, want := range names {
			if got := sorted(x.Subscriptions(m, k)); !reflect.DeepEqual(got, want) {
				t.Errorf("%s, of another member: %q, want %q", k, got, want)
			}
		}
		if got := x.Subscriptions(other, Channel); !reflect.DeepEqual(got, []string{"c"}) {
			t.Errorf("its own channels: %q", got)
		}
	})
	b.Clear(m)
	if got := b.Subscriptions(m, Channel); len(got) != 0 {
		t.Errorf("after Clear: %q", got)
	}
}
