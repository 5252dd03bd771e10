package suite

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A need is what a case takes for granted of a directive: that it has a value,
// or at least that much of it. Written as "databases >= 8",
// "proto-max-bulk-len = 536870912" or, for a class of clients,
// "client-output-buffer-limit pubsub >= 16000000".
type need struct {
	directive string
	class     string // of client-output-buffer-limit, otherwise empty
	atLeast   bool
	number    int64
}

func parseNeed(text string) (need, error) {
	words := strings.Fields(text)
	n := need{}
	if len(words) == 4 {
		n.class = words[1]
		words = slices.Delete(words, 1, 2)
	}
	if len(words) != 3 || words[1] != "=" && words[1] != ">=" || n.class != "" && words[1] == "=" {
		return need{}, fmt.Errorf("needs: %q is neither alone nor no password nor standalone nor a directive with = or >= and a number", text)
	}
	number, err := strconv.ParseInt(words[2], 10, 64)
	if err != nil {
		return need{}, fmt.Errorf("needs: %w", err)
	}
	n.directive, n.atLeast, n.number = words[0], words[1] == ">=", number
	return n, nil
}

func (n need) String() string {
	relation := "="
	if n.atLeast {
		relation = ">="
	}
	return strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %d", n.directive, n.class, relation, n.number)), " ")
}

// softSeconds is how long no case with a need takes: a soft limit that may be
// exceeded for longer does not matter.
const softSeconds = 30

// met reports whether value, as CONFIG GET shows it, is what is needed. A value
// of another form is taken to be.
func (n need) met(value string) bool {
	if n.class == "" {
		have, err := strconv.ParseInt(value, 10, 64)
		return err != nil || have == n.number || n.atLeast && have > n.number
	}
	fields := strings.Fields(value)
	i := slices.Index(fields, n.class)
	if i < 0 || len(fields) < i+4 {
		return true
	}
	var limits [3]int64 // hard, soft, seconds
	for k := range limits {
		v, err := strconv.ParseInt(fields[i+1+k], 10, 64)
		if err != nil {
			return true
		}
		limits[k] = v
	}
	enough := func(limit int64) bool { return limit == 0 || limit >= n.number }
	return enough(limits[0]) && (enough(limits[1]) || limits[2] >= softSeconds)
}

// directives returns the values of all that cases need to know of a server. One
// that it does not show is not in it.
func directives(ctx context.Context, s Server, cases []*Case, timeout time.Duration) map[string]string {
	values := map[string]string{}
	var names []string
	for _, c := range cases {
		for _, n := range c.needs {
			if !slices.Contains(names, n.directive) {
				names = append(names, n.directive)
			}
		}
	}
	if len(names) == 0 {
		return values
	}
	a, err := dial(ctx, s, timeout)
	if err != nil {
		return values
	}
	defer a.close()
	for _, name := range names {
		v, err := a.do("CONFIG", "GET", name)
		if err == nil && len(v.Elems) == 2 && v.Elems[0].Text == name {
			values[name] = v.Elems[1].Text
		}
	}
	return values
}

// lacking returns the first need of c that does not hold for these values, and
// whether there is one.
func (c *Case) lacking(values map[string]string) (need, bool) {
	for _, n := range c.needs {
		if value, ok := values[n.directive]; ok && !n.met(value) {
			return n, true
		}
	}
	return need{}, false
}
