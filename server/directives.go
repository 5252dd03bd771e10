package server

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap/zapcore"
)

// A directive is an entry of the configuration table. The configuration file,
// the arguments of the program, CONFIG and the manual read the same table.
type directive struct {
	name      string
	alias     string // another spelling, which means the same everywhere
	values    string // what it takes, for the manual
	fixed     bool   // CONFIG SET refuses it
	protected bool   // so it does unless enable-protected-configs allows it
	hidden    bool   // CONFIG GET answers it only when asked by its name
	secret    bool   // a message about it leaves its value out
	untold    bool   // so do CONFIG GET and CONFIG REWRITE
	several   bool   // takes several words; a value of CONFIG SET is split at blanks
	kept      bool   // read, checked and answered, and without effect
	fileOnly  bool   // is no value: a configuration has it, CONFIG does not; get is nil
	get       func(*Config) string
	set       func(*Config, []string) string // returns what is wrong, empty if nothing is

	// add is what a line of a configuration file does where that is more than
	// set, which it does otherwise.
	add func(*Config, []string) string

	// lines are the values that CONFIG REWRITE writes, a line each, where that
	// is not the one that get returns.
	lines func(*Config) []string

	// always tells whether CONFIG REWRITE writes a value that is the default.
	// Nil means no.
	always func(*Config) bool

	// apply puts in force what must not fail halfway, such as new listeners,
	// and returns what is wrong, empty if nothing is. CONFIG SET calls it with
	// the next configuration and, if a later directive fails, with the old one.
	// Nil means that reading the configuration when it is needed is enough.
	apply func(s *Server, next *Config) string
}

// directives is every directive of the server.
var directives []*directive

// It is filled by init because what puts directives in force reads it.
func init() {
	directives = slices.Concat(coreDirectives, netDirectives, clientDirectives, processDirectives, aclDirectives, observeDirectives, keptDirectives, fileDirectives)
}

// coreDirectives are those that clients and connections depend on.
var coreDirectives = []*directive{
	{name: "bind", values: "addresses", several: true, apply: (*Server).putBind,
		get: func(c *Config) string { return strings.Join(c.Bind, " ") },
		set: func(c *Config, words []string) string {
			if len(words) > maxBind {
				return "Too many bind addresses specified."
			}
			if c.Bind = slices.Clone(words); len(words) == 1 && words[0] == "" {
				c.Bind = nil
			}
			return ""
		}},
	intDirective("port", 0, 65535, func(c *Config) *int { return &c.Port }).put((*Server).putPort),
	boolDirective("protected-mode", func(c *Config) *bool { return &c.ProtectedMode }),
	stringDirective("requirepass", func(c *Config) *string { return &c.RequirePass }).keepSecret(),
	intDirective("maxclients", 1, math.MaxUint32, func(c *Config) *int { return &c.MaxClients }),
	intDirective("tcp-backlog", 0, math.MaxInt32, func(c *Config) *int { return &c.TCPBacklog }).fix(),
	secondsDirective("timeout", func(c *Config) *time.Duration { return &c.Timeout }),
	secondsDirective("auth-timeout", func(c *Config) *time.Duration { return &c.AuthTimeout }),
	secondsDirective("tcp-keepalive", func(c *Config) *time.Duration { return &c.TCPKeepAlive }),
	{name: "client-output-buffer-limit", values: "a class, the hard limit, the soft limit and its seconds, for one class or more", several: true,
		get: getOutputLimits, set: setOutputLimits, lines: outputLimitLines},
	memoryDirective("client-query-buffer-limit", 1<<20, func(c *Config) *int64 { return &c.QueryBufferLimit }),
	memoryDirective("proto-max-bulk-len", 1<<20, func(c *Config) *int64 { return &c.MaxBulkLen }),
	intDirective("proto-max-multibulk-len", 1024, math.MaxInt32, func(c *Config) *int { return &c.MaxMultibulkLen }),
	intDirective("databases", 1, math.MaxInt32, func(c *Config) *int { return &c.Databases }).fix(),
	secondsDirective("shutdown-timeout", func(c *Config) *time.Duration { return &c.ShutdownTimeout }),
	intDirective("event-loops", -1, 1024, func(c *Config) *int { return &c.EventLoops }).fix(),
	{name: "hz", values: "1 to 500",
		get: func(c *Config) string { return strconv.Itoa(c.Hz) },
		set: func(c *Config, words []string) string {
			n, text := parseInteger(words[0], 0, math.MaxInt32)
			if text == "" {
				c.Hz = int(min(max(n, minHz), maxHz))
			}
			return text
		}},
}

