package broker

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
)

// waiting returns the payloads that wait in a mailbox, and whether it is
// closed.
func waiting(m *Mailbox) (texts []string, closed bool) {
	for {
		select {
		case msg, ok := <-m.C():
			if !ok {
				return texts, true
			}
			texts = append(texts, string(msg.Payload))
		default:
			return texts, false
		}
	}
}

func wantWaiting(t *testing.T, m *Mailbox, closed bool, want ...string) {
	t.Helper()
	got, isClosed := waiting(m)
	if !slices.Equal(got, want) || isClosed != closed {
		t.Errorf("%q waiting, closed: %v, want %q, %v", got, isClosed, want, closed)
	}
}

func TestMailboxMessages(t *testing.T) {
	b := New(nil)
	m := b.Mailbox("a", "b")
	defer m.Close()
	m.PSubscribe("a*", "b*")
	m.SSubscribe("a", "b")
	b.Publish("a", []byte("1"))
	b.PublishShard("b", []byte("2"))
	for _, want := range []Message{
		{Kind: Channel, Channel: "a", Payload: []byte("1")},
		{Kind: Pattern, Channel: "a", Pattern: "a*", Payload: []byte("1")},
		{Kind: ShardChannel, Channel: "b", Payload: []byte("2")},
	} {
		if got := <-m.C(); fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
			t.Errorf("received %+v, want %+v", got, want)
		}
	}
	m.Unsubscribe("a", "unknown")
	m.PUnsubscribe("a*")
	m.SUnsubscribe("a")
	for name, want := range map[string]int{"a": 0, "b": 2} {
		if got := b.Publish(name, nil); got != want {
			t.Errorf("Publish on %q returned %d, want %d", name, got, want)
		}
	}
	if b.PublishShard("a", nil) != 0 || b.PublishShard("b", nil) != 1 {
		t.Error("shard channel b alone should have a subscriber")
	}
	m.Unsubscribe()
	m.PUnsubscribe()
	m.SUnsubscribe()
	if n := m.member.Total(); n != 0 {
		t.Errorf("%d subscriptions left, want none", n)
	}
	m.Unsubscribe()
	checked(t, b)
}

// A message is the receiver's own: the publisher's memory may change, and so
// may what other receivers got.
func TestMailboxCopies(t *testing.T) {
	b := New(nil)
	m, other := b.Mailbox("news"), b.Mailbox("news")
	m.PSubscribe("n*")
	var name scratchName
	payload := []byte("payload")
	b.Publish(name.view("news"), payload)
	name.spoil()
	m.Unsubscribe("news")
	other.Unsubscribe("news")
	b.Publish(name.view("nobody"), payload)
	name.spoil()
	copy(payload, "spoiled")
	first := <-m.C()
	copy(first.Payload, "changed")
	for _, got := range []Message{<-m.C(), <-m.C(), <-other.C()} {
		if string(got.Payload) != "payload" || got.Channel != "news" && got.Channel != "nobody" {
			t.Errorf("received %q on %q", got.Payload, got.Channel)
		}
	}
	m.Close()
	other.Close()
}

func TestMailboxCapacity(t *testing.T) {
	b := New(nil)
	for _, test := range []struct {
		options *MailboxOptions
		want    int
	}{
		{nil, 256}, {&MailboxOptions{}, 256}, {&MailboxOptions{Capacity: -1}, 256},
		{&MailboxOptions{Capacity: 1}, 1}, {&MailboxOptions{Capacity: 1000}, 1000},
	} {
		m := b.NewMailbox(test.options)
		m.Subscribe("a")
		for range test.want {
			b.Publish("a", nil)
		}
		if got := m.Dropped(); got != 0 {
			t.Errorf("%+v: %d dropped of %d", test.options, got, test.want)
		}
		b.Publish("a", nil)
		if got := m.Dropped(); got != 1 {
			t.Errorf("%+v: %d dropped of %d, want 1", test.options, got, test.want+1)
		}
		if texts, _ := waiting(m); len(texts) != test.want {
			t.Errorf("%+v: %d waiting, want %d", test.options, len(texts), test.want)
		}
		m.Close()
	}
}

func TestMailboxWhenFull(t *testing.T) {
	for _, test := range []struct {
		label    string
		whenFull WhenFull
		want     []string
		dropped  uint64
		closed   bool
	}{
		{"DropNewest", DropNewest, []string{"1", "2", "3"}, 4, false},
		{"DropOldest", DropOldest, []string{"5", "6", "7"}, 4, false},
		{"CloseBox", CloseBox, []string{"1", "2", "3"}, 4, true},
	} {
		t.Run(test.label, func(t *testing.T) {
			b := New(nil)
			m := b.NewMailbox(&MailboxOptions{Capacity: 3, WhenFull: test.whenFull})
			m.Subscribe("a")
			if got := b.Publish("a", payloads("1", "2")...); got != 1 {
				t.Errorf("Publish returned %d, want 1", got)
			}
			if got := m.Dropped(); got != 0 {
				t.Errorf("%d dropped with room left", got)
			}
			// The run that does not fit counts for all of its messages.
			if got := b.Publish("a", payloads("3", "4", "5", "6", "7")...); got != 1 {
				t.Errorf("Publish returned %d, want 1", got)
			}
			if got := m.Dropped(); got != test.dropped {
				t.Errorf("%d dropped, want %d", got, test.dropped)
			}
			wantWaiting(t, m, test.closed, test.want...)
			if test.closed {
				waitFor(t, "the closed mailbox to leave", func() bool { return b.NumSub("a") == 0 })
			} else {
				b.Publish("a", []byte("8")) // there is room again
				wantWaiting(t, m, false, "8")
			}
			m.Close()
			wantWaiting(t, m, true)
			checked(t, b)
		})
	}
}

