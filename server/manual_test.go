package server

import "testing"

// Each entry of the manual is of a directive there is, or of one that somebody
// may yet give an effect to, and there is one entry for each at most.
func TestManual(t *testing.T) {
	seen := make(map[string]bool)
	for _, s := range manual {
		if s.title == "" || s.about == "" {
			t.Errorf("section %q says nothing of itself", s.title)
		}
		for _, e := range s.entries {
			if d := directiveByName(e.name); d == nil && e.name != userDirective || d != nil && d.name != e.name {
				t.Errorf("%s is no directive", e.name)
			}
			if seen[e.name] || e.about == "" {
				t.Errorf("%s is described twice, or not at all", e.name)
			}
			seen[e.name] = true
		}
	}
	listed := Directives()
	if len(listed) != len(directives) {
		t.Errorf("the manual lists %d of %d directives", len(listed), len(directives))
	}
	for _, d := range listed {
		if !d.Kept && !seen[d.Name] {
			t.Errorf("%s has an effect and no entry in the manual", d.Name)
		}
	}
}
