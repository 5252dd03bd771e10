package server

import (
	"fmt"
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
	text := c.s.setConfig(func(next *Config) string { return setPairs(next, argv[2:]) })
	if text != "" {
		c.fail(text)
		return
	}
	c.ok()
}

// setPairs sets names and values and returns the error, empty if there is none.
func setPairs(next *Config, argv [][]byte) string {
	failed := func(name, text string) string {
		return fmt.Sprintf("ERR CONFIG SET failed (possibly related to argument '%s') - %s", name, text)
	}
	seen := make(map[string]bool)
	for i := 0; i < len(argv); i += 2 {
		name := string(echo(argv[i], len(argv[i])))
		d := directiveByName(string(argv[i]))
		switch {
		case d == nil:
			return fmt.Sprintf("ERR Unknown option or number of arguments for CONFIG SET - '%s'", name)
		case seen[d.name]:
			return failed(name, "duplicate parameter")
		case d.fixed:
			return failed(name, "can't set immutable config")
		}
		seen[d.name] = true
	}
	for i := 0; i < len(argv); i += 2 {
		d := directiveByName(string(argv[i]))
		if text := d.set(next, []string{string(argv[i+1])}); text != "" {
			return failed(string(argv[i]), text)
		}
	}
	if limit, ok := fileLimit(); seen["maxclients"] && ok && next.MaxClients > limit {
		return failed("maxclients", fmt.Sprintf("The operating system is not able to handle the specified number of clients, try with %d", limit))
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
