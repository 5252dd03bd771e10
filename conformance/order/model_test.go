package order

import (
	"fmt"
	"math/bits"
	"strconv"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// An operation of the model.
type operation uint8

const (
	opSubscribe operation = iota
	opUnsubscribe
	opPSubscribe
	opPUnsubscribe
	opPublish
	opNumSub
)

var operations = [...]string{"SUBSCRIBE", "UNSUBSCRIBE", "PSUBSCRIBE", "PUNSUBSCRIBE", "PUBLISH", "NUMSUB"}

// An input is what a client asks of one channel, or of the one pattern that
// matches this channel and no other.
type input struct {
	op      operation
	client  int
	channel int
}

// An output is what came of it.
type output struct {
	count int // of PUBLISH and NUMSUB
	// to is who received what was published.
	to audience
}

// An audience is the model's state of a channel: the clients that are
// subscribed to it, a bit for each.
type audience struct{ byName, byPattern uint32 }

func (a audience) String() string { return fmt.Sprintf("name %b pattern %b", a.byName, a.byPattern) }

// model is a broker: each request is carried out at one moment between its
// being sent and its answer, and PUBLISH reaches exactly those who are
// subscribed then.
var model = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		var parts [][]porcupine.Operation
		for _, o := range history {
			channel := o.Input.(input).channel
			for len(parts) <= channel {
				parts = append(parts, nil)
			}
			parts[channel] = append(parts[channel], o)
		}
		return parts
	},
	Init: func() any { return audience{} },
	Step: func(state, in, out any) (bool, any) {
		a, i, o := state.(audience), in.(input), out.(output)
		self := uint32(1) << i.client
		switch i.op {
		case opSubscribe:
			a.byName |= self
		case opUnsubscribe:
			a.byName &^= self
		case opPSubscribe:
			a.byPattern |= self
		case opPUnsubscribe:
			a.byPattern &^= self
		case opPublish:
			return o.to == a && o.count == bits.OnesCount32(a.byName)+bits.OnesCount32(a.byPattern), a
		case opNumSub:
			return o.count == bits.OnesCount32(a.byName), a
		}
		return true, a
	},
	DescribeOperation: func(in, out any) string {
		i := in.(input)
		return operations[i.op] + " " + strconv.Itoa(i.channel) + fmt.Sprintf(" -> %+v", out)
	},
}

// linearizable checks a history.
func linearizable(history []porcupine.Operation) porcupine.CheckResult {
	return porcupine.CheckOperationsTimeout(model, history, time.Minute)
}

// sample returns what a broker answers three clients, two of them subscribers.
// The first two PUBLISHes run while a SUBSCRIBE does, the others alone.
func sample() []porcupine.Operation {
	at := func(call, end int64, i input, o output) porcupine.Operation {
		return porcupine.Operation{ClientId: i.client, Input: i, Output: o, Call: call, Return: end}
	}
	return []porcupine.Operation{
		at(1, 2, input{opSubscribe, 0, 0}, output{}),
		at(3, 8, input{opSubscribe, 1, 0}, output{}),
		at(4, 5, input{opPublish, 2, 0}, output{1, audience{byName: 1}}),
		at(6, 7, input{opPublish, 2, 0}, output{2, audience{byName: 3}}),
		at(9, 10, input{opNumSub, 2, 0}, output{count: 2}),
		at(11, 12, input{opPSubscribe, 0, 0}, output{}),
		at(13, 14, input{opPublish, 2, 0}, output{3, audience{byName: 3, byPattern: 1}}),
		at(15, 16, input{opUnsubscribe, 0, 0}, output{}),
		at(17, 18, input{opPublish, 2, 0}, output{2, audience{byName: 2, byPattern: 1}}),
		at(19, 20, input{opPUnsubscribe, 0, 0}, output{}),
		at(21, 22, input{opPublish, 2, 1}, output{}),
		at(23, 24, input{opNumSub, 2, 0}, output{count: 1}),
	}
}

// The model allows what a broker may do and nothing else.
func TestModel(t *testing.T) {
	if got := linearizable(sample()); got != porcupine.Ok {
		t.Errorf("the sample is %s", got)
	}
	for _, d := range []struct {
		label string
		at    int
		out   output
	}{
		{"counts one too many", 6, output{4, audience{byName: 3, byPattern: 1}}},
		{"counts one too few", 6, output{2, audience{byName: 3, byPattern: 1}}},
		{"misses a subscriber by name", 6, output{2, audience{byName: 1, byPattern: 1}}},
		{"misses a subscriber by pattern", 6, output{2, audience{byName: 3}}},
		{"reaches one that has left", 8, output{3, audience{byName: 3, byPattern: 1}}},
		{"reaches another than those it counts", 8, output{2, audience{byName: 1, byPattern: 1}}},
		{"goes back on what the one before has seen", 3, output{0, audience{}}},
		{"NUMSUB does not know of a subscriber", 4, output{count: 1}},
		{"NUMSUB counts a pattern or one that has left", 11, output{count: 2}},
		{"reaches subscribers of another channel", 10, output{1, audience{byName: 2}}},
	} {
		history := sample()
		history[d.at].Output = d.out
		if got := linearizable(history); got != porcupine.Illegal {
			t.Errorf("%s: %s", d.label, got)
		}
	}
	// Two PUBLISHes in a row, of which only the first sees the subscriber.
	history := sample()
	history[2].Output, history[3].Output = history[3].Output, history[2].Output
	if got := linearizable(history); got != porcupine.Illegal {
		t.Errorf("a subscription that comes and goes by itself: %s", got)
	}
}
