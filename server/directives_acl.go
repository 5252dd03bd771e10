package server

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/pubsubd/pubsubd/acl"
)

// aclDirectives are the directives about users.
var aclDirectives = []*directive{
	{name: "user", several: true, fileOnly: true,
		get: func(*Config) string { return "" },
		set: func(c *Config, words []string) string { return c.addUser(words) }},
	stringDirective("aclfile", func(c *Config) *string { return &c.ACLFile }).fix(),
	{name: "acl-pubsub-default",
		get: func(c *Config) string {
			if c.ACLAllChannels {
				return "allchannels"
			}
			return "resetchannels"
		},
		set: func(c *Config, words []string) string {
			switch strings.ToLower(words[0]) {
			case "allchannels":
				c.ACLAllChannels = true
			case "resetchannels":
				c.ACLAllChannels = false
			default:
				return "argument(s) must be one of the following: allchannels, resetchannels"
			}
			return ""
		}},
	{name: "acllog-max-len",
		get: func(c *Config) string { return strconv.FormatInt(c.ACLLogMaxLen, 10) },
		set: func(c *Config, words []string) string {
			n, text := parseInteger(words[0], 0, math.MaxInt64)
			if text == "" {
				c.ACLLogMaxLen = n
			}
			return text
		}},
}

// addUser adds a user from the words of a line of the configuration.
func (c *Config) addUser(words []string) string {
	wrong := func(word, text string) string { return "Error in user declaration '" + word + "': " + text }
	for _, line := range c.Users {
		if have, ok := splitUser(line); ok && have[0] == words[0] {
			return wrong(words[0], "Duplicate user found. A user can only be defined once in config files")
		}
	}
	var rule *acl.RuleError
	if errors.As(acl.CheckWords(words[1:]...), &rule) {
		return wrong(shownRule(rule.Rule), rule.Text)
	}
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = quoteWord(w)
	}
	c.Users = append(slices.Clip(c.Users), strings.Join(quoted, " "))
	return ""
}

// shownRule is a rule as it may be printed: without a password, nor what was
// meant for the sum of one.
func shownRule(rule string) string {
	if rule != "" && strings.Contains("><#!", rule[:1]) {
		return rule[:1] + "(redacted)"
	}
	return rule
}

// splitUser splits an element of Config.Users. It is not ok without a name or
// if a quote is not closed.
func splitUser(line string) (words []string, ok bool) {
	argv, ok := splitWords(nil, make([]byte, 0, len(line)), []byte(line))
	for _, w := range argv {
		words = append(words, string(w))
	}
	return words, ok && len(words) > 0
}

// quoteWord puts a word in quotes if it needs them to be one of a line of the
// configuration.
func quoteWord(word string) string {
	if word != "" && !strings.ContainsAny(word, "\"'\x00 \t\n\v\f\r") {
		return word
	}
	b := []byte{'"'}
	for i := range len(word) {
		switch c := word[i]; c {
		case '"', '\\':
			b = append(b, '\\', c)
		case 0, '\n', '\r', '\t', '\v', '\f':
			b = append(b, '\\', 'x', '0', "0123456789abcdef"[c])
		default:
			b = append(b, c)
		}
	}
	return string(append(b, '"'))
}
