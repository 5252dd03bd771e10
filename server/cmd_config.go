package server

import (
	"fmt"
	"net"
	"slices"

	"github.com/tidwall/redcon"
	"go.uber.org/zap"
)

func cmdConfigGet(c *client, argv [][]byte) {
	var pairs [][2]string
	seen := make(map[string]bool)
	for _, arg := range argv[2:] {
		glob := string(arg)
		for _, pair := range c.s.config().Get(asciiLower(glob)) {
			if seen[pair[0]] {
				continue
			}
			seen[pair[0]] = true
			if equalFold(glob, pair[0]) {
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
	changed, text := c.settable(pairs)
	if text == "" {
		change := func(next *Config) string { return setPairs(next, pairs, changed) }
		failed := func(d *directive, text string) string {
			return setFailed(asciiLower(string(pairs[2*slices.Index(changed, d)])), text)
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
// that this client's CONFIG SET does not take.
func (c *client) settable(pairs [][]byte) (list []*directive, text string) {
	seen := make(map[string]bool) // by name: to use both names of a directive is no mistake
	for i := 0; i < len(pairs); i += 2 {
		name := string(echo(pairs[i], len(pairs[i])))
		lower := asciiLower(name)
		d := directiveByName(string(pairs[i]))
		switch {
		case d == nil || d.fileOnly:
			return nil, fmt.Sprintf("ERR Unknown option or number of arguments for CONFIG SET - '%s'", name)
		case d.fixed:
			return nil, setFailed(name, "can't set immutable config")
		case d.protected && !c.mayUse(c.s.config().ProtectedConfigs):
			return nil, setFailed(name, "can't set protected config")
		case seen[lower]:
			return nil, setFailed(name, "duplicate parameter")
		}
		seen[lower] = true
		list = append(list, d)
	}
	return list, ""
}

// mayUse tells whether the client may do what an enable- directive of that value
// guards.
func (c *client) mayUse(action string) bool {
	return action == "yes" || action == "local" && c.isLocal()
}

// isLocal tells whether the client is on this host.
func (c *client) isLocal() bool {
	host, _, err := net.SplitHostPort(c.addr)
	return c.unix || err == nil && net.ParseIP(host).IsLoopback()
}

// setPairs sets directives to values and returns the error, empty if there is
// none.
func setPairs(next *Config, pairs [][]byte, list []*directive) string {
	for i, d := range list {
		if text := d.set(next, d.words(string(pairs[2*i+1]))); text != "" {
			return setFailed(asciiLower(string(pairs[2*i])), text)
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

func cmdConfigRewrite(c *client, _ [][]byte) {
	if c.s.config().ConfigFile == "" {
		c.fail(errNoConfigFile)
		return
	}
	if err := c.s.rewriteConfig(); err != nil {
		c.s.log.Warn("CONFIG REWRITE failed", zap.Error(err))
		c.fail("ERR Rewriting config file: " + systemText(err))
		return
	}
	c.s.log.Info("CONFIG REWRITE executed with success.")
	c.ok()
}

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
