package server

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/redcon"
)

func cmdConfigGet(c *client, argv [][]byte) {
	var pairs [][2]string
	seen := make(map[string]bool)
	for _, arg := range argv[2:] {
		glob := string(arg)
		for _, pair := range c.s.config().Get(strings.ToLower(glob)) {
			if seen[pair[0]] {
				continue
			}
			seen[pair[0]] = true
			if strings.EqualFold(pair[0], glob) {
				pair[0] = glob // a name is answered as it was asked
			}
			pairs = append(pairs, pair)
		}
	}
	c.reply = appendMap(c.reply, c.resp3, len(pairs))
	for _, pair := range pairs {
		c.reply = redcon.AppendBulkString(c.reply, pair[0])
		c.reply = redcon.AppendBulkString(c.reply, pair[1])
	}
}

// cmdConfigSet sets all of the directives given or, if one is wrong, none.
func cmdConfigSet(c *client, argv [][]byte) {
	if len(argv)%2 != 0 {
		c.fail(errSyntax)
		return
	}
	pairs := argv[2:]
	changed, text := settable(pairs)
	if text == "" {
		change := func(next *Config) string { return setPairs(next, pairs, changed) }
		failed := func(d *directive, text string) string {
			return setFailed(string(pairs[2*slices.Index(changed, d)]), text)
		}
		text = c.s.setConfig(change, changed, failed)
	}
	if text != "" {
		c.fail(text)
		return
	}
	c.ok()
}

func setFailed(name, text string) string {
	return fmt.Sprintf("ERR CONFIG SET failed (possibly related to argument '%s') - %s", name, text)
}

// settable returns the directives of names and values, or the error for one
// that CONFIG SET does not take.
func settable(pairs [][]byte) (list []*directive, text string) {
	for i := 0; i < len(pairs); i += 2 {
		name := string(echo(pairs[i], len(pairs[i])))
		d := directiveByName(string(pairs[i]))
		switch {
		case d == nil || d.fileOnly:
			return nil, fmt.Sprintf("ERR Unknown option or number of arguments for CONFIG SET - '%s'", name)
		case slices.Contains(list, d):
			return nil, setFailed(name, "duplicate parameter")
		case d.fixed:
			return nil, setFailed(name, "can't set immutable config")
		}
		list = append(list, d)
	}
	return list, ""
}

// setPairs sets directives to values and returns the error, empty if there is
// none.
func setPairs(next *Config, pairs [][]byte, list []*directive) string {
	for i, d := range list {
		if text := d.set(next, []string{string(pairs[2*i+1])}); text != "" {
			return setFailed(string(pairs[2*i]), text)
		}
	}
	maxClients := directiveByName("maxclients")
	if limit, ok := fileLimit(); slices.Contains(list, maxClients) && ok && next.MaxClients > limit {
		return setFailed("maxclients", fmt.Sprintf("The operating system is not able to handle the specified number of clients, try with %d", limit))
	}
	return ""
}

func cmdConfigResetStat(c *client, _ [][]byte) {
	c.s.resetStats()
	c.ok()
}

func cmdConfigRewrite(c *client, _ [][]byte) { c.fail(errNoConfigFile) }

func cmdConfigHelp(c *client, _ [][]byte) {
	c.help("CONFIG",
		"GET <pattern>",
		"    Return parameters matching the glob-like <pattern> and their values.",
		"SET <directive> <value>",
		"    Set the configuration <directive> to <value>.",
		"RESETSTAT",
		"    Reset statistics reported by the INFO command.",
		"REWRITE",
		"    Rewrite the configuration file.",
	)
}
