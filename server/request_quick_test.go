package server

import (
	"slices"
	"strings"
	"testing"

	"github.com/pubsubd/pubsubd/broker"
)

// A request that is written as nearly all are is read by quick, another is left to next
// as it is.
func TestQuickRequest(t *testing.T) {
	words := func(n int) string { return string(encode(slices.Repeat([]string{"w"}, n)...)) }
	long := func(n int) string { return string(encode("P", strings.Repeat("x", n))) }
	for _, test := range []struct {
		in       string
		quick    bool
		stranger bool // its client has not logged in
	}{
		{in: "*1\r\n$4\r\nPING\r\n", quick: true},
		{in: "*1\r\n$4\r\nPING\r\n", quick: true, stranger: true},
		{in: "*1\rx$4\ryPINGzz", quick: true},
		{in: "*2\r\n$0\r\n\r\n$3\r\n$1\r\r\n", quick: true},
		{in: words(quickWords), quick: true},
		{in: words(quickWords + 1)},
		{in: long(maxBuffer), quick: true},
		{in: long(maxBuffer + 1)},
		{in: long(unauthBulk), quick: true, stranger: true},
		{in: long(unauthBulk + 1), stranger: true},
		{in: "*0\r\n$4\r\nPING\r\n"},
		{in: "*01\r\n$4\r\nPING\r\n"},
		{in: "*1\n$4\nPING\n"},
		{in: "*:\r\n$4\r\nPING\r\n"},
		{in: "*1\r\n$04\r\nPING\r\n"},
		{in: "*1\r\n$4x\r\nPING\r\n"},
		{in: "*1\r\n:4\r\nPING\r\n"},
		{in: "*1\r\n$4\r\nPING\r"},
	} {
		r := &requestReader{limits: testLimits(), words: new(requestWords)}
		r.buf = getBuffer(len(test.in))
		r.received(copy(r.buf.b[:len(test.in)], test.in))
		before := *r
		got := r.quick(!test.stranger)
		if (got != nil) != test.quick {
			t.Errorf("%.40q: %.40q", test.in, got)
		}
		if got == nil {
			if *r != before {
				t.Errorf("%.40q: %+v before, %+v after", test.in, before, *r)
			}
			continue
		}
		want, _ := modelRequests(test.in, !test.stranger, testLimits())
		if len(want) != 1 || !slices.EqualFunc(got, want[0], func(a []byte, w string) bool { return string(a) == w }) || r.start != r.end {
			t.Errorf("%.40q: %.40q, want %.40q and nothing behind it", test.in, got, want)
		}
	}
	for name, limits := range map[string]requestLimits{
		"elements than there may be": {args: 2, bulk: maxBuffer},
		"bytes than one may have":    {args: 3, bulk: len("wor")},
	} {
		r := &requestReader{limits: &limits, words: new(requestWords)}
		r.received(copy(r.space(), encode("w", "w", "word")))
		if got := r.quick(true); got != nil {
			t.Errorf("more %s: %q", name, got)
		}
	}
}

