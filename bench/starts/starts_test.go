package main

import "testing"

// Every kind of server that is compared starts, answers, can be measured and stops.
func TestMeasure(t *testing.T) {
	for _, k := range kinds {
		r, err := measure(k, 3, 5)
		if err != nil {
			t.Fatalf("%s: %v", k.name, err)
		}
		if r.start <= 0 || r.stop <= 0 || r.idle <= 0 || r.busy <= 0 {
			t.Errorf("%s: %+v, want something of all", k.name, r)
		}
	}
}
