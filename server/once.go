package server

import "sync/atomic"

// onceASecond lets through one line of the log a second, of a kind that anybody
// can cause.
type onceASecond struct {
	last atomic.Int64 // the second of the last one; never 0 then
}

// due tells whether a line may be logged in that second, as outboxConfig.now
// counts them.
func (o *onceASecond) due(now int64) bool { return o.last.Swap(now) != now }
