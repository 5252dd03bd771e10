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
	name    string
	fixed   bool // CONFIG SET refuses it
	several bool // takes several words
	get     func(*Config) string
	set     func(*Config, []string) string // returns what is wrong, empty if nothing is

	// apply puts in force what must not fail halfway, such as new listeners,
	// and returns what is wrong, empty if nothing is. CONFIG SET calls it with
	// the next configuration and, if a later directive fails, with the old one.
	// Nil means that reading the configuration when it is needed is enough.
	apply func(s *Server, next *Config) string
}

// directives is every directive of the server.
var directives = []*directive{
	{name: "bind", fixed: true, several: true,
		get: func(c *Config) string { return strings.Join(c.Bind, " ") },
		set: func(c *Config, words []string) string {
			c.Bind = nil
			for _, w := range words {
				c.Bind = append(c.Bind, strings.Fields(w)...)
			}
			return ""
		}},
	intDirective("port", 0, 65535, func(c *Config) *int { return &c.Port }).fix(),
	boolDirective("protected-mode", func(c *Config) *bool { return &c.ProtectedMode }),
	stringDirective("requirepass", func(c *Config) *string { return &c.RequirePass }),
	intDirective("maxclients", 1, math.MaxUint32, func(c *Config) *int { return &c.MaxClients }),
	intDirective("tcp-backlog", 0, math.MaxInt32, func(c *Config) *int { return &c.TCPBacklog }).fix(),
	secondsDirective("timeout", func(c *Config) *time.Duration { return &c.Timeout }),
	secondsDirective("tcp-keepalive", func(c *Config) *time.Duration { return &c.TCPKeepAlive }),
	{name: "client-output-buffer-limit", several: true, get: getOutputLimits, set: setOutputLimits},
	memoryDirective("client-query-buffer-limit", 1<<20, func(c *Config) *int64 { return &c.QueryBufferLimit }),
	memoryDirective("proto-max-bulk-len", 1<<20, func(c *Config) *int64 { return &c.MaxBulkLen }),
	intDirective("proto-max-multibulk-len", 1024, math.MaxInt32, func(c *Config) *int { return &c.MaxMultibulkLen }),
	intDirective("databases", 1, math.MaxInt32, func(c *Config) *int { return &c.Databases }).fix(),
	secondsDirective("shutdown-timeout", func(c *Config) *time.Duration { return &c.ShutdownTimeout }),
	{name: "hz",
		get: func(c *Config) string { return strconv.Itoa(c.Hz) },
		set: func(c *Config, words []string) string {
			n, text := parseInteger(words[0], 0, math.MaxInt32)
			if text == "" {
				c.Hz = int(min(max(n, minHz), maxHz))
			}
			return text
		}},
	{name: "loglevel",
		get: func(c *Config) string { return c.LogLevel },
		set: func(c *Config, words []string) string {
			level := strings.ToLower(words[0])
			if _, ok := LogLevel(level); !ok {
				return "argument(s) must be one of the following: debug, verbose, notice, warning"
			}
			c.LogLevel = level
			return ""
		}},
	stringDirective("logfile", func(c *Config) *string { return &c.LogFile }).fix(),
}

func init() { directives = slices.Concat(directives, clientDirectives) }

// The bounds of hz. Values outside are taken for the nearest inside, as in Redis.
const (
	minHz = 1
	maxHz = 500
)

// directiveByName returns a directive by its name in any case, nil if there is
// none.
func directiveByName(name string) *directive {
	for _, d := range directives {
		if strings.EqualFold(d.name, name) {
			return d
		}
	}
	return nil
}

func (d *directive) fix() *directive {
	d.fixed = true
	return d
}

// LogLevel returns the zap level for a level of Redis: "debug", "verbose",
// "notice" or "warning". The first has no name in zap and lies below Debug.
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
	}
	return 0, false
}

func stringDirective(name string, field func(*Config) *string) *directive {
	return &directive{name: name,
		get: func(c *Config) string { return *field(c) },
		set: func(c *Config, words []string) string {
			*field(c) = words[0]
			return ""
		}}
}

func boolDirective(name string, field func(*Config) *bool) *directive {
	return &directive{name: name,
		get: func(c *Config) string {
			if *field(c) {
				return "yes"
			}
			return "no"
		},
		set: func(c *Config, words []string) string {
			switch {
			case strings.EqualFold(words[0], "yes"):
				*field(c) = true
			case strings.EqualFold(words[0], "no"):
				*field(c) = false
			default:
				return "argument must be 'yes' or 'no'"
			}
			return ""
		}}
}

func intDirective(name string, low, high int64, field func(*Config) *int) *directive {
	return &directive{name: name,
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
	return &directive{name: name,
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
	return &directive{name: name,
		get: func(c *Config) string { return strconv.FormatInt(*field(c), 10) },
		set: func(c *Config, words []string) string {
			n, ok := parseMemory(words[0])
			if !ok {
				return "argument must be a memory value"
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
	unit, known := memoryUnits[strings.ToLower(word[len(digits):])]
	u, err := strconv.ParseUint(digits, 10, 63)
	if !known || err != nil || int64(u) > math.MaxInt64/unit {
		return 0, false
	}
	return int64(u) * unit, true
}

func getOutputLimits(c *Config) string {
	var words []string
	for class, l := range c.outputLimits() {
		words = append(words, fmt.Sprintf("%s %d %d %d", classNames[class], l.Hard, l.Soft, l.SoftSeconds))
	}
	return strings.Join(words, " ")
}

// setOutputLimits sets the limits of the classes named and keeps the others.
func setOutputLimits(c *Config, words []string) string {
	if len(words) == 1 {
		if words[0] == "" {
			return ""
		}
		words = strings.Split(words[0], " ")
	}
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
