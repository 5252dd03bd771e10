package broker

import (
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"
)

// duration is how long TestOrder goes on with new rounds.
var duration = flag.Duration("broker.duration", 2*time.Second, "how long the order test runs")

// TestMain fails if a goroutine is left behind.
func TestMain(m *testing.M) {
	flag.Parse()
	before := runtime.NumGoroutine()
	code := m.Run()
	if !eventually(func() bool { return runtime.NumGoroutine() <= before }) {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		fmt.Fprintf(os.Stderr, "%d goroutines at the start, %d left:\n%s\n", before, runtime.NumGoroutine(), stacks)
		code = 1
	}
	os.Exit(code)
}

// eventually waits until cond holds and reports whether it came to.
func eventually(cond func() bool) bool {
	deadline := time.Now().Add(10 * time.Second)
	for !cond() {
		if time.Now().After(deadline) {
			return false
		}
		runtime.Gosched()
	}
	return true
}

// waitFor fails the test if cond does not come to hold.
func waitFor(t *testing.T, what string, cond func() bool) {
	t.Helper()
	if !eventually(cond) {
		t.Fatalf("waited in vain for %s", what)
	}
}

// A scribe is a Subscriber that writes down what it is told.
type scribe struct {
	mu    sync.Mutex
	lines []string
}

func (s *scribe) write(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, fmt.Sprintf(format, args...))
}

func (s *scribe) Subscribed(k Kind, name string, count int) {
	s.write("+%s %s %d", k, name, count)
}

func (s *scribe) Unsubscribed(k Kind, name string, count int) {
	s.write("-%s %s %d", k, name, count)
}

func (s *scribe) Deliver(d *Delivery) {
	line := d.Kind.String()
	if d.Kind == Pattern {
		line += " " + d.Pattern
	}
	s.write("%s %s: %s", line, d.Channel, joinPayloads(d))
}

func joinPayloads(d *Delivery) string {
	texts := make([]string, len(d.Payloads))
	for i, p := range d.Payloads {
		texts[i] = string(p)
	}
	return strings.Join(texts, " ")
}

// take returns the lines written since the last call.
func (s *scribe) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := s.lines
	s.lines = nil
	return lines
}

// want fails the test unless exactly these lines were written since the last
// call.
func (s *scribe) want(t *testing.T, want ...string) {
	t.Helper()
	if got := s.take(); !slices.Equal(got, want) {
		t.Errorf("the subscriber was told\n\t%q\nwant\n\t%q", got, want)
	}
}

// A transport is a Subscriber as a server has them: the first receiver encodes
// a delivery, the others reuse its bytes.
type transport struct {
	messages, bytes atomic.Int64
}

func (*transport) Subscribed(Kind, string, int)   {}
func (*transport) Unsubscribed(Kind, string, int) {}

func (s *transport) Deliver(d *Delivery) {
	f := &d.Frames[0]
	if len(f.Bytes) == 0 {
		f.Bytes = appendFrame(f.Bytes, d)
	}
	s.messages.Add(int64(len(d.Payloads)))
	s.bytes.Add(int64(len(f.Bytes)))
}

// appendFrame encodes a delivery, so that different ones differ.
func appendFrame(dst []byte, d *Delivery) []byte {
	dst = append(dst, byte(d.Kind))
	dst = appendText(dst, d.Pattern)
	dst = appendText(dst, d.Channel)
	for _, p := range d.Payloads {
		dst = appendText(dst, p)
	}
	return dst
}

func appendText[T string | []byte](dst []byte, text T) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(text)))
	return append(dst, text...)
}

// A scratchName is memory in which names are handed to the broker and which is
// overwritten when the call has returned, as a read buffer is.
type scratchName []byte

func (s *scratchName) view(name string) string {
	*s = append((*s)[:0], name...)
	return unsafe.String(unsafe.SliceData(*s), len(name))
}

func (s *scratchName) spoil() {
	for i := range *s {
		(*s)[i] = '~'
	}
}

// checked fails the test if the broker's tables disagree.
func checked(t *testing.T, b *Broker) {
	t.Helper()
	if err := b.Check(); err != nil {
		t.Errorf("Check: %v", err)
	}
}

// payloads makes one payload of each text.
func payloads(texts ...string) [][]byte {
	list := make([][]byte, len(texts))
	for i, text := range texts {
		list[i] = []byte(text)
	}
	return list
}

// holders hold on to frames, and count how often they are told of an end.
type holders struct{ released *int }

func (h holders) Release() {
	if h.released != nil {
		*h.released++
	}
}
