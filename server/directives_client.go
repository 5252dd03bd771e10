package server

import (
	"strconv"
	"strings"
)

// clientDirectives are the directives about clients as such.
var clientDirectives = []*directive{
	memoryDirective("maxmemory", 0, func(c *Config) *int64 { return &c.MaxMemory }),
	{name: "maxmemory-clients", values: "a size or a percentage",
		get: func(c *Config) string {
			if c.MaxMemoryClients < 0 {
				return strconv.FormatInt(-c.MaxMemoryClients, 10) + "%"
			}
			return strconv.FormatInt(c.MaxMemoryClients, 10)
		},
		set: func(c *Config, words []string) string {
			n, text := parseMemoryOrPercent(words[0])
			if text == "" {
				c.MaxMemoryClients = n
			}
			return text
		}},
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
