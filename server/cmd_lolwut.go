package server

import (
	"math"
	"strings"
)

// The size of a drawing.
const (
	lolwutColumns, lolwutRows       = 66, 15
	maxLolwutColumns, maxLolwutRows = 1000, 200
)

// cmdLolwut tells the version. Releases 5 and 6 of Redis have a drawing, of a
// size that may be given, and so have we.
func cmdLolwut(c *client, argv [][]byte) {
	text := "Redis ver. " + RedisVersion + "\n"
	if len(argv) >= 3 && equalFold(argv[1], "version") {
		version, ok := parseLength(argv[2])
		if !ok {
			c.fail(errInteger)
			return
		}
		if version == 5 || version == 6 {
			size := []int64{lolwutColumns, lolwutRows}
			for i, arg := range argv[3:min(len(argv), 3+len(size))] {
				if size[i], ok = parseLength(arg); !ok {
					c.fail(errInteger)
					return
				}
			}
			columns, rows := min(max(size[0], 1), maxLolwutColumns), min(max(size[1], 1), maxLolwutRows)
			text = ripples(int(columns), int(rows)) + "\nA message leaves its publisher. " + text
		}
	}
	c.reply = appendVerbatim(c.reply, c.resp3, []byte(text))
}

// ripples draws waves around a point.
func ripples(columns, rows int) string {
	const shades = " .:oO:. "
	var b strings.Builder
	for y := range rows {
		for x := range columns {
			dx, dy := float64(2*x-columns+1)/4, float64(2*y-rows+1)/2 // a column is half as wide as a row is high
			far := math.Hypot(dx, dy)
			b.WriteByte(shades[int(far*2)%len(shades)])
		}
		b.WriteByte('\n')
	}
	return b.String()
}
