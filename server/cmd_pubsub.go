package server

import (
	"bytes"
	"time"
	"unsafe"

	"github.com/tidwall/redcon"

	"github.com/pubsubd/pubsubd/acl"
	"github.com/pubsubd/pubsubd/broker"
	"github.com/pubsubd/pubsubd/match"
)

func cmdSubscribe(c *client, argv [][]byte)    { c.subscribe(broker.Channel, argv[1:]) }
func cmdPSubscribe(c *client, argv [][]byte)   { c.subscribe(broker.Pattern, argv[1:]) }
func cmdUnsubscribe(c *client, argv [][]byte)  { c.unsubscribe(broker.Channel, argv[1:]) }
func cmdPUnsubscribe(c *client, argv [][]byte) { c.unsubscribe(broker.Pattern, argv[1:]) }
func cmdSUnsubscribe(c *client, argv [][]byte) { c.unsubscribe(broker.ShardChannel, argv[1:]) }

func cmdSSubscribe(c *client, argv [][]byte) {
	if c.alone() {
		c.fail(errSSubscribeExec)
		return
	}
	c.subscribe(broker.ShardChannel, argv[1:])
}

// confirmLot is the number of names after which the confirmations of a long
// list are sent on their way.
const confirmLot = 1024

// subscribe adds subscriptions, with one confirmation for each name.
func (c *client) subscribe(k broker.Kind, names [][]byte) {
	m := c.join()
	if t, ok := c.t.(widener); ok && c.unix && m.Total() == 0 {
		t.widen()
	}
	for i, name := range names {
		if c.gone.Load() { // nobody reads the confirmations
			break
		}
		if !c.broker.Subscribe(m, k, view(name)) {
			c.confirm(subscribeWords[k], view(name), c.confirmCount(k))
		}
		if i == 0 {
			c.setClass()
		}
		c.sendLot(i)
	}
	c.subscribedUnder(c.judged)
}

// unsubscribe ends subscriptions, all of the kind if no name is given, with
// one confirmation for each.
func (c *client) unsubscribe(k broker.Kind, names [][]byte) {
	m := c.member()
	for i, name := range names {
		if m == nil || !c.broker.Unsubscribe(m, k, view(name)) {
			c.confirm(unsubscribeWords[k], view(name), c.confirmCount(k))
		}
		c.sendLot(i)
	}
	if len(names) == 0 && (m == nil || c.broker.UnsubscribeAll(m, k) == 0) {
		at := c.beginConfirmation()
		c.reply = appendNoneConfirmation(c.reply, c.resp3, unsubscribeWords[k], c.confirmCount(k))
		c.endConfirmation(at)
	}
	c.setClass()
}

// sendLot sends the confirmations so far after each lot.
func (c *client) sendLot(i int) {
	if i%confirmLot == confirmLot-1 && !c.alone() {
		c.clock = c.s.uptime() // the command takes long
		c.deliverAll()
	}
}

// confirmCount is the number that the confirmations of a kind carry.
func (c *client) confirmCount(k broker.Kind) int {
	if k == broker.ShardChannel {
		return c.count(k)
	}
	return c.count(broker.Channel) + c.count(broker.Pattern)
}

// view is an argument as a string, without a copy. It is valid as long as the
// argument is.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func cmdPublish(c *client, argv [][]byte) { c.publish(broker.Channel, argv) }

func cmdSPublish(c *client, argv [][]byte) { c.publish(broker.ShardChannel, argv) }

// publish publishes one message. To a client that is subscribed itself the
// reply comes before the message.
func (c *client) publish(k broker.Kind, argv [][]byte) {
	hold := c.subscriptions() > 0 && !c.alone()
	if hold {
		c.out.hold()
	}
	one := &c.work().one
	one[0] = argv[2]
	n := c.broker.PublishFrom(c, k, view(argv[1]), one[:]...)
	one[0] = nil
	c.reply = redcon.AppendInt(c.reply, int64(n))
	if hold {
		c.out.release(c.takeReply())
	}
}

