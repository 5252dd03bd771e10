package server

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// What is kept is stored as CONFIG GET answers it. The functions here make
// directives of each kind that Redis has.

// keptDirective is a directive without effect. Parse returns the value as it is
// answered, or what is wrong with it.
func keptDirective(name, def, values string, parse func(word string) (value, text string)) *directive {
	return keptWords(name, def, values, func(_ *Config, words []string) (string, string) { return parse(words[0]) })
}

// keptWords is the same for a directive whose value is not a single word, or
// depends on what it was before.
func keptWords(name, def, values string, parse func(c *Config, words []string) (value, text string)) *directive {
	return &directive{name: name, values: values, kept: true,
		get: func(c *Config) string {
			if value, ok := c.kept[name]; ok {
				return value
			}
			return def
		},
		set: func(c *Config, words []string) string {
			value, text := parse(c, words)
			if text == "" {
				c.keep(name, value)
			}
			return text
		}}
}

// withoutEffect are the names of directives that were given a value of their
// own for nothing.
func (c *Config) withoutEffect() (names []string) {
	defaults := NewConfig()
	for _, d := range directives {
		if d.kept && !d.fileOnly && d.get(c) != d.get(defaults) {
			names = append(names, d.name)
		}
	}
	if len(c.modules) > 0 {
		names = append(names, "loadmodule")
	}
	return names
}

func (c *Config) keep(name, value string) {
	if c.kept == nil {
		c.kept = make(map[string]string)
	}
	c.kept[name] = value
}

func keptBool(name string, def bool) *directive {
	return keptDirective(name, yesNo(def), "yes or no", func(word string) (string, string) {
		yes, text := parseBool(word)
		return yesNo(yes), text
	})
}

func keptInt(name string, def, low, high int64) *directive {
	return keptDirective(name, strconv.FormatInt(def, 10), rangeOf(low, high), func(word string) (string, string) {
		n, text := parseInteger(word, low, high)
		return strconv.FormatInt(n, 10), text
	})
}

func keptMemory(name string, def, low int64) *directive {
	return keptDirective(name, strconv.FormatInt(def, 10), "a size", func(word string) (string, string) {
		n, ok := parseMemory(word)
		switch {
		case !ok:
			return "", notMemory
		case n < low:
			return "", outOfRange(low, math.MaxInt64)
		}
		return strconv.FormatInt(n, 10), ""
	})
}

func keptEnum(name, def string, choices ...string) *directive {
	return keptDirective(name, def, orList(choices), func(word string) (string, string) { return parseEnum(word, choices) })
}

func keptString(name, def string) *directive {
	return keptDirective(name, def, "text", func(word string) (string, string) { return word, "" })
}

