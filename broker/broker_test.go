package broker

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
)

func TestKindString(t *testing.T) {
	for k, want := range map[Kind]string{
		Channel: "channel", Pattern: "pattern", ShardChannel: "shard channel", kinds: "unknown kind",
	} {
		if got := k.String(); got != want {
			t.Errorf("Kind(%d) is %q, want %q", k, got, want)
		}
	}
}

func TestOptionsShards(t *testing.T) {
	if got := len(New(nil).shards); got != 64 {
		t.Errorf("no options make %d shards, want 64", got)
	}
	for _, test := range []struct{ given, want int }{
		{-1, 64}, {0, 64}, {1, 1}, {2, 2}, {3, 4}, {4, 4}, {5, 8}, {64, 64}, {65, 128}, {1000, 1024},
	} {
		b := New(&Options{Shards: test.given})
		if got := len(b.shards); got != test.want {
			t.Errorf("Shards %d makes %d shards, want %d", test.given, got, test.want)
		}
		box := b.Mailbox("a", "b", "c")
		for _, name := range []string{"a", "b", "c"} {
			if got := b.Publish(name, nil); got != 1 {
				t.Errorf("with %d shards %q reaches %d", test.given, name, got)
			}
		}
		checked(t, b)
		box.Close()
	}
}

// Confirmations of channels and patterns count both, those of shard channels
// count shard channels.
func TestConfirmations(t *testing.T) {
	b := New(nil)
	var s scribe
	m := b.Join(&s)
	for _, step := range []struct {
		call   func(m *Member, k Kind, name string) bool
		kind   Kind
		name   string
		want   bool
		told   []string
		counts [kinds]int
	}{
		{b.Unsubscribe, Channel, "a", false, nil, [kinds]int{0, 0, 0}},
		{b.Subscribe, Channel, "a", true, []string{"+channel a 1"}, [kinds]int{1, 0, 0}},
		{b.Subscribe, Channel, "a", false, nil, [kinds]int{1, 0, 0}},
		{b.Subscribe, Pattern, "a", true, []string{"+pattern a 2"}, [kinds]int{1, 1, 0}},
		{b.Subscribe, Pattern, "a", false, nil, [kinds]int{1, 1, 0}},
		{b.Subscribe, ShardChannel, "a", true, []string{"+shard channel a 1"}, [kinds]int{1, 1, 1}},
		{b.Subscribe, ShardChannel, "b", true, []string{"+shard channel b 2"}, [kinds]int{1, 1, 2}},
		{b.Subscribe, Channel, "b", true, []string{"+channel b 3"}, [kinds]int{2, 1, 2}},
		{b.Unsubscribe, Pattern, "b", false, nil, [kinds]int{2, 1, 2}},
		{b.Unsubscribe, Channel, "c", false, nil, [kinds]int{2, 1, 2}},
		{b.Unsubscribe, Channel, "a", true, []string{"-channel a 2"}, [kinds]int{1, 1, 2}},
		{b.Unsubscribe, Channel, "a", false, nil, [kinds]int{1, 1, 2}},
		{b.Unsubscribe, ShardChannel, "a", true, []string{"-shard channel a 1"}, [kinds]int{1, 1, 1}},
		{b.Unsubscribe, Pattern, "a", true, []string{"-pattern a 1"}, [kinds]int{1, 0, 1}},
		{b.Unsubscribe, Channel, "b", true, []string{"-channel b 0"}, [kinds]int{0, 0, 1}},
		{b.Unsubscribe, ShardChannel, "b", true, []string{"-shard channel b 0"}, [kinds]int{0, 0, 0}},
	} {
		what := fmt.Sprintf("%s %q", step.kind, step.name)
		if got := step.call(m, step.kind, step.name); got != step.want {
			t.Errorf("%s: returned %v, want %v", what, got, step.want)
		}
		s.want(t, step.told...)
		total := 0
		for k := range kinds {
			total += step.counts[k]
			if got := m.Count(k); got != step.counts[k] {
				t.Errorf("%s: %d subscriptions of kind %s, want %d", what, got, k, step.counts[k])
			}
		}
		if got := m.Total(); got != total {
			t.Errorf("%s: %d subscriptions, want %d", what, got, total)
		}
		checked(t, b)
	}
}

