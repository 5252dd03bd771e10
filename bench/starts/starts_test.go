package main

import "testing"

// Every kind of server that is compared starts, answers, can be measured and stops. What
// one within this process takes is a difference, which others may make less than nothing.
func TestMeasure(t *testing.T) {
	for _, k := range kinds {
		r, err := measure(k, 3, 5)
		if err != nil {
			t.Fatalf("%s: %v", k.name, err)
		}
		if r.start <= 0 || r.stop <= 0 || k.apart && (r.idle <= 0 || r.busy <= 0) {
			t.Errorf("%s: %+v, want something of all", k.name, r)
		}
	}
}
