package server

import "github.com/pubsubd/pubsubd/broker"

// A clientClass selects a client's output buffer limit.
type clientClass uint8

const (
	classNormal  clientClass = iota
	classReplica             // "slave" in CONFIG; no client here is one
	classPubsub              // a client in subscribed state
	classes
)

// classNames are the names of the classes as CONFIG GET writes them.
var classNames = [classes]string{"normal", "slave", "pubsub"}

// An OutputLimit bounds what may be queued for one client beyond the first 16
// KiB, counting what its socket has not taken.
type OutputLimit struct {
	Hard        int64 // bytes at which the client is closed; 0 means no limit
	Soft        int64 // bytes at which the clock of SoftSeconds runs; 0 means no limit
	SoftSeconds int64 // the client is closed when over Soft for more than that
}

// outputLimits are the limits of all classes.
type outputLimits [classes]OutputLimit

// of returns the limit of a client. Redis has no class for monitors: they are
// normal clients, which have no limit unless one is set. The limit of replicas
// is then theirs, so that one that does not read does not fill the memory.
func (l *outputLimits) of(class clientClass, monitor bool) OutputLimit {
	if monitor && class == classNormal && l[classNormal].Hard == 0 && l[classNormal].Soft == 0 {
		return l[classReplica]
	}
	return l[class]
}

// freeOutput is what may be queued before it counts towards a limit, in bytes:
// the reply buffer that every client of a Redis server has.
const freeOutput = 16 << 10

// countedOutput is the part of queued bytes that counts towards a limit.
func countedOutput(queued int) int64 { return int64(max(0, queued-freeOutput)) }

// overHard tells whether a client with so many bytes counted is to be closed.
func (l OutputLimit) overHard(counted int64) bool { return l.Hard > 0 && counted >= l.Hard }

// overSoft tells whether the soft clock runs.
func (l OutputLimit) overSoft(counted int64) bool { return l.Soft > 0 && counted >= l.Soft }

// expired tells whether a client over the soft limit since one time, in
// seconds, is to be closed at another.
func (l OutputLimit) expired(since, now int64) bool { return now-since > l.SoftSeconds }

// upToLimitLocked is how many of the n bytes of a delivery are queued: all, or
// those of the messages up to the one that brings a client that takes nothing to
// its hard limit, and ends it.
func (o *outbox) upToLimitLocked(d *broker.Delivery, n int) int {
	if len(d.Payloads) == 1 || o.state != outboxBlocked {
		return n
	}
	l := o.conf.limits.Load().of(o.class, o.monitor)
	if !l.overHard(countedOutput(o.queued + n)) {
		return n
	}
	beside := n // bytes that are the same for all messages
	for _, p := range d.Payloads {
		beside -= lengthBytes(len(p)) + len(p)
	}
	m := 0
	for _, p := range d.Payloads {
		m += beside/len(d.Payloads) + lengthBytes(len(p)) + len(p)
		if l.overHard(countedOutput(o.queued + m)) {
			break
		}
	}
	return m
}

// lengthBytes is how many digits a length has.
func lengthBytes(n int) int {
	digits := 1
	for ; n >= 10; n /= 10 {
		digits++
	}
	return digits
}