func TestMailboxClose(t *testing.T) {
	b := New(nil)
	m := b.Mailbox("a")
	m.PSubscribe("a*")
	m.SSubscribe("a")
	b.Publish("a", []byte("1"))
	m.Close()
	if got := b.Publish("a", []byte("2")); got != 0 {
		t.Errorf("Publish to a closed mailbox returned %d", got)
	}
	// What waited can still be received.
	wantWaiting(t, m, true, "1", "1")
	m.Close()
	m.Close()

	// A closed mailbox takes no subscriptions.
	m.Subscribe("a", "b")
	m.PSubscribe("a*")
	m.SSubscribe("a")
	if st := b.Stats(); st.Subscriptions != 0 {
		t.Errorf("%d subscriptions after Close", st.Subscriptions)
	}
	m.Unsubscribe()
	m.Unsubscribe("a")
	if got := b.Publish("a", nil); got != 0 {
		t.Errorf("Publish to a closed mailbox returned %d", got)
	}
	if got := m.Dropped(); got != 0 {
		t.Errorf("%d dropped, want none", got)
	}
	checked(t, b)
}

// A mailbox closed for being full takes no subscriptions either.
func TestMailboxSubscribeAfterCloseBox(t *testing.T) {
	b := New(nil)
	m := b.NewMailbox(&MailboxOptions{Capacity: 1, WhenFull: CloseBox})
	m.Subscribe("a")
	b.Publish("a", payloads("1", "2")...)
	m.Subscribe("b")
	if got := b.NumSub("b"); got != 0 {
		t.Errorf("%d subscribers after the mailbox was closed", got)
	}
	waitFor(t, "the closed mailbox to leave", func() bool { return b.Stats().Subscriptions == 0 })
	checked(t, b)
}

// Close and Deliver at once: nothing is sent on a closed channel, nobody waits
// for ever, and what is received comes in order without a gap.
func TestMailboxCloseWhileDelivering(t *testing.T) {
	for _, whenFull := range []WhenFull{DropNewest, DropOldest, CloseBox} {
		for round := range 50 {
			b := New(nil)
			m := b.NewMailbox(&MailboxOptions{Capacity: 4, WhenFull: whenFull})
			m.Subscribe("a")
			m.PSubscribe("a*")
			var wg sync.WaitGroup
			var received []int
			wg.Go(func() {
				for i := range 200 {
					b.Publish("a", []byte(strconv.Itoa(i)))
				}
			})
			wg.Go(func() {
				for msg := range m.C() {
					i, err := strconv.Atoi(string(msg.Payload))
					if err != nil {
						t.Errorf("received %q", msg.Payload)
					}
					received = append(received, i)
					if len(received) == round {
						wg.Go(m.Close)
					}
				}
			})
			if round == 0 || whenFull != CloseBox {
				wg.Go(m.Close)
			}
			wg.Wait()
			if !slices.IsSorted(received) {
				t.Errorf("received out of order: %v", received)
			}
			m.Close()
			waitFor(t, "the mailbox to leave", func() bool { return b.Stats().Subscriptions == 0 })
			checked(t, b)
		}
	}
}

// Whichever of Subscribe and Close is first, no subscription is left.
func TestMailboxSubscribeWhileClosing(t *testing.T) {
	for range 2000 {
		b := New(nil)
		m := b.Mailbox("a")
		var wg sync.WaitGroup
		wg.Go(m.Close)
		wg.Go(func() { m.Subscribe("b", "c", "d") })
		wg.Wait()
		if n := b.Stats().Subscriptions; n != 0 {
			t.Fatalf("a closed mailbox has %d subscriptions", n)
		}
		checked(t, b)
	}
}

// When Close has returned, a Subscribe under way adds nothing.
func TestMailboxCloseEndsSubscribe(t *testing.T) {
	names := make([]string, 1000)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	for range 20 {
		b := New(nil)
		m := b.Mailbox("a")
		var wg sync.WaitGroup
		wg.Go(func() { m.Subscribe(names...) })
		waitFor(t, "Subscribe to begin", func() bool { return b.NumSub("0") > 0 })
		m.Close()
		for range 100 {
			if n := b.Stats().Subscriptions; n != 0 {
				t.Fatalf("a closed mailbox has %d subscriptions", n)
			}
		}
		wg.Wait()
	}
}

// With a receiver that keeps up nothing is lost; with a slow one, what is
// received and what is dropped is what was published.
func TestMailboxCountsEverything(t *testing.T) {
	const publishers, each = 4, 500
	for _, whenFull := range []WhenFull{DropNewest, DropOldest} {
		for _, capacity := range []int{1, 16, publishers * each} {
			b := New(nil)
			m := b.NewMailbox(&MailboxOptions{Capacity: capacity, WhenFull: whenFull})
			m.Subscribe("a")
			var publishing, receiving sync.WaitGroup
			for range publishers {
				publishing.Go(func() {
					for range each / 5 {
						b.Publish("a", payloads("1", "2", "3", "4", "5")...)
					}
				})
			}
			received := 0
			receiving.Go(func() {
				for range m.C() {
					received++
				}
			})
			publishing.Wait()
			m.Close()
			receiving.Wait()
			if got := received + int(m.Dropped()); got != publishers*each {
				t.Errorf("capacity %d: %d received, %d dropped, want %d together", capacity, received, m.Dropped(), publishers*each)
			}
			if capacity == publishers*each && m.Dropped() != 0 {
				t.Errorf("%d dropped with room for all", m.Dropped())
			}
		}
	}
}
