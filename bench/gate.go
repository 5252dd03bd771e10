//go:build linux

package main

import (
	"math"
	"sync"
)

// Both servers disconnect a subscriber that falls too far behind
// (client-output-buffer-limit pubsub 32mb 8mb 60), and since a publisher waits
// for replies and not for subscribers, nothing but the gate keeps it from
// racing ahead of them. A scenario would then measure who drops subscribers
// sooner.
const (
	// backlogPerSubscriber is how many bytes of one subscriber's deliveries
	// may be under way. It stays below the soft limit of 8 MiB, at which the
	// clock of 60 seconds starts.
	backlogPerSubscriber = 4 << 20

	// backlogInAll bounds the same for all subscribers together, that is the
	// memory the server and the kernel hold for them.
	backlogInAll = 256 << 20
)

// A gate stops publishers while a subscriber is too far behind.
type gate struct {
	mu sync.Mutex

	subscribers []*subscriber // those that get anything
	frames      int64         // most frames one of them may be behind
	sent        int64         // messages let through
	allowed     int64         // messages to let through before looking again
}

func newGate(subscribers []*subscriber) *gate {
	g := &gate{frames: math.MaxInt64}
	for _, s := range subscribers {
		if s.plan.oneIn > 0 {
			g.subscribers = append(g.subscribers, s)
		}
	}
	for _, s := range g.subscribers {
		bytes := min(backlogPerSubscriber, backlogInAll/len(g.subscribers))
		g.frames = min(g.frames, max(1, int64(bytes/s.verifier.frameLen)))
	}
	return g
}

// pass lets a window of n messages through, or reports false when some
// subscriber is too far behind. A window always passes when nothing is under
// way, however large it is.
func (g *gate) pass(n int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.allowed < int64(n) {
		g.allowed = g.roomLocked()
		if g.allowed < int64(n) && !g.idleLocked() {
			return false
		}
	}
	g.allowed -= int64(n)
	g.sent += int64(n)
	return true
}

// roomLocked returns how many messages may be sent before the subscriber that
// is furthest behind can be too far behind. It is off by some windows where
// messages are spread over subscribers, which the margin to the limits covers.
func (g *gate) roomLocked() int64 {
	room := int64(math.MaxInt64)
	for _, s := range g.subscribers {
		oneIn := int64(s.plan.oneIn)
		behind := g.sent - s.received.Load()*oneIn
		room = min(room, g.frames*oneIn-behind)
	}
	return room
}

// idleLocked reports whether every subscriber has what was sent to it.
func (g *gate) idleLocked() bool {
	for _, s := range g.subscribers {
		if s.received.Load() < g.sent/int64(s.plan.oneIn) {
			return false
		}
	}
	return true
}