// keptFileName is a name without a path.
func keptFileName(name, def, what string) *directive {
	return keptDirective(name, def, "a file name", func(word string) (string, string) {
		if word == "" && name != "dbfilename" {
			return "", name + " can't be empty"
		}
		if strings.ContainsAny(word, `/\`) {
			return "", fmt.Sprintf("%s can't be a path, just a %s", name, what)
		}
		return word, ""
	})
}

// refuse makes a directive fail for one value.
func (d *directive) refuse(value, text string) *directive {
	set := d.set
	d.set = func(c *Config, words []string) string {
		if len(words) == 1 && equalFold(words[0], value) {
			return text
		}
		return set(c, words)
	}
	return d
}

func (d *directive) takesSeveral() *directive {
	d.several = true
	return d
}

// parseSave reads times and numbers of changes.
func parseSave(_ *Config, words []string) (value, text string) {
	if len(words) == 1 && words[0] == "" {
		return "", ""
	}
	if len(words)%2 != 0 {
		return "", "Invalid save parameters"
	}
	points := make([]string, len(words))
	for i, word := range words {
		n, ok := parseLength([]byte(word))
		if !ok || n < int64(1-i%2) || n > math.MaxInt32 {
			return "", "Invalid save parameters"
		}
		points[i] = strconv.FormatInt(n, 10)
	}
	return strings.Join(points, " "), ""
}

// saveLines are pairs of a value, or the empty one.
func saveLines(c *Config) []string {
	value, ok := c.kept["save"]
	if !ok {
		value = defaultSave
	}
	words := strings.Fields(value)
	if len(words) == 0 {
		return []string{""}
	}
	var lines []string
	for pair := range slices.Chunk(words, 2) {
		lines = append(lines, strings.Join(pair, " "))
	}
	return lines
}

// The classes of keyspace events: those that A stands for, in the order they
// are answered in, and all.
const (
	eventClasses    = "g$lshzxetdn"
	allEventClasses = "g$lshzxetd"
)

// parseEvents reads classes of keyspace events.
func parseEvents(word string) (value, text string) {
	var on [256]bool
	for _, class := range []byte(word) {
		switch {
		case class == 'A':
			for _, class := range []byte(allEventClasses) {
				on[class] = true
			}
		case strings.IndexByte(eventClasses+"KEm", class) >= 0:
			on[class] = true
		default:
			return "", "Invalid event class character. Use 'Ag$lshzxeKEtmdn'."
		}
	}
	appendOn := func(classes string) {
		for _, class := range []byte(classes) {
			if on[class] {
				value += string(class)
			}
		}
	}
	if appendOn(allEventClasses); value == allEventClasses {
		value = "A"
	} else {
		appendOn("n")
	}
	appendOn("KEm")
	return value, ""
}

var scoreModes = []string{"no", "yes", "relative", "absolute"}

// parseScoreMode reads a mode of oom-score-adj, two of which are the same.
func parseScoreMode(word string) (value, text string) {
	if value, text = parseEnum(word, scoreModes); value == "relative" {
		value = "yes"
	}
	return value, text
}

// parseScores reads the three adjustments for the OOM killer.
func parseScores(_ *Config, words []string) (value, text string) {
	if len(words) != 3 {
		return "", errWordCount
	}
	scores := make([]string, len(words))
	for i, word := range words {
		n, err := strconv.ParseInt(word, 10, 32)
		if err != nil || n < -2000 || n > 2000 {
			return "", "Invalid oom-score-adj-values, elements must be between -2000 and 2000."
		}
		scores[i] = strconv.FormatInt(n, 10)
	}
	return strings.Join(scores, " "), ""
}

var shutdownOptions = []string{"default", "save", "nosave", "now", "force"}

// parseShutdown reads options of SHUTDOWN.
func parseShutdown(_ *Config, words []string) (value, text string) {
	if len(words) == 0 {
		words = []string{""}
	}
	on := make(map[string]bool)
	for _, word := range words {
		option, text := parseEnum(word, shutdownOptions)
		if text != "" {
			return "", text
		}
		on[option] = true
	}
	if on["save"] && on["nosave"] {
		return "", "shutdown options SAVE and NOSAVE can't be used simultaneously"
	}
	var list []string
	for _, option := range shutdownOptions[1:] {
		if on[option] {
			list = append(list, option)
		}
	}
	if len(list) == 0 {
		return "default", ""
	}
	return strings.Join(list, " "), ""
}

// parseReplicaOf takes what means no replication. A replica that published
// nothing of what its master does would lose messages without a word.
func parseReplicaOf(_ *Config, words []string) (value, text string) {
	switch {
	case len(words) == 1 && words[0] == "":
		return "", ""
	case len(words) != 2:
		return "", errWordCount
	case equalFold(words[0], "no") && equalFold(words[1], "one"):
		return "", ""
	}
	if n, ok := parseLength([]byte(words[1])); !ok || n < 0 || n > math.MaxUint16 {
		return "", "Invalid master port"
	}
	return "", "pubsubd cannot be a replica: it has no keyspace, and would pass on nothing of what is published at the master"
}

const badTitle = "template format is invalid or contains unknown variables"

// titleVariables are those that a template for the process title may name.
var titleVariables = []string{"title", "listen-addr", "server-mode", "port", "tls-port", "unixsocket", "config-file"}

// parseTitle checks a template, which must come to something without a title.
func parseTitle(word string) (value, text string) {
	if strings.Trim(strings.ReplaceAll(word, "{title}", ""), " ") == "" {
		return "", badTitle
	}
	for rest := word; ; {
		_, after, found := strings.Cut(rest, "{")
		if !found {
			return word, ""
		}
		if strings.HasPrefix(after, "{") {
			rest = after[1:]
			continue
		}
		name, after, found := strings.Cut(after, "}")
		if !found || !slices.Contains(titleVariables, name) {
			return "", badTitle
		}
		rest = after
	}
}

func parseHostname(word string) (value, text string) {
	for _, c := range []byte(word) {
		if !isAlnum(c) && c != '-' && c != '.' {
			return "", "Hostnames may only contain alphanumeric characters, hyphens or dots"
		}
	}
	if len(word) > 255 {
		return "", "Hostnames must be less than 256 characters"
	}
	return word, ""
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
