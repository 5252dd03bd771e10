package broker

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestAudiences(t *testing.T) {
	all := make([]*audience, 3*fewLimit)
	for i := range all {
		all[i] = &audience{}
	}
	for range 50 {
		var s audiences
		want := make(map[*audience]bool)
		for range 500 {
			a := all[rand.IntN(1+rand.IntN(len(all)))]
			switch {
			case s.has(a) != want[a]:
				t.Fatalf("has tells %v", s.has(a))
			case want[a]:
				s.remove(a)
				delete(want, a)
			default:
				s.add(a)
				want[a] = true
			}
			got := make(map[*audience]bool)
			for a := range s.all() {
				if got[a] {
					t.Fatal("one is there twice")
				}
				got[a] = true
			}
			if !maps.Equal(got, want) || s.len() != len(want) || len(s.few) > fewLimit || s.few != nil && s.many != nil {
				t.Fatalf("%d of %d are there, len tells %d; few %d, many %d", len(got), len(want), s.len(), len(s.few), len(s.many))
			}
		}
		var gone []*audience
		for a := range s.all() {
			s.remove(a)
			gone = append(gone, a)
		}
		slices.SortFunc(gone, func(a, b *audience) int { return slices.Index(all, a) - slices.Index(all, b) })
		if s.len() != 0 || len(slices.Compact(gone)) != len(want) {
			t.Fatalf("%d were removed one by one, %d are left, want %d", len(gone), s.len(), len(want))
		}
	}
	var none *audiences
	if none.len() != 0 || none.has(all[0]) {
		t.Error("there is something in nil")
	}
	for range none.all() {
		t.Error("nil has an audience")
	}
	s := audiences{}
	for _, a := range all {
		s.add(a)
	}
	for range s.all() {
		break
	}
}
