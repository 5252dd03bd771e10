package broker

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// checkAudience fails the test unless a holds exactly the members.
func checkAudience(t *testing.T, a *audience, want map[*Member]bool) {
	t.Helper()
	if a.len() != len(want) {
		t.Fatalf("the audience has %d members, want %d", a.len(), len(want))
	}
	if !want[a.first] {
		t.Fatal("the first member is not one that was added")
	}
	if a.rest == nil {
		return
	}
	if len(a.rest.list) == 0 {
		t.Fatal("the crowd is empty")
	}
	if a.rest.at == nil && len(a.rest.list) > scanLimit {
		t.Fatalf("a crowd of %d has no index", len(a.rest.list))
	}
	if a.rest.at != nil && len(a.rest.at) != len(a.rest.list) {
		t.Fatalf("%d members, %d in the index", len(a.rest.list), len(a.rest.at))
	}
	seen := map[*Member]bool{a.first: true}
	for i, m := range a.rest.list {
		if !want[m] || seen[m] {
			t.Fatalf("the member at %d is wrong or there twice", i)
		}
		seen[m] = true
		if a.rest.find(m) != i {
			t.Fatalf("the member at %d is found at %d", i, a.rest.find(m))
		}
	}
	for _, m := range a.rest.list[len(a.rest.list):cap(a.rest.list)] {
		if m != nil {
			t.Fatal("a removed member is held on to")
		}
	}
}

// Members come and go in any order, across the length from which on a crowd
// has an index.
func TestAudience(t *testing.T) {
	const all, limit = 1000, scanLimit
	for _, size := range []int{1, 2, 3, limit, limit + 1, limit + 2, 4*limit + 2, all} {
		for seed := range uint64(3) {
			t.Run(fmt.Sprintf("size=%d/seed=%d", size, seed), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(seed, uint64(size)))
				members := make([]*Member, size)
				a, have := &audience{}, make(map[*Member]bool)
				// Checking is as slow as the crowd is long: not at each step.
				check := func(i int) {
					if i%max(1, size/40) == 0 || len(have) <= limit+2 && size <= 4*limit+2 {
						checkAudience(t, a, have)
					}
				}
				for i := range members {
					members[i] = &Member{}
					a.add(members[i])
					have[members[i]] = true
					check(i)
				}
				// Half of them leave and come back, then all leave.
				rng.Shuffle(size, func(i, j int) { members[i], members[j] = members[j], members[i] })
				for i, m := range members[:size/2] {
					delete(have, m)
					if a.remove(m) {
						t.Fatalf("empty with %d members left", len(have))
					}
					check(i)
				}
				for i, m := range members[:size/2] {
					a.add(m)
					have[m] = true
					check(i)
				}
				rng.Shuffle(size, func(i, j int) { members[i], members[j] = members[j], members[i] })
				for i, m := range members {
					delete(have, m)
					empty := a.remove(m)
					if empty != (len(have) == 0) {
						t.Fatalf("empty: %v with %d members left", empty, len(have))
					}
					if !empty {
						check(i)
					}
				}
				if a.first != nil || a.rest != nil {
					t.Errorf("an empty audience holds %v and %v", a.first, a.rest)
				}
			})
		}
	}
}

// The first member is always the one that leaves.
func TestAudienceFirstLeaves(t *testing.T) {
	for _, size := range []int{2, scanLimit + 1, scanLimit + 2, 200} {
		a, have := &audience{}, make(map[*Member]bool)
		for range size {
			m := &Member{}
			a.add(m)
			have[m] = true
		}
		for len(have) > 1 {
			delete(have, a.first)
			a.remove(a.first)
			checkAudience(t, a, have)
		}
		if !a.remove(a.first) {
			t.Errorf("an audience of %d is not empty when all have left", size)
		}
	}
}

// A crowd gives memory back when most have left.
func TestAudienceShrinks(t *testing.T) {
	a, members := &audience{}, make([]*Member, 10_000)
	for i := range members {
		members[i] = &Member{}
		a.add(members[i])
	}
	for _, m := range members[10:] {
		a.remove(m)
	}
	if got := cap(a.rest.list); got > 4*scanLimit {
		t.Errorf("a crowd of %d has room for %d", len(a.rest.list), got)
	}
}

// Every member of a crowd gets each message, and so does nobody who has left.
func TestCrowd(t *testing.T) {
	for _, size := range []int{1, 2, scanLimit, scanLimit + 1, 1000} {
		for k := range kinds {
			t.Run(fmt.Sprintf("%s/size=%d", k, size), func(t *testing.T) {
				b := New(nil)
				rng := rand.New(rand.NewPCG(uint64(k), uint64(size)))
				received := make([]int, size)
				members := make([]*Member, size)
				for i := range members {
					members[i] = b.Join(subscriberFunc(func(*Delivery) { received[i]++ }))
					b.Subscribe(members[i], k, "a")
				}
				kind := k
				if k == Pattern {
					kind = Channel
				}
				left := size
				for published, i := range rng.Perm(size) {
					if got := b.PublishFrom(nil, kind, "a", nil); got != left {
						t.Fatalf("PublishFrom returned %d, want %d", got, left)
					}
					if received[i] != published+1 {
						t.Fatalf("the one to leave has got %d messages, want %d", received[i], published+1)
					}
					b.Unsubscribe(members[i], k, "a")
					left--
				}
				if got := b.PublishFrom(nil, kind, "a", nil); got != 0 {
					t.Errorf("PublishFrom returned %d when all have left", got)
				}
				for published, i := range rand.New(rand.NewPCG(uint64(k), uint64(size))).Perm(size) {
					if received[i] != published+1 {
						t.Errorf("a member that left has got %d messages, want %d", received[i], published+1)
					}
				}
				checked(t, b)
			})
		}
	}
}