// A run is consecutive PUBLISHes to one channel that are handed to the broker
// as one.
type run struct {
	cmd      *command
	num      int
	bytes    int    // of the payloads
	name     []byte // of the command as the client spelled it first
	channel  []byte
	payloads [][]byte
	from     int  // where the first request begins, to go back there
	follows  bool // another that was finished when the first of this one was read

	// Of one that was joined with those of other clients.
	published bool
	receivers int
	took      time.Duration
}

const (
	// maxRun is the most messages of one run, and maxRunBytes the most bytes of
	// their payloads.
	maxRun      = 256
	maxRunBytes = 256 << 10
)

// takes tells whether a request can be added to the run at hand.
func (r *run) takes(c *client, cmd *command, argv [][]byte) bool {
	return cmd == r.cmd && r.num < maxRun && !c.in.inline && len(argv) == 3 && r.bytes+len(argv[2]) <= maxRunBytes && bytes.Equal(argv[1], r.channel) && bytes.Equal(argv[0], r.name)
}

// add begins or goes on with a run. It refuses what has to be published on its
// own: a very long message, an inline request, whose words are soon overwritten,
// and whatever comes of a client that might receive it or wants no reply.
func (r *run) add(c *client, cmd *command, argv [][]byte) bool {
	if c.in.inline || r.bytes+len(argv[2]) > maxRunBytes || c.replies != repliesOn || c.subscriptions() > 0 {
		return false
	}
	if r.num == 0 {
		r.from = c.in.last
	}
	r.cmd, r.name, r.channel = cmd, argv[0], argv[1]
	r.payloads = append(r.payloads, argv[2])
	r.num++
	r.bytes += len(argv[2])
	return true
}

// runsOn adds the next request to the run at hand if it is one more of the same:
// whatever was asked of the last request has the same answer. If it is one to another
// channel, another run begins.
func (c *client) runsOn() bool {
	r := &c.w.run
	if r.num == 0 || r.num == maxRun || c.s.modes.Load() != 0 || c.tracking != nil || c.judged != c.user.Load().Rules() {
		return false
	}
	payload, ok := c.in.another(maxRunBytes - r.bytes)
	if !ok {
		return c.runsElsewhere()
	}
	r.payloads = append(r.payloads, payload)
	r.num++
	r.bytes += len(payload)
	return true
}

// runsElsewhere begins a run with the next request if that is one like those of the
// run at hand to another channel, which the client may publish to.
func (c *client) runsElsewhere() bool {
	channel, payload, ok := c.in.alike(longChannel, maxRunBytes)
	if !ok {
		return false
	}
	r := &c.w.run
	argv := &c.w.argv
	*argv = [3][]byte{r.name, channel, payload}
	why, _ := judge(c.judged, r.cmd, argv[:])
	*argv = [3][]byte{}
	if why != acl.Allowed {
		c.in.postpone()
		return false
	}
	next := run{cmd: r.cmd, num: 1, bytes: len(payload), name: r.name, channel: channel, from: c.in.last, follows: true}
	c.finishRun()
	next.payloads = append(r.payloads, payload)
	*r = next
	return true
}

// finishRun publishes what has been collected and queues the replies.
func (c *client) finishRun() {
	if c.w == nil || c.w.run.num == 0 {
		return
	}
	r := &c.w.run
	if c.gone.Load() {
		clear(r.payloads)
		*r = run{payloads: r.payloads[:0]}
		return
	}
	if c.s.modes.Load()&modeMonitored != 0 && !c.ordered { // since the run began
		r.follows = false
		c.inOrder(c.finishRun)
		return
	}
	c.excuse()
	start := c.clock
	if !r.follows {
		start = c.s.uptime()
	}
	n := c.s.broker.PublishFrom(c, r.kind(), view(r.channel), r.payloads...)
	c.clock = c.s.uptime()
	c.published(n, c.clock-start)
}

