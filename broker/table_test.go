package broker

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// A table holds what was added and not removed, however the names collide, and is
// not much larger than it needs to be.
func TestTable(t *testing.T) {
	for _, tags := range []uint32{1, 3, 50, 1 << 31} { // how many the names have
		random := rand.New(rand.NewPCG(uint64(tags), 1))
		var tab table
		want := make(map[string]*audience)
		tagOf := func(n int) uint32 { return uint32(n*2654435761)%tags<<1 | 1 }
		grow := true
		for step := range 20_000 {
			if step%4000 == 0 {
				grow = step%8000 == 0
			}
			n := random.IntN(500)
			name := fmt.Sprint(n)
			if (random.IntN(4) == 0) == grow {
				tab.remove(name, tagOf(n))
				delete(want, name)
			} else if want[name] == nil {
				want[name] = &audience{name: name}
				tab.add(want[name], tagOf(n))
			}
			if got := tab.find(name, tagOf(n)); got != want[name] {
				t.Fatalf("%d tags, step %d: %q is %v, want %v", tags, step, name, got, want[name])
			}
			if step%100 != 0 {
				continue
			}
			found := 0
			for to := range tab.all() {
				if want[to.name] != to {
					t.Fatalf("%d tags, step %d: %q should not be there", tags, step, to.name)
				}
				found++
			}
			if found != len(want) || tab.num != len(want) {
				t.Fatalf("%d tags, step %d: %d names, counted are %d, want %d", tags, step, found, tab.num, len(want))
			}
			for n := range 500 {
				if name := fmt.Sprint(n); tab.find(name, tagOf(n)) != want[name] {
					t.Fatalf("%d tags, step %d: %q is not found, or should not be", tags, step, name)
				}
			}
			if places := len(tab.tags); places > max(minPlaces, 8*len(want)) || 3*places < 4*len(want) {
				t.Fatalf("%d places for %d names", places, len(want))
			}
		}
	}
}