// Requests of a pipeline that differ in their last two elements only are found to be
// alike, others are not, and none is read twice or left out.
func TestAnotherRequest(t *testing.T) {
	const first = "*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$1\r\n1\r\n"
	for _, test := range []struct {
		in    string // after the first
		most  int
		want  []string // requests after the first
		found int      // of them, without reading them as a whole
		wrong bool     // a protocol error ends it
	}{
		{"*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$1\r\n2\r\n", 9, []string{"PUBLISH c 2"}, 1, false},
		{"*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$0\r\n\r\n", 9, []string{"PUBLISH c "}, 1, false},
		{"*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$12\r\n123456789012\r\n", 12, []string{"PUBLISH c 123456789012"}, 1, false},
		{"*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$12\r\n123456789012\r\n", 11, []string{"PUBLISH c 123456789012"}, 0, false},
		{"*3\r\n$7\r\nPUBLISH\r\n$1\r\nd\r\n$1\r\n2\r\n", 9, []string{"PUBLISH d 2"}, 1, false},
		{"*3\r\n$7\r\nPUBLISH\r\n$1\r\nd\r\n$1\r\n2\r\n*3\r\n$7\r\nPUBLISH\r\n$1\r\nd\r\n$2\r\n22\r\n", 9, []string{"PUBLISH d 2", "PUBLISH d 22"}, 2, false},
		{"*3\r\n$7\r\nPUBLISH\r\n$1\r\ndxx$1\r\n2\r\n", 9, []string{"PUBLISH d 2"}, 1, false},
		{"*3\r\n$7\r\nPUBLISH\r\n$1\r\nd\r\n:1\r\n2\r\n", 9, nil, 0, true},
		{"*3\r\n$7\r\nPUBLISH\r\n$1\r\nd\r\n", 9, nil, 0, false},
		{"*3\r\n$7\r\nPUBLISH\r\n$01\r\nd\r\n$1\r\n2\r\n", 9, nil, 0, true},
		{"*3\r\n$7\r\npublish\r\n$1\r\nd\r\n$1\r\n2\r\n", 9, []string{"publish d 2"}, 0, false},
		{"*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nQUIT\r\n", 9, []string{"PING", "QUIT"}, 1, false},
		{"*3\r\n$7\r\nPUBLISH\r\n$2\r\ncc\r\n$1\r\n2\r\n", 9, []string{"PUBLISH cc 2"}, 1, false},
		{"*2\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n" + first, 9, []string{"PUBLISH c", "PUBLISH c 1"}, 0, false},
		{"*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$1\r\n", 9, nil, 0, false},
		{"*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$1\r\n2", 9, nil, 0, false},
		{"*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$1\r\n2\r", 9, nil, 0, false},
		{"*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$1", 9, nil, 0, false},
		{"PUBLISH c 2\r\n" + first + first, 9, []string{"PUBLISH c 2", "PUBLISH c 1", "PUBLISH c 1"}, 1, false},
	} {
		f := newFeeder(testLimits(), true)
		f.alike = func() int { return test.most }
		if err := f.feed([]byte(first + test.in)); err != nil != test.wrong {
			t.Errorf("%q: %v", test.in, err)
		}
		var got []string
		for _, words := range f.requests[1:] {
			got = append(got, strings.Join(words, " "))
		}
		if !slices.Equal(got, test.want) || f.found != test.found {
			t.Errorf("%q: %q, %d without reading them as a whole, want %q and %d", test.in, got, f.found, test.want, test.found)
		}
	}
}

// Nothing is left out or read twice wherever the bytes of requests that are alike are
// cut, behind a large one too.
func TestAnotherRequestInPieces(t *testing.T) {
	for name, requests := range map[string][][]string{
		"equal":       {{"PUBLISH", "c", "m"}, {"PUBLISH", "c", "m"}, {"PUBLISH", "c", "m"}, {"PUBLISH", "c", "m"}, {"PUBLISH", "c", "m"}},
		"digits":      {{"PUBLISH", "c", "1111"}, {"PUBLISH", "c", "12"}, {"PUBLISH", "c", "1\r\n1"}, {"PUBLISH", "c", "$1"}, {"PUBLISH", "c", ""}},
		"alternating": {{"PUBLISH", "c", "m"}, {"PUBLISH", "d", "m"}, {"PUBLISH", "c", "m"}, {"PUBLISH", "d", "m"}, {"PUBLISH", "c", "m"}},
		"inline last": {{"P", "00"}, {"P", "00"}, {"P", "00"}, {"$0"}, {"00"}},
		"large first": {{"PUBLISH", "c", strings.Repeat("x", 100<<10)}, {"PUBLISH", "c", "m"}, {"PUBLISH", "c", "m"}, {"PUBLISH", "c", "m"}, {"PUBLISH", "c", "m"}},
	} {
		var in []byte
		for _, words := range requests {
			if len(words) == 1 {
				in = append(in, words[0]+"\r\n"...)
			} else {
				in = append(in, encode(words...)...)
			}
		}
		from := 0
		if len(in) > 1<<10 {
			from = len(in) - 100
		}
		for i := from; i < len(in); i++ {
			for j := i; j < len(in); j++ {
				f := newFeeder(testLimits(), true)
				calls := 0
				f.alike = func() int { // by turns only the second way to be alike is open
					if calls++; j%2 == 0 && calls%3 == 1 {
						return -1
					}
					return 1 << 10
				}
				if err := f.feedAll(in[:i], in[i:j], in[j:]); err != nil {
					t.Fatalf("%s, cut at %d and %d: %v", name, i, j, err)
				}
				if !slices.EqualFunc(f.requests, requests, slices.Equal[[]string]) {
					t.Fatalf("%s, cut at %d and %d: %.200q", name, i, j, f.requests)
				}
			}
		}
	}
}