// Unsubscribing from what others have is unsubscribing from nothing.
func TestUnsubscribeWhatOthersHave(t *testing.T) {
	b := New(nil)
	var s scribe
	m, other := b.Join(&s), b.Join(&scribe{})
	b.Subscribe(m, Channel, "mine")
	s.take()
	for k := range kinds {
		b.Subscribe(other, k, "theirs")
		if b.Unsubscribe(m, k, "theirs") {
			t.Errorf("Unsubscribe from a %s of somebody else returned true", k)
		}
	}
	s.want(t)
	if other.Total() != 3 {
		t.Errorf("the other has %d subscriptions, want 3", other.Total())
	}
	checked(t, b)
}

func TestUnsubscribeAll(t *testing.T) {
	b := New(nil)
	var s scribe
	m := b.Join(&s)
	for _, name := range []string{"a", "b", "c"} {
		b.Subscribe(m, Channel, name)
		b.Subscribe(m, ShardChannel, name)
	}
	b.Subscribe(m, Pattern, "*")
	s.take()

	if got := b.UnsubscribeAll(m, Channel); got != 3 {
		t.Errorf("UnsubscribeAll returned %d, want 3", got)
	}
	// The names come in no order, the counts do.
	told := s.take()
	var names, counts []string
	for _, line := range told {
		var name, count string
		if _, err := fmt.Sscanf(line, "-channel %s %s", &name, &count); err != nil {
			t.Fatalf("told %q: %v", line, err)
		}
		names, counts = append(names, name), append(counts, count)
	}
	slices.Sort(names)
	if !slices.Equal(names, []string{"a", "b", "c"}) || !slices.Equal(counts, []string{"3", "2", "1"}) {
		t.Errorf("told %q, want a, b, c with 3, 2, 1 left", told)
	}
	if got := b.UnsubscribeAll(m, Channel); got != 0 {
		t.Errorf("UnsubscribeAll of nothing returned %d", got)
	}
	s.want(t)
	if got := b.UnsubscribeAll(m, Pattern); got != 1 {
		t.Errorf("UnsubscribeAll of patterns returned %d, want 1", got)
	}
	s.want(t, "-pattern * 0")
	if m.Count(ShardChannel) != 3 {
		t.Errorf("%d shard channels left, want 3", m.Count(ShardChannel))
	}
	checked(t, b)

	// All can be had again.
	b.Subscribe(m, Channel, "a")
	s.want(t, "+channel a 1")
	checked(t, b)
}

// Who has left gets no subscription any more, also of a Subscribe under way.
func TestLeave(t *testing.T) {
	b := New(nil)
	var s scribe
	m := b.Join(&s)
	names := make([]string, 1000)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	begun, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for k := range kinds {
			for i, name := range names {
				b.Subscribe(m, k, name)
				if i == 0 && k == 0 {
					close(begun)
				}
			}
		}
	}()
	<-begun
	b.Leave(m)
	if n := m.Total(); n != 0 {
		t.Errorf("%d subscriptions when Leave had returned", n)
	}
	<-done
	b.Leave(m)
	for k := range kinds {
		if b.Subscribe(m, k, "late") {
			t.Errorf("%s: Subscribe after Leave told of a new subscription", k)
		}
	}
	b.Exclusive(m, func(x *Exclusive) {
		if x.Subscribe(m, Channel, "late") {
			t.Error("within Exclusive, Subscribe after Leave told of a new subscription")
		}
	})
	if got := b.Stats(); got.Subscriptions != 0 || got.Subscribers != 0 || m.NameBytes() != 0 {
		t.Errorf("left are %+v", got)
	}
	checked(t, b)
}

func TestClear(t *testing.T) {
	b := New(nil)
	var s, o scribe
	m, other := b.Join(&s), b.Join(&o)
	for k := range kinds {
		for _, name := range []string{"a", "b"} {
			b.Subscribe(m, k, name)
			b.Subscribe(other, k, name)
		}
	}
	s.take()
	o.take()
	b.Clear(m)
	s.want(t)
	if m.Total() != 0 || other.Total() != 6 {
		t.Errorf("%d and %d subscriptions, want 0 and 6", m.Total(), other.Total())
	}
	checked(t, b)
	if got := b.Publish("a", []byte("hello")); got != 2 {
		t.Errorf("Publish returned %d, want 2 for the other", got)
	}
	s.want(t)
	o.want(t, "channel a: hello", "pattern a a: hello")
	b.Clear(m)
	b.Clear(other)
	if got := b.Stats(); got.Subscriptions != 0 {
		t.Errorf("%d subscriptions left", got.Subscriptions)
	}
	checked(t, b)
}

