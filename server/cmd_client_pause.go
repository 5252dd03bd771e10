package server

import (
	"math"
	"time"

	"github.com/tidwall/redcon"
)

func cmdClientPause(c *client, argv [][]byte) {
	if len(argv) > 4 {
		c.fail(tooManyArguments(argv))
		return
	}
	all := true
	if len(argv) == 4 {
		all = equalFold(argv[3], "all")
		if !all && !equalFold(argv[3], "write") {
			c.fail(errPauseMode)
			return
		}
	}
	ms, ok := parseLength(argv[2])
	switch {
	case !ok:
		c.fail(errTimeout)
		return
	case ms < 0:
		c.fail(errTimeoutNegative)
		return
	case ms > math.MaxInt64-time.Now().UnixMilli():
		c.fail(errTimeoutRange)
		return
	}
	const longest = int64(math.MaxInt64 / time.Millisecond)
	c.s.pause(time.Duration(min(ms, longest))*time.Millisecond, all)
	c.ok()
}

func cmdClientUnpause(c *client, _ [][]byte) {
	c.s.unpause()
	c.ok()
}

// cmdClientUnblock finds nobody to wake: no command here blocks, and a pause is
// ended by CLIENT UNPAUSE only.
func cmdClientUnblock(c *client, argv [][]byte) {
	if len(argv) > 4 {
		c.fail(tooManyArguments(argv))
		return
	}
	if len(argv) == 4 && !equalFold(argv[3], "timeout") && !equalFold(argv[3], "error") {
		c.fail(errUnblockReason)
		return
	}
	if _, ok := parseLength(argv[2]); !ok {
		c.fail(errInteger)
		return
	}
	c.reply = redcon.AppendInt(c.reply, 0)
}
