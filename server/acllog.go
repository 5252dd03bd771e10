package server

import (
	"sync"
	"time"

	"github.com/tidwall/redcon"
)

// A denialReason is why something was refused, in the words of ACL LOG.
type denialReason string

const (
	reasonAuth    denialReason = "auth"
	reasonCommand denialReason = "command"
	reasonKey     denialReason = "key"
	reasonChannel denialReason = "channel"
)

// A denial is an entry of ACL LOG: what was refused, once or more often.
type denial struct {
	denialKey
	id      int64
	count   int64
	created time.Time
	updated time.Time
	client  string // the line of CLIENT LIST of who was refused last
}

// A denialKey is what refusals must have in common to be one entry.
type denialKey struct {
	reason  denialReason
	context string // "toplevel" or "multi"
	object  string // the command, key or channel
	user    string
}

const (
	// denialGrouping is the time from one refusal to the next within which
	// they can be one entry, and denialScan the number of entries looked at.
	denialGrouping = time.Minute
	denialScan     = 10

	// maxDenialText is how many bytes of a name that a client chose an entry
	// keeps, and maxDenialInfo how many of its line of CLIENT LIST, which has
	// such names too.
	maxDenialText = 1 << 10
	maxDenialInfo = 4 << 10
)

// An aclLog is the entries of ACL LOG.
type aclLog struct {
	mu     sync.Mutex
	list   []*denial // the newest last
	nextID int64
}

// logDenial counts a refusal and keeps it for ACL LOG.
func (c *client) logDenial(reason denialReason, object []byte, user string) {
	switch reason {
	case reasonAuth:
		c.s.authDenied.Add(1)
	case reasonCommand:
		c.s.cmdDenied.Add(1)
	case reasonKey:
		c.s.keyDenied.Add(1)
	case reasonChannel:
		c.s.channelDenied.Add(1)
	}
	most := c.s.config().ACLLogMaxLen
	d := &denial{denialKey: denialKey{reason: reason, context: "toplevel", object: cut(string(object), maxDenialText), user: cut(user, maxDenialText)}, updated: time.Now(), count: 1}
	if c.tx != nil {
		d.context = "multi"
	}
	if most > 0 {
		d.client = cut(string(c.appendInfo(nil)), maxDenialInfo)
	}
	c.s.denials.add(d, most)
}

// add adds an entry, or counts it with a recent one that is like it. At most so
// many are kept.
func (l *aclLog) add(d *denial, most int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if most > 0 {
		at := len(l.list)
		for i := len(l.list) - 1; i >= max(0, len(l.list)-denialScan); i-- {
			if old := l.list[i]; old.denialKey == d.denialKey && d.updated.Sub(old.updated) <= denialGrouping {
				at = i
				break
			}
		}
		if at < len(l.list) {
			old := l.list[at]
			old.count++
			old.updated, old.client = d.updated, d.client
			d = old
			l.list = append(l.list[:at], l.list[at+1:]...)
		} else {
			d.id, d.created = l.nextID, d.updated
			l.nextID++
		}
		l.list = append(l.list, d)
	}
	if over := int64(len(l.list)) - most; over > 0 {
		clear(l.list[:over])
		l.list = l.list[over:]
	}
}

// reset removes all entries.
func (l *aclLog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = nil
}

// newest returns copies of the newest entries, at most n, the newest first.
func (l *aclLog) newest(n int64) (list []denial) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := len(l.list) - 1; i >= 0 && n > 0; i-- {
		list = append(list, *l.list[i])
		n--
	}
	return list
}

// appendDenial appends an entry as ACL LOG answers it.
func appendDenial(b []byte, resp3 bool, d *denial, now time.Time) []byte {
	age := float64(now.Sub(d.updated).Milliseconds()) / 1000
	b = appendMap(b, resp3, 10)
	number := func(name string, n int64) {
		b = redcon.AppendBulkString(b, name)
		b = redcon.AppendInt(b, n)
	}
	text := func(name, value string) {
		b = redcon.AppendBulkString(b, name)
		b = redcon.AppendBulkString(b, value)
	}
	number("count", d.count)
	text("reason", string(d.reason))
	text("context", d.context)
	text("object", d.object)
	text("username", d.user)
	b = redcon.AppendBulkString(b, "age-seconds")
	b = appendDouble(b, resp3, age)
	text("client-info", d.client)
	number("entry-id", d.id)
	number("timestamp-created", d.created.UnixMilli())
	number("timestamp-last-updated", d.updated.UnixMilli())
	return b
}