// maxBind is the most addresses to listen on, as in Redis.
const maxBind = 16

// The bounds of hz. Values outside are taken for the nearest inside, as in Redis.
const (
	minHz = 1
	maxHz = 500
)

// directiveByName returns a directive by its name in any case, nil if there is
// none.
func directiveByName(name string) *directive {
	for _, d := range directives {
		if equalFold(name, d.name) || d.alias != "" && equalFold(name, d.alias) {
			return d
		}
	}
	return nil
}

func (d *directive) fix() *directive {
	d.fixed = true
	return d
}

func (d *directive) protect() *directive {
	d.protected = true
	return d
}

func (d *directive) hide() *directive {
	d.hidden = true
	return d
}

func (d *directive) keepSecret() *directive {
	d.secret = true
	return d
}

// neverTell is keepSecret for a value that CONFIG does not tell either.
func (d *directive) neverTell() *directive {
	d.untold = true
	return d.keepSecret()
}

// told is the value as CONFIG GET answers it.
func (d *directive) told(c *Config) string {
	value := d.get(c)
	if d.untold && value != "" {
		return redacted
	}
	return value
}

func (d *directive) also(alias string) *directive {
	d.alias = alias
	return d
}

// words splits a value of CONFIG SET, which may be an empty list.
func (d *directive) words(value string) []string {
	switch {
	case !d.several:
		return []string{value}
	case value == "":
		return nil
	}
	return strings.Split(value, " ")
}

// LogLevel returns the zap level for a level of Redis: "debug", "verbose",
// "notice", "warning" or "nothing". The first has no name in zap and lies below
// Debug; the last is above all that is ever logged.
func LogLevel(name string) (level zapcore.Level, ok bool) {
	switch name {
	case "debug":
		return zapcore.DebugLevel - 1, true
	case "verbose":
		return zapcore.DebugLevel, true
	case "notice":
		return zapcore.InfoLevel, true
	case "warning":
		return zapcore.WarnLevel, true
	case "nothing":
		return zapcore.InvalidLevel, true
	}
	return 0, false
}

func stringDirective(name string, field func(*Config) *string) *directive {
	return &directive{name: name, values: "text",
		get: func(c *Config) string { return *field(c) },
		set: func(c *Config, words []string) string {
			*field(c) = words[0]
			return ""
		}}
}

