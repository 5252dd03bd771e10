package server

// maxReplyGrowth is how many bytes more than a request the reply to it may take
// where the request chooses how often it is told the same: COMMAND INFO and
// COMMAND DOCS with many names, and a transaction of many commands. Without it a
// few megabytes of requests make gigabytes of replies, which are all there
// before the first byte leaves.
const maxReplyGrowth = 32 << 20

// outgrows tells whether a reply of so many bytes is too long for a request that
// took so many, and closes the client then.
func (c *client) outgrows(reply, request int) bool {
	if reply <= maxReplyGrowth || reply-maxReplyGrowth <= request {
		return false
	}
	c.outgrew = true
	c.closeAside(closedReplyLimit)
	return true
}

// namesOutgrow is outgrows for a command that repeats itself for each name it is
// given. Its reply begins at from.
func (c *client) namesOutgrow(from int, argv [][]byte) bool {
	return len(c.reply)-from > maxReplyGrowth && c.outgrows(len(c.reply)-from, int(argvBytes(argv)))
}
