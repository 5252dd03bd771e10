package match

import (
	"slices"
	"strings"
	"testing"
)

// A trial comes to what the Set would say at its end, whatever has come and gone
// meanwhile.
func TestTrial(t *testing.T) {
	name := strings.Repeat("ab", 4<<10)
	hard := func(s string) string { return "*" + strings.Repeat("a?ab", 10) + s }
	var s Set[int]
	s.Add(hard("*"), 1)     // matches
	s.Add(hard("*c"), 2)    // does not
	s.Add(hard("[ab]*"), 3) // leaves
	s.Add("a*", 4)          // is quickly decided
	s.Add(strings.Repeat("?", len(name)+1)+"*", 5)
	trial := NewTrial[int](name)
	if got, ok := trial.AppendMatches(&s, nil); ok {
		t.Fatalf("all is decided at once: %v", got)
	}
	s.Add(hard("**"), 6) // comes while that is being decided
	s.Delete(hard("[ab]*"))
	trial.Decide()
	if got, ok := trial.AppendMatches(&s, nil); ok {
		t.Fatalf("a pattern that has come is not tried: %v", got)
	}
	trial.Decide()
	got, ok := trial.AppendMatches(&s, nil)
	slices.Sort(got)
	if want := []int{1, 4, 6}; !ok || !slices.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, ok, want)
	}
	want := s.AppendMatches(nil, name)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%v; the Set says %v", got, want)
	}
}