// Kinds do not see each other.
func TestKindsApart(t *testing.T) {
	b := New(nil)
	var subs [kinds]scribe
	for k := range kinds {
		b.Subscribe(b.Join(&subs[k]), k, "news")
		subs[k].take()
	}
	for _, test := range []struct {
		kind Kind
		want int
		told [kinds][]string
	}{
		{Channel, 2, [kinds][]string{{"channel news: m"}, {"pattern news news: m"}, nil}},
		{ShardChannel, 1, [kinds][]string{nil, nil, {"shard channel news: m"}}},
	} {
		if got := b.PublishFrom(nil, test.kind, "news", []byte("m")); got != test.want {
			t.Errorf("PublishFrom a %s returned %d, want %d", test.kind, got, test.want)
		}
		for k := range kinds {
			subs[k].want(t, test.told[k]...)
		}
	}
	if got := b.Publish("news", []byte("m")); got != 2 {
		t.Errorf("Publish returned %d, want 2", got)
	}
	if got := b.PublishShard("news", []byte("m")); got != 1 {
		t.Errorf("PublishShard returned %d, want 1", got)
	}
}

func TestNames(t *testing.T) {
	b := New(nil)
	m := b.Join(&scribe{})
	for _, name := range []string{"", "a", "ab", "b\x00\r\n", "\xff\xfe"} {
		b.Subscribe(m, Channel, name)
		b.Subscribe(m, ShardChannel, "shard-"+name)
	}
	b.Subscribe(m, Pattern, "a*")
	b.Subscribe(b.Join(&scribe{}), Pattern, "a*")
	b.Subscribe(m, Pattern, "*")

	for _, test := range []struct {
		label string
		got   []string
		want  []string
	}{
		{"all channels", slices.Collect(b.Names(Channel)), []string{"", "a", "ab", "b\x00\r\n", "\xff\xfe"}},
		{"all shard channels", slices.Collect(b.Names(ShardChannel)), []string{"shard-", "shard-a", "shard-ab", "shard-b\x00\r\n", "shard-\xff\xfe"}},
		{"all patterns", slices.Collect(b.Names(Pattern)), []string{"*", "a*"}},
		{"channels *", b.Channels("*"), []string{"a", "ab", "b\x00\r\n", "\xff\xfe"}},
		{"channels a?", b.Channels("a?"), []string{"ab"}},
		{"channels of the empty glob", b.Channels(""), []string{""}},
		{"channels by escape", b.Channels("b\\\x00*"), []string{"b\x00\r\n"}},
		{"shard channels a", b.ShardChannels("a"), nil},
		{"shard channels *a*", b.ShardChannels("shard-a*"), []string{"shard-a", "shard-ab"}},
	} {
		slices.Sort(test.got)
		if !slices.Equal(test.got, test.want) {
			t.Errorf("%s: %q, want %q", test.label, test.got, test.want)
		}
	}
	for k := range kinds {
		n := 0
		for range b.Names(k) {
			n++
			break
		}
		if n != 1 {
			t.Errorf("a loop over the names of kind %v that ends at the first took %d", k, n)
		}
		b.Subscribe(m, k, "after") // takes the locks that the loop has to let go
	}
	if got := b.NumPat(); got != 3 {
		t.Errorf("NumPat is %d, want 3", got)
	}
}

func TestNumSub(t *testing.T) {
	b := New(nil)
	var members []*Member
	for i := range 5 {
		m := b.Join(&scribe{})
		members = append(members, m)
		b.Subscribe(m, Channel, "a")
		b.Subscribe(m, Channel, "a")
		b.Subscribe(m, Pattern, "a*")
		if i < 2 {
			b.Subscribe(m, ShardChannel, "a")
		}
	}
	for _, test := range []struct {
		label     string
		got, want int
	}{
		{"NumSub", b.NumSub("a"), 5},
		{"NumSub of a pattern", b.NumSub("a*"), 0},
		{"NumSub of nothing", b.NumSub(""), 0},
		{"ShardNumSub", b.ShardNumSub("a"), 2},
		{"ShardNumSub of a channel", b.ShardNumSub("b"), 0},
		{"NumPat", b.NumPat(), 1},
	} {
		if test.got != test.want {
			t.Errorf("%s is %d, want %d", test.label, test.got, test.want)
		}
	}
	for i, m := range members {
		b.Clear(m)
		if got, want := b.NumSub("a"), 4-i; got != want {
			t.Errorf("NumSub is %d after %d left, want %d", got, i+1, want)
		}
	}
	if b.ShardNumSub("a") != 0 || b.NumPat() != 0 {
		t.Errorf("%d in the shard channel, %d patterns, want none", b.ShardNumSub("a"), b.NumPat())
	}
}