// kind is that of the channel of a run.
func (r *run) kind() broker.Kind {
	if r.cmd == publishCommand {
		return broker.Channel
	}
	return broker.ShardChannel
}

// published queues the replies to the run at hand, which n receivers have been sent,
// and which took so long.
func (c *client) published(n int, took time.Duration) {
	r := &c.w.run
	c.reply = appendInts(c.reply, n, r.num)
	c.mark = len(c.reply)
	c.failed = false
	c.countCalls(r.cmd, r.num, took)
	if took >= c.s.slowest() {
		c.runTookLong(took)
	}
	if c.ordered {
		for _, payload := range r.payloads {
			c.tellMonitors(r.cmd, [][]byte{r.name, r.channel, payload})
		}
	}
	clear(r.payloads)
	*r = run{payloads: r.payloads[:0]}
}

// appendInts appends one integer reply so many times.
func appendInts(b []byte, n, times int) []byte {
	at := len(b)
	b = redcon.AppendInt(b, int64(n))
	for end := at + times*(len(b)-at); len(b) < end; {
		b = append(b, b[at:at+min(len(b)-at, end-len(b))]...)
	}
	return b
}

func cmdPubsubChannels(c *client, argv [][]byte) { c.listChannels(broker.Channel, argv) }

func cmdPubsubShardChannels(c *client, argv [][]byte) { c.listChannels(broker.ShardChannel, argv) }

func (c *client) listChannels(k broker.Kind, argv [][]byte) {
	if len(argv) > 3 {
		c.fail(tooManyArguments(argv))
		return
	}
	var glob []byte
	if len(argv) == 3 {
		glob = argv[2]
	}
	var rest breather
	var list pieces
	for name := range c.broker.Names(k) {
		if !c.alone() { // then all locks are held
			rest.step()
		}
		if glob == nil || match.Match(view(glob), name) {
			list.add(name)
		}
	}
	c.replyPieces(&list)
}

func cmdPubsubNumPat(c *client, _ [][]byte) {
	c.reply = redcon.AppendInt(c.reply, int64(c.broker.NumPat()))
}

func cmdPubsubNumSub(c *client, argv [][]byte) { c.countSubscribers(argv[2:], c.broker.NumSub) }

func cmdPubsubShardNumSub(c *client, argv [][]byte) {
	c.countSubscribers(argv[2:], c.broker.ShardNumSub)
}

func (c *client) countSubscribers(names [][]byte, count func(string) int) {
	c.reply = redcon.AppendArray(c.reply, 2*len(names))
	for _, name := range names {
		c.reply = redcon.AppendBulk(c.reply, name)
		c.reply = redcon.AppendInt(c.reply, int64(count(view(name))))
	}
}

func cmdPubsubHelp(c *client, _ [][]byte) {
	c.help("PUBSUB",
		"CHANNELS [<pattern>]",
		"    Return the currently active channels matching a <pattern> (default: '*').",
		"NUMPAT",
		"    Return number of subscriptions to patterns.",
		"NUMSUB [<channel> ...]",
		"    Return the number of subscribers for the specified channels, excluding",
		"    pattern subscriptions(default: no channels).",
		"SHARDCHANNELS [<pattern>]",
		"    Return the currently active shard level channels matching a <pattern> (default: '*').",
		"SHARDNUMSUB [<shardchannel> ...]",
		"    Return the number of subscribers for the specified shard level channel(s)",
	)
}

// help answers HELP of a container. Clients print it as it comes, so it is
// worded as by Redis.
func (c *client) help(container string, lines ...string) {
	c.reply = redcon.AppendArray(c.reply, len(lines)+3)
	c.reply = redcon.AppendString(c.reply, container+" <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")
	for _, line := range append(lines, "HELP", "    Print this help.") {
		c.reply = redcon.AppendString(c.reply, line)
	}
}
