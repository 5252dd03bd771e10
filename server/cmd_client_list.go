package server

import (
	"slices"
	"strconv"
	"time"

	"github.com/pubsubd/pubsubd/broker"
)

// cmdClientInfo and cmdClientList count the request at hand, which is the only
// one they see running.

func cmdClientInfo(c *client, argv [][]byte) {
	c.countRequest(argv)
	c.reply = appendVerbatim(c.reply, c.resp3, append(c.appendInfo(nil), '\n'))
	c.argvMem.Store(0)
}

func cmdClientList(c *client, argv [][]byte) {
	list := c.s.clients()
	switch {
	case len(argv) == 2:
	case len(argv) == 4 && equalFold(argv[2], "type"):
		class, ok := parseClass(argv[3])
		if !ok {
			c.fail(unknownClientType(argv[3]))
			return
		}
		list = slices.DeleteFunc(slices.Clone(list), func(o *client) bool { return o.kind() != class })
	case len(argv) > 3 && equalFold(argv[2], "id"):
		byID := make(map[uint64]*client, len(list))
		for _, o := range list {
			byID[o.id] = o
		}
		list = nil
		for _, arg := range argv[3:] {
			id, ok := parseLength(arg)
			if !ok {
				c.fail(errClientID)
				return
			}
			if o := byID[uint64(id)]; o != nil {
				list = append(list, o)
			}
		}
	default:
		c.fail(errSyntax)
		return
	}
	c.countRequest(argv)
	c.reserve(infoBytes * (len(list) + 1))
	c.verbatim(func(b []byte) []byte {
		for _, o := range list {
			b = append(o.appendInfo(b), '\n')
		}
		return b
	})
	c.argvMem.Store(0)
}

// infoBytes is about the length of a line of CLIENT LIST.
const infoBytes = 400

// appendInfo appends the client's line of CLIENT LIST, without its end. It may
// be called from any goroutine.
func (c *client) appendInfo(b []byte) []byte {
	queued, chunks, blocked := c.out.pendingOrLost()
	inBuffer, counted := min(queued, freeOutput), countedOutput(queued)
	if counted == 0 {
		chunks = 0
	}
	events := " events=r cmd="
	if blocked {
		events = " events=rw cmd="
	}
	now := c.s.uptime()
	sub, psub, ssub := c.count(broker.Channel), c.count(broker.Pattern), c.count(broker.ShardChannel)
	number := func(name string, n int64) { b = strconv.AppendInt(append(b, name...), n, 10) }
	text := func(name, value string) { b = append(append(b, name...), value...) }

	number("id=", int64(c.id))
	text(" addr=", c.addr)
	text(" laddr=", c.laddr)
	number(" fd=", int64(c.fd))
	c.mu.Lock()
	defer c.mu.Unlock()
	text(" name=", c.name)
	number(" age=", int64((now-c.created)/time.Second))
	number(" idle=", int64((now-c.lastActive())/time.Second))
	b = append(b, " flags="...)
	b = c.appendFlagsLocked(b, sub+psub+ssub > 0)
	number(" db=", int64(c.db))
	number(" sub=", int64(sub))
	number(" psub=", int64(psub))
	number(" ssub=", int64(ssub))
	number(" multi=", int64(c.queued))
	number(" watch=", 0)
	number(" qbuf=", c.buffered.Load())
	number(" qbuf-free=", c.room.Load())
	number(" argv-mem=", c.argvMem.Load())
	number(" multi-mem=", c.multiMem.Load())
	number(" rbs=", freeOutput)
	number(" rbp=", int64(inBuffer))
	number(" obl=", int64(inBuffer))
	number(" oll=", int64(chunks))
	number(" omem=", counted)
	number(" tot-mem=", c.memoryBeside(queued))
	text(events, c.lastName())
	text(" user=", c.user.Load().Name())
	number(" redir=", c.tracking.redirection())
	number(" resp=", int64(c.proto))
	lib := c.library()
	text(" lib-name=", lib.name)
	text(" lib-ver=", lib.version)
	number(" tot-net-in=", c.received.Load())
	number(" tot-net-out=", c.out.sent.Load())
	number(" tot-cmds=", c.calls.Load())
	return b
}

func (c *client) lastName() string {
	if cmd := c.last.Load(); cmd != nil {
		return cmd.name
	}
	return "NULL"
}

// appendFlagsLocked appends the letters CLIENT LIST has for what a client is
// doing.
func (c *client) appendFlagsLocked(b []byte, subscribed bool) []byte {
	none := len(b)
	for _, f := range [...]struct {
		set    bool
		letter byte
	}{
		{c.monitoring.Load(), 'O'},
		{subscribed, 'P'},
		{c.queued >= 0, 'x'},
		{c.held.Load(), 'b'},
		{c.tracking != nil, 't'},
		{c.tracking != nil && c.tracking.broken, 'R'},
		{c.tracking != nil && c.tracking.bcast, 'B'},
		{c.ending, 'c'},
		{c.reason != "" && !c.ending, 'A'},
		{c.unix, 'U'},
		{c.noEvict, 'e'},
		{c.noTouch, 'T'},
	} {
		if f.set {
			b = append(b, f.letter)
		}
	}
	if len(b) == none {
		b = append(b, 'N')
	}
	return b
}