// Names are bytes. The empty channel matches the empty pattern only.
func TestNamesAreBytes(t *testing.T) {
	for _, test := range []struct {
		name string
		star int // whether "*" matches it
	}{
		{"", 0}, {"*", 1}, {"\x00", 1}, {"a\x00b", 1}, {"\r\n", 1}, {"\xff\xfe\x80", 1}, {"é", 1}, {"a b", 1},
	} {
		b := New(nil)
		var s scribe
		m := b.Join(&s)
		for k := range kinds {
			b.Subscribe(m, k, test.name)
		}
		s.want(t, "+channel "+test.name+" 1", "+pattern "+test.name+" 2", "+shard channel "+test.name+" 1")
		b.Unsubscribe(m, Pattern, test.name)
		b.Subscribe(m, Pattern, "*")
		s.take()
		if got := b.Publish(test.name, []byte("m")); got != 1+test.star {
			t.Errorf("Publish on %q returned %d, want %d", test.name, got, 1+test.star)
		}
		if got := b.Publish(test.name+"\x00", []byte("m")); got != 1 {
			t.Errorf("Publish on %q returned %d, want 1 for the pattern", test.name+"\x00", got)
		}
		s.take()
		for _, k := range []Kind{Channel, ShardChannel} {
			if !b.Unsubscribe(m, k, test.name) {
				t.Errorf("no %s %q to unsubscribe from", k, test.name)
			}
		}
		checked(t, b)
	}
	b := New(nil)
	var s scribe
	b.Subscribe(b.Join(&s), Pattern, "")
	s.take()
	if got := b.Publish("", []byte("m")); got != 1 {
		t.Errorf("the empty channel reaches %d by the empty pattern, want 1", got)
	}
	s.want(t, "pattern  : m")
}

// A name may be a view of memory that changes after each call.
func TestNamesAreCopied(t *testing.T) {
	b := New(nil)
	var s scribe
	m := b.Join(&s)
	var name scratchName
	for k := range kinds {
		b.Subscribe(m, k, name.view("news"))
		name.spoil()
	}
	b.Subscribe(b.Join(&scribe{}), Channel, name.view("news"))
	name.spoil()
	s.want(t, "+channel news 1", "+pattern news 2", "+shard channel news 1")
	for k := range kinds {
		if got := slices.Collect(b.Names(k)); !slices.Equal(got, []string{"news"}) {
			t.Errorf("the %s is %q, want news", k, got)
		}
	}
	if got := b.Publish(name.view("news"), []byte("m")); got != 3 {
		t.Errorf("Publish returned %d, want 3", got)
	}
	name.spoil()
	s.want(t, "channel news: m", "pattern news news: m")
	checked(t, b)
	for k := range kinds {
		if !b.Unsubscribe(m, k, name.view("news")) {
			t.Errorf("no %s to unsubscribe from", k)
		}
		name.spoil()
	}
	s.want(t, "-channel news 1", "-pattern news 0", "-shard channel news 0")
	checked(t, b)
}

func TestStats(t *testing.T) {
	b := New(nil)
	if got := b.Stats(); got != (Stats{}) {
		t.Errorf("a new broker has %+v", got)
	}
	m, other := b.Join(&scribe{}), b.Join(&scribe{})
	b.Subscribe(m, Channel, "a")
	b.Subscribe(other, Channel, "a")
	b.Subscribe(m, Channel, "b")
	b.Subscribe(m, Pattern, "a*")
	b.Subscribe(other, Pattern, "a*")
	b.Subscribe(m, Pattern, "z*")
	b.Subscribe(m, ShardChannel, "a")
	b.Publish("a", payloads("1", "2", "3")...) // 4 each
	b.Publish("b", payloads("1", "2")...)      // 1 each
	b.Publish("c", payloads("1", "2")...)
	b.PublishShard("a", payloads("1")...) // 1
	b.PublishShard("b", payloads("1")...)
	b.Publish("a")
	want := Stats{Channels: 2, Patterns: 2, ShardChannels: 1, Subscriptions: 7, Subscribers: 2, Published: 9, Delivered: 15}
	if got := b.Stats(); got != want {
		t.Errorf("Stats is %+v, want %+v", got, want)
	}
	b.Exclusive(nil, func(x *Exclusive) {
		if got := x.Stats(); got != want {
			t.Errorf("Stats within Exclusive is %+v, want %+v", got, want)
		}
	})
	b.Clear(m)
	b.Clear(other)
	want = Stats{Published: 9, Delivered: 15}
	if got := b.Stats(); got != want {
		t.Errorf("Stats is %+v when all have left, want %+v", got, want)
	}
}
