package transcript

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A Mask makes equal what may differ between two runs, such as ids and the
// order of sets. It is applied to the value received, both when recording and
// when replaying; what the script shows is the masked value.
type Mask struct {
	text  string // as written in the script
	apply func(Value) Value
}

// maskKinds are the masks by name; each makes a mask from its argument, the
// text after the equal sign.
var maskKinds = map[string]func(arg string) func(Value) Value{
	// int hides every integer.
	"int": func(string) func(Value) Value { return deep(hideInteger) },
	// text hides every string that is not empty.
	"text": func(string) func(Value) Value { return deep(hideText) },
	// digits hides every run of digits in strings.
	"digits": func(string) func(Value) Value { return deep(hideDigits) },
	// key=a,b hides the values of these keys in maps and flat arrays.
	"key": func(arg string) func(Value) Value {
		keys := strings.Split(arg, ",")
		return deep(func(v Value) Value { return hideKeys(v, keys) })
	},
	// drop=a,b removes these keys and their values from maps and flat arrays.
	"drop": func(arg string) func(Value) Value {
		keys := strings.Split(arg, ",")
		return deep(func(v Value) Value { return dropKeys(v, keys) })
	},
	// entries=a,b removes all other entries from a map or a flat array.
	"entries": func(arg string) func(Value) Value {
		keys := strings.Split(arg, ",")
		return func(v Value) Value { return keepEntries(v, keys) }
	},
	// only=a,b removes all elements but these strings, and the arrays that
	// begin with one of them.
	"only": func(arg string) func(Value) Value {
		names := strings.Split(arg, ",")
		return func(v Value) Value { return keepOnly(v, names) }
	},
	// sorted orders the elements of an array or set, and the entries of a map.
	"sorted": func(string) func(Value) Value {
		return func(v Value) Value { return sortElems(v, v.Kind == Map) }
	},
	// pairs orders the entries of a map and of the flat array it is in RESP2.
	"pairs": func(string) func(Value) Value {
		return func(v Value) Value { return sortElems(v, true) }
	},
	// edges keeps the first element and the last two of an array.
	"edges": func(string) func(Value) Value { return keepEdges },
	// client hides what varies in the lines of CLIENT LIST and removes the
	// fields that Redis 7.0 does not have.
	"client": func(string) func(Value) Value { return deep(maskClientLines) },
	// monitor hides the time and the address in a line of MONITOR.
	"monitor": func(string) func(Value) Value { return deep(maskMonitorLine) },
	// info=a,b* keeps the lines of these names from INFO, in this order, and
	// of those with a star hides the numbers, or if there are several by
	// name, as in commandstats, the times.
	"info": func(arg string) func(Value) Value {
		names := strings.Split(arg, ",")
		return func(v Value) Value { return keepInfo(v, names) }
	},
	// command orders what has no order in COMMAND INFO, and shows of each
	// subcommand only its name.
	"command": func(string) func(Value) Value { return maskCommandInfo },
	// docs hides the texts of COMMAND DOCS, which each server words itself,
	// and removes what tells of other releases, and the subcommands.
	"docs": func(string) func(Value) Value {
		return deep(func(v Value) Value {
			v = hideKeys(v, []string{"summary", "complexity"})
			return dropKeys(v, []string{"history", "doc_flags", "deprecated_since", "replaced_by", "subcommands"})
		})
	},
	// nosub removes the subcommands from COMMAND INFO.
	"nosub": func(string) func(Value) Value { return dropSubcommands },
}

// parseMask parses a mask as it is written in a script: name or name=argument.
func parseMask(s string) (Mask, error) {
	name, arg, hasArg := strings.Cut(s, "=")
	kind, ok := maskKinds[name]
	if !ok {
		return Mask{}, fmt.Errorf("unknown mask %q", name)
	}
	switch name {
	case "key", "drop", "only", "entries", "info":
		if arg == "" {
			return Mask{}, fmt.Errorf("mask %q needs an argument", name)
		}
	default:
		if hasArg {
			return Mask{}, fmt.Errorf("mask %q takes no argument", name)
		}
	}
	return Mask{text: s, apply: kind(arg)}, nil
}

