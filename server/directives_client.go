package server

import (
	"strconv"
	"strings"
)

// clientDirectives are the directives about clients as such.
var clientDirectives = []*directive{
	memoryDirective("maxmemory", 0, func(c *Config) *int64 { return &c.MaxMemory }),
	shareDirective("maxmemory-clients", func(c *Config) *int64 { return &c.MaxMemoryClients }),
	shareDirective("query-buffers-limit", func(c *Config) *int64 { return &c.QueryBuffersLimit }),
}

// shareDirective is a size or, below zero, a percentage.
func shareDirective(name string, field func(*Config) *int64) *directive {
	return &directive{name: name, values: "a size or a percentage",
		get: func(c *Config) string {
			if n := *field(c); n < 0 {
				return strconv.FormatInt(-n, 10) + "%"
			}
			return strconv.FormatInt(*field(c), 10)
		},
		set: func(c *Config, words []string) string {
			n, text := parseMemoryOrPercent(words[0])
			if text == "" {
				*field(c) = n
			}
			return text
		}}
}

// parseMemoryOrPercent reads a size in bytes, or a percentage, which comes out
// below zero. The text is the error, empty if there is none.
func parseMemoryOrPercent(word string) (n int64, text string) {
	const wrong = "argument must be a memory or percent value"
	digits, isPercent := strings.CutSuffix(word, "%")
	if !isPercent {
		if word == "" {
			return 0, ""
		}
		n, ok := parseMemory(word)
		if !ok {
			return 0, wrong
		}
		return n, ""
	}
	n, ok := parseLength([]byte(digits))
	switch {
	case !ok || n < 0:
		return 0, wrong
	case n > 100:
		return 0, "percentage argument must be less or equal to 100"
	}
	return -n, ""
}
