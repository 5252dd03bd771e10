package broker

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// A world is a broker with everybody who uses it in one round.
type world struct {
	b     *Broker
	names map[string]string // every name in use, to itself
	clock atomic.Int64

	mu    sync.Mutex
	alone []section
}

var (
	orderChannels = []string{"", "news.0", "news.1", "news.2", "news.3", "a\x00\r\n\xff"}
	orderPatterns = []string{"*", "news.*", "news.[0-1]", "*.3", "news.1", "", "a\x00*", "nobody.*"}
)

func newWorld(o *Options) *world {
	w := &world{b: New(o), names: make(map[string]string)}
	for _, name := range slices.Concat(orderChannels, orderPatterns) {
		w.names[name] = name
	}
	return w
}

func (w *world) tick() int64 { return w.clock.Add(1) }

// known returns the copy of a name that lasts.
func (w *world) known(name string) string {
	if known, ok := w.names[name]; ok {
		return known
	}
	return "unknown: " + name
}

// A recorder is a Subscriber that writes its stream.
type recorder struct {
	w     *world
	proto int  // the frame it uses
	keeps bool // whether it keeps frames

	mu     sync.Mutex
	stream stream
	frame  []byte
	kept   [][2][]byte // frames kept and what they were then
	yield  int
}

func (r *recorder) note(e event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.at = r.w.tick()
	r.stream.events = append(r.stream.events, e)
}

func (r *recorder) Subscribed(k Kind, name string, count int) {
	r.note(event{what: subscribed, sub: subscription{k, r.w.known(name)}, count: count})
}

func (r *recorder) Unsubscribed(k Kind, name string, count int) {
	r.note(event{what: unsubscribed, sub: subscription{k, r.w.known(name)}, count: count})
}

func (r *recorder) Deliver(d *Delivery) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.useFrame(d)
	e := event{what: delivered, sub: subscription{kind: d.Kind}, channel: r.w.known(d.Channel), from: noFrom}
	e.sub.name = e.channel
	if d.Kind == Pattern {
		e.sub.name = r.w.known(d.Pattern)
	} else if d.Pattern != "" {
		r.fault("delivery by %s has the pattern %q", d.Kind, d.Pattern)
	}
	if d.From != nil {
		e.from = d.From.(int)
	}
	for _, p := range d.Payloads {
		if len(p) != 8 {
			r.fault("payload %q", p)
			continue
		}
		e.publisher = int(binary.BigEndian.Uint32(p))
		e.seq = int(binary.BigEndian.Uint32(p[4:]))
		e.at = r.w.tick()
		r.stream.events = append(r.stream.events, e)
	}
	// Others get a chance to do what they must not do now.
	if r.yield++; r.yield%16 == 0 {
		runtime.Gosched()
	}
}

// useFrame does with a frame what a transport does, and checks what others did.
func (r *recorder) useFrame(d *Delivery) {
	r.frame = appendFrame(r.frame[:0], d)
	f := &d.Frames[r.proto]
	if len(f.Bytes) == 0 {
		f.Bytes = append(f.Bytes, r.frame...)
	}
	if !bytes.Equal(f.Bytes, r.frame) {
		r.fault("the frame is %q, want %q", f.Bytes, r.frame)
	}
	if r.keeps {
		f.Owner = holders{}
		r.kept = append(r.kept, [2][]byte{f.Bytes, bytes.Clone(r.frame)})
	}
}

func (r *recorder) fault(format string, args ...any) {
	r.stream.faults = append(r.stream.faults, fmt.Sprintf(format, args...))
}

// finish returns the stream, when all is over.
func (r *recorder) finish() *stream {
	for _, k := range r.kept {
		if !bytes.Equal(k[0], k[1]) {
			r.fault("the frame %q has become %q", k[1], k[0])
		}
	}
	return &r.stream
}

// An author publishes and writes down what it did. It hands over names and
// payloads in memory that it overwrites after the call.
type author struct {
	w       *world
	id      int
	rng     *rand.Rand
	name    scratchName
	buf     []byte
	batch   [][]byte
	calls   []call
	seq     int
	numbers map[place]int
}

func newAuthor(w *world, id int, seed uint64) *author {
	return &author{w: w, id: id, rng: rand.New(rand.NewPCG(seed, uint64(id))), numbers: make(map[place]int)}
}

// publishFrom is PublishFrom of a Broker or of an Exclusive.
type publishFrom func(from any, k Kind, channel string, payloads ...[]byte) int

// publish makes one call with n payloads, by Publish or PublishShard if via is
// nil. A group of zero stands for one of its own.
func (a *author) publish(via publishFrom, p place, n int, group int64) {
	c := call{kind: p.kind, channel: p.channel, from: noFrom, seq: a.seq, number: a.numbers[p], n: n, group: group}
	a.batch, a.buf = a.batch[:0], a.buf[:0]
	for i := range n {
		a.buf = binary.BigEndian.AppendUint32(a.buf, uint32(a.id))
		a.buf = binary.BigEndian.AppendUint32(a.buf, uint32(a.seq+i))
	}
	for i := range n {
		a.batch = append(a.batch, a.buf[8*i:8*i+8])
	}
	name := a.name.view(p.channel)

	c.start = a.w.tick()
	switch {
	case via != nil:
		c.from = a.id
		c.receivers = via(a.id, p.kind, name, a.batch...)
	case p.kind == ShardChannel:
		c.receivers = a.w.b.PublishShard(name, a.batch...)
	default:
		c.receivers = a.w.b.Publish(name, a.batch...)
	}
	c.end = a.w.tick()

	a.name.spoil()
	for i := range a.buf {
		a.buf[i] = 0xff
	}
	if c.group == 0 {
		c.group = c.start
	}
	a.calls = append(a.calls, c)
	a.seq += n
	a.numbers[p] += n
}

// run publishes at random.
func (a *author) run(calls int) {
	for range calls {
		p := place{Channel, pick(a.rng, orderChannels)}
		if a.rng.IntN(4) == 0 {
			p.kind = ShardChannel
		}
		n := 1
		if a.rng.IntN(3) == 0 {
			n += a.rng.IntN(5)
		}
		var via publishFrom
		if a.rng.IntN(2) == 0 {
			via = a.w.b.PublishFrom
		}
		a.publish(via, p, n, 0)
		if a.rng.IntN(8) == 0 {
			runtime.Gosched()
		}
	}
}

func pick[T any](rng *rand.Rand, list []T) T { return list[rng.IntN(len(list))] }