// masked returns v with all masks applied in order.
func masked(v Value, masks []Mask) Value {
	for _, m := range masks {
		v = m.apply(v)
	}
	return v
}

// deep returns a function that applies f to a value and all within it.
func deep(f func(Value) Value) func(Value) Value {
	var walk func(Value) Value
	walk = func(v Value) Value { return f(v.mapElems(walk)) }
	return walk
}

func hideInteger(v Value) Value {
	if v.Kind == Integer {
		v.Text = "<int>"
	}
	return v
}

// hideNumber hides an integer or a double.
func hideNumber(v Value) Value {
	if v.Kind == Double {
		v.Text = "<double>"
	}
	return hideInteger(v)
}

func hideText(v Value) Value {
	if v.isString() && v.Text != "" {
		v.Text = "<text>"
	}
	return v
}

var (
	digitsPattern  = regexp.MustCompile(`[0-9]+`)
	monitorPattern = regexp.MustCompile(`^[0-9]+\.[0-9]{6} \[([0-9]+) (\[[^]]*\]:[0-9]+|[^]]+)\]`)
	timingPattern  = regexp.MustCompile(`\b(usec|usec_per_call)=[0-9.]+`)
)

func hideDigits(v Value) Value {
	if v.isString() {
		v.Text = digitsPattern.ReplaceAllLiteralString(v.Text, "<n>")
	}
	return v
}

func maskMonitorLine(v Value) Value {
	if v.isString() {
		v.Text = monitorPattern.ReplaceAllString(v.Text, "<time> [$1 <addr>]")
	}
	return v
}

func hideKeys(v Value, keys []string) Value {
	for i := 0; i+1 < len(v.Elems); i++ {
		if v.Elems[i].isString() && slices.Contains(keys, v.Elems[i].Text) {
			v.Elems[i+1] = hideText(hideNumber(v.Elems[i+1]))
		}
	}
	return v
}

func dropKeys(v Value, keys []string) Value {
	var kept []Value
	for i := 0; i < len(v.Elems); i++ {
		if i+1 < len(v.Elems) && v.Elems[i].isString() && slices.Contains(keys, v.Elems[i].Text) {
			i++
			continue
		}
		kept = append(kept, v.Elems[i])
	}
	v.Elems = kept
	return v
}

func keepOnly(v Value, names []string) Value {
	v.Elems = slices.DeleteFunc(slices.Clone(v.Elems), func(e Value) bool {
		if len(e.Elems) > 0 {
			e = e.Elems[0]
		}
		return !slices.Contains(names, e.Text)
	})
	return v
}

func keepEntries(v Value, keys []string) Value {
	var kept []Value
	for i := 0; i+1 < len(v.Elems); i += 2 {
		if slices.Contains(keys, v.Elems[i].Text) {
			kept = append(kept, v.Elems[i], v.Elems[i+1])
		}
	}
	v.Elems = kept
	return v
}

func sortElems(v Value, pairs bool) Value {
	size := 1
	if pairs {
		size = 2
	}
	if len(v.Elems)%size != 0 {
		return v
	}
	groups := slices.Collect(slices.Chunk(slices.Clone(v.Elems), size))
	slices.SortStableFunc(groups, func(a, b []Value) int {
		return strings.Compare(a[0].String(), b[0].String())
	})
	if v.Elems != nil {
		v.Elems = slices.Concat(groups...)
	}
	return v
}

func keepEdges(v Value) Value {
	if n := len(v.Elems); n > 3 {
		v.Elems = []Value{v.Elems[0], v.Elems[n-2], v.Elems[n-1]}
	}
	return v
}