// Messages that are many bytes together are several runs, so that what a receiver is
// given in one piece has a bound.
func TestRunsOfLargeMessages(t *testing.T) {
	s := newServer(t)
	to := newFakeTransport(-1)
	c := clientOf(t, s, to, "+publish", "&*")
	const size = maxRunBytes/2 - 10
	in := slices.Concat(slices.Repeat(encode("PUBLISH", "a", strings.Repeat("m", size)), 3),
		encode("PUBLISH", "a", strings.Repeat("m", maxRunBytes)), encode("PUBLISH", "a", strings.Repeat("m", maxRunBytes+1)), encode("PUBLISH", "a", "m"))
	c.in.buf = getBuffer(len(in))
	c.in.received(copy(c.in.space(), in))
	c.work()
	for i, want := range []struct{ num, bytes int }{{1, size}, {2, 2 * size}, {1, size}, {1, maxRunBytes}, {0, 0}, {1, 1}} {
		if c.clock = s.uptime(); !c.runsOn() && !c.runNext() {
			t.Fatal("a request has not come")
		}
		if r := &c.w.run; r.num != want.num || r.bytes != want.bytes || len(r.payloads) != want.num {
			t.Errorf("after request %d: %d messages of %d bytes in %d payloads, want %+v", i, r.num, r.bytes, len(r.payloads), want)
		}
	}
	c.batch()
	if got := strings.Join(to.frames(t), " "); got != "0 0 0 0 0 0" {
		t.Errorf("answered %q", got)
	}
}

// All messages of a pipeline are one run, and a permission that goes between two of
// them ends it.
func TestRunOfAPipeline(t *testing.T) {
	s := newServer(t)
	to := newFakeTransport(-1)
	c := clientOf(t, s, to, "+publish", "&a")
	c.in.received(copy(c.in.space(), slices.Repeat(encode("PUBLISH", "a", "m"), 5)))
	argv, err := c.in.next(true)
	if err != nil {
		t.Fatal(err)
	}
	c.dispatch(argv)
	for range 2 {
		if !c.runsOn() {
			t.Error("a message like the last is not collected")
		}
	}
	if c.w.run.num != 3 {
		t.Errorf("%d messages are collected, want 3", c.w.run.num)
	}
	if _, err := s.users.Set("v", false, "resetchannels"); err != nil {
		t.Fatal(err)
	}
	if c.runsOn() {
		t.Error("a message joins that is not allowed any more")
	}
	c.batch()
	const denied = "-NOPERM No permissions to access a channel"
	if got, want := strings.Join(to.frames(t), " "), "0 0 0 "+denied+" "+denied; got != want {
		t.Errorf("answered %q, want %q", got, want)
	}
	c.close(closedByPeer)
	c.detach()
}

// A collector keeps what is delivered to it.
type collector struct {
	bystander
	got []string
}

func (o *collector) Deliver(d *broker.Delivery) {
	for _, payload := range d.Payloads {
		o.got = append(o.got, d.Channel+"="+string(payload))
	}
}

// Messages to many channels are runs of their own, and each channel is judged.
func TestRunsToManyChannels(t *testing.T) {
	s := newServer(t)
	sub := &collector{}
	m := s.broker.Join(sub)
	for _, name := range []string{"a", "b1", "b2", "c"} {
		s.broker.Subscribe(m, broker.Channel, name)
	}
	to := newFakeTransport(-1)
	c := clientOf(t, s, to, "+publish", "&a", "&b*")
	var in []byte
	for _, words := range []string{"a 1", "a 2", "b1 3", "b2 4", "b2 5", "c 6", "b1 7", "a 8", "c 9"} {
		in = append(in, encode(append([]string{"PUBLISH"}, strings.Fields(words)...)...)...)
	}
	c.in.received(copy(c.in.space(), in))
	argv, err := c.in.next(true)
	if err != nil {
		t.Fatal(err)
	}
	c.dispatch(argv)
	for _, channel := range []string{"a", "b1"} {
		if !c.runsOn() || string(c.w.run.channel) != channel {
			t.Errorf("the run at hand is for %s, want %s", c.w.run.channel, channel)
		}
	}
	if !c.w.run.follows {
		t.Error("it does not follow the one before")
	}
	c.batch()
	const denied = "-NOPERM No permissions to access a channel"
	if got, want := strings.Join(to.frames(t), " "), "1 1 1 1 1 "+denied+" 1 1 "+denied; got != want {
		t.Errorf("answered %q, want %q", got, want)
	}
	if got, want := strings.Join(sub.got, " "), "a=1 a=2 b1=3 b2=4 b2=5 b1=7 a=8"; got != want {
		t.Errorf("delivered %q, want %q", got, want)
	}
	if n := s.stats[publishCommand.index].calls.Load(); n != 7 {
		t.Errorf("%d calls are counted, want 7", n)
	}
	if n := s.channelDenied.Load(); n != 2 {
		t.Errorf("%d refusals are counted, want 2", n)
	}
	c.close(closedByPeer)
	c.detach()
}

func TestAppendInts(t *testing.T) {
	for _, n := range []int{0, 7, 100, -1} {
		want := "before"
		for times := 1; times < 300; times++ {
			want += string(appendInts(nil, n, 1))
			if got := string(appendInts([]byte("before"), n, times)); got != want {
				t.Fatalf("%d times %d is %q", times, n, got)
			}
		}
	}
}
