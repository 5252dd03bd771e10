package server

import (
	"github.com/tidwall/redcon"

	"github.com/pubsubd/pubsubd/broker"
)

// The words that open confirmations and messages, by kind.
var (
	subscribeWords   = [...]string{broker.Channel: "subscribe", broker.Pattern: "psubscribe", broker.ShardChannel: "ssubscribe"}
	unsubscribeWords = [...]string{broker.Channel: "unsubscribe", broker.Pattern: "punsubscribe", broker.ShardChannel: "sunsubscribe"}
	messageWords     = [...]string{broker.Channel: "message", broker.Pattern: "pmessage", broker.ShardChannel: "smessage"}
)

// appendPush opens a frame of n elements that no request has asked for: an
// array in RESP2, a push in RESP3.
func appendPush(b []byte, resp3 bool, n int) []byte {
	at := len(b)
	b = redcon.AppendArray(b, n)
	if resp3 {
		b[at] = '>'
	}
	return b
}

// encodeDelivery fills a frame with the messages of a delivery. One of shareFrom
// bytes or more lies in a buffer that its receivers can share.
func encodeDelivery(f *broker.Frame, d *broker.Delivery, resp3 bool) {
	need := 0
	for _, p := range d.Payloads {
		need += len(p) + bulkOverhead(len(p))
	}
	need += len(d.Payloads) * messageSize(d)
	b := f.Bytes
	switch {
	case need >= shareFrom:
		mem := getBuffer(need)
		mem.retain()
		f.Owner, b = mem, mem.b
	case cap(b) < need:
		b = make([]byte, 0, need)
	}
	for _, payload := range d.Payloads {
		if d.Kind == broker.Pattern {
			b = appendPush(b, resp3, 4)
			b = redcon.AppendBulkString(b, messageWords[d.Kind])
			b = redcon.AppendBulkString(b, d.Pattern)
		} else {
			b = appendPush(b, resp3, 3)
			b = redcon.AppendBulkString(b, messageWords[d.Kind])
		}
		b = redcon.AppendBulkString(b, d.Channel)
		b = redcon.AppendBulk(b, payload)
	}
	f.Bytes = b
}

// frameOverhead is more than the bytes of a message frame beside its names and
// its payload.
const frameOverhead = 96

// messageSize is how many bytes a message of a delivery takes beside its payload.
func messageSize(d *broker.Delivery) int {
	word := len(messageWords[d.Kind])
	n := len("*3\r\n") + bulkOverhead(word) + word + bulkOverhead(len(d.Channel)) + len(d.Channel)
	if d.Kind == broker.Pattern {
		n += bulkOverhead(len(d.Pattern)) + len(d.Pattern)
	}
	return n
}

// bulkOverhead is how many bytes a bulk string of n bytes takes beside these.
func bulkOverhead(n int) int {
	digits := 1
	for ; n >= 10; n /= 10 {
		digits++
	}
	return len("$\r\n\r\n") + digits
}

// appendConfirmation appends what answers one name of a SUBSCRIBE or its kin.
func appendConfirmation(b []byte, resp3 bool, word, name string, count int) []byte {
	b = appendPush(b, resp3, 3)
	b = redcon.AppendBulkString(b, word)
	b = redcon.AppendBulkString(b, name)
	return redcon.AppendInt(b, int64(count))
}

// appendNoneConfirmation appends what answers an unsubscribe from nothing.
func appendNoneConfirmation(b []byte, resp3 bool, word string, count int) []byte {
	b = appendPush(b, resp3, 3)
	b = redcon.AppendBulkString(b, word)
	b = appendNull(b, resp3)
	return redcon.AppendInt(b, int64(count))
}