func boolDirective(name string, field func(*Config) *bool) *directive {
	return &directive{name: name, values: "yes or no",
		get: func(c *Config) string { return yesNo(*field(c)) },
		set: func(c *Config, words []string) string {
			yes, text := parseBool(words[0])
			if text == "" {
				*field(c) = yes
			}
			return text
		}}
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func parseBool(word string) (yes bool, text string) {
	switch {
	case equalFold(word, "yes"):
		return true, ""
	case equalFold(word, "no"):
		return false, ""
	}
	return false, "argument must be 'yes' or 'no'"
}

// enumDirective is one of some words, the first of which that means the same is
// the one it is answered with.
func enumDirective(name string, choices []string, field func(*Config) *string) *directive {
	return &directive{name: name, values: orList(choices),
		get: func(c *Config) string { return *field(c) },
		set: func(c *Config, words []string) string {
			word, text := parseEnum(words[0], choices)
			if text == "" {
				*field(c) = word
			}
			return text
		}}
}

func parseEnum(word string, choices []string) (choice, text string) {
	for _, choice := range choices {
		if equalFold(word, choice) {
			return choice, ""
		}
	}
	return "", "argument(s) must be one of the following: " + strings.Join(choices, ", ")
}

// orList joins words for people: a, b or c.
func orList(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

func intDirective(name string, low, high int64, field func(*Config) *int) *directive {
	return &directive{name: name, values: rangeOf(low, high),
		get: func(c *Config) string { return strconv.Itoa(*field(c)) },
		set: func(c *Config, words []string) string {
			n, text := parseInteger(words[0], low, high)
			if text == "" {
				*field(c) = int(n)
			}
			return text
		}}
}

// secondsDirective is a duration in whole seconds.
func secondsDirective(name string, field func(*Config) *time.Duration) *directive {
	return &directive{name: name, values: "seconds",
		get: func(c *Config) string { return strconv.FormatInt(int64(*field(c)/time.Second), 10) },
		set: func(c *Config, words []string) string {
			n, text := parseInteger(words[0], 0, math.MaxInt32)
			if text == "" {
				*field(c) = time.Duration(n) * time.Second
			}
			return text
		}}
}

func memoryDirective(name string, low int64, field func(*Config) *int64) *directive {
	return &directive{name: name, values: "a size",
		get: func(c *Config) string { return strconv.FormatInt(*field(c), 10) },
		set: func(c *Config, words []string) string {
			n, ok := parseMemory(words[0])
			if !ok {
				return notMemory
			}
			if n < low {
				return outOfRange(low, math.MaxInt64)
			}
			*field(c) = n
			return ""
		}}
}

func parseInteger(word string, low, high int64) (n int64, text string) {
	n, ok := parseLength([]byte(word))
	switch {
	case !ok:
		return 0, "argument couldn't be parsed into an integer"
	case n < low || n > high:
		return 0, outOfRange(low, high)
	}
	return n, ""
}

const notMemory = "argument must be a memory value"

// rangeOf says for the manual what numbers a directive takes.
func rangeOf(low, high int64) string {
	if high >= math.MaxInt32 {
		return fmt.Sprintf("%d or more", low)
	}
	return fmt.Sprintf("%d to %d", low, high)
}

func outOfRange(low, high int64) string {
	return fmt.Sprintf("argument must be between %d and %d inclusive", low, high)
}

// memoryUnits are the units of sizes: with a b of 1024, without of 1000.
var memoryUnits = map[string]int64{
	"": 1, "b": 1, "k": 1000, "kb": 1 << 10, "m": 1000 * 1000, "mb": 1 << 20, "g": 1000 * 1000 * 1000, "gb": 1 << 30,
}

// parseMemory reads a size in bytes: a number with or without a unit.
func parseMemory(word string) (n int64, ok bool) {
	digits := strings.TrimRight(word, "bkmgBKMG")
	unit, known := memoryUnits[asciiLower(word[len(digits):])]
	if digits == "" {
		digits = "0" // as strtoull has it
	}
	u, err := strconv.ParseUint(digits, 10, 63)
	if !known || err != nil || int64(u) > math.MaxInt64/unit {
		return 0, false
	}
	return int64(u) * unit, true
}

func getOutputLimits(c *Config) string { return strings.Join(outputLimitLines(c), " ") }

// outputLimitLines are the limits of each class.
func outputLimitLines(c *Config) []string {
	var lines []string
	for class, l := range c.outputLimits() {
		lines = append(lines, fmt.Sprintf("%s %d %d %d", classNames[class], l.Hard, l.Soft, l.SoftSeconds))
	}
	return lines
}

// setOutputLimits sets the limits of the classes named and keeps the others.
func setOutputLimits(c *Config, words []string) string {
	if len(words)%4 != 0 {
		return "Wrong number of arguments in buffer limit configuration."
	}
	limits := c.outputLimits()
	for ; len(words) > 0; words = words[4:] {
		class, ok := parseClass([]byte(words[0]))
		if !ok || class == classes {
			return "Invalid client class specified in buffer limit configuration."
		}
		hard, ok1 := parseMemory(words[1])
		soft, ok2 := parseMemory(words[2])
		seconds, err := strconv.ParseInt(words[3], 10, 32)
		if !ok1 || !ok2 || err != nil || seconds < 0 {
			return "Error in hard, soft or soft_seconds setting in buffer limit configuration."
		}
		limits[class] = OutputLimit{Hard: hard, Soft: soft, SoftSeconds: seconds}
	}
	c.NormalOutput, c.replicaOutput, c.PubsubOutput = limits[classNormal], limits[classReplica], limits[classPubsub]
	return ""
}
