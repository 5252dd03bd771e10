package server

import "github.com/tidwall/redcon"

// slowlogDefault is how many entries SLOWLOG GET answers without a number.
const slowlogDefault = 10

func cmdSlowlogGet(c *client, argv [][]byte) {
	n, ok := c.entries(argv, slowlogDefault)
	if !ok {
		return
	}
	entries := c.s.slowlog.latest(n)
	b := redcon.AppendArray(c.reply, len(entries))
	for _, e := range entries {
		b = redcon.AppendArray(b, 6)
		b = redcon.AppendInt(b, e.id)
		b = redcon.AppendInt(b, e.at)
		b = redcon.AppendInt(b, e.took.Microseconds())
		b = appendStrings(b, e.args)
		b = redcon.AppendBulkString(b, e.addr)
		b = redcon.AppendBulkString(b, e.name)
	}
	c.reply = b
}

const errCountRange = "ERR count should be greater than or equal to -1"

// entries returns how many entries a command is to tell, which its one argument
// says if there is one, -1 for all. If it cannot, it has answered why.
func (c *client) entries(argv [][]byte, byDefault int64) (n int64, ok bool) {
	switch len(argv) {
	case 2:
		return byDefault, true
	case 3:
		if n, ok = parseLength(argv[2]); ok && n >= -1 {
			return n, true
		}
		c.fail(errCountRange)
	default:
		c.fail(tooManyArguments(argv))
	}
	return 0, false
}

func cmdSlowlogLen(c *client, _ [][]byte) {
	c.reply = redcon.AppendInt(c.reply, int64(c.s.slowlog.len()))
}

func cmdSlowlogReset(c *client, _ [][]byte) {
	c.s.slowlog.reset()
	c.ok()
}

func cmdSlowlogHelp(c *client, _ [][]byte) {
	c.help("SLOWLOG",
		"GET [<count>]",
		"    Return top <count> entries from the slowlog (default: 10, -1 mean all).",
		"    Entries are made of:",
		"    id, timestamp, time in microseconds, arguments array, client IP and port,",
		"    client name",
		"LEN",
		"    Return the length of the slowlog.",
		"RESET",
		"    Reset the slowlog.",
	)
}