// clientFields are the fields of a CLIENT LIST line in Redis 7.0, and whether
// their value is the same in every run.
var clientFields = map[string]bool{
	"id": false, "addr": false, "laddr": false, "fd": false, "name": true, "age": false,
	"idle": false, "flags": true, "db": true, "sub": true, "psub": true, "ssub": true,
	"multi": true, "qbuf": false, "qbuf-free": false, "argv-mem": false, "multi-mem": false,
	"rbs": false, "rbp": false, "obl": false, "oll": false, "omem": false, "tot-mem": false,
	"events": true, "cmd": true, "user": true, "redir": true, "resp": true,
}

func maskClientLines(v Value) Value {
	if !v.isString() || !strings.Contains(v.Text, "id=") {
		return v
	}
	lines := strings.Split(v.Text, "\n")
	for i, line := range lines {
		var fields []string
		for field := range strings.SplitSeq(line, " ") {
			name, _, found := strings.Cut(field, "=")
			// A verbatim string begins with its format.
			prefix := ""
			if format, bare, ok := strings.Cut(name, ":"); ok && format == "txt" {
				prefix, name = "txt:", bare
			}
			steady, known := clientFields[name]
			switch {
			case !found || steady:
				fields = append(fields, field)
			case known:
				fields = append(fields, prefix+name+"=*")
			}
		}
		lines[i] = strings.Join(fields, " ")
	}
	v.Text = strings.Join(lines, "\n")
	return v
}

var unixFlag = regexp.MustCompile(`\bflags=([A-Za-z]*)U([A-Za-z]*)`)

// hideUnixFlag takes the flag off lines of CLIENT LIST that says that the client
// came by a Unix socket: scripts show those of clients that came by TCP.
func hideUnixFlag(v Value) Value {
	if v.isString() && strings.Contains(v.Text, "id=") {
		v.Text = unixFlag.ReplaceAllString(v.Text, "flags=$1$2")
		v.Text = strings.ReplaceAll(v.Text, "flags= ", "flags=N ")
	}
	return v
}

func keepInfo(v Value, names []string) Value {
	if !v.isString() {
		return v
	}
	values := map[string]string{}
	for line := range strings.SplitSeq(strings.TrimPrefix(v.Text, "txt:"), "\r\n") {
		if name, value, ok := strings.Cut(line, ":"); ok && !strings.HasPrefix(line, "#") {
			values[name] = value
		}
	}
	var b strings.Builder
	if v.Kind == VerbatimString {
		b.WriteString("txt:")
	}
	for _, name := range names {
		bare, hidden := strings.CutSuffix(name, "*")
		value, ok := values[bare]
		if !ok {
			continue
		}
		switch {
		case hidden && strings.Contains(value, "="):
			value = timingPattern.ReplaceAllString(value, "$1=<n>")
		case hidden:
			value = digitsPattern.ReplaceAllLiteralString(value, "<n>")
		}
		fmt.Fprintf(&b, "%s:%s\r\n", bare, value)
	}
	v.Text = b.String()
	return v
}

// The places of the parts of a command in COMMAND INFO.
const (
	infoFlags       = 2
	infoCategories  = 6
	infoSubcommands = 9
)

func maskCommandInfo(v Value) Value {
	return v.mapElems(func(entry Value) Value {
		if len(entry.Elems) <= infoSubcommands {
			return entry
		}
		entry.Elems = slices.Clone(entry.Elems)
		for _, i := range []int{infoFlags, infoCategories} {
			entry.Elems[i] = sortElems(entry.Elems[i], false)
		}
		names := entry.Elems[infoSubcommands].mapElems(func(sub Value) Value {
			if len(sub.Elems) == 0 {
				return sub
			}
			return sub.Elems[0]
		})
		entry.Elems[infoSubcommands] = sortElems(names, false)
		return entry
	})
}

func dropSubcommands(v Value) Value {
	return v.mapElems(func(entry Value) Value {
		entry.Elems = entry.Elems[:min(len(entry.Elems), infoSubcommands)]
		return entry
	})
}
