package server

import (
	"fmt"
	"reflect"
	"strconv"
	"sync"
	"testing"
)

// Messages published in one EXEC arrive side by side, whoever else publishes.
func TestExecIsAtomic(t *testing.T) {
	s := newServer(t)
	addr := listen(t, s)
	const publishers, rounds = 4, 40
	watchers := []*testConn{dial(t, addr), dial(t, addr)}
	watchers[0].send("SUBSCRIBE a b")
	watchers[0].want("[subscribe a 1]", "[subscribe b 2]")
	watchers[1].ask("PSUBSCRIBE *", "[psubscribe * 1]")
	var wg sync.WaitGroup
	for p := range publishers {
		c := dial(t, addr)
		wg.Go(func() {
			for n := range rounds {
				if p == 0 { // one without EXEC
					c.send(fmt.Sprintf("PUBLISH a %d:%d:alone", p, n), fmt.Sprintf("PUBLISH b %d:%d:alone", p, n))
					c.next()
					c.next()
					continue
				}
				tag := fmt.Sprintf("%d:%d", p, n)
				c.send("MULTI", "PUBLISH a "+tag, "PUBLISH b "+tag, "PUBSUB NUMSUB a", "PUBLISH a "+tag, "EXEC")
				for range 5 {
					c.next()
				}
				if got := c.next().String(); got != "[2 2 [a 1] 2]" {
					t.Errorf("EXEC: %s", got)
				}
			}
		})
	}
	for i, c := range watchers {
		wg.Go(func() {
			for seen := 0; seen < (publishers-1)*rounds*3+rounds*2; {
				tag, channel := message(c.next())
				if seen++; len(tag) > 6 && tag[len(tag)-6:] == ":alone" {
					continue
				}
				for _, want := range []string{"b", "a"} {
					next, on := message(c.next())
					if seen++; channel != "a" || next != tag || on != want {
						t.Errorf("watcher %d: %s on %s comes behind %s", i, next, on, tag)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

// message returns the payload and the channel of a message.
func message(f frame) (payload, channel string) {
	n := len(f.elems)
	if n < 3 {
		return "", ""
	}
	return f.elems[n-1].text, f.elems[n-2].text
}

func TestSelfPublish(t *testing.T) {
	s := newServer(t)
	c := pipe(t, s)
	c.ask("HELLO 3", "%[server…")
	c.send("SUBSCRIBE c", "PSUBSCRIBE c* ?")
	c.want(">[subscribe c 1]", ">[psubscribe c* 2]", ">[psubscribe ? 3]")
	c.send("PUBLISH c one", "PUBLISH c two", "PUBLISH none x")
	for _, m := range []string{"one", "two"} { // the reply comes first
		c.want("3", ">[message c "+m+"]")
		got := []string{c.next().String(), c.next().String()}
		a, b := ">[pmessage c* c "+m+"]", ">[pmessage ? c "+m+"]"
		if !reflect.DeepEqual(got, []string{a, b}) && !reflect.DeepEqual(got, []string{b, a}) {
			t.Errorf("%q", got)
		}
	}
	c.want("0")
	c.send("SSUBSCRIBE c", "PUNSUBSCRIBE", "SPUBLISH c three")
	c.want(">[ssubscribe c 1]", ">[punsubscribe …", ">[punsubscribe …", "1", ">[smessage c three]")
	c.send("MULTI", "PUBLISH c four", "PING", "SUBSCRIBE d", "PUBLISH d five", "EXEC") // behind the whole reply
	c.want("+OK", "+QUEUED", "+QUEUED", "+QUEUED", "+QUEUED", "[1 +PONG >[subscribe d 2] 1]", ">[message c four]", ">[message d five]")
	c.send("CLIENT REPLY OFF", "PUBLISH c six", "PING", "CLIENT REPLY ON") // pushes are no replies
	c.want(">[message c six]", "+OK")
}

func TestTransactions(t *testing.T) {
	s := newServer(t)
	c, other := pipe(t, s), pipe(t, s)
	for _, tt := range [][2]string{
		{"EXEC", "-ERR EXEC without MULTI"}, {"DISCARD", "-ERR DISCARD without MULTI"}, {"WATCH k", "+OK"}, {"UNWATCH", "+OK"},
		{"MULTI", "+OK"}, {"MULTI", "-ERR MULTI calls can not be nested"}, {"WATCH k", "-ERR WATCH inside MULTI is not allowed"}, {"PING", "+QUEUED"}, {"EXEC", "[+PONG]"},
		{"MULTI", "+OK"}, {"NOSUCH", "-ERR unknown command…"}, {"PING", "+QUEUED"}, {"EXEC", "-EXECABORT Transaction discarded because of previous errors."},
		{"MULTI", "+OK"}, {"PUBLISH c", "-ERR wrong number…"}, {"DISCARD", "+OK"},
		{"MULTI", "+OK"}, {"EXEC", "[]"},
		{"MULTI", "+OK"}, {"SHUTDOWN", "-ERR Command not allowed inside a transaction"}, {"EXEC", "-EXECABORT…"},
		{"MULTI", "+OK"}, {"SELECT 99", "+QUEUED"}, {"ECHO x", "+QUEUED"}, {"EXEC", "[-ERR DB index is out of range x]"},
		{"MULTI", "+OK"}, {"PUBLISH c x", "+QUEUED"}, {"RESET", "+RESET"}, {"EXEC", "-ERR EXEC without MULTI"},
		{"MULTI", "+OK"}, {"SSUBSCRIBE s", "+QUEUED"}, {"EXEC", "[-ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client]"},
	} {
		c.ask(tt[0], tt[1])
	}
	id := other.do("CLIENT ID")
	c.send("MULTI", "PUBLISH c x", "CLIENT KILL ID "+id, "PUBSUB NUMPAT", "EXEC")
	c.want("+OK", "+QUEUED", "+QUEUED", "+QUEUED", "[0 1 0]")
	if got := other.end(); len(got) != 0 {
		t.Errorf("sent %q", got)
	}
	c.send("MULTI", "SUBSCRIBE a", "UNSUBSCRIBE", "UNSUBSCRIBE nope", "EXEC")
	c.want("+OK", "+QUEUED", "+QUEUED", "+QUEUED", "[[subscribe a 1] [unsubscribe a 0] [unsubscribe nope 0]]")
	c.send("MULTI", "SUBSCRIBE a", "PUBLISH a x", "EXEC")
	c.want("+OK", "+QUEUED", "+QUEUED", "[[subscribe a 1] 1]", "[message a x]")
	c.ask("EXEC", "-EXECABORT Transaction discarded because of: Can't execute 'exec': only…")
}

// Pipelined PUBLISHes to one channel are one run, and look as if they were not.
func TestRuns(t *testing.T) {
	s := newServer(t)
	addr := listen(t, s)
	sub, pub := dial(t, addr), dial(t, addr)
	sub.send("SUBSCRIBE c", "SSUBSCRIBE c")
	sub.want("[subscribe c 1]", "[ssubscribe c 1]")
	var requests, replies, messages []string
	publish := func(command, channel, payload, reply, word string) {
		requests = append(requests, command+" "+channel+" "+payload)
		replies = append(replies, reply)
		if word != "" {
			messages = append(messages, "["+word+" "+channel+" "+payload+"]")
		}
	}
	for n := range 2*maxRun + 3 {
		publish("PUBLISH", "c", strconv.Itoa(n), "1", "message")
	}
	publish("SPUBLISH", "c", "shard", "1", "smessage")
	publish("SPUBLISH", "c", "shard2", "1", "smessage")
	publish("PUBLISH", "c", "mixed", "1", "message")
	publish("PUBLISH", "none", "x", "0", "")
	publish("PUBLISH", "c", string(make([]byte, maxRunBytes+1)), "1", "message")
	publish("PUBLISH", "c", "last", "1", "message")
	requests = append(requests, "PUBLISH c", "PUBLISH c z")
	replies = append(replies, "-ERR wrong number of arguments for 'publish' command", "1")
	messages = append(messages, "[message c z]")
	go pub.send(requests...)
	pub.want(replies...)
	sub.want(messages...)
	if got := pub.info("cmdstat_publish"); got[:len("calls=520,")] != "calls=520," {
		t.Errorf("cmdstat_publish:%s", got)
	}
	pub.raw("PUBLISH c inline\r\nPUBLISH c \"in line\"\r\nPUBLISH c x\r\n")
	pub.want("1", "1", "1")
	sub.want("[message c inline]", "[message c in line]", "[message c x]")
	pub.send("CLIENT REPLY SKIP", "PUBLISH c silent", "PUBLISH c heard", "CLIENT REPLY OFF", "PUBLISH c off", "CLIENT REPLY ON")
	pub.want("1", "+OK")
	sub.want("[message c silent]", "[message c heard]", "[message c off]")
}
