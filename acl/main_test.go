package acl

import (
	"errors"
	"strings"
	"testing"
)

// fields splits rules written with blanks between.
func fields(rules string) []string {
	if rules == "" {
		return nil
	}
	return strings.Split(rules, " ")
}

// rulesOf returns the rules of a new user that are changed by words.
func rulesOf(t testing.TB, rules string) *Rules {
	t.Helper()
	r, err := newRules(false).with(false, fields(rules)...)
	if err != nil {
		t.Fatalf("%q: %v", rules, err)
	}
	return r
}

// ruleErrorOf returns an error as a RuleError.
func ruleErrorOf(t testing.TB, err error) *RuleError {
	t.Helper()
	var e *RuleError
	if !errors.As(err, &e) {
		t.Fatalf("%v is not a RuleError", err)
	}
	return e
}

// request is a request of words: the command, then its arguments.
func request(words string) *Request {
	list := strings.Split(words, " ")
	q := &Request{Command: Lookup(list[0])}
	for _, w := range list[1:] {
		q.Args = append(q.Args, []byte(w))
	}
	return q
}

const (
	hashOfPw = "30c952fab122c3f9759f02a6d95c3758b246b4fee239957b2d4fee46e26170c4" // of pw
	hashOfA  = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb" // of a
)
