package suite

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Column is a release, or a line of releases, whose answers are expected.
type Column struct {
	// Name is how it is asked for, such as redis-7.2.
	Name string
	// Basis says how its answers are known.
	Basis string
}

// derived is the basis of a column that no server was ever held to here.
const derived = "experimental: derived from documentation and from the columns beside it, not recorded"

// confirmed is the basis of a column that a server of that release passed.
func confirmed(server string) string {
	return "the recording of redis-server 7.0.15 with what RELEASES.md lists, confirmed on " + server
}

// Columns are all columns, the one that the cases were recorded from first, and
// those of a product from the oldest to the newest.
var Columns = []Column{
	{"redis-7.0", "recorded from redis-server 7.0.15"},
	{"redis-7.2", derived},
	{"redis-7.4", derived},
	{"redis-8.0", confirmed("redis-server 8.0.2")},
	{"valkey-8.0", confirmed("valkey-server 8.0.1, apart from what 8.0.2 mended")},
	{"valkey-8.1", confirmed("valkey-server 8.1.1")},
	{"valkey-9.1", confirmed("valkey-server 9.1.2")},
	{"pubsubd", "recorded from redis-server 7.0.15, with the differences that pubsubd declares"},
}

// ColumnNamed returns the column with this name.
func ColumnNamed(name string) (Column, error) {
	i := slices.IndexFunc(Columns, func(c Column) bool { return c.Name == name })
	if i < 0 {
		var names []string
		for _, c := range Columns {
			names = append(names, c.Name)
		}
		return Column{}, fmt.Errorf("no column is called %q; there are %s", name, strings.Join(names, ", "))
	}
	return Columns[i], nil
}

// A Divergence is one way in which releases answer differently from the one
// that the cases were recorded from.
type Divergence struct {
	// ID is how cases name it.
	ID string
	// Text says what differs.
	Text string
	// In are the columns that answer so.
	In []string
	// Unknown are the columns of which it is not established how they answer.
	Unknown []string
}

// ParseDivergences parses the list of divergences: for each a heading "## id",
// a paragraph that says what differs, a line "In: column, column" and, unless
// all columns are known, a line "Not established for: column".
func ParseDivergences(text string) ([]Divergence, error) {
	var list []Divergence
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if id, ok := strings.CutPrefix(line, "## "); ok {
			if slices.ContainsFunc(list, func(d Divergence) bool { return d.ID == id }) {
				return nil, fmt.Errorf("the divergence %q is listed twice", id)
			}
			list = append(list, Divergence{ID: id})
			continue
		}
		if len(list) == 0 || line == "" {
			continue
		}
		d := &list[len(list)-1]
		if in, ok := strings.CutPrefix(line, "In: "); ok {
			d.In = strings.Split(in, ", ")
		} else if unknown, ok := strings.CutPrefix(line, "Not established for: "); ok {
			d.Unknown = strings.Split(unknown, ", ")
		} else {
			d.Text = strings.TrimSpace(d.Text + " " + line)
		}
	}
	for _, d := range list {
		if d.Text == "" || len(d.In) == 0 {
			return nil, fmt.Errorf(`the divergence %q lacks its text or its line "In:"`, d.ID)
		}
		for _, name := range slices.Concat(d.In, d.Unknown) {
			if _, err := ColumnNamed(name); err != nil {
				return nil, fmt.Errorf("the divergence %q: %w", d.ID, err)
			}
		}
	}
	return list, nil
}

// An expectation tells which divergences hold for a column.
type expectation struct{ holds, unknown map[string]bool }

func expect(c Column, list []Divergence) expectation {
	e := expectation{map[string]bool{}, map[string]bool{}}
	for _, d := range list {
		e.holds[d.ID] = slices.Contains(d.In, c.Name)
		e.unknown[d.ID] = slices.Contains(d.Unknown, c.Name)
	}
	return e
}

// established reports whether all that c mentions is known for the column.
func (e expectation) established(c *Case) bool {
	return !slices.ContainsFunc(c.reasons, func(id string) bool { return e.unknown[id] })
}

// supposing returns the expectation for which all that is unknown holds.
func (e expectation) supposing() expectation {
	holds := maps.Clone(e.holds)
	for id, unknown := range e.unknown {
		holds[id] = holds[id] || unknown
	}
	return expectation{holds: holds}
}
