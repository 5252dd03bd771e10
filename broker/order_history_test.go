package broker

import "math"

// A history is what a run of the broker looked like from outside: what was
// published, and what each subscriber was told. A logical clock, which every
// reading moves on, says what was over before something else began.
type history struct {
	calls   [][]call // by publisher, in the order it made them
	streams []*stream
	alone   []section
}

// A call is one call of Publish.
type call struct {
	kind       Kind
	channel    string
	from       int // what was given to PublishFrom; noFrom for Publish
	start, end int64

	// The payloads are the publisher's messages seq, seq+1 and so on, n of
	// them. Number counts those of this channel alone.
	seq, number, n int

	// Calls of one group must stay together on their channel: a call is
	// alone in its group unless it was made within Exclusive.
	group int64

	receivers int
}

const noFrom = -1

// A section is what happened within one Exclusive.
type section struct {
	start, end int64
	publisher  int
	stream     *stream // of the member given to Exclusive
}

// A stream is everything that happened to one subscriber.
type stream struct {
	label   string
	events  []event
	changes []change
	faults  []string // what the subscriber itself found wrong
}

// A change is a successful call of Subscribe or Unsubscribe; UnsubscribeAll
// counts as one for each name.
type change struct {
	added      bool
	sub        subscription
	start, end int64
}

type subscription struct {
	kind Kind
	name string
}

type what uint8

const (
	subscribed what = iota
	unsubscribed
	delivered
	clearing // Clear was about to be called
	cleared  // Clear had returned
)

// An event is one entry of a stream.
type event struct {
	at    int64
	what  what
	sub   subscription // what was confirmed, or what the delivery came by
	count int          // of a confirmation

	// Of a delivery of one message.
	channel        string
	publisher, seq int
	from           int
}

// never is later than every reading of the clock.
const never = math.MaxInt64
