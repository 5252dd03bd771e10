package match_test

import (
	"fmt"
	"slices"

	"github.com/pubsubd/pubsubd/match"
)

func ExampleMatch() {
	fmt.Println(match.Match("user:*:updated", "user:17:updated"))
	fmt.Println(match.Match("log.[a-c]?", "log.b7"))
	fmt.Println(match.Match(`\*`, "anything"))
	fmt.Println(match.Match("*", ""))
	// Output:
	// true
	// true
	// false
	// false
}

func ExampleSet() {
	var s match.Set[string]
	s.Add("user:*", "auditor")
	s.Add("user:17:*", "session")
	s.Add("*:deleted", "reaper")

	found := s.AppendMatches(nil, "user:17:deleted")
	slices.Sort(found) // they come in any order
	fmt.Println(found)

	s.Delete("user:*")
	fmt.Println(s.AppendMatches(nil, "user:18:created"))
	// Output:
	// [auditor reaper session]
	// []
}
