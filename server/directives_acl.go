package server

import (
	"errors"
	"math"
	"slices"
	"strings"

	"github.com/pubsubd/pubsubd/acl"
)

var aclChannelDefaults = []string{"allchannels", "resetchannels"}

// aclDirectives are the directives about users.
var aclDirectives = []*directive{
	{name: userDirective, values: "a name and rules", several: true, fileOnly: true, secret: true,
		set: func(c *Config, words []string) string { return c.addUser(words) }},
	stringDirective("aclfile", func(c *Config) *string { return &c.ACLFile }).fix(),
	{name: "acl-pubsub-default", values: orList(aclChannelDefaults),
		get: func(c *Config) string {
			if c.ACLAllChannels {
				return "allchannels"
			}
			return "resetchannels"
		},
		set: func(c *Config, words []string) string {
			word, text := parseEnum(words[0], aclChannelDefaults)
			if text == "" {
				c.ACLAllChannels = word == "allchannels"
			}
			return text
		}},
	intDirective("max-auth-failures", 0, math.MaxInt32, func(c *Config) *int { return &c.MaxAuthFailures }),
	int64Directive("acllog-max-len", 0, func(c *Config) *int64 { return &c.ACLLogMaxLen }),
}

// addUser adds a user from the words of a line of the configuration.
func (c *Config) addUser(words []string) string {
	wrong := func(word, text string) string { return "Error in user declaration '" + word + "': " + text }
	name := quoteIfNeeded(words[0])
	for _, line := range c.Users { // which all were quoted here, or New finds out
		if rest, same := strings.CutPrefix(line, name); same && (rest == "" || rest[0] == ' ') {
			return wrong(words[0], "Duplicate user found. A user can only be defined once in config files")
		}
	}
	var rule *acl.RuleError
	if errors.As(acl.CheckWords(words[1:]...), &rule) {
		return wrong(shownRule(rule.Rule), rule.Text)
	}
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = quoteIfNeeded(w)
	}
	c.Users = append(slices.Clip(c.Users), strings.Join(quoted, " "))
	return ""
}

// shownRule is a rule as it may be printed: without a password, nor what was
// meant for the sum of one. They have no place in a selector, but may have
// been put there.
func shownRule(rule string) string {
	const marks = "><#!"
	if rule != "" && strings.Contains(marks+"(", rule[:1]) && strings.ContainsAny(rule, marks) {
		return rule[:1] + redacted
	}
	return rule
}
